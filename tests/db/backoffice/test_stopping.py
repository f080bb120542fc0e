"""Stopping everything that is sent to one channel, from where a person looks for it (S3.28, S3.29)."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from stallkeeper.channels.models import Channel, Connection
from stallkeeper.core.models import Role
from tests.busy_shop import BusyShop, member, text


def stop_forms(client: Client, page: str) -> list[str]:
    """The account's form as it stands on the page, if it stops."""
    return re.findall(r'<form[^>]*/writes/".*?</form>', client.get(page).content.decode(), re.DOTALL)


@pytest.mark.parametrize("page", ["list", "channel"])
def test_one_press_stops_the_account_and_stays_on_the_page(busy: BusyShop, client: Client, page: str) -> None:
    """The other account goes on."""
    here = reverse("backoffice:channels") if page == "list" else reverse("backoffice:channel", args=[busy.far.pk])
    address = reverse("backoffice:allow_writes", args=[busy.far.connection_id])
    form = next(each for each in stop_forms(client, here) if address in each)
    given = dict(re.findall(r'name="(back|allowed)" value="([^"]*)"', form))
    answer = client.post(address, given)
    assert (answer.status_code, answer["Location"]) == (302, here)
    with busy.shop.scope():
        assert not Connection.objects.get(pk=busy.far.connection_id).writes_allowed
        assert Connection.objects.get(pk=busy.near.connection_id).writes_allowed
    assert "Nothing is written to" in text(client.get(here))
    assert not any(address in each and 'value="0"' in each for each in stop_forms(client, here))


def test_a_channel_says_which_others_stop_with_it(busy: BusyShop, client: Client) -> None:
    """What is written to is the account."""
    here = reverse("backoffice:channel", args=[busy.near.pk])
    assert "It counts for" not in text(client.get(here))
    other = busy.shop.channel("emag", code="EMB")
    with busy.shop.scope():
        Channel.objects.filter(pk=other.pk).update(connection=busy.near.connection)
    assert f"It counts for {other.name} too." in text(client.get(here))


def test_who_may_not_send_sees_no_button(busy: BusyShop) -> None:
    assert stop_forms(member(busy.organisation, Role.WAREHOUSE), reverse("backoffice:channels")) == []

"""Settings: the page that leads to everything that is set up once."""

from __future__ import annotations

from django.test import Client

from stallkeeper.core.models import Role
from tests.busy_shop import BusyShop, member, text


def test_the_owner_finds_every_subject_from_the_side_bar(client: Client) -> None:
    page = client.get("/")
    assert b'href="/settings/"' in page.content
    shown = client.get("/settings/").content.decode()
    for address in ("/settings/company/", "/settings/keys/"):
        assert f'href="{address}"' in shown
        assert client.get(address).status_code == 200


def test_what_a_person_may_not_open_is_not_shown(busy: BusyShop) -> None:
    shown = text(member(busy.organisation, Role.READ_ONLY).get("/settings/"))
    assert "Company" not in shown
    assert "Keys of programs" not in shown

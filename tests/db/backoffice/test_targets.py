"""Settings, Notifications: targets are added, changed, tested and removed; their addresses are shown to nobody."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from django.test import Client

from stallkeeper.core import targets
from stallkeeper.core.models import NoticeMessage, NoticeTarget, Role
from stallkeeper.env import MailServer
from stallkeeper.sync import telling, wake
from stallkit.errors import Refused
from stallkit.telling.kinds import KINDS
from stallkit.words import said as _
from tests.busy_shop import BusyShop, member, text

LIST = "/settings/notifications/"
HOOK = "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7F"
FORM = {"name": "Ops", "least": "warning", "gather_minutes": "2", "again_minutes": "60", "language": "en", "active": "on"}


def added(busy: BusyShop, client: Client, way: str = "slack", **fields: str) -> NoticeTarget:
    answer = client.post(f"{LIST}add/{way}/", FORM | ({"address_url": HOOK} if way == "slack" else {}) | fields)
    assert answer.status_code in {200, 302}, text(answer)
    with busy.shop.scope():
        return NoticeTarget.objects.latest("pk")


def test_a_target_is_added_and_its_address_is_never_shown_again(busy: BusyShop, client: Client) -> None:
    assert "Nobody is told yet" in text(client.get(LIST))
    made = added(busy, client, kinds="silent", accounts=str(busy.near.connection_id), quiet_from="22:00", quiet_until="07:00")
    for address in (LIST, f"{LIST}{made.pk}/"):
        page = client.get(address).content.decode()
        assert "hooks.slack.com" in page
        assert "TIiajkdnlazkcOXrIdevi7F" not in page
    with busy.shop.scope():
        assert targets.address_of(made) == {"url": HOOK}
        assert (made.kinds, made.accounts, str(made.quiet_from)) == (["silent"], [busy.near.connection_id], "22:00:00")


def test_an_empty_address_keeps_the_stored_one_and_another_replaces_it(busy: BusyShop, client: Client) -> None:
    made = added(busy, client)
    client.post(f"{LIST}{made.pk}/", FORM | {"name": "Renamed"})
    with busy.shop.scope():
        made = NoticeTarget.objects.get()
        assert (made.name, targets.address_of(made)) == ("Renamed", {"url": HOOK})
    client.post(f"{LIST}{made.pk}/", FORM | {"address_url": HOOK.replace("T1JJ3T3L2", "T2JJ3T3L2")})
    with busy.shop.scope():
        assert "T2JJ3T3L2" in targets.address_of(NoticeTarget.objects.get())["url"]


NTFY = {"server": "https://ntfy.shop.example", "topic": "stall-7", "token": "tk_hidden77"}


@pytest.mark.parametrize(
    ("entered", "then"),
    [
        ({}, NTFY),
        ({"topic": "other"}, None),
        ({"server": "https://ntfy.other.example"}, None),
        ({"token": "tk_other"}, None),
        ({"server": "https://ntfy.sh", "topic": "other"}, {"server": "https://ntfy.sh", "topic": "other", "token": ""}),
    ],
)
def test_an_address_of_several_fields_stays_or_goes_as_a_whole(
    busy: BusyShop, client: Client, entered: dict[str, str], then: dict[str, str] | None
) -> None:
    """No stored token is told to another server, and no topic moves to the server that stands there for a new target."""
    made = added(busy, client, "ntfy", **{f"address_{name}": value for name, value in NTFY.items()})
    page = client.get(f"{LIST}{made.pk}/").content.decode()
    assert "https://ntfy" not in page
    assert "leave all fields of the address empty" in page
    answer = client.post(f"{LIST}{made.pk}/", FORM | {f"address_{name}": value for name, value in entered.items()})
    assert answer.status_code == (422 if then is None else 302)
    with busy.shop.scope():
        assert targets.address_of(NoticeTarget.objects.get()) == (then or NTFY)


def test_a_new_target_of_ntfy_begins_with_its_public_server(client: Client) -> None:
    assert 'value="https://ntfy.sh"' in client.get(f"{LIST}add/ntfy/").content.decode()


@pytest.mark.parametrize(
    "url", ["https://evil.example.com/services/T1/A1/x", "http://127.0.0.1/", "no address", f"{HOOK}?template=file:///x"]
)
def test_an_address_that_is_none_is_refused_with_words(busy: BusyShop, client: Client, url: str) -> None:
    answer = client.post(f"{LIST}add/slack/", FORM | {"address_url": url})
    assert answer.status_code == 422
    with busy.shop.scope():
        assert not NoticeTarget.objects.exists()


def test_every_way_has_its_form(busy: BusyShop, client: Client) -> None:
    for name, kind in KINDS.items():
        page = client.get(f"{LIST}add/{name}/")
        assert page.status_code == 200
        assert all(f'name="address_{setting.name}"' in page.content.decode() for setting in kind.settings)
    assert client.get(f"{LIST}add/pigeon/").status_code == 404


def test_a_program_gets_a_secret_that_is_shown_once(busy: BusyShop, client: Client) -> None:
    answer = client.post(f"{LIST}add/webhook/", FORM | {"address_url": "https://erp.example.com/hook"})
    secret = re.search(r"whsec_[A-Za-z0-9+/=]+", answer.content.decode())
    assert secret is not None
    with busy.shop.scope():
        made = NoticeTarget.objects.get()
        assert targets.address_of(made)["signing"] == secret[0]
    assert "whsec_" not in client.get(f"{LIST}{made.pk}/").content.decode()
    client.post(f"{LIST}{made.pk}/", FORM | {"address_url": "https://erp.example.com/other"})
    with busy.shop.scope():
        assert targets.address_of(NoticeTarget.objects.get()) == {"url": "https://erp.example.com/other", "signing": secret[0]}


def test_a_test_shows_what_became_of_it(
    busy: BusyShop, client: Client, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks
) -> None:
    made, jobs = added(busy, client), []
    monkeypatch.setattr(wake, "defer", lambda given: jobs.extend(given) or len(given))

    def refuse(*_given: object) -> None:
        raise Refused(_("it answered {status}", status=404))

    monkeypatch.setattr(telling.send, "send", refuse)
    with django_capture_on_commit_callbacks(execute=True):
        page = text(client.post(f"{LIST}{made.pk}/test/", follow=True))
    assert "A test is on its way" in page
    assert [job.task for job in jobs] == ["tell_organisation"]
    waits = client.get(f"{LIST}{made.pk}/", headers={"HX-Request": "true"}).content.decode()
    assert "waits" in waits
    assert "every 3s" in waits, "the page shows what becomes of it by itself"
    telling.tell_organisation(busy.organisation.pk)
    over = client.get(f"{LIST}{made.pk}/", headers={"HX-Request": "true"}).content.decode()
    assert "it answered 404" in over
    assert "every 3s" not in over
    page = text(client.get(f"{LIST}{made.pk}/"))
    assert "A test it answered 404 could not be told" in page
    assert "cannot be told" in text(client.get(LIST))
    assert "Ops could not be told" in text(client.get("/problems/"))


def test_who_enters_an_e_mail_address_hears_that_there_is_no_mail_server(client: Client, settings) -> None:
    assert "no mail server yet" in text(client.get(f"{LIST}add/email/"))
    assert "no mail server yet" not in text(client.get(f"{LIST}add/slack/"))
    server = MailServer("mail.example.com", 587, "starttls", "", "", "hub@example.com")
    settings.ENV = replace(settings.ENV, mail_server=server)
    assert "no mail server yet" not in text(client.get(f"{LIST}add/email/"))


def test_it_is_asked_once_more_before_a_target_goes(busy: BusyShop, client: Client) -> None:
    made = added(busy, client)
    assert "go for good" in text(client.post(f"{LIST}{made.pk}/remove/"))
    assert "told nothing any more" in text(client.post(f"{LIST}{made.pk}/remove/", {"sure": "1"}, follow=True))
    with busy.shop.scope():
        assert not NoticeTarget.objects.exists()
        assert not NoticeMessage.objects.exists()


def test_only_who_may_connect_accounts_sets_targets(busy: BusyShop, client: Client) -> None:
    made = added(busy, client)
    for role, status in ((Role.OPERATIONS, 200), (Role.WAREHOUSE, 403), (Role.READ_ONLY, 403)):
        assert member(busy.organisation, role).get(f"{LIST}{made.pk}/").status_code == status

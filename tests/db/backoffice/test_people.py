"""People: inviting, joining, roles, being let in, leaving; and who can never get in that way."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from stallkeeper.core import clock, housekeeping, invitations
from stallkeeper.core.models import AuditEntry, Invitation, Membership, Role, User
from stallkeeper.core.people import memberships_of
from stallkeeper.core.tenancy import organisation_scope
from stallkeeper.env import MailServer
from stallkeeper.sync import letters
from stallkit.errors import Refused
from stallkit.telling.types import Message
from stallkit.words import said
from tests.busy_shop import BusyShop, signed_in, text
from tests.shop import Shop, join

PASSWORD = {"new_password1": "correct horse battery", "new_password2": "correct horse battery"}


def member(busy: BusyShop, role: Role = Role.WAREHOUSE, email: str = "mia@example.com") -> tuple[User, int]:
    user = User.objects.filter(email=email).first() or User.objects.create_user(email, name="Mia")
    join(busy.organisation, user, role)
    with busy.shop.scope():
        return user, Membership.objects.get(user=user, organisation=busy.organisation).pk


def role_of(busy: BusyShop, user: User) -> str | None:
    with busy.shop.scope():
        return Membership.objects.filter(user=user, organisation=busy.organisation).values_list("role", flat=True).first()


def invite(client: Client, email: str = "mia@example.com", role: str = "warehouse") -> str:
    """The path of the link."""
    link = client.post("/settings/people/", {"email": email, "role": role}).context["link"]
    return "/" + link.split("/", 3)[3]


def test_an_invited_person_joins_with_an_account_of_his_own(busy: BusyShop, client: Client) -> None:
    path = invite(client)
    guest = Client()
    shown = text(guest.get(path))
    assert busy.organisation.name in shown
    assert "warehouse" in shown
    assert guest.post(path, {"name": "Mia", **PASSWORD}).status_code == 302
    assert role_of(busy, User.objects.get(email="mia@example.com")) == "warehouse"
    assert guest.get("/orders/").status_code == 200
    assert Client().get(path).status_code == 410
    assert "Mia" in text(client.get("/settings/people/"))


@pytest.fixture
def mailed(monkeypatch: pytest.MonkeyPatch, settings) -> list[tuple[str, Message]]:
    """The letters that went out, now that there is a mail server."""
    letters_out: list[tuple[str, Message]] = []

    def send(_way: str, address: dict[str, str], message: Message, _door: object, server: object) -> None:
        assert server is not None
        if address["to"].startswith("refused"):
            raise Refused(said("the mail server refuses the address"))
        letters_out.append((address["to"], message))

    monkeypatch.setattr(letters.send, "send", send)
    settings.ENV = replace(settings.ENV, mail_server=MailServer("mail.example.com", 587, "starttls", "", "", "hub@example.com"))
    return letters_out


def test_an_invitation_is_mailed_where_there_is_a_mail_server(busy: BusyShop, client: Client, mailed: list[tuple[str, Message]]) -> None:
    answer = client.post("/settings/people/", {"email": "mia@example.com", "role": "warehouse"})
    ((to, letter),) = mailed
    assert (to, letter.link) == ("mia@example.com", answer.context["link"])
    assert letter.title == "Sample Home Goods: an invitation to Stallkeeper"
    assert "Olga Owner invites you" in letter.text
    assert "The link was mailed to mia@example.com" in text(answer)
    assert Client().get("/" + letter.link.split("/", 3)[3]).status_code == 200


def test_an_invitation_that_cannot_be_mailed_is_shown_all_the_same(client: Client, mailed: list[tuple[str, Message]]) -> None:
    shown = text(client.post("/settings/people/", {"email": "refused@example.com", "role": "warehouse"}))
    assert "could not be mailed to refused@example.com: the mail server refuses the address" in shown
    assert "/join/" in shown
    assert client.post("/settings/people/", {"email": "no address", "role": "warehouse"}).status_code == 422
    assert mailed == []


def test_without_a_mail_server_nothing_is_said_of_mail(client: Client) -> None:
    assert "mailed" not in text(client.post("/settings/people/", {"email": "mia@example.com", "role": "warehouse"}))


def test_an_invitation_shows_its_link_once_and_keeps_only_a_hash(busy: BusyShop, client: Client) -> None:
    token = invite(client).split("/")[2]
    assert token not in client.get("/settings/people/").content.decode()
    with busy.shop.scope():
        assert token not in str(list(Invitation.objects.values()))
        assert "mia@example.com" not in str(list(AuditEntry.objects.values("detail", "subject_id")))


def test_who_has_an_account_signs_in_before_he_joins(busy: BusyShop, client: Client) -> None:
    """An owner here who invites somebody of another organisation does not get into that person's account with the link."""
    elsewhere = Shop.open()
    mia = User.objects.create_user("mia@example.com", "correct horse battery")
    join(elsewhere.organisation, mia, Role.OWNER)
    path = invite(client)
    guest = Client()
    assert "sign in, and you come back here" in text(guest.get(path))
    assert "/login/?next=" + path in guest.get(path).content.decode()
    guest.post(path, {"name": "Not Mia", **PASSWORD})
    assert role_of(busy, mia) is None
    assert guest.get("/orders/").status_code == 302
    mia.refresh_from_db()
    assert mia.check_password("correct horse battery")
    assert signed_in(mia).post(path).status_code == 302
    assert role_of(busy, mia) == "warehouse"


def test_an_invitation_is_for_its_address_alone(busy: BusyShop, client: Client) -> None:
    path = invite(client)
    other = User.objects.create_user("other@example.com")
    guest = signed_in(other)
    assert "You are signed in as other@example.com" in text(guest.post(path))
    assert role_of(busy, other) is None
    with busy.shop.use_case() as uc:
        assert not invitations.accept(uc, Invitation.objects.get(), other)


def test_an_invitation_ends_when_it_is_withdrawn_replaced_or_old(busy: BusyShop, client: Client) -> None:
    first = invite(client)
    second = invite(client, role="accountant")
    assert [Client().get(path).status_code for path in (first, second)] == [410, 200]
    with busy.shop.scope():
        pk = Invitation.objects.get(ended_at=None).pk
    for note in ("is withdrawn", "was used or withdrawn before"):
        assert note in text(client.post(f"/settings/people/invitations/{pk}/withdraw/", follow=True))
    assert Client().get(second).status_code == 410
    third = invite(client)
    with time_machine.travel(clock.now() + invitations.WORKS_FOR, tick=False):
        assert Client().get(third).status_code == 410
    report = housekeeping.daily(clock.now() + invitations.WORKS_FOR + timedelta(days=31))
    assert (report.invitations_deleted, report.failures) == (3, [])


def test_a_member_is_not_invited_again(busy: BusyShop, client: Client) -> None:
    member(busy)
    answer = client.post("/settings/people/", {"email": " MIA@example.com", "role": "owner"})
    assert answer.status_code == 422
    assert "mia@example.com is a member already" in text(answer)


def test_another_role_holds_from_the_next_click(busy: BusyShop, client: Client) -> None:
    user, pk = member(busy, Role.OPERATIONS)
    mia = signed_in(user)
    assert mia.get("/imports/").status_code == 200
    assert client.post(f"/settings/people/{pk}/", {"role": "read_only"}).status_code == 302
    assert mia.get("/imports/").status_code == 403
    with busy.shop.scope():
        assert AuditEntry.objects.get(action="change.role", subject_id=str(user.pk)).detail == {"role": "read_only"}


def test_who_is_switched_off_is_out_at_once_and_may_come_back(busy: BusyShop, client: Client) -> None:
    user, pk = member(busy)
    mia = signed_in(user)
    assert "The role is kept" in text(client.post(f"/settings/people/{pk}/turn/", {"on": "0"}))
    assert mia.get("/orders/").status_code == 200
    client.post(f"/settings/people/{pk}/turn/", {"on": "0", "sure": "1"})
    assert mia.get("/orders/").status_code == 403
    assert "switched off" in text(client.get("/settings/people/"))
    client.post(f"/settings/people/{pk}/turn/", {"on": "1"})
    assert mia.get("/orders/").status_code == 200


def test_who_is_removed_is_out_and_a_second_click_does_nothing(busy: BusyShop, client: Client) -> None:
    user, pk = member(busy)
    mia = signed_in(user)
    assert "needs a new invitation" in text(client.post(f"/settings/people/{pk}/remove/"))
    assert role_of(busy, user) == "warehouse"
    for _ in range(2):
        assert client.post(f"/settings/people/{pk}/remove/", {"sure": "1"})["Location"] == "/settings/people/"
    assert mia.get("/orders/").status_code == 403
    assert memberships_of(user) == []


@pytest.mark.parametrize(("act", "form"), [("", {"role": "warehouse"}), ("turn/", {"on": "0", "sure": "1"}), ("remove/", {"sure": "1"})])
def test_the_last_owner_who_may_work_stays(busy: BusyShop, client: Client, act: str, form: dict[str, str]) -> None:
    """One who is switched off is no owner who could let others in."""
    _second, off = member(busy, Role.OWNER)
    with busy.shop.scope():
        mine = Membership.objects.get(user=busy.owner).pk
    client.post(f"/settings/people/{off}/turn/", {"on": "0", "sure": "1"})
    answer = client.post(f"/settings/people/{mine}/{act}", form, follow=True)
    assert "only owner" in text(answer) or "cannot switch yourself off" in text(answer)
    assert role_of(busy, busy.owner) == "owner"
    client.post(f"/settings/people/{off}/turn/", {"on": "1"})
    if act != "turn/":
        client.post(f"/settings/people/{mine}/{act}", form)
        assert role_of(busy, busy.owner) != "owner"


def test_a_sign_in_link_is_made_for_members_of_this_organisation_only(busy: BusyShop, client: Client) -> None:
    user, pk = member(busy)
    link = client.post(f"/settings/people/{pk}/link/").context["link"]
    guest = Client()
    guest.post("/" + link.split("/", 3)[3])
    assert guest.get("/orders/").status_code == 200
    elsewhere = Shop.open()
    join(elsewhere.organisation, user, Role.READ_ONLY)
    answer = client.post(f"/settings/people/{pk}/link/")
    assert answer.status_code == 422
    assert "link" not in answer.context
    with organisation_scope(busy.organisation.pk):
        assert AuditEntry.objects.filter(action="make.sign_in_link").count() == 1


def test_the_table_of_roles_is_the_one_that_decides(client: Client) -> None:
    rows = client.get("/settings/people/").context["role_table"]
    assert len(rows) == 12
    assert [sum(allowed) for allowed in zip(*(row[1] for row in rows), strict=True)] == [12, 11, 5, 5, 2]

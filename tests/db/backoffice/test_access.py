"""Who gets in, and how. What each role and each organisation may open: ``tests/db/tenancy/test_matrix.py``."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from django.test import Client
from django.urls import reverse

from stallkeeper.core import clock, people
from stallkeeper.core.models import AuditEntry, Organisation, Role, User
from stallkeeper.orders.models import Order
from tests.busy_shop import BusyShop, member, signed_in, text
from tests.shop import Shop, join


def test_somebody_without_an_organisation_is_told_so(busy: BusyShop) -> None:
    client = signed_in(User.objects.create_user("nobody@example.com"))
    response = client.get("/")
    assert response.status_code == 403
    assert "do not belong to an organisation" in text(response)


def test_a_fragment_sends_a_stranger_to_the_sign_in_page() -> None:
    """The polling of a page whose session has ended must not put the sign-in form into the page."""
    response = Client().get(reverse("backoffice:overview_live"), headers={"HX-Request": "true"})
    assert (response.headers["HX-Refresh"], response.content) == ("true", b"")


def test_an_organisation_can_be_chosen_only_by_its_members(busy: BusyShop, client: Client) -> None:
    second, foreign = Shop.open(), Shop.open()
    join(second.organisation, busy.owner, Role.READ_ONLY)
    client.post(reverse("backoffice:choose_organisation"), {"organisation": second.organisation.pk})
    assert second.organisation.name in text(client.get("/orders/"))
    assert client.get(reverse("backoffice:imports")).status_code == 403
    client.post(reverse("backoffice:choose_organisation"), {"organisation": foreign.organisation.pk})
    assert foreign.organisation.name not in text(client.get("/orders/"))


def test_a_link_signs_in_once_and_only_by_posting(busy: BusyShop) -> None:
    """A mail scanner that follows the link does not spend it."""
    address = f"/sign-in/{people.sign_in_link(busy.owner)}/"
    client = Client()
    for _ in range(2):
        assert client.get(address).status_code == 200
    assert client.get("/").status_code == 302
    assert client.post(address).headers["Location"] == "/"
    assert client.get("/").status_code == 200
    second = Client().post(address)
    assert second.status_code == 410
    assert "no longer works" in text(second)


def test_an_old_link_is_refused(busy: BusyShop) -> None:
    token = people.sign_in_link(busy.owner, hours=1, at=clock.now() - timedelta(hours=2))
    assert Client().post(f"/sign-in/{token}/").status_code == 410


def test_signing_in_with_a_password_and_out_again(busy: BusyShop) -> None:
    busy.owner.set_password("correct horse battery")
    busy.owner.save()
    client = Client()
    assert client.get("/orders/").headers["Location"] == "/login/?next=/orders/"
    wrong = client.post("/login/?next=/orders/", {"username": "owner@example.com", "password": "wrong"})
    assert wrong.status_code == 200
    right = client.post("/login/?next=/orders/", {"username": "owner@example.com", "password": "correct horse battery", "next": "/orders/"})
    assert right.headers["Location"] == "/orders/"
    client.post("/logout/")
    assert client.get("/orders/").status_code == 302


def test_who_came_by_a_link_chooses_a_first_password_and_only_the_first(busy: BusyShop) -> None:
    """After that the old one is asked for, so a forgotten open window gives nobody the account."""
    user = User.objects.create_user("link@example.com")
    join(busy.organisation, user, Role.WAREHOUSE)
    client, address = signed_in(user), reverse("backoffice:first_password")
    assert "Choose a password" in text(client.get("/"))
    weak = client.post(address, {"new_password1": "12345", "new_password2": "12345"})
    assert weak.status_code == 422
    assert "at least 12 characters" in text(weak)
    given = {"new_password1": "a stall by the river", "new_password2": "a stall by the river"}
    assert "From now on you can sign in" in text(client.post(address, given, follow=True))
    user.refresh_from_db()
    assert user.check_password("a stall by the river")
    assert "Choose a password" not in text(client.get("/"))
    assert client.post(address, {"new_password1": "another stall there", "new_password2": "another stall there"}).status_code == 302
    user.refresh_from_db()
    assert user.check_password("a stall by the river")


def test_the_sign_in_page_says_how_to_get_in_without_a_password(busy: BusyShop) -> None:
    assert "stallkeeper users link you@example.com" in text(Client().get("/login/"))


def test_an_owner_chooses_the_time_zone_of_the_company(busy: BusyShop, client: Client) -> None:
    """Stored instants stay; screens show them in the new zone, and the change is in the audit."""
    with busy.shop.scope():
        order = Order.objects.order_by("pk").first()
    address = reverse("backoffice:company")
    assert "Europe/Bucharest" in text(client.get(address))
    wrong = client.post(address, {"name": "Sample", "time_zone": "Mars/Base"})
    assert wrong.status_code == 422
    assert "Mars/Base is not one of the available choices" in text(wrong)
    shown = text(client.post(address, {"name": "Sample", "time_zone": "Asia/Tokyo"}, follow=True))
    assert "Times are in Asia/Tokyo." in shown
    assert f"{order.ordered_at.astimezone(ZoneInfo('Asia/Tokyo')):%H:%M}" in text(client.get(reverse("backoffice:order", args=[order.pk])))
    with busy.shop.scope():
        assert Order.objects.get(pk=order.pk).ordered_at == order.ordered_at
        assert AuditEntry.objects.get(action="change.organisation").detail["time_zone"] == "Asia/Tokyo"


def test_forms_need_their_token(busy: BusyShop) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(busy.owner)
    assert client.post(reverse("backoffice:company_switch"), {"allowed": "0"}).status_code == 403
    assert Organisation.objects.get(pk=busy.organisation.pk).sending_enabled


def test_errors_say_what_to_do(busy: BusyShop, client: Client) -> None:
    """A wrong address, a missing right, an old form: each page says what it means."""
    assert "There is nothing at this address" in text(client.get("/orders/999999999/"))
    assert "Your role does not allow this" in text(member(busy.organisation, Role.READ_ONLY).get("/imports/"))
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(busy.owner)
    assert "This form is too old" in text(strict.post(reverse("backoffice:company_switch"), {"allowed": "0"}))


def test_who_was_signed_out_in_the_meantime_comes_back_to_the_page_of_the_form(busy: BusyShop, client: Client) -> None:
    """What a form is sent to often takes nothing else: led there after signing in, the browser showed an error of its own."""
    with busy.shop.scope():
        order = Order.objects.order_by("pk")[0]
    page, note = reverse("backoffice:order", args=[order.pk]), reverse("backoffice:write_note", args=[order.pk])
    client.logout()
    sent = client.post(note, {"text": "the gate is open till six"}, headers={"Referer": f"http://testserver{page}?of=late"})
    assert sent.headers["Location"] == f"/login/?next={page}%3Fof%3Dlate"
    assert "What you sent was not saved" in text(client.get(sent.headers["Location"]))
    assert client.post(note, {"back": "/problems/"}).headers["Location"] == "/login/?next=/problems/"
    for wrong in ("http://elsewhere.example/orders/1/", "http://testserver//elsewhere.example/", "http://[", ""):
        assert client.post(note, headers={"Referer": wrong}).headers["Location"] == "/login/?next=/", wrong
    quiet = client.post(note, headers={"HX-Request": "true"})
    assert quiet.headers["HX-Refresh"] == "true"


def test_an_address_that_only_takes_forms_says_so(busy: BusyShop, client: Client) -> None:
    """A reload or a kept address leads there; an empty answer is an error page of the browser."""
    wrong = client.get(reverse("backoffice:company_switch"), headers={"Accept": "text/html,*/*;q=0.8"})
    assert (wrong.status_code, wrong.headers["Allow"]) == (405, "POST")
    assert "It only takes what a form sends" in text(wrong)
    assert client.get(reverse("backoffice:company_switch"), headers={"Accept": "application/json"}).content == b""
    assert "Nothing was changed" in text(client.get("/orders/?q=%00"))


def test_a_wrong_password_is_not_told_in_words_of_the_admin_site(busy: BusyShop) -> None:
    wrong = Client().post("/login/", {"username": "owner@example.com", "password": "wrong"})
    assert "Please enter a correct" in text(wrong)
    assert "staff" not in text(wrong)

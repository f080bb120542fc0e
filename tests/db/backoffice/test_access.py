"""Who gets in, and what each role and each organisation may open."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.urls import URLPattern, reverse

from stallkeeper.backoffice import urls as backoffice_urls
from stallkeeper.catalog.models import ImportRun
from stallkeeper.channels import plans, send_tasks
from stallkeeper.channels.models import Offer, Parked, RemoteListing
from stallkeeper.channels.proposals import Proposal
from stallkeeper.core import api_keys, clock, invitations, people
from stallkeeper.core.models import ApiKey, AuditEntry, Invitation, Membership, Notification, Organisation, Role, User
from stallkeeper.orders.models import Order, OrderLine, OrderView
from stallkeeper.stock.models import SourceRun, StockSource
from tests.busy_shop import BusyShop, refuse_to_probe, signed_in, text
from tests.shop import Shop, join


def api_key(busy: BusyShop) -> int:
    with busy.shop.use_case() as uc:
        api_keys.make(uc, f"a{ApiKey.objects.count()}", ["send"])
        return ApiKey.objects.latest("pk").pk


def invited(busy: BusyShop) -> int:
    with busy.shop.use_case() as uc:
        invitations.invite(uc, f"a{Invitation.objects.count()}@example.com", Role.READ_ONLY)
        return Invitation.objects.latest("pk").pk


def member(busy: BusyShop) -> int:
    with busy.shop.scope():
        return Membership.objects.get(organisation=busy.organisation, user=busy.owner).pk


def of_people(busy: BusyShop) -> dict[str, dict[str, object]]:
    about = {name: {"pk": member(busy)} for name in ("person", "turn_person", "remove_person", "person_link", "reset_second_factor")}
    return {
        **about,
        "withdraw_invitation": {"pk": invited(busy)},
        **{key: {"token": "made-up"} for key in ("join", "sign_in_by_link")},
        "put_away": {"pk": 1},
        "end_key": {"pk": api_key(busy)},
    }


ONES = (
    "stock_run export_file release_reserve wake_problem target test_target remove_target"
    " exchange exchange_password exchange_places exchange_good"
)
"""Addresses of rows that there may be none of."""


OF_CHANNEL = (
    "balancer_stop balancer_terms channel turn answer_cutover channel_rules own_rules remove_own_rules release look_again"
    " channel_status propose confirm_certain channel_general channel_further channel_adapter copy_channel preview_rules"
)
OF_ACCOUNT = "add_channel connection reconnect probe_now allow_writes run_now step_now"


def keys(busy: BusyShop) -> dict[str, dict[str, object]]:
    """Values for the parameters of each address, by its name."""
    with busy.shop.scope():
        order = Order.objects.order_by("pk").first()
        line = OrderLine.objects.filter(stock_unit=None).first()
        run = ImportRun.objects.create(
            organisation=busy.organisation, kind="stock", file_name="a.csv", actor="system", started_at=busy.now, state="done"
        )
        offer, listing = Offer.objects.first(), RemoteListing.objects.first()
        unit, notification = offer.stock_unit_id, Notification.objects.first().pk
        view = OrderView.objects.create(organisation=busy.organisation, user=busy.owner, name=f"a{run.pk}", query="", actor="system")
        parked = Parked.objects.first().pk
        plan = plans.save(busy.organisation.pk, Proposal(), busy.owner.actor)
        source = StockSource.objects.create(
            organisation=busy.organisation, location=busy.shop.place, name=f"a{run.pk}", kind="upload", created_at=busy.now
        )
        figures = SourceRun.objects.create(
            organisation=busy.organisation, source=source, reference="a", as_of=busy.now, actor="system", started_at=busy.now
        )
    with busy.shop.use_case() as uc:
        task = send_tasks.send_chosen(uc, [offer.pk])
    of_source = "source edit_source turn_source ask_source source_token source_columns look_at_source upload_source"
    channel, connection_id = {"pk": busy.near.pk}, {"pk": busy.near.connection_id}
    about_order = {name: {"pk": order.pk} for name in ("order", "buyer", "ship", "cancel", "not_left", "write_note", "acknowledge")}
    about_channel, about_account = dict.fromkeys(OF_CHANNEL.split(), channel), dict.fromkeys(OF_ACCOUNT.split(), connection_id)
    return {
        **about_order,
        **about_channel,
        **about_account,
        "link_line": {"pk": line.order_id, "line": line.pk},
        "case": {"pk": line.order_id, "line": line.pk},
        "drop_order_view": {"pk": view.pk},
        "retry": {"pk": order.pk, "command": 1},
        "offer": {"pk": offer.pk},
        **{name: {"pk": listing.pk} for name in ("choose", "listing", "listing_units")},
        "unit": {"pk": unit},
        "place": {"pk": busy.shop.place.pk},
        "adjust": {"pk": unit, "place": busy.shop.place.pk},
        **{name: {"pk": unit} for name in ("hold", "fence", "guard", "incoming")},
        **{name: {"pk": source.pk} for name in of_source.split()},
        **{name: {"pk": source.pk, "run": figures.pk} for name in ("source_run", "settle_run")},
        "add_source": {"kind": "url"},
        **{name: {"pk": run.pk} for name in ("import", "import_problems")},
        **{name: {"pk": 1} for name in ONES.split()},
        "import_template": {"kind": "stock"},
        "export": {"kind": "orders"},
        "add_target": {"way": "email"},
        "connect": {"platform": "emag"},
        "problem_list": {"kind": "drift"},
        "parked_body": {"pk": parked},
        "seen": {"pk": notification},
        **{name: {"pk": plan.pk} for name in ("apply_plan", "discard_plan")},
        "send_task": {"pk": task.pk},
        **of_people(busy),
    }


PATTERNS = [pattern for pattern in backoffice_urls.urlpatterns if isinstance(pattern, URLPattern)]


def addresses(busy: BusyShop) -> list[tuple[str, str]]:
    parameters = keys(busy)
    return [(p.name, reverse(f"backoffice:{p.name}", kwargs=parameters.get(p.name, {}))) for p in PATTERNS]


@pytest.mark.long(30)
def test_every_address_answers_every_role_without_a_fault(busy: BusyShop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A role sees a page or is refused; nothing ends in an error of ours. Nobody is let in without signing in."""
    monkeypatch.setattr("stallkeeper.backoffice.connections.probe", refuse_to_probe)
    answers: dict[str, dict[str, int]] = {}
    for role in Role.values:
        user = User.objects.create_user(f"role-{role}@example.com")
        join(busy.organisation, user, role)
        client = signed_in(user)
        for name, address in addresses(busy):
            answers.setdefault(name, {})[role] = client.get(address).status_code
            assert client.post(address, {}).status_code in {200, 302, 403, 404, 405, 410, 422}, (name, role)
    anonymous = {name: Client().get(address).status_code for name, address in addresses(busy)}
    # Lead to a step of the first run, to the first password, to where one is signed in already.
    elsewhere = {"start", "found", "change_password", "second_step", "login"}
    assert {status for name in elsewhere for status in answers[name].values()} == {302}
    shown = {name: by_role for name, by_role in answers.items() if set(by_role.values()) != {405} and name not in elsewhere}
    assert {name for name, status in anonymous.items() if status not in {302, 405}} == {"sign_in_by_link", "join", "login"}
    assert {status for by_role in shown.values() for status in by_role.values()} <= {200, 403, 404, 410}
    assert shown["imports"] == {"owner": 200, "operations": 200, "warehouse": 403, "accountant": 403, "read_only": 403}
    assert shown["connect"] == {"owner": 200, "operations": 200, "warehouse": 403, "accountant": 403, "read_only": 403}
    assert set(shown["order"].values()) == {200}


def test_organisations_are_walls(busy: BusyShop) -> None:
    """A member of another organisation finds none of this one's objects, by any method, and changes none."""
    other = Shop.open()
    stranger = User.objects.create_user("stranger@example.com")
    join(other.organisation, stranger, Role.OWNER)
    client = signed_in(stranger)
    parameters = keys(busy)
    with busy.shop.scope():
        before = list(Offer.objects.order_by("pk").values_list("pk", "intended_qty", "stock_excluded"))
    for pattern in PATTERNS:
        wanted = parameters.get(pattern.name, {})
        if "pk" in wanted:
            address = reverse(f"backoffice:{pattern.name}", kwargs=wanted)
            assert client.get(address).status_code in {404, 405}, pattern.name
            posted = client.post(address, {"allowed": "1", "sure": "1", "switch": "stock", "on": "0"}).status_code
            # Who is no member here is told what somebody who clicks twice is told.
            assert posted in ({302} if pattern.name == "remove_person" else {404, 405}), pattern.name
    for name in ("overview", "orders", "offers", "listings", "stock", "channels", "problem_board", "imports"):
        page_text = text(client.get(reverse(f"backoffice:{name}")))
        assert "eMAG Romania" not in page_text, name
        assert "7001" not in page_text, name
    client.post(reverse("backoffice:offer_action"), {"action": "stock_out", "offer": [pk for pk, *_ in before], "sure": "1"})
    with busy.shop.scope():
        assert list(Offer.objects.order_by("pk").values_list("pk", "intended_qty", "stock_excluded")) == before


def test_somebody_without_an_organisation_is_told_so() -> None:
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
    reader = User.objects.create_user("reader@example.com")
    join(busy.organisation, reader, Role.READ_ONLY)
    assert "Your role does not allow this" in text(signed_in(reader).get("/imports/"))
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(busy.owner)
    assert "This form is too old" in text(strict.post(reverse("backoffice:company_switch"), {"allowed": "0"}))

"""The back office: who may open what, and that screens say what the rows say (S1.19, S3.36-S3.41, S5.107-S5.115)."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, reverse

from stallkeeper.backoffice import urls as backoffice_urls
from stallkeeper.backoffice.paging import page
from stallkeeper.catalog.models import ImportRun
from stallkeeper.channels.models import Channel, Command, Connection, Offer, OfferTodo, RemoteListing
from stallkeeper.core import clock, people
from stallkeeper.core.models import AuditEntry, Membership, Notification, Organisation, Role, User
from stallkeeper.orders.models import Order, OrderLine
from stallkeeper.stock.models import Level, Movement
from tests.busy_shop import BusyShop, open_busy_shop
from tests.shop import Shop


@pytest.fixture(autouse=True)
def _own_folders(settings, tmp_path) -> None:
    """A keyring of its own (workers share the home, and each has its own database), and the folder that the static files may lie in."""
    settings.ENV = replace(settings.ENV, keyring=tmp_path / "keyring.json")
    settings.STATIC_ROOT = tmp_path


@pytest.fixture
def busy() -> BusyShop:
    return open_busy_shop(units=40, orders=24)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def client(busy: BusyShop) -> Client:
    return signed_in(busy.owner)


def text(response) -> str:
    """The page's words without tags, in one line."""
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode())))


# --- every address, every role, both organisations ----------------------------------------------------------------------------------------


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
    channel, connection_id = {"pk": busy.near.pk}, {"pk": busy.near.connection_id}
    about_order = {name: {"pk": order.pk} for name in ("order", "buyer", "ship", "cancel")}
    of_channel = "channel turn answer_cutover channel_rules release look_again channel_status propose confirm_certain"
    about_channel = dict.fromkeys(of_channel.split(), channel)
    about_account = dict.fromkeys(("connection", "reconnect", "probe_now", "allow_writes", "run_now"), connection_id)
    return {
        **about_order,
        **about_channel,
        **about_account,
        "link_line": {"pk": line.order_id, "line": line.pk},
        "offer": {"pk": offer.pk},
        "choose": {"pk": listing.pk},
        "unit": {"pk": unit},
        "adjust": {"pk": unit, "place": busy.shop.place.pk},
        "import": {"pk": run.pk},
        "import_problems": {"pk": run.pk},
        "import_template": {"kind": "stock"},
        "connect": {"platform": "emag"},
        "problem_list": {"kind": "drift"},
        "seen": {"pk": notification},
        "sign_in_by_link": {"token": "made-up"},
    }


PATTERNS = [pattern for pattern in backoffice_urls.urlpatterns if isinstance(pattern, URLPattern)]


def addresses(busy: BusyShop) -> list[tuple[str, str]]:
    parameters = keys(busy)
    return [(p.name, reverse(f"backoffice:{p.name}", kwargs=parameters.get(p.name, {}))) for p in PATTERNS]


def test_every_address_answers_every_role_without_a_fault(busy: BusyShop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A role sees a page or is refused; nothing ends in an error of ours. Nobody is let in without signing in."""
    monkeypatch.setattr("stallkeeper.backoffice.connections.probe", refuse_to_probe)
    answers: dict[str, dict[str, int]] = {}
    for role in Role.values:
        user = User.objects.create_user(f"role-{role}@example.com")
        Membership.objects.create(user=user, organisation=busy.organisation, role=role)
        client = signed_in(user)
        for name, address in addresses(busy):
            answers.setdefault(name, {})[role] = client.get(address).status_code
            assert client.post(address, {}).status_code in {200, 302, 403, 404, 405, 410, 422}, (name, role)
    anonymous = {name: Client().get(address).status_code for name, address in addresses(busy)}
    assert {name for name, status in anonymous.items() if status not in {302, 405}} == {"sign_in_by_link"}
    shown = {name: by_role for name, by_role in answers.items() if set(by_role.values()) != {405}}
    assert {status for by_role in shown.values() for status in by_role.values()} <= {200, 403, 404}
    assert shown["imports"] == {"owner": 200, "operations": 200, "warehouse": 403, "accountant": 403, "read_only": 403}
    assert shown["connect"] == {"owner": 200, "operations": 200, "warehouse": 403, "accountant": 403, "read_only": 403}
    assert set(shown["order"].values()) == {200}


def refuse_to_probe(*_args: object) -> None:
    from stallkit.errors import NeedsReconnect

    raise NeedsReconnect("401: the credentials are not accepted")


def test_organisations_are_walls(busy: BusyShop) -> None:
    """A member of another organisation finds none of this one's objects, by any method, and changes none."""
    other = Shop.open()
    stranger = User.objects.create_user("stranger@example.com")
    Membership.objects.create(user=stranger, organisation=other.organisation, role=Role.OWNER)
    client = signed_in(stranger)
    parameters = keys(busy)
    with busy.shop.scope():
        before = list(Offer.objects.order_by("pk").values_list("pk", "intended_qty", "stock_excluded"))
    for pattern in PATTERNS:
        wanted = parameters.get(pattern.name, {})
        if "pk" in wanted:
            address = reverse(f"backoffice:{pattern.name}", kwargs=wanted)
            assert client.get(address).status_code in {404, 405}, pattern.name
            assert client.post(address, {"allowed": "1", "sure": "1", "switch": "stock", "on": "0"}).status_code in {404, 405}, pattern.name
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
    Membership.objects.create(user=busy.owner, organisation=second.organisation, role=Role.READ_ONLY)
    client.post(reverse("backoffice:choose_organisation"), {"organisation": second.organisation.pk})
    assert second.organisation.name in text(client.get("/"))
    assert client.get(reverse("backoffice:imports")).status_code == 403
    client.post(reverse("backoffice:choose_organisation"), {"organisation": foreign.organisation.pk})
    assert foreign.organisation.name not in text(client.get("/"))


# --- signing in ---------------------------------------------------------------------------------------------------------------------------


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
    client = Client()
    assert client.get("/orders/").headers["Location"] == "/login/?next=/orders/"
    wrong = client.post("/login/?next=/orders/", {"username": "owner@example.com", "password": "wrong"})
    assert wrong.status_code == 200
    right = client.post("/login/?next=/orders/", {"username": "owner@example.com", "password": "correct horse battery", "next": "/orders/"})
    assert right.headers["Location"] == "/orders/"
    client.post("/logout/")
    assert client.get("/orders/").status_code == 302


def test_forms_need_their_token(busy: BusyShop) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(busy.owner)
    assert client.post(reverse("backoffice:company_switch"), {"allowed": "0"}).status_code == 403
    assert Organisation.objects.get(pk=busy.organisation.pk).sending_enabled


# --- lists --------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["offers", "orders", "listings", "stock"])
def test_a_list_costs_the_same_number_of_statements_whatever_its_length(client: Client, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    counts = []
    client.get("/")  # fills the cache of counts that are asked for rarely
    for size in (2, 20):
        monkeypatch.setattr(page, "__defaults__", ("", "", size))
        with CaptureQueriesContext(connection) as queries:
            response = client.get(reverse(f"backoffice:{name}"))
        assert response.content.decode().count("<tr") > size
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_pages_show_every_offer_once_forwards_and_backwards(busy: BusyShop) -> None:
    with busy.shop.scope():
        everything = list(Offer.objects.order_by("channel_id", "sku").values_list("pk", flat=True))
        forwards, cursor, trail = [], "", []
        while True:
            shown = page(Offer.objects.all(), ("channel_id", "sku"), after=cursor, size=7)
            forwards += [offer.pk for offer in shown.rows]
            trail.append(shown)
            if not (cursor := shown.after):
                break
        backwards, cursor = [offer.pk for offer in trail[-1].rows], trail[-1].before
        while cursor:
            shown = page(Offer.objects.all(), ("channel_id", "sku"), before=cursor, size=7)
            backwards = [offer.pk for offer in shown.rows] + backwards
            cursor = shown.before
    assert forwards == backwards == everything


def test_a_made_up_cursor_shows_the_first_page(client: Client) -> None:
    for cursor in ("x", "eyJhIjoxfQ:1:abc", "%00"):
        assert client.get(reverse("backoffice:offers"), {"after": cursor}).status_code == 200


def test_offers_are_found_by_sku_gtin_and_state(busy: BusyShop, client: Client) -> None:
    with busy.shop.scope():
        offer = Offer.objects.select_related("stock_unit").order_by("pk")[2]
        gtin = offer.stock_unit.identifiers.get().value
    for query in (offer.sku, gtin, offer.stock_unit.title.split(",")[1].strip()):
        assert offer.sku in text(client.get(reverse("backoffice:offers"), {"q": query})), query
    assert "No offer fits" in text(client.get(reverse("backoffice:offers"), {"q": "nothing like this"}))
    refused = text(client.get(reverse("backoffice:offers"), {"state": "refused"}))
    assert "Stock cannot be changed while the documentation is being validated." in refused
    assert "2 offers" in refused
    assert "4 offers" in text(client.get(reverse("backoffice:offers"), {"state": "unknown"}))


def test_unknown_is_not_zero(busy: BusyShop, client: Client) -> None:
    """C6: what was never read is shown as unknown, on the list and in the panel."""
    with busy.shop.scope():
        offer = Offer.objects.filter(believed_qty=None).first()
    response = client.get(reverse("backoffice:offer", args=[offer.pk]))
    assert 'title="unknown: not read yet">?<' in response.content.decode()


def test_orders_are_filtered(busy: BusyShop, client: Client) -> None:
    with busy.shop.scope():
        short = Order.objects.filter(lines__short__gt=0).distinct()
        numbers = set(short.values_list("number", flat=True))
        line = OrderLine.objects.filter(stock_unit__isnull=False).select_related("order").first()
    shown = text(client.get(reverse("backoffice:orders"), {"short": "1"}))
    assert set(re.findall(r"\b7001\d\d\b", shown)) == numbers != set()
    assert line.order.number in text(client.get(reverse("backoffice:orders"), {"q": line.sku}))
    assert "UNKNOWN-77" in text(client.get(reverse("backoffice:orders"), {"unmapped": "1"}))


# --- what screens say ---------------------------------------------------------------------------------------------------------------------


def test_the_overview_says_what_the_rows_say(busy: BusyShop, client: Client) -> None:
    """S1.20: lag is measured and shown; problems are counted by kind."""
    response = client.get("/")
    shown = text(response)
    assert "Orders per minute, last hour" in shown
    assert "TryLater: GET /v3/items answered 503" in shown
    assert "Values that a channel refused" in shown
    assert response.content.decode().count("<rect") >= 20
    with busy.shop.scope():
        waiting = OrderLine.objects.filter(stock_unit=None).count()
    assert re.search(rf"Order lines with an unknown SKU Link each to a stock unit\. {waiting} ", shown)
    assert client.get(reverse("backoffice:overview_live")).status_code == 200


def test_an_empty_shop_is_told_what_to_do_next() -> None:
    shop = Shop.open()
    user = User.objects.create_user("new@example.com")
    Membership.objects.create(user=user, organisation=shop.organisation, role=Role.OWNER)
    client = signed_in(user)
    shown = text(client.get("/"))
    for step in (
        "Import products and stock",
        "Connect an account",
        "Link listings",
        "Let a channel take orders",
        "No account is connected",
    ):
        assert step in shown
    for name, hint in (("offers", "No offers yet"), ("orders", "No orders yet"), ("stock", "No products yet"), ("listings", "No listings")):
        assert hint in text(client.get(reverse(f"backoffice:{name}")))


def test_the_panel_shows_the_working_of_the_number(busy: BusyShop, client: Client) -> None:
    """D1: each step that leads to the number, its places, promises and sends."""
    with busy.shop.scope():
        line = OrderLine.objects.filter(offer__isnull=False, short=0, order__state="new").select_related("offer", "order").last()
    response = client.get(reverse("backoffice:offer", args=[line.offer_id]), headers={"HX-Request": "true"})
    shown = text(response)
    assert "<html" not in response.content.decode()
    for words in ("On hand in the channel's places", "Less promised to orders", "Less buffer", line.order.number, "Main warehouse"):
        assert words in shown
    with busy.shop.scope():
        assert f"Intended {Offer.objects.get(pk=line.offer_id).intended_qty} the rules say" in shown


def test_times_are_shown_in_the_zone_of_the_organisation_with_utc_beside(busy: BusyShop, client: Client) -> None:
    with busy.shop.scope():
        order = Order.objects.first()
    page_source = client.get(reverse("backoffice:order", args=[order.pk])).content.decode()
    assert f'title="{order.ordered_at:%Y-%m-%d %H:%M:%S} UTC"' in page_source


def test_money_is_for_those_who_may_see_it(busy: BusyShop, client: Client) -> None:
    with busy.shop.scope():
        order = Order.objects.filter(channel=busy.far).first()
    address = reverse("backoffice:order", args=[order.pk])
    assert "19.99\N{NO-BREAK SPACE}USD" in client.get(address).content.decode()
    assert "owed by the marketplace" in text(client.get(address))
    packer = User.objects.create_user("packer@example.com")
    Membership.objects.create(user=packer, organisation=busy.organisation, role=Role.WAREHOUSE)
    assert "USD" not in text(signed_in(packer).get(address))


def test_looking_at_the_buyer_is_allowed_by_role_and_recorded(busy: BusyShop, client: Client) -> None:
    """C27: personal data behind a permission; each look is an audit entry."""
    with busy.shop.scope():
        order = Order.objects.first()
    assert "Example Street" not in text(client.get(reverse("backoffice:order", args=[order.pk])))
    address = reverse("backoffice:buyer", args=[order.pk])
    assert "Example Street 5" in text(client.post(address))
    with busy.shop.scope():
        entry = AuditEntry.objects.get(action="read.personal_data")
    assert (entry.subject_id, entry.actor) == (str(order.pk), busy.owner.actor)
    reader = User.objects.create_user("reader@example.com")
    Membership.objects.create(user=reader, organisation=busy.organisation, role=Role.READ_ONLY)
    assert signed_in(reader).post(address).status_code == 403


def test_what_channels_say_is_text_not_markup(busy: BusyShop, client: Client) -> None:
    with busy.shop.scope():
        Offer.objects.filter(refused_at__isnull=False).update(refused_message="<script>alert(1)</script>")
        OrderLine.objects.all().update(title="<img src=x onerror=alert(1)>")
        order = Order.objects.first()
    for address in (reverse("backoffice:offers") + "?state=refused", reverse("backoffice:order", args=[order.pk])):
        page_source = client.get(address).content.decode()
        assert "<script>alert" not in page_source
        assert "<img src=x" not in page_source


def test_secrets_are_never_on_a_page(busy: BusyShop, client: Client) -> None:
    from stallkeeper.channels import connect

    with busy.shop.use_case() as uc:
        settings = connect.Settings({"site": "ro", "user": "shop@example.com"}, {"password": "hidden-word-77"})
        account = Connection.objects.get(pk=busy.near.connection_id)
        connect._seal(uc, account, settings)
    page_source = client.get(reverse("backoffice:connection", args=[account.pk])).content.decode()
    assert "hidden-word-77" not in page_source
    assert "stored; leave empty to keep it" in page_source


# --- doing things -------------------------------------------------------------------------------------------------------------------------


def open_order(busy: BusyShop) -> Order:
    with busy.shop.scope():
        return Order.objects.filter(state="new", lines__short=0, lines__stock_unit__isnull=False, lines__ordered__gt=0).order_by("-pk")[0]


def test_shipping_from_the_screen(busy: BusyShop, client: Client) -> None:
    """S1.12: stock falls, the order is shipped, the channel is told; the same form sent twice ships once."""
    order = open_order(busy)
    with busy.shop.scope():
        lines = list(order.lines.filter(stock_unit__isnull=False))
    data = {f"quantity_{line.pk}": line.open for line in lines} | {"carrier": "Cargus", "tracking_number": "AWB1", "reference": "form-1"}
    address = reverse("backoffice:ship", args=[order.pk])
    assert client.post(address, data).status_code == 302
    client.post(address, data)
    with busy.shop.scope():
        assert [line.shipped for line in order.lines.filter(stock_unit__isnull=False)] == [line.open for line in lines]
        assert Command.objects.filter(kind="ship", subject_id=order.pk).count() == 1
    shown = text(client.get(reverse("backoffice:order", args=[order.pk])))
    assert "Goods left" in shown
    assert "AWB1" in shown


def test_a_wrong_shipment_comes_back_with_the_reason(busy: BusyShop, client: Client) -> None:
    order = open_order(busy)
    with busy.shop.scope():
        line = order.lines.first()
    response = client.post(
        reverse("backoffice:ship", args=[order.pk]), {f"quantity_{line.pk}": line.open + 1, "carrier": "", "reference": "x"}
    )
    assert response.status_code == 422
    assert "less than or equal to" in text(response)
    nothing = client.post(reverse("backoffice:ship", args=[order.pk]), {"carrier": "Cargus", "reference": "x"})
    assert "Enter how many units" in text(nothing)


def test_cancelling_shows_first_what_happens(busy: BusyShop, client: Client) -> None:
    """S1.14: units go back on sale everywhere; counts are shown before anything is done."""
    order = open_order(busy)
    with busy.shop.scope():
        line = order.lines.filter(stock_unit__isnull=False).first()
    data = {f"quantity_{line.pk}": line.open, "reason": "buyer_asked"}
    asked = client.post(reverse("backoffice:cancel", args=[order.pk]), data)
    assert f"{line.open} unit" in text(asked)
    assert "back on sale at once" in text(asked)
    with busy.shop.scope():
        assert OrderLine.objects.get(pk=line.pk).cancelled == 0
    assert client.post(reverse("backoffice:cancel", args=[order.pk]), data | {"sure": "1"}).status_code == 302
    with busy.shop.scope():
        assert OrderLine.objects.get(pk=line.pk).cancelled == line.open
        assert Command.objects.get(kind="cancel", subject_id=order.pk).payload["reason"] == "buyer_asked"


def test_an_unknown_sku_is_linked_in_place(busy: BusyShop, client: Client) -> None:
    """C10: only the line waited; once it is linked it reserves, and the next order of that SKU finds its unit."""
    with busy.shop.scope():
        line = OrderLine.objects.filter(stock_unit=None).first()
        unit = Offer.objects.filter(channel=busy.near).order_by("-believed_qty").first().stock_unit
    address = reverse("backoffice:link_line", args=[line.order_id, line.pk])
    assert "There is no stock unit" in text(client.post(address, {"sku": "NOT-OURS", "for_ever": "on"}, follow=True))
    client.post(address, {"sku": unit.sku, "for_ever": "on"})
    with busy.shop.scope():
        assert OrderLine.objects.get(pk=line.pk).stock_unit == unit
        assert Offer.objects.filter(sku=line.sku, stock_unit=unit).exists()


def test_putting_a_level_right_is_a_movement_with_a_reason(busy: BusyShop, client: Client) -> None:
    """C3: on hand changes only by movement."""
    with busy.shop.scope():
        offer = Offer.objects.order_by("pk").first()
    address = reverse("backoffice:adjust", args=[offer.stock_unit_id, busy.shop.place.pk])
    assert "This field is required" in text(client.post(address, {"on_hand": "77", "reason": ""}))
    client.post(address, {"on_hand": "77", "reason": "counted behind the shelf"})
    with busy.shop.scope():
        assert Level.objects.get(stock_unit_id=offer.stock_unit_id, location=busy.shop.place).on_hand == 77
        moved = Movement.objects.filter(reason="counted behind the shelf").get()
        assert (moved.actor, moved.cause) == (busy.owner.actor, "adjust")
        assert Offer.objects.get(pk=offer.pk).intended_qty == 76


def test_offers_are_left_out_after_a_look_at_what_follows(busy: BusyShop, client: Client) -> None:
    """S4.36: one or many; several are shown first."""
    with busy.shop.scope():
        ids = list(Offer.objects.order_by("pk").values_list("pk", flat=True)[:3])
    address = reverse("backoffice:offer_action")
    asked = text(client.post(address, {"action": "stock_out", "offer": ids}))
    assert "3 offers" in asked
    assert "keeps the last quantity" in asked
    client.post(address, {"action": "stock_out", "offer": ids, "sure": "1"})
    with busy.shop.scope():
        assert set(Offer.objects.filter(pk__in=ids).values_list("stock_excluded", "intended_qty")) == {(True, None)}


def test_read_now_and_send_again(busy: BusyShop, client: Client) -> None:
    with busy.shop.scope():
        refused, fine = (
            Offer.objects.filter(refused_at__isnull=False).first(),
            Offer.objects.filter(believed_qty__gt=0, refused_at=None).first(),
        )
        Offer.objects.filter(pk=refused.pk).update(refused_qty=refused.intended_qty, believed_qty=(refused.intended_qty or 0) + 5)
    client.post(reverse("backoffice:offer_action"), {"action": "resend", "offer": refused.pk})
    client.post(reverse("backoffice:offer_action"), {"action": "read", "offer": fine.pk})
    with busy.shop.scope():
        assert Offer.objects.get(pk=refused.pk).refused_at is None
        assert Offer.objects.get(pk=fine.pk).believed_qty is None
        assert set(OfferTodo.objects.values_list("offer_id", flat=True)) >= {refused.pk, fine.pk}


def test_a_candidate_is_chosen_and_certain_ones_are_linked(busy: BusyShop, client: Client) -> None:
    """S4.22: only linked; ambiguous ones never silently."""
    with busy.shop.scope():
        ambiguous = RemoteListing.objects.filter(state="ambiguous", channel=busy.near).first()
    client.post(reverse("backoffice:choose", args=[ambiguous.pk]), {"sku": ambiguous.candidates[1]["sku"], "pack_factor": "2"})
    asked = text(client.post(reverse("backoffice:confirm_certain", args=[busy.near.pk])))
    assert "3 listings are each fitted by exactly one" in asked
    client.post(reverse("backoffice:confirm_certain", args=[busy.near.pk]), {"sure": "1"})
    with busy.shop.scope():
        linked = RemoteListing.objects.select_related("offer__stock_unit").get(pk=ambiguous.pk)
        assert (linked.offer.stock_unit.sku, linked.offer.pack_factor) == (ambiguous.candidates[1]["sku"], 2)
        assert RemoteListing.objects.filter(channel=busy.near, state="ambiguous").count() == 2
        assert not RemoteListing.objects.filter(channel=busy.near, state="new").exists()


def rules_of(client: Client, channel: Channel, **changes: object) -> dict[str, object]:
    """What the rules form would send."""
    form = client.get(reverse("backoffice:channel_rules", args=[channel.pk])).context["form"]
    given = {field.name: field.value() for field in form}
    return {name: value for name, value in (given | changes).items() if value is not None and value is not False}


def test_rules_show_what_they_change_and_change_nothing_before_the_yes(busy: BusyShop, client: Client) -> None:
    """D3: a plan with counts for everything that fans out."""
    with busy.shop.scope():
        before = dict(Offer.objects.filter(channel=busy.near).values_list("pk", "intended_qty"))
    data = rules_of(client, busy.near, buffer=3)
    address = reverse("backoffice:channel_rules", args=[busy.near.pk])
    asked = client.post(address, data)
    assert asked.status_code == 200, asked.context["form"].errors
    rises, falls, to_zero = map(int, re.search(r"rise: (\d+) fall: (\d+), of which to zero: (\d+)", text(asked)).groups())
    with busy.shop.scope():
        assert dict(Offer.objects.filter(channel=busy.near).values_list("pk", "intended_qty")) == before
        assert Channel.objects.get(pk=busy.near.pk).buffer == 1
    assert client.post(address, data | {"sure": "1"}).status_code == 302
    with busy.shop.scope():
        assert Channel.objects.get(pk=busy.near.pk).buffer == 3
        after = dict(Offer.objects.filter(channel=busy.near).values_list("pk", "intended_qty"))
    fell = [pk for pk in after if (after[pk] or 0) < (before[pk] or 0)]
    assert (rises, falls, to_zero) == (0, len(fell), sum(1 for pk in fell if after[pk] == 0))
    assert falls > 20


def test_rules_that_cannot_be_are_named(busy: BusyShop, client: Client) -> None:
    data = rules_of(client, busy.near, share="120")
    response = client.post(reverse("backoffice:channel_rules", args=[busy.near.pk]), data)
    assert response.status_code == 422
    assert "share" in text(response)


def test_orders_and_stock_wait_for_the_answer_about_open_orders(busy: BusyShop, client: Client) -> None:
    """S4.32: everything is off; the cutover question comes first."""
    with busy.shop.scope():
        Channel.objects.filter(pk=busy.near.pk).update(cutover="", orders_enabled=False, stock_enabled=False)
    turn, here = reverse("backoffice:turn", args=[busy.near.pk]), reverse("backoffice:channel", args=[busy.near.pk])
    refused = client.post(turn, {"switch": "stock", "on": "1", "sure": "1"}, follow=True)
    assert "Answer the question about open orders first." in text(refused)
    client.post(reverse("backoffice:answer_cutover", args=[busy.near.pk]), {"answer": "include"})
    plan = text(client.post(turn, {"switch": "stock", "on": "1"}))
    assert "Other quantity than the channel shows" in plan
    assert client.post(turn, {"switch": "stock", "on": "1", "sure": "1"}).headers["Location"] == here
    with busy.shop.scope():
        assert Channel.objects.get(pk=busy.near.pk).stock_enabled


def test_the_company_switch_asks_before_on_and_not_before_off(busy: BusyShop, client: Client) -> None:
    """S3.36: a send happens only if it is allowed both for the channel and for the company."""
    address = reverse("backoffice:company_switch")
    client.post(address, {"allowed": "0"})
    assert not Organisation.objects.get(pk=busy.organisation.pk).sending_enabled
    assert "What happens then" in text(client.post(address, {"allowed": "1"}))
    assert not Organisation.objects.get(pk=busy.organisation.pk).sending_enabled
    client.post(address, {"allowed": "1", "sure": "1"})
    assert Organisation.objects.get(pk=busy.organisation.pk).sending_enabled


def test_a_stopped_channel_shows_its_counts_and_only_this_plan_is_released(busy: BusyShop, client: Client) -> None:
    """C21: thresholds stop; a person releases the plan that was seen."""
    detail = {"kind": "quantity", "zeroings": 31, "live": 40, "examples": ["MUG-1"], "fingerprint": "abc"}
    with busy.shop.scope():
        Channel.objects.filter(pk=busy.near.pk).update(stopped_at=busy.now, stop_reason="31 of 40 would go to zero", stop_detail=detail)
    here = reverse("backoffice:channel", args=[busy.near.pk])
    assert "31 of 40 live offers" in text(client.get(here))
    client.post(reverse("backoffice:release", args=[busy.near.pk]), {"fingerprint": "other"})
    with busy.shop.scope():
        assert Channel.objects.get(pk=busy.near.pk).stopped_at is not None
    client.post(reverse("backoffice:release", args=[busy.near.pk]), {"fingerprint": "abc"})
    with busy.shop.scope():
        assert Channel.objects.get(pk=busy.near.pk).stopped_at is None


def test_an_account_is_stored_only_after_it_answered(busy: BusyShop, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """S2.3: the first contact only reads; a refused credential names itself and stores nothing."""
    from stallkit.types import AccountInfo

    data = {"setting_site": "bg", "setting_user": "me", "setting_password": "pw-55", "setting_save_body": "array"}
    data |= {"name": "eMAG Bulgaria", "code": "BGX", "currency": "BGN"}
    address = reverse("backoffice:connect", args=["emag"])
    form = client.get(address).context["form"]
    data["currency"] = form.fields["currency"].choices[0][0]
    monkeypatch.setattr("stallkeeper.backoffice.connections.probe", refuse_to_probe)
    refused = client.post(address, data)
    assert "the credentials are not accepted" in text(refused)
    assert "pw-55" not in refused.content.decode()
    answer = AccountInfo("77", "Sample BG", rights=("orders", "offers"), warnings=("The address list is empty.",))
    monkeypatch.setattr("stallkeeper.backoffice.connections.probe", lambda *_: answer)
    made = client.post(address, data, follow=True)
    assert "Connected to Sample BG (77)" in text(made)
    assert "The address list is empty." in text(made)
    with busy.shop.scope():
        account = Connection.objects.get(name="eMAG Bulgaria")
        channel = account.channels.get()
        assert (account.writes_allowed, channel.orders_enabled, channel.stock_enabled) == (False, False, False)


def test_transfer_status_tells_each_step(busy: BusyShop, client: Client) -> None:
    """S5.107-S5.113: last transfer of each kind, and "now"."""
    address = reverse("backoffice:channel_status", args=[busy.near.pk])
    shown = text(client.get(address))
    for words in ("Availability sent", "Orders taken", "Listings read", "send stock", "Run now"):
        assert words in shown
    assert client.post(reverse("backoffice:run_now", args=[busy.near.connection_id]), {"back": address}).headers["Location"] == address
    outside = client.post(reverse("backoffice:run_now", args=[busy.near.connection_id]), {"back": "https://example.com/"})
    assert outside.headers["Location"] == reverse("backoffice:channels")


def test_problems_lead_to_their_rows_and_notifications_are_set_aside(busy: BusyShop, client: Client) -> None:
    assert "none of the states that eMAG documents" in text(client.get(reverse("backoffice:problem_list", args=["parked"])))
    assert "believed 5, seen 9, intended 5" in text(client.get(reverse("backoffice:problem_list", args=["drift"])))
    assert "missing" in text(client.get(reverse("backoffice:problem_list", args=["shortages"])))
    with busy.shop.scope():
        notification = Notification.objects.get()
    client.post(reverse("backoffice:seen", args=[notification.pk]))
    assert "Nothing of this kind" in text(client.get(reverse("backoffice:problem_list", args=["notifications"])))


def test_templates_and_problems_of_imports_are_spreadsheets(busy: BusyShop, client: Client) -> None:
    for kind in ("products", "stock"):
        response = client.get(reverse("backoffice:import_template", args=[kind]))
        assert response.content.startswith(b"PK")
        assert f'filename="{kind}-template.xlsx"' in response.headers["Content-Disposition"]
    assert client.get(reverse("backoffice:import_template", args=["nonsense"])).status_code == 404
    wrong = client.post(reverse("backoffice:imports"), {"kind": "stock", "file": busy_file("a.exe")})
    assert "Choose an XLSX or CSV file." in text(wrong)


def busy_file(name: str):
    from django.core.files.uploadedfile import SimpleUploadedFile

    return SimpleUploadedFile(name, b"sku;on_hand\n")

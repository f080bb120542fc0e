"""The first run (S2.1-S2.4, S3.30, S3.41): where it stands follows from rows; who may go on; nothing leaves before a plan was seen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from stallkeeper.backoffice import import_jobs
from stallkeeper.catalog.models import Identifier, IdentifierKind, ImportProblem, ImportRun, StockUnit
from stallkeeper.channels import plans
from stallkeeper.channels.models import Channel, Lane, LaneKind, LaneStep, Offer, RemoteListing, SendPlan, SendTask
from stallkeeper.channels.proposals import Proposal
from stallkeeper.core import clock
from stallkeeper.core.models import AuditEntry, Organisation, Role, User
from stallkeeper.stock.models import Level, Location
from tests.busy_shop import BusyShop, member, signed_in, text
from tests.shop import NOON, Shop, join

POLL = {"HX-Request": "true"}
STEPS = ("company", "stall", "products", "links", "rules", "orders", "send")


@pytest.fixture
def shop() -> Iterator[Shop]:
    """A company that has nothing yet and sends nothing."""
    opened = Shop.open()
    Organisation.objects.filter(pk=opened.organisation.pk).update(sending_enabled=False)
    with clock.using(lambda: NOON):
        yield opened


@pytest.fixture
def owner(shop: Shop) -> Client:
    user = User.objects.create_user("new@example.com", name="Nora New")
    join(shop.organisation, user, Role.OWNER)
    return signed_in(user)


def stall(shop: Shop, **fields: object) -> Channel:
    """A stall that was just connected: everything off."""
    off = {"stock_enabled": False, "orders_enabled": False, "cutover": Channel.Cutover.UNASKED}
    channel = shop.channel(**(off | fields))
    with shop.scope():
        type(channel.connection).objects.filter(pk=channel.connection_id).update(writes_allowed=False)
    return channel


def listing(shop: Shop, channel: Channel, sku: str, *fitting: str, state: str = "") -> RemoteListing:
    """A listing, with the units that fit it."""
    with shop.scope():
        units = [StockUnit.objects.get(sku=each) for each in fitting]
        found = [{"unit": unit.pk, "sku": unit.sku, "by": "sku", "value": unit.sku, "factor": 1} for unit in units]
        return RemoteListing.objects.create(
            organisation=shop.organisation, channel=channel, sku=sku, external_id=f"x-{sku}", title=sku, candidates=found, quantity=9,
            state=state or ("ambiguous" if len(found) > 1 else "new"), seen_at=NOON,
        )  # fmt: skip


def read(shop: Shop, channel: Channel) -> None:
    """The listings of the stall were read to the end."""
    with shop.scope():
        lane = Lane.objects.get(subject_id=channel.connection_id, kind=LaneKind.BACKGROUND)
        LaneStep.objects.create(organisation=shop.organisation, lane=lane, step="catalogue", watermark=NOON, last_success_at=NOON)


def step_of(response: HttpResponse) -> str:
    """The step that somebody is sent to."""
    return urlsplit(response["Location"]).path.strip("/").split("/")[-1]


def where(client: Client) -> str:
    return step_of(client.get(reverse("backoffice:start")))


def do(client: Client, name: str, /, **data: object) -> HttpResponse:
    return client.post(reverse(f"backoffice:start_{name}"), data)


# --- where it stands ----------------------------------------------------------------------------------------------------------------------


def test_each_step_is_the_next_one_until_its_rows_are_there(shop: Shop, owner: Client) -> None:
    """No number of a step is kept: what exists decides, however it came about."""
    assert where(owner) == "company"
    assert step_of(do(owner, "company", name="Nora's", time_zone="Europe/Bucharest")) == "stall"
    assert where(owner) == "stall"
    channel = stall(shop)
    assert where(owner) == "products"
    shop.unit("MUG", 5)
    assert where(owner) == "links"
    entry = listing(shop, channel, "MUG", "MUG")
    read(shop, channel)
    assert where(owner) == "links"
    do(owner, "link", act="certain")
    assert where(owner) == "rules"
    do(owner, "rules", locations=[shop.place.pk], buffer=1, zero_at=0, share=100)
    assert where(owner) == "orders"
    do(owner, "orders", answer="include")
    assert where(owner) == "send"
    with shop.scope():
        RemoteListing.objects.filter(pk=entry.pk).update(state="new", candidates=[], offer=None)
    assert where(owner) == "links"


def test_a_step_that_is_left_for_later_is_gone_past_and_stays_open(shop: Shop, owner: Client) -> None:
    """Pressed twice it is once; what is left is still shown as left."""
    for _ in range(2):
        assert step_of(do(owner, "later", step="company")) == "stall"
    shop.organisation.refresh_from_db()
    assert shop.organisation.start_passed == ["company"]
    do(owner, "later", step="stall")
    assert where(owner) == "products"
    page = owner.get(reverse("backoffice:start_products")).content.decode()
    assert 'data-step="stall" data-tone="later"' in page
    stall(shop)
    page = owner.get(reverse("backoffice:start_products")).content.decode()
    assert 'data-step="stall" data-tone="done"' in page


def test_a_second_stall_takes_the_same_path(shop: Shop, owner: Client) -> None:
    """What was left behind for one stall is open for the next; each is asked for by its own."""
    first = stall(shop)
    do(owner, "company", name="Nora's", time_zone="UTC")
    shop.unit("MUG", 5)
    do(owner, "later", step="links", channel=first.pk)
    do(owner, "rules", channel=first.pk, locations=[shop.place.pk], buffer=0, zero_at=0, share=100)
    assert where(owner) == "orders"
    second = stall(shop)
    answer = owner.get(reverse("backoffice:start"))
    assert step_of(answer) == "links"
    assert parse_qs(urlsplit(answer["Location"]).query) == {"channel": [str(second.pk)]}
    assert step_of(owner.get(reverse("backoffice:start"), {"channel": first.pk})) == "orders"


def test_a_stall_that_was_never_sent_to_leads_back_to_its_path(shop: Shop, owner: Client) -> None:
    """From the list of channels and from its own page; one that sends does not."""
    begun, sending = stall(shop), shop.channel()
    for page in (reverse("backoffice:channels"), reverse("backoffice:channel", args=[begun.pk])):
        assert f'href="/start/?channel={begun.pk}"' in owner.get(page).content.decode(), page
    for page in (reverse("backoffice:channels"), reverse("backoffice:channel", args=[sending.pk])):
        assert f'href="/start/?channel={sending.pk}"' not in owner.get(page).content.decode(), page
    assert b'href="/start/"' in owner.get("/settings/").content


def test_who_comes_in_is_led_there_once_and_only_while_nothing_was_ever_sent(shop: Shop, owner: Client) -> None:
    assert owner.get("/").url == reverse("backoffice:start")
    assert owner.get("/").status_code == 200
    user = User.objects.get(email="new@example.com")
    assert signed_in(user).get("/").status_code == 302
    do(owner, "end")
    assert signed_in(user).get("/").status_code == 200


def test_a_company_that_sends_is_not_led_there(busy: BusyShop) -> None:
    assert signed_in(busy.owner).get("/").status_code == 200


# --- who may ------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [Role.WAREHOUSE, Role.ACCOUNTANT, Role.READ_ONLY])
def test_who_may_not_go_on_sees_who_can(shop: Shop, owner: Client, role: Role) -> None:
    stall(shop)
    client = member(shop.organisation, role)
    for slug in STEPS:
        assert "Nora New can do it" in text(client.get(reverse(f"backoffice:start_{slug}"))), slug
    before = _rows(shop)
    acts = [("company", {"name": "x", "time_zone": "UTC"}), ("products", {}), ("link", {"act": "create"}), ("rules", {"buffer": 9}),
            ("orders", {"answer": "include"}), ("send", {}), ("end", {}), *(("later", {"step": slug}) for slug in STEPS)]  # fmt: skip
    for name, data in acts:
        assert do(client, name, **data).status_code == 403, (name, data)
    assert _rows(shop) == before


def test_a_stall_of_another_company_is_none_of_theirs(shop: Shop, owner: Client) -> None:
    mine, other = stall(shop), Shop.open()
    theirs = stall(other)
    do(owner, "orders", channel=theirs.pk, answer="include")
    with other.scope():
        assert not Channel.objects.get(pk=theirs.pk).orders_enabled
    with shop.scope():
        assert Channel.objects.get(pk=mine.pk).orders_enabled


# --- the steps ----------------------------------------------------------------------------------------------------------------------------


def test_an_import_that_was_killed_says_so_and_another_file_may_come(shop: Shop, owner: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    with shop.scope():
        ImportRun.objects.create(organisation=shop.organisation, kind="products", file_name="a.csv", actor="user:1",
                                 started_at=timezone.now(), state="failed", problem="The server was stopped meanwhile.")  # fmt: skip
    shown = owner.get(reverse("backoffice:start_products"))
    assert "The server was stopped meanwhile." in text(shown)
    assert "Bring another file in" in text(shown)
    begun: list[str] = []
    monkeypatch.setattr(import_jobs, "start", lambda _organisation, _file, wish, _actor: begun.append(wish.kind))
    assert do(owner, "products", kind="stock").status_code == 422
    assert begun == []


def test_links_are_counted_by_how_sure_they_are_and_made_at_one_press(shop: Shop, owner: Client) -> None:
    channel = stall(shop)
    for sku in ("MUG", "LAMP", "LAMP-2"):
        shop.unit(sku, 5)
    listing(shop, channel, "MUG", "MUG")
    ambiguous = listing(shop, channel, "L", "LAMP", "LAMP-2")
    listing(shop, channel, "NEW-1")
    read(shop, channel)
    page = owner.get(reverse("backoffice:start_links"))
    counts = dict(_counts(page))
    assert counts == {"certain": "1", "ambiguous": "1", "new": "1", "linked": "0"}
    assert "same SKU" in text(page)
    do(owner, "link", act="certain")
    do(owner, "link", act="create")
    with shop.scope():
        assert sorted(Offer.objects.values_list("sku", flat=True)) == ["MUG", "NEW-1"]
        assert StockUnit.objects.filter(sku="NEW-1").exists()
        assert RemoteListing.objects.get(pk=ambiguous.pk).offer is None


def test_what_is_new_can_be_left_out_and_searched_again(shop: Shop, owner: Client) -> None:
    channel = stall(shop)
    entry = listing(shop, channel, "CUP")
    shop.unit("CUP", 1)
    do(owner, "link", act="search")
    with shop.scope():
        assert len(RemoteListing.objects.get(pk=entry.pk).candidates) == 1
    other = listing(shop, channel, "HAT")
    do(owner, "link", act="out")
    with shop.scope():
        assert RemoteListing.objects.get(pk=other.pk).state == "excluded"
        assert RemoteListing.objects.get(pk=entry.pk).state == "new"


def test_going_on_from_the_goods_searches_again(shop: Shop, owner: Client) -> None:
    """Listings are read before the file comes: what it brought may fit them."""
    entry = listing(shop, stall(shop), "CUP")
    shop.unit("CUP", 1)
    do(owner, "later", step="products")
    with shop.scope():
        assert len(RemoteListing.objects.get(pk=entry.pk).candidates) == 1


@pytest.mark.parametrize("act", ["create", "out"])
def test_what_came_in_since_the_search_is_not_taken_for_new(shop: Shop, owner: Client, act: str) -> None:
    """Who leaves during the import and comes back at the links acts on a search of before: no second product is made of what fits."""
    entry = listing(shop, stall(shop), "CUP-OF-THE-STALL")
    with shop.scope():
        RemoteListing.objects.filter(pk=entry.pk).update(gtins=["5901234123457"])
    unit = shop.unit("CUP", 1)
    with shop.scope():
        Identifier.objects.create(organisation=shop.organisation, stock_unit=unit, kind=IdentifierKind.GTIN, value="5901234123457")
    do(owner, "link", act=act)
    with shop.scope():
        found = RemoteListing.objects.get(pk=entry.pk)
        assert (found.state, len(found.candidates)) == ("new", 1)
        assert list(StockUnit.objects.values_list("sku", flat=True)) == ["CUP"]


def test_a_stall_that_lists_nothing_says_so_and_where_to_read_again(shop: Shop, owner: Client) -> None:
    channel = stall(shop)
    again = reverse("backoffice:channel_status", args=[channel.pk])
    assert again not in owner.get(reverse("backoffice:start_links")).content.decode(), "it is being read"
    read(shop, channel)
    assert again in owner.get(reverse("backoffice:start_links")).content.decode()
    listing(shop, channel, "CUP")
    assert again not in owner.get(reverse("backoffice:start_links")).content.decode()


def test_reading_that_fails_says_why_and_what_to_do(shop: Shop, owner: Client) -> None:
    channel = stall(shop)
    with shop.scope():
        lane = Lane.objects.get(subject_id=channel.connection_id, kind=LaneKind.BACKGROUND)
        LaneStep.objects.create(
            organisation=shop.organisation, lane=lane, step="catalogue", last_error="no answer in 30 s", last_error_at=NOON
        )
    shown = text(owner.get(reverse("backoffice:start_links")))
    assert "no answer in 30 s" in shown
    assert "look at the account" in shown
    polled = owner.get(reverse("backoffice:start_links"), headers={"HX-Request": "true"})
    assert "no answer in 30 s" in text(polled)
    with shop.scope():
        LaneStep.objects.update(watermark=NOON, last_success_at=NOON)
    assert owner.get(reverse("backoffice:start_links"), headers={"HX-Request": "true"}).headers["HX-Refresh"] == "true"


def test_rules_of_a_stall_that_sends_nothing_are_saved_at_once(shop: Shop, owner: Client) -> None:
    channel = stall(shop)
    offer = shop.offer(channel, shop.unit("MUG", 5))
    assert step_of(do(owner, "rules", locations=[shop.place.pk], buffer=2, zero_at=0, share=100)) == "orders"
    with shop.scope():
        assert Channel.objects.get(pk=channel.pk).buffer == 2
        assert not SendPlan.objects.exists()
        assert AuditEntry.objects.filter(action="channel.rules").exists()
    assert shop.intended(offer) == 3


def test_rules_of_a_stall_that_sends_are_planned_first(shop: Shop, owner: Client) -> None:
    Organisation.objects.filter(pk=shop.organisation.pk).update(sending_enabled=True)
    channel = shop.channel()
    shop.offer(channel, shop.unit("MUG", 5))
    answer = do(owner, "rules", channel=channel.pk, locations=[shop.place.pk], buffer=2, zero_at=0, share=100)
    assert answer.url == reverse("backoffice:plan")
    with shop.scope():
        assert Channel.objects.get(pk=channel.pk).buffer == 0


def test_wrong_rules_come_back_with_the_field_named(shop: Shop, owner: Client) -> None:
    stall(shop)
    answer = do(owner, "rules", locations=[shop.place.pk], buffer=-1, zero_at=0, share=100)
    assert answer.status_code == 422
    assert "greater than or equal to 0" in text(answer)


def test_a_place_is_added_in_place(shop: Shop, owner: Client) -> None:
    stall(shop)
    do(owner, "rules", add_place="1", code="EAST", name="East", owner="mine", priority=50, sellable="on")
    with shop.scope():
        assert Location.objects.filter(code="EAST").exists()


def test_orders_are_taken_once_the_question_is_answered(shop: Shop, owner: Client) -> None:
    channel = stall(shop)
    do(owner, "orders")
    with shop.scope():
        assert not Channel.objects.get(pk=channel.pk).orders_enabled
    for _ in range(2):
        do(owner, "orders", answer="exclude")
    with shop.scope():
        taking = Channel.objects.get(pk=channel.pk)
    assert (taking.orders_enabled, taking.cutover) == (True, "exclude")


def test_the_first_send_is_a_plan_that_somebody_looks_at(shop: Shop, owner: Client) -> None:
    """S3.41: working it out sends nothing and turns nothing; sending it turns the company, the account and the stall in one step."""
    channel = stall(shop)
    offer = shop.offer(channel, shop.unit("MUG", 5))
    do(owner, "orders", answer="include")
    do(owner, "send")
    with shop.scope():
        plan = SendPlan.objects.get()
        assert not Channel.objects.get(pk=channel.pk).stock_enabled
        assert not SendTask.objects.exists()
    shown = text(owner.get(reverse("backoffice:start_send")))
    assert "1 value would be sent" in shown
    back = f"{reverse('backoffice:start_send')}?channel={channel.pk}"
    answer = owner.post(reverse("backoffice:apply_plan", args=[plan.pk]), {"fingerprint": plan.fingerprint, "back": back, "sure": "1"})
    assert answer.url == back
    with shop.scope():
        on = Channel.objects.select_related("connection", "organisation").get(pk=channel.pk)
        assert (on.stock_enabled, on.connection.writes_allowed, on.organisation.sending_enabled) == (True, True, True)
    assert "0 of 1 accepted" in text(owner.get(back))
    with shop.scope():
        Offer.objects.filter(pk=offer.pk).update(accepted_qty=5, believed_qty=5, accepted_at=NOON, sent_qty=5, sent_at=NOON)
    assert "data-read-back" not in owner.get(back).content.decode()


def read_back(shop: Shop, channel: Channel) -> LaneStep | None:
    with shop.scope():
        return LaneStep.objects.filter(lane__subject_id=channel.connection_id, step="verify").first()


@pytest.mark.parametrize("begin", ["link", "orders", "send"])
def test_what_the_stall_shows_is_read_before_the_first_plan(shop: Shop, owner: Client, begin: str) -> None:
    """S3.41: the rotation that ended before anything was linked would come back in a quarter of an hour only."""
    channel = stall(shop)
    shop.unit("MUG", 5)
    listing(shop, channel, "MUG", "MUG")
    with shop.scope():
        lane = Lane.objects.get(subject_id=channel.connection_id, kind=LaneKind.BACKGROUND)
        LaneStep.objects.create(organisation=shop.organisation, lane=lane, step="verify", not_before=NOON + timedelta(minutes=15))
    do(owner, begin, act="certain", answer="include", channel=channel.pk)
    assert (found := read_back(shop, channel)) is not None
    assert found.not_before == NOON


def test_reading_of_a_stall_that_was_sent_to_keeps_its_time(shop: Shop, owner: Client) -> None:
    channel = stall(shop, first_send_at=NOON)
    do(owner, "link", act="out", channel=channel.pk)
    assert read_back(shop, channel) is None


def test_a_plan_that_does_not_know_what_is_shown_says_so(shop: Shop, owner: Client) -> None:
    """And is worked out again with one press, once it is read."""
    channel = stall(shop, orders_enabled=True, cutover="include")
    offer = shop.offer(channel, shop.unit("MUG", 5))
    with shop.scope():
        Offer.objects.filter(pk=offer.pk).update(believed_qty=None, observed_qty=None, observed_at=None)
    do(owner, "send")
    assert "nobody can say whether it rises or falls" in text(owner.get(reverse("backoffice:start_send")))
    with shop.scope():
        Offer.objects.filter(pk=offer.pk).update(believed_qty=9, observed_qty=9, observed_at=NOON)
    do(owner, "send")
    shown = owner.get(reverse("backoffice:start_send"))
    assert "data-unread" not in shown.content.decode()
    assert "1 value would be sent" in text(shown)


def test_a_colleagues_plan_makes_room_and_that_is_said(shop: Shop, owner: Client) -> None:
    channel = stall(shop, orders_enabled=True, cutover="include")
    shop.offer(channel, shop.unit("MUG", 5))
    with shop.scope():
        plans.save(shop.organisation.pk, Proposal(), "user:0")
    do(owner, "send")
    assert "makes room for this one" in text(owner.get(reverse("backoffice:start_send")))


def test_a_plan_of_something_else_is_not_taken_for_the_first_send(shop: Shop, owner: Client) -> None:
    channel = stall(shop, orders_enabled=True, cutover="include")
    shop.offer(channel, shop.unit("MUG", 5))
    with shop.scope():
        plans.save(shop.organisation.pk, Proposal(), "user:0")
    assert "would be sent" not in text(owner.get(reverse("backoffice:start_send"))).replace("See what would be sent", "")


def test_what_is_missing_for_the_first_send_is_named(shop: Shop, owner: Client) -> None:
    stall(shop)
    shown = text(owner.get(reverse("backoffice:start_send")))
    for words in ("No listing is linked yet", "No product has stock", "Orders are not taken"):
        assert words in shown
    answer = owner.post(reverse("backoffice:start_send"), follow=True)
    assert "first say whether the stock figures still include" in text(answer)


def test_steps_without_a_stall_lead_to_connecting_one(shop: Shop, owner: Client) -> None:
    for slug in ("rules", "orders", "send"):
        assert step_of(owner.get(reverse(f"backoffice:start_{slug}"))) == "stall"
    assert "Connect a stall first" in text(owner.get(reverse("backoffice:start_links")))


def test_a_page_asks_as_much_whatever_there_is(shop: Shop, owner: Client) -> None:
    """Constant statements: with 25 listings and with 60. What fits on one page is not counted, which is one less."""
    channel = stall(shop)
    for number in range(2):
        shop.unit(f"A-{number}", 1)
    owner.get(reverse("backoffice:start_company"))  # the problems of the bell are counted once in a while
    counts = []
    for more in (range(25), range(25, 60)):
        for number in more:
            listing(shop, channel, f"L-{number}", "A-0", "A-1")
        for slug in STEPS:
            with CaptureQueriesContext(connection) as asked:
                owner.get(reverse(f"backoffice:start_{slug}"))
            counts.append((slug, len(asked)))
    assert counts[: len(STEPS)] == counts[len(STEPS) :]


def test_the_rail_is_worked_out_once_a_page_and_not_for_what_renews_itself(shop: Shop, owner: Client) -> None:
    channel = stall(shop, orders_enabled=True, cutover="include")
    shop.offer(channel, shop.unit("MUG", 5))
    listing(shop, channel, "MUG", "MUG")
    do(owner, "send")
    with shop.scope():
        plan = SendPlan.objects.get()
    owner.post(reverse("backoffice:apply_plan", args=[plan.pk]), {"fingerprint": plan.fingerprint, "sure": "1"})
    for slug, headers, times in (("links", {}, 1), ("send", {}, 1), ("done", {}, 1), ("links", POLL, 0), ("send", POLL, 0)):
        with CaptureQueriesContext(connection) as asked:
            answer = owner.get(reverse(f"backoffice:start_{slug}"), headers=headers)
        assert ("0 of 1 accepted" in text(answer)) == (slug == "send")
        assert sum("stock_level AS level" in query["sql"] for query in asked) == times, (slug, headers)


def _rows(shop: Shop) -> tuple[object, ...]:
    with shop.scope():
        levels = list(Level.objects.values_list("pk", "on_hand"))
        channels = list(Channel.objects.values_list("orders_enabled", "stock_enabled", "buffer", "cutover"))
        organisation = Organisation.objects.values_list("name", "start_passed", "start_ended_at").get(pk=shop.organisation.pk)
        return levels, channels, organisation, SendPlan.objects.count()


def _counts(page: HttpResponse) -> list[tuple[str, str]]:
    return re.findall(r'data-count="(\w+)">([^<]+)<', page.content.decode())


@pytest.mark.parametrize("role", [Role.WAREHOUSE, Role.ACCOUNTANT, Role.READ_ONLY])
def test_who_only_looks_is_led_nowhere_that_refuses_him(shop: Shop, owner: Client, role: Role) -> None:
    """The last page sent a form, and that of an import offered a file, that only others may have."""
    with shop.scope():
        run = ImportRun.objects.create(
            organisation=shop.organisation, kind="products", file_name="a.csv", actor="user:1", state="done", started_at=shop.at
        )
        ImportProblem.objects.create(organisation=shop.organisation, run=run, row=2, column="gtin", message="wrong")
    looks = member(shop.organisation, role)
    file, end = reverse("backoffice:import_problems", args=[run.pk]), reverse("backoffice:start_end")
    for client, there in ((owner, True), (looks, False)):
        assert (file in client.get("/start/products/").content.decode()) is there
        assert (end in client.get("/start/done/").content.decode()) is there
    assert "Go to Today" in text(looks.get("/start/done/"))

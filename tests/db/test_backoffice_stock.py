"""Screens of stock: holds, ring-fences and incoming goods of an article, stock-taking, callback addresses (C3, S4.33)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.core import signing
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from stallkeeper.catalog.models import ImportRun
from stallkeeper.channels import plans
from stallkeeper.channels.models import Channel, Connection, RingFence
from stallkeeper.channels.proposals import ChannelChange, Proposal
from stallkeeper.core import clock
from stallkeeper.core.models import AuditEntry, Role
from stallkeeper.stock.models import Incoming, Location, ManualHold, Movement, StockCount
from tests.busy_shop import member, text
from tests.shop import Shop


@pytest.fixture(autouse=True)
def _own_folders(settings, tmp_path) -> None:
    settings.ENV = replace(settings.ENV, keyring=tmp_path / "keyring.json", base_url="https://hub.example.com")
    settings.STATIC_ROOT = tmp_path


@pytest.fixture
def shop() -> Shop:
    return Shop.open()


@pytest.fixture
def owner(shop: Shop) -> Client:
    return member(shop.organisation, Role.OWNER)


def post(client: Client, name: str, unit, **data: object):
    return client.post(reverse(f"backoffice:{name}", args=[unit.pk]), data, headers={"HX-Request": "true"})


# --- places -------------------------------------------------------------------------------------------------------------------------------


FACTS = {"name": "Main warehouse", "owner": "mine", "priority": "100", "sellable": "on", "active": "on"}


def save_place(client: Client, place: Location, follow: bool = True, **changes: object):
    given = {name: value for name, value in ({**FACTS, "priority": place.priority} | changes).items() if value is not None}
    return client.post(reverse("backoffice:place", args=[place.pk]), given, follow=follow)


def test_a_place_is_renamed_and_moved_up_without_asking(shop: Shop, owner: Client) -> None:
    attic = shop.add_place("ATTIC", 70)
    assert "ATTIC" in text(owner.get(reverse("backoffice:places")))
    said = text(save_place(owner, attic, name="Attic, second floor"))
    assert "Attic, second floor is saved." in said
    said = text(save_place(owner, attic, name="Attic, second floor", priority=5))
    assert "Saved, and in force." in said
    shop.reload(attic)
    assert (attic.code, attic.name, attic.priority, attic.sellable, attic.active) == ("ATTIC", "Attic, second floor", 5, True, True)
    with shop.scope():
        named, moved = AuditEntry.objects.filter(action="change.place").order_by("pk")
        assert (named.detail["name"], moved.detail["priority"]) == (["ATTIC", "Attic, second floor"], [70, 5])


def send_plan(shop: Shop, client: Client) -> HttpResponse:
    with shop.scope():
        plan = plans.open_plan()
    assert plan is not None
    return client.post(reverse("backoffice:apply_plan", args=[plan.pk]), {"fingerprint": plan.fingerprint})


def test_a_place_that_is_sold_from_asks_before_it_stops(shop: Shop, owner: Client) -> None:
    """D3: a plan first; nothing changes before it is sent. Who may change places may send it, and nothing but that."""
    channel = shop.channel()
    offer = shop.offer(channel, shop.unit("MUG", 5), believed_qty=5)
    storeman = member(shop.organisation, Role.WAREHOUSE)
    asked = text(save_place(storeman, shop.place, sellable=None))
    assert "Main warehouse: What lies there may be sold: yes → no" in asked
    assert "1 value would be sent" in asked
    shop.reload(shop.place)
    assert (shop.intended(offer), shop.place.sellable) == (5, True)
    assert send_plan(shop, storeman).status_code == 302
    shop.reload(shop.place)
    assert (shop.intended(offer), shop.place.sellable) == (0, False)
    with shop.scope():
        plans.undo(shop.organisation.pk, "user:1")
    assert send_plan(shop, storeman).status_code == 302
    assert shop.intended(offer) == 5
    assert "In use: yes → no" in text(save_place(owner, shop.place, active=None))
    assert send_plan(shop, owner).status_code == 302
    assert "not in use" in text(owner.get(reverse("backoffice:places")))
    with shop.scope():
        plans.save(shop.organisation.pk, Proposal(channels={channel.pk: ChannelChange(rules={"buffer": 2})}), "user:1")
    assert send_plan(shop, storeman).status_code == 403
    assert "Send exactly this" not in text(storeman.get(reverse("backoffice:plan")))


def test_a_wrong_place_comes_back_and_strangers_find_none(shop: Shop, owner: Client) -> None:
    assert save_place(owner, shop.place, name="").status_code == 422
    assert save_place(owner, shop.place, priority="-1").status_code == 422
    reader = member(shop.organisation, Role.READ_ONLY)
    assert save_place(reader, shop.place, name="Mine").status_code == 403
    assert reverse("backoffice:place", args=[shop.place.pk]) not in reader.get(reverse("backoffice:places")).content.decode()
    assert save_place(member(Shop.open().organisation, Role.OPERATIONS), shop.place, name="Mine").status_code == 404
    with shop.scope():
        virtual = Location.objects.get(virtual_role="customer")
    assert save_place(owner, virtual, name="Mine").status_code == 404
    shop.reload(shop.place)
    assert shop.place.name == "Main warehouse"


# --- imports -----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("state", "minutes", "ended"), [("reading", 0, True), ("queued", 0, False), ("queued", 11, True)])
def test_an_import_whose_process_is_gone_is_shown_as_ended(shop: Shop, owner: Client, state: str, minutes: int, ended: bool) -> None:
    """Nobody waits for a bar that will not move again; the page says how to go on."""
    with shop.scope():
        began = clock.now() - timedelta(minutes=minutes)
        run = ImportRun.objects.create(
            organisation=shop.organisation, kind="stock", file_name="stock.csv", actor="system", state=state, started_at=began
        )
    for address in (reverse("backoffice:import", args=[run.pk]), reverse("backoffice:imports")):
        page = owner.get(address)
        assert ("failed" in text(page)) == ended
    shown = owner.get(reverse("backoffice:import", args=[run.pk]))
    assert ("The import was interrupted. Run it again" in text(shown)) == ended
    assert ("<progress" in shown.content.decode()) != ended


# --- what is kept back --------------------------------------------------------------------------------------------------------------------


def test_a_hold_is_set_shown_and_lifted(shop: Shop, owner: Client) -> None:
    unit = shop.unit("MUG", 5)
    offer = shop.offer(shop.channel(), unit)
    tomorrow = (clock.now() + timedelta(days=1)).date()
    said = text(post(owner, "hold", unit, place=shop.place.pk, units=2, reason="photo shoot", until=tomorrow.isoformat()))
    assert "2 units are kept back at Main warehouse." in said
    assert "photo shoot" in said
    assert "A owner" in said
    assert shop.intended(offer) == 3
    with shop.scope():
        assert ManualHold.objects.get().expires_at.date() == tomorrow + timedelta(days=1)
    assert "Nothing is kept back" in text(post(owner, "hold", unit, place=shop.place.pk, units=0, reason="lifted"))
    assert shop.intended(offer) == 5


def test_a_hold_on_nothing_comes_back_with_the_reason(shop: Shop, owner: Client) -> None:
    unit = shop.unit("MUG", 0)
    said = text(post(owner, "hold", unit, place=shop.place.pk, units=2, reason="photo shoot"))
    assert "nothing is free at MAIN" in said
    assert "Units: Ensure this value is greater" in text(post(owner, "hold", unit, place=shop.place.pk, units=-2, reason="x"))
    assert "already" in text(post(owner, "hold", unit, place=shop.place.pk, units=1, reason="x", until="2020-01-01"))
    with shop.scope():
        assert not ManualHold.objects.exists()


def test_a_fence_and_incoming_goods_are_set_and_taken_away(shop: Shop, owner: Client) -> None:
    unit = shop.unit("MUG", 5)
    near, far = shop.channel(horizon_days=9), shop.channel()
    ours, theirs = shop.offer(near, unit), shop.offer(far, unit)
    day = clock.now().date() + timedelta(days=3)
    assert "2 units are for" in text(post(owner, "fence", unit, channel=near.pk, units=2))
    assert "4 units come to Main warehouse" in text(
        post(owner, "incoming", unit, place=shop.place.pk, units=4, expected_on=day.isoformat())
    )
    assert (shop.intended(ours), shop.intended(theirs)) == (9, 3)
    post(owner, "fence", unit, channel=near.pk, units=0)
    post(owner, "incoming", unit, place=shop.place.pk, units=0, expected_on=day.isoformat())
    assert (shop.intended(ours), shop.intended(theirs)) == (5, 5)
    with shop.scope():
        assert (RingFence.objects.count(), Incoming.objects.count()) == (0, 0)


def test_what_belongs_to_others_cannot_be_chosen(shop: Shop, owner: Client) -> None:
    unit, foreign = shop.unit("MUG", 5), Shop.open()
    with shop.scope():
        virtual = shop.place.__class__.objects.get(code="~customer")
    for place in (foreign.place, virtual):
        assert "Select a valid choice" in text(post(owner, "hold", unit, place=place.pk, units=1, reason="x"))
    assert "Select a valid choice" in text(post(owner, "fence", unit, channel=foreign.channel().pk, units=1))


def test_each_form_is_for_those_who_may(shop: Shop) -> None:
    """The warehouse keeps back and announces; who gets what alone is a rule."""
    unit, channel = shop.unit("MUG", 5), shop.channel()
    warehouse, reader = member(shop.organisation, Role.WAREHOUSE), member(shop.organisation, Role.READ_ONLY)
    said = text(warehouse.get(reverse("backoffice:unit", args=[unit.pk])))
    assert ("Keep units back" in said, "Announce units" in said, "Fence units" in said) == (True, True, False)
    assert post(warehouse, "fence", unit, channel=channel.pk, units=1).status_code == 403
    said = text(reader.get(reverse("backoffice:unit", args=[unit.pk])))
    assert ("Kept back by hand" in said, "Keep units back" in said) == (True, False)
    for name in ("hold", "fence", "incoming"):
        assert post(reader, name, unit, units=1).status_code == 403
    assert reader.get(reverse("backoffice:stock_taking")).status_code == 403
    assert "Stock-taking" not in text(reader.get(reverse("backoffice:stock")))


def test_a_kit_is_not_kept_back(shop: Shop, owner: Client) -> None:
    kit = shop.kit("SET", {shop.unit("MUG", 5): 2})
    assert "Kept back by hand" not in text(owner.get(reverse("backoffice:unit", args=[kit.pk])))
    post(owner, "hold", kit, place=shop.place.pk, units=1, reason="x")
    with shop.scope():
        assert not ManualHold.objects.exists()


# --- stock-taking -------------------------------------------------------------------------------------------------------------------------


def compare(client: Client, shop: Shop, rows: str):
    shop.at = clock.now()
    data = {"place": shop.place.pk, "as_of": shop.at.strftime("%Y-%m-%dT%H:%M"), "file": SimpleUploadedFile("count.csv", rows.encode())}
    return client.post(reverse("backoffice:stock_taking"), data)


def ticket_of(response) -> str:
    return str(response.context["ticket"])


def enter(client: Client, ticket: str) -> str:
    return text(client.post(reverse("backoffice:enter_count"), {"ticket": ticket}, follow=True))


def test_a_count_is_looked_at_and_then_entered_once(shop: Shop, owner: Client) -> None:
    mug, cup = shop.unit("MUG", 5), shop.unit("CUP", 3)
    shown = compare(owner, shop, "sku,counted\nMUG,4\nCUP,3\n")
    assert "Main warehouse as of" in text(shown)
    with shop.scope():
        assert (StockCount.objects.count(), shop.level(mug)) == (0, (5, 0, 0))
    for _ in range(2):
        assert "1 article differed and was put right." in enter(owner, ticket_of(shown))
    with shop.scope():
        assert (shop.level(mug), shop.level(cup)) == ((4, 0, 0), (3, 0, 0))
        assert Movement.objects.filter(cause="count").count() == 1
        assert StockCount.objects.get().actor.startswith("user:")
    again = text(owner.get(reverse("backoffice:stock_taking")))
    assert "A owner" in again
    assert "Nothing has been counted yet" not in again


def test_a_file_with_a_wrong_row_cannot_be_entered(shop: Shop, owner: Client) -> None:
    shop.unit("MUG", 5)
    response = compare(owner, shop, "sku,counted\nMUG,4\nNOPE,1\nMUG,x\n")
    said = text(response)
    assert response.status_code == 422
    assert "2 problems: nothing can be entered" in said
    assert "NOPE is not known" in said
    assert "Enter the count" not in said
    assert ticket_of(response) == ""


@pytest.mark.parametrize(("rows", "said"), [("", "empty"), ("sku,number of things\nMUG,4\n", "is not known"), ("sku,counted\n", "no rows")])
def test_a_file_that_is_no_count_is_refused(shop: Shop, owner: Client, rows: str, said: str) -> None:
    response = compare(owner, shop, rows)
    assert response.status_code == 422
    assert said in text(response)


def test_only_a_preview_of_ours_can_be_entered(shop: Shop, owner: Client) -> None:
    """Not one that was made up, changed, or made for another organisation."""
    mug = shop.unit("MUG", 5)
    mine = ticket_of(compare(owner, shop, "sku,counted\nMUG,4\n"))
    stranger = member(Shop.open().organisation, Role.WAREHOUSE)
    made_up = signing.dumps([shop.place.pk, "2026-01-01T00:00:00+00:00", "x", [[mug.pk, 0]]], salt="other")
    for client, ticket in ((owner, ""), (owner, made_up), (owner, mine[:-1] + "?"), (stranger, mine)):
        assert "This preview is too old" in enter(client, ticket)
    with shop.scope():
        assert (shop.level(mug), StockCount.objects.count()) == ((5, 0, 0), 0)


def test_the_template_can_be_brought_in(shop: Shop, owner: Client) -> None:
    content = owner.get(reverse("backoffice:count_template")).content
    assert content[:2] == b"PK"
    file = SimpleUploadedFile("count.xlsx", content)
    data = {"place": shop.place.pk, "as_of": clock.now().strftime("%Y-%m-%dT%H:%M"), "file": file}
    assert "This is the example of the template" in text(owner.post(reverse("backoffice:stock_taking"), data))


# --- callbacks ----------------------------------------------------------------------------------------------------------------------------


def test_the_callback_address_is_shown_to_those_who_connect(shop: Shop, owner: Client, settings) -> None:
    channel: Channel = shop.channel("emag")
    with shop.scope():
        account = Connection.objects.get(pk=channel.connection_id)
    page = reverse("backoffice:connection", args=[account.pk])
    assert f"https://hub.example.com/hints/{account.hint_token}/" in owner.get(page).content.decode()
    assert "STALLKEEPER_BASE_URL" not in text(owner.get(page))
    assert account.hint_token not in member(shop.organisation, Role.READ_ONLY).get(page).content.decode()
    settings.ENV = replace(settings.ENV, base_url="http://127.0.0.1:8000")
    assert "STALLKEEPER_BASE_URL" in text(owner.get(page))

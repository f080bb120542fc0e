"""Two fully furnished shops. Every text that the second one has entered, received or been told is a canary: it stands nowhere else."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.apps import apps
from django.db import connection, models
from django.http import HttpResponse

from stallkeeper.catalog.models import ImportProblem, ImportRun, PriceList, StockUnit
from stallkeeper.channels import lanes_queries, plans, send_tasks
from stallkeeper.channels.fences import set_fence
from stallkeeper.channels.models import Channel, Command, FurtherField, ObservedHold, Offer, RemoteListing, SendingColumns, Wait
from stallkeeper.channels.proposals import ChannelChange, Proposal
from stallkeeper.channels.rule_models import RuleOverride, UnitSale
from stallkeeper.core import api_keys, audit, clock, file_exports, invitations, snoozes, targets, walls
from stallkeeper.core.models import FileExport, FileExportPart, Organisation, Role, User
from stallkeeper.core.tenancy import organisation_scope
from stallkeeper.orders import delays
from stallkeeper.orders.models import Delay, Exposure, OrderDesk, OrderLine, OrderNote, OrderSplit, OrderView
from stallkeeper.orders.promises import Operation
from stallkeeper.stock import source_setup
from stallkeeper.stock.counts import record_count
from stallkeeper.stock.holds import keep_back
from stallkeeper.stock.incoming import set_incoming
from stallkeeper.stock.models import Location, SourceProblem, SourceRun
from stallkeeper.sync.exchange import accounts, goods, returned, sessions, uploads
from stallkeeper.sync.exchange.accounts import Agreed
from stallkeeper.sync.models import ExchangeOrder
from stallkit.sources.commerceml.packets import Good, Returned
from stallkit.sources.commerceml.session import Kind
from tests.busy_shop import BusyShop, open_busy_shop
from tests.canaries import unpacked
from tests.shop import join

BUYER = "kw0buyerkw"
PERSON = "kw0personkw"
FIRM = "kw0firmkw"
GOOD = "good-1"
"""The number of the one article that the base of 1C has."""
CANARY = re.compile(rb"kw\d+[a-z_]+kw")

PLAIN = (
    "code currency kind scope operation platform site base_url hint_token way actor cursor step purpose roles owner_type subject_type"
    " fulfilled_by owed_by outcome status verdict linked_by wrapped_by key cause kit_kind component_kind remote_state claimed_by"
    " bucket link form language zone"
)
"""Columns that hold words of the program, of standards or of the machine, not of a seller."""
HISTORY = {"core_auditentry", "stock_movement", "channels_sent_log", "stock_reservation_event", "core_factchange", "channels_openevent"}
"""Refuse whatever is changed; what stands in them was entered with a canary."""
SEVERAL = {"offer": Offer, "listing": RemoteListing, "unit": StockUnit, "stock_unit": StockUnit, "price_list": PriceList}
"""What a form can name more than one of."""


@dataclass
class Neighbours:
    """``ours`` asks; ``theirs`` is what must not be found, its texts are ``canaries``. ``members``: people of ours by role."""

    ours: BusyShop
    theirs: BusyShop
    canaries: list[str]
    members: dict[str, User] = field(default_factory=dict)


def open_neighbours(units: int = 36, orders: int = 22) -> Neighbours:
    """Both shops, with something in every list, and a person of ours for each role."""
    ours = open_busy_shop(units, orders)
    theirs = open_busy_shop(units, orders, seed=8, email="theirs@example.com", people=(BUYER,))
    for busy, word in ((ours, "ours"), (theirs, "kw0enteredkw")):
        furnish(busy, word)
    found = Neighbours(ours, theirs, mark(theirs))
    for role in Role.values:
        found.members[role] = User.objects.create_user(f"a-{role}@example.com", name=role)
        join(ours.organisation, found.members[role], role)
    return found


def furnish(busy: BusyShop, word: str) -> None:
    """What a busy shop has not by itself: holds, fences, goods to come, counts, imports, a message that was refused, entries of the log."""
    with busy.shop.use_case("test.furnish") as uc:
        units = list(StockUnit.objects.filter(kind="single").order_by("pk")[:3])
        place = Location.objects.exclude(owner="virtual").order_by("pk")[0]
        keep_back(uc, units[0], place, 1, reason=word, expires_at=None)
        set_fence(uc, busy.near, units[1], 1)
        set_incoming(uc, units[0], place, (uc.at + timedelta(days=3)).date(), 7)
        record_count(uc, place.pk, {units[2].pk: 3}, as_of=uc.at, reference=word)
        offer = Offer.objects.filter(channel=busy.near).order_by("pk")[0]
        seen = {"channel": offer.channel, "quantity": 1, "seen": 1, "seen_at": uc.at, "cause": "2 -> 1"}
        ObservedHold.objects.create(organisation=busy.organisation, offer=offer, reason=word, **seen)
        lines = OrderLine.objects.order_by("pk")[:2]
        OrderSplit.objects.create(organisation=busy.organisation, line=lines[0], into=lines[1], units=1, at=uc.at)
        RuleOverride.objects.create(organisation=busy.organisation, channel=busy.near, category=word, buffer=1, valid_from=uc.at, actor="x")
        OrderNote.objects.create(organisation=busy.organisation, order_id=lines[0].order_id, at=uc.at, actor="x", key=word[:40], text=word)
        OrderView.objects.create(organisation=busy.organisation, name=word, query=f"q={word}", actor="x")
        OrderDesk.objects.create(organisation=busy.organisation, user=busy.owner, carrier=word)
        Exposure.objects.create(
            organisation=busy.organisation, channel=busy.near, hour=uc.at, cuts=1, units=1, worst=1, seconds=9, longest=9, unit_seconds=9
        )
        Delay.objects.create(
            organisation=busy.organisation, channel=busy.near, operation="ship", hour=uc.at, count=1, ours_seconds=1, theirs_seconds=1,
            limits_seconds=0, total={"30": 1}, ours={"9": 1}, theirs={"9": 1}, limits={"0": 1}, worst=[],
        )  # fmt: skip
        delays.promise(uc, Operation.STOCK, 60)
        Wait.objects.create(
            organisation=busy.organisation, connection_id=busy.near.connection_id, step="orders", begun_at=uc.at, until=uc.at
        )
        UnitSale.objects.create(organisation=busy.organisation, stock_unit=units[0], quantity=1, sold_at=uc.at, recorded_at=uc.at)
        api_keys.make(uc, word, ["view_stock"])
        invitations.invite(uc, f"{word}@example.com", Role.READ_ONLY)
        told = targets.add(uc, "email", {"to": f"{word}@example.com"}, f"{word}@example.com", {"name": word})
        targets.test(uc, told)
        snoozes.begin(uc, f"refused:{word}", word, uc.at + timedelta(days=3), 1, 2)
        audit.record(uc, "test.furnish", "place", place.pk, note=word)
        run = ImportRun.objects.create(
            organisation=busy.organisation, kind="products", file_name=f"{word}.csv", state="done", started_at=uc.at, actor=busy.owner.actor
        )
        ImportRun.objects.create(
            organisation=busy.organisation, kind="stock_table", file_name=word, state="done", started_at=uc.at, actor=busy.owner.actor
        )
        ImportProblem.objects.create(organisation=busy.organisation, run=run, row=2, column="title", value=word, message=f"wrong: {word}")
        source = source_setup.add(
            uc, place, "url", {"address": f"https://{word}.example.com/a.csv"}, {"password": word}, {"name": f"{word} feed"}
        )
        figures = SourceRun.objects.create(
            organisation=busy.organisation, source=source, reference=word, name=word, as_of=uc.at, actor="system", started_at=uc.at,
            state="stopped", problem=word,
        )  # fmt: skip
        SourceProblem.objects.create(organisation=busy.organisation, run=figures, row=2, column="qty", value=word, message=word)
        Command.objects.filter(pk=Command.objects.order_by("pk")[0].pk).update(kind="ship", state="refused", message=word)
        send_tasks.send_channels(uc, [busy.near.pk])
        taken = file_exports.ask(uc, busy.owner, "stock", f"q={word}", "csv", 1, "en", "UTC")
        FileExport.objects.filter(pk=taken.pk).update(state="done", size=len(word), ended_at=uc.at)
        FileExportPart.objects.create(organisation=busy.organisation, export=taken, position=0, content=word.encode())
        SendingColumns.objects.create(organisation=busy.organisation, user=busy.owner, hidden=[busy.far.pk])
    exchange(busy, word)
    settings(busy, word)


def settings(busy: BusyShop, word: str) -> None:
    """A further field with its value, what a channel says of itself, and a plan of a rule."""
    with busy.shop.scope():
        note = FurtherField.objects.create(organisation=busy.organisation, label=word, kind="choice", choices=[word], help=word)
        Channel.objects.filter(pk=busy.near.pk).update(sales_organisation=word, category=word, further={str(note.pk): word})
        proposal = Proposal(channels={busy.near.pk: ChannelChange(rules={"exchange_rate_source": word})})
        plans.save(busy.organisation.pk, proposal, busy.owner.actor)


def exchange(busy: BusyShop, word: str) -> None:
    """A 1C base with a session, a file, goods, an order that it has, and one that it has not from us."""
    with busy.shop.use_case("test.exchange") as uc:
        place = Location.objects.exclude(owner="virtual").order_by("pk")[1]
        made = accounts.connect(uc, place, {"name": word}, Agreed("Europe/Moscow", True)).exchange
        order = OrderLine.objects.order_by("pk")[0].order_id
        ExchangeOrder.objects.create(organisation=busy.organisation, exchange=made, order_id=order, status=word)
    with busy.shop.scope():
        with connection.cursor() as cursor:
            lanes_queries.create_missing_sources(cursor, clock.now() + timedelta(days=1))
        session = sessions.find(made, sessions.begin(made, Kind.SALE))
        assert session is not None
        uploads.append(session, f"{word}.xml", word.encode())
        goods.learn(made, [Good(1, GOOD, word, word, word, deleted=False)])
        returned.take(session, [Returned(1, "", word, "", "", *[False] * 4, "", "")])


def mark(busy: BusyShop) -> list[str]:
    """Give every text of the shop a canary of its own column; returns them all. One SKU stays as it is, so that it can be asked for."""
    made = [BUYER, PERSON, FIRM, "kw0enteredkw"]
    Organisation.objects.filter(pk=busy.organisation.pk).update(name=FIRM)
    User.objects.filter(pk=busy.owner.pk).update(name=PERSON)
    with busy.shop.scope():
        for number, column in enumerate(texts(), start=1):
            word = f"kw{number}{column.name[:12]}kw"
            rows = column.model._base_manager.exclude(**{column.name: ""})
            longest = getattr(column, "max_length", None)
            if longest is not None:
                rows = rows.annotate(_length=models.functions.Length(column.name)).filter(_length__lte=longest - len(word) - 1)
            if rows.update(**{column.name: models.functions.Concat(models.F(column.name), models.Value(f" {word}"))}):
                made.append(word)
        listing = RemoteListing.objects.exclude(candidates=[]).order_by("pk")[0]
        RemoteListing.objects.filter(pk=listing.pk).update(candidates=[each | {"value": "kw0evidencekw"} for each in listing.candidates])
        unit = StockUnit.objects.filter(kind="single").order_by("-pk")[0]
        StockUnit.objects.filter(pk=unit.pk).update(sku="THEIRS-1")
    return made


def texts() -> list[models.Field[Any, Any]]:
    """Every column of every table of an organisation that can hold a seller's own words."""
    inside = set(walls.tables())
    return [
        column
        for model in apps.get_models()
        if model._meta.db_table in inside - HISTORY and model._meta.managed
        for column in model._meta.concrete_fields
        if isinstance(column, models.CharField | models.TextField) and not column.choices and column.name not in PLAIN.split()
    ]


def figures(busy: BusyShop) -> dict[str, tuple[int, str]]:
    """(rows, digest of all rows) of every table of the shop's organisation, seen with its own eyes; and of its register."""
    found = {}
    with organisation_scope(busy.organisation.pk), connection.cursor() as cursor:
        for table in walls.tables():
            cursor.execute(f"SELECT count(*), coalesce(md5(string_agg(t::text, ',' ORDER BY t::text)), '') FROM {table} t")
            found[table] = cursor.fetchone()
    found["core_organisation"] = (1, repr(Organisation.objects.filter(pk=busy.organisation.pk).values().get()))
    found["core_user"] = (1, repr(User.objects.filter(pk=busy.owner.pk).values().get()))
    return found


def changes(busy: BusyShop, before: dict[str, tuple[int, str]]) -> set[str]:
    """Tables in which a row of the shop came, went or changed since; a partition that came or went empty is none."""
    now = figures(busy)
    return {table for table in before.keys() | now.keys() if now.get(table, (0, "")) != before.get(table, (0, ""))}


def leaks(response: HttpResponse) -> set[str]:
    """Every canary in an answer: headers, cookies, body, and what is packed into a file."""
    head = str([*response.items(), *(morsel.OutputString() for morsel in response.cookies.values())]).encode()
    body = b"".join(response.streaming_content) if response.streaming else response.content  # type: ignore[attr-defined]
    parts = [head, *(part for _place, part in unpacked("", body))]
    return {found.decode() for part in parts for found in CANARY.findall(part)}


def fields(busy: BusyShop) -> dict[str, Any]:
    """What a form or a question can name, with rows of this shop, by the names that our screens read."""
    with busy.shop.scope():
        places = Location.objects.exclude(owner="virtual").order_by("pk")
        found = {"place": places[1].pk, "location": places[1].pk, "locations": [each.pk for each in places], "channel": busy.near.pk}
        found |= {name: list(model.objects.order_by("pk").values_list("pk", flat=True)[:2]) for name, model in SEVERAL.items()}
        found |= {f"quantity_{line}": 1 for line in OrderLine.objects.order_by("pk").values_list("pk", flat=True)[:40]}
        sku = StockUnit.objects.filter(kind="single").order_by("-pk")[0].sku
    return found | {"organisation": busy.organisation.pk, "connection": busy.near.connection_id, "sku": sku}

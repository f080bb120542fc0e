"""What the commands about channels do: probe then store, read listings, link, turn switches, change rules."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any, TypeVar

import msgspec

from stallkeeper.channels import breaker, cutover, inheritance, links, proposals, rules, switches
from stallkeeper.channels import connect as connecting
from stallkeeper.channels.connect import ConnectError, Settings
from stallkeeper.channels.models import Channel, Connection
from stallkeeper.channels.proposals import Proposal
from stallkeeper.channels.rules import RuleError
from stallkeeper.core import crash
from stallkeeper.core.models import Organisation
from stallkeeper.core.retry import again_on_conflict
from stallkeeper.core.use_case import use_case
from stallkeeper.ops import views
from stallkeeper.stock.models import Location
from stallkeeper.sync import adapters
from stallkit.errors import SlowDown
from stallkit.pacing import Pacer
from stallkit.protocols import OfferReader
from stallkit.types import AccountInfo, Page, RemoteOffer

R = TypeVar("R")

WHOLE = {"buffer", "max_publish", "zero_at", "fixed", "horizon_days", "zero_limit", "price_list_id"}
EXACT = {"share", "velocity_share", "mark_up", "exchange_rate", "tax_rate", "zero_limit_share", "price_drop_limit"}
EMPTY = {"max_publish", "fixed", "price_list_id", "exchange_rate", "exchange_rate_at", "tax_rate"}

SENDING = ("stock", "prices", "writes", "company")
"""Switches that let figures out: on by a plan, off at once (ADR 0064)."""

PATIENCE = 120.0


@dataclass(frozen=True, slots=True)
class Connected:
    """An account that was probed and stored, and the code of its channel."""

    connection_id: int
    code: str
    account: AccountInfo

    def as_json(self) -> dict[str, object]:
        return {
            "connection": self.connection_id,
            "channel": self.code,
            "account_id": self.account.account_id,
            "account_name": self.account.name,
            "rights": list(self.account.rights),
            "warnings": list(self.account.warnings),
        }


def connect(
    organisation_id: int,
    platform: str,
    name: str,
    code: str | None,
    currency: str | None,
    settings: Settings,
    base_url: str,
    actor: str,
    warehouse: str = "",
) -> Connected:
    """Probe the account, then store it with one channel; everything is off. ConnectError or an adapter's error if it cannot be."""
    declared = connecting.to_connect(platform)
    budget = adapters.budget_beforehand(settings.all, base_url)
    account = adapters.probe(platform, settings.all, base_url, budget)
    warehouse = _warehouse(platform, settings, base_url, budget, warehouse)
    money = currency or account.currency or (declared.currencies[0] if len(declared.currencies) == 1 else "")
    if money.upper() not in declared.currencies:
        raise ConnectError(f"Say which currency the channel sells in: --currency {'|'.join(declared.currencies)}.")
    code = code or connecting.free_code(platform, Channel.objects.values_list("code", flat=True))
    with use_case("connect.account", organisation_id=organisation_id, actor=actor) as uc:
        made = connecting.create(uc, platform, name, settings, account, base_url=base_url)
        budget.hand_over(made.pk)
        connecting.create_channel(uc, made, code=code, name=name, currency=money, warehouse=warehouse)
    return Connected(made.pk, code, account)


def _warehouse(platform: str, settings: Settings, base_url: str, budget: Pacer, wanted: str) -> str:
    """The platform's warehouse that the channel is for: the wanted one, or the only one; ConnectError lists them if there are more."""
    found = adapters.warehouses(platform, settings.all, base_url, budget)
    usable = {one.id: one.name for one in found if one.usable}
    if not found or wanted in usable:
        return wanted
    if not wanted and len(usable) == 1:
        return next(iter(usable))
    listed = ", ".join(f"{number} ({name})" for number, name in usable.items()) or "none that can be used now"
    raise ConnectError(f"Say which of the platform's warehouses the channel is for: --warehouse NUMBER. There are: {listed}.")


def add_channel(
    organisation_id: int, account: Connection, code: str | None, name: str, currency: str, warehouse: str, actor: str
) -> Channel:
    """Another channel on an account that is connected; everything is off."""
    settings = connecting.settings_of(account)
    chosen = _warehouse(account.platform, settings, account.base_url, adapters.budget_of(account), warehouse)
    code = code or connecting.free_code(account.platform, Channel.objects.values_list("code", flat=True))
    with use_case("add.channel", organisation_id=organisation_id, actor=actor) as uc:
        return connecting.create_channel(uc, account, code=code, name=name, currency=currency, warehouse=chosen)


def reconnect(organisation_id: int, platform: str, name: str, settings: Settings, actor: str) -> Connected:
    """Probe with new credentials, then store them on the account of this name."""
    found = Connection.objects.filter(platform=platform, name=name).first()
    if found is None:
        known = ", ".join(Connection.objects.filter(platform=platform).order_by("name").values_list("name", flat=True)) or "none"
        raise ConnectError(f"There is no account {name!r} on {platform}. There are: {known}.")
    account = patiently(partial(adapters.probe, platform, settings.all, found.base_url, adapters.budget_of(found)))
    with use_case("reconnect.account", organisation_id=organisation_id, actor=actor) as uc:
        connecting.reconnect(uc, found.pk, settings, account)
    first = found.channels.order_by("pk").first()
    return Connected(found.pk, first.code if first else "", account)


def read_offers(organisation_id: int, channel: Channel, actor: str, tick: Callable[[int, int | None], None]) -> int:
    """Read everything that the account lists, page by page; returns how many listings there are. Changes nothing there."""
    adapter = adapters.session(channel.connection, "background").adapter
    cursor, done, read = "", False, 0
    while not done:
        page = patiently(partial(_page, adapter, cursor))
        with use_case("read.listings", organisation_id=organisation_id, actor=actor) as uc:
            links.take_page(uc, channel.pk, page.items)
        cursor, done, read = page.cursor, page.done, read + len(page.items)
        tick(read, None)
    return read


def _page(adapter: OfferReader, cursor: str) -> Page[RemoteOffer]:
    with crash.around("send:read_offers"):
        return adapter.read_offers(cursor)


def patiently(call: Callable[[], R]) -> R:
    """Make a call, waiting as long as its rate limit says; SlowDown after PATIENCE seconds. Commands may wait, workers must not."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return call()
        except SlowDown as slow:
            if time.monotonic() + slow.retry_after > deadline:
                raise
            time.sleep(slow.retry_after)


def propose(organisation_id: int, channel: Channel, actor: str) -> links.Proposal:
    """Search a unit for each listing."""
    with use_case("propose.links", organisation_id=organisation_id, actor=actor) as uc:
        return links.propose(uc, channel.pk)


@again_on_conflict
def confirm(organisation_id: int, channel: Channel, actor: str) -> links.Proposal:
    """Link what exactly one unit fits."""
    with use_case("confirm.links", organisation_id=organisation_id, actor=actor) as uc:
        links.confirm(uc, links.certain(channel.pk))
        return links.count(channel.pk)


@again_on_conflict
def create_products(organisation_id: int, channel: Channel, actor: str) -> links.Proposal:
    """Make products of the listings that nothing fits (S4.20)."""
    ids = channel.listings.filter(state="new", candidates=[]).order_by("pk").values_list("pk", flat=True)
    with use_case("create.products", organisation_id=organisation_id, actor=actor) as uc:
        links.create_products(uc, list(ids))
        return links.count(channel.pk)


def proposed(organisation: Organisation, channel: Channel | None, wanted: Mapping[str, Any]) -> Proposal:
    """The rules and places that somebody wants for the channel, and the switches that let something out; without those that are so
    already. RuleError names the rule that is wrong."""
    given = {name: rules.plain(value) for name, value in rules_given(wanted.get("rules", ())).items()}
    on = {name for name in SENDING if wanted.get(name) == "on"}
    company = True if "company" in on and not organisation.sending_enabled else None
    if channel is None:
        return Proposal(sending=company)
    turned: dict[str, bool] = {
        name: True for name in ("stock", "prices") if name in on and not getattr(channel, switches.CHANNEL_SWITCHES[name])
    }
    said = proposals.change_of(given, turned, _places(wanted.get("locations")))
    change = msgspec.structs.replace(said, follow=list(wanted.get("follow", ())))
    writes = {channel.connection_id: True} if "writes" in on and not channel.connection.writes_allowed else {}
    return Proposal(sending=company, channels={channel.pk: change} if change else {}, writes=writes)


@again_on_conflict
def stop(organisation_id: int, channel: Channel | None, wanted: Mapping[str, Any], actor: str) -> list[str]:
    """Switch off what shall send no more, at once; the names of what was asked for."""
    off = [name for name in SENDING if wanted.get(name) == "off"]
    own = {name: False for name in off if name in switches.CHANNEL_SWITCHES}
    with use_case("stop.channel", organisation_id=organisation_id, actor=actor) as uc:
        if "company" in off:
            switches.set_company(uc, False)
        if channel is not None and "writes" in off:
            switches.set_writes(uc, channel.connection_id, False)
        if channel is not None and own:
            switches.set_channel(uc, channel.pk, **own)
    return off


FIRST = ("cutover", "orders", "acknowledge", "main")
"""What comes before figures are sent, and sends none itself."""


def change(organisation_id: int, channel: Channel, wanted: Mapping[str, Any], actor: str) -> None:
    """Its main channel, the answer to the question about cutover, switches that send no figures: all of it or nothing. Raises what the
    parts raise."""
    turned = {name: wanted[name] == "on" for name in ("orders", "acknowledge") if name in wanted}
    with use_case("change.channel", organisation_id=organisation_id, actor=actor) as uc:
        if "main" in wanted:
            above = None if wanted["main"] == "none" else views.channel_by_code(wanted["main"]).pk
            inheritance.attach(uc, channel.pk, above)
        if "cutover" in wanted:
            cutover.answer(uc, channel.pk, include=wanted["cutover"] == "include")
        if turned:
            switches.set_channel(uc, channel.pk, without_orders=bool(wanted.get("without_orders")), **turned)


def release(organisation_id: int, channel: Channel, actor: str) -> None:
    """Let the plan pass that the channel was stopped by. NotThatPlan if it is not stopped."""
    breaker.release(organisation_id, channel.pk, str(channel.stop_detail.get("fingerprint", "")), actor)


def _places(codes: str | None) -> list[int] | None:
    if codes is None:
        return None
    wanted = [code.strip() for code in codes.split(",") if code.strip()]
    found = dict(Location.objects.filter(code__in=wanted).values_list("code", "pk"))
    if missing := [code for code in wanted if code not in found]:
        known = ", ".join(Location.objects.exclude(owner="virtual").order_by("priority").values_list("code", flat=True))
        raise RuleError(f"locations: there is no place {missing[0]!r}. There are: {known}.")
    return [found[code] for code in wanted]


def rules_given(given: tuple[str, ...]) -> dict[str, object]:
    """Rules from NAME=VALUE; RuleError names the one whose value is wrong."""
    pairs = dict(text.partition("=")[::2] for text in given)
    return {name.strip(): _value(name.strip(), value.strip()) for name, value in pairs.items()}


def _value(name: str, text: str) -> object:
    """A rule's value from text; RuleError if it is not of the rule's kind."""
    if not text and name in EMPTY:
        return None
    try:
        if name in WHOLE:
            return int(text)
        if name in EXACT:
            return Decimal(text)
        if name == "exchange_rate_at":
            return date.fromisoformat(text)
    except (ValueError, InvalidOperation):
        raise RuleError(f"{name}: {text!r} is not a {'date like 2026-03-01' if name == 'exchange_rate_at' else 'number'}.") from None
    if name == "allow_splits":
        if text.lower() not in connecting.TRUE_WORDS | connecting.FALSE_WORDS:
            raise RuleError(f"{name}: yes or no, not {text!r}.")
        return text.lower() in connecting.TRUE_WORDS
    return text

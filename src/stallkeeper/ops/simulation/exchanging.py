"""The exchange with 1C: how it is set up, what is played around it, and when. In some of the seeds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, TypeVar

import httpx  # lint: allow http-door because here a 1C base calls the hub, inside of this process

from stallkeeper.ops.simulation import feeds
from stallkeeper.ops.simulation.acts import act
from stallkeeper.ops.simulation.one_c import CODE, Line, Repeating, SeenBase
from stallkeeper.ops.simulation.strewn import strewn
from stallkeeper.ops.simulation.truth.one_c import ExchangeView
from stallkeeper.stock import source_setup, sources
from stallkeeper.stock.models import Level, SourceRun
from stallkeeper.stock.source_setup import Terms
from stallkeeper.sync.exchange import accounts
from stallkeeper.sync.exchange.accounts import Agreed
from stallkit.sources.commerceml.emulator import Caller, ExchangeFailed
from stallkit.sources.commerceml.writing import Style

if TYPE_CHECKING:
    from stallkeeper.ops.simulation.world import World

S = TypeVar("S")
KEPT_IN_1C = 0.25
"""Part of the seeds without another source in which a 1C base keeps the stock."""
MOVES, EXCHANGES, LOOKS = "stock moves in 1C", "1C exchanges", "look at what 1C brought"
PLAYED = (
    (MOVES,), (MOVES,), (EXCHANGES,), (EXCHANGES,), (EXCHANGES,), (EXCHANGES,), (LOOKS,), (MOVES, EXCHANGES), (EXCHANGES, EXCHANGES),
    (EXCHANGES, "ship"), (EXCHANGES, "ship"), (EXCHANGES, "trade now"), (EXCHANGES, "goods are missing"), (EXCHANGES, LOOKS),
)  # fmt: skip
MOST = 9
"""So many steps more has a day with 1C, each one of these."""
LIMITS: Sequence[Terms] = (
    {"zero_limit": 100, "change_limit": 100, "least_rows": 0, "limits_from": 2},
    {"zero_limit": 100, "change_limit": 100, "least_rows": 0, "limits_from": 2},
    {"zero_limit": 30, "change_limit": 75, "least_rows": 70, "limits_from": 2},
)
STYLES = (Style((2, 5)), Style((2, 5), "windows-1251"), Style((2, 8)), Style((2, 8)), Style((3, 1), byte_order_mark=True))
WHOLE_SECOND = timedelta(seconds=1.1)
"""1C writes times without fractions: what it booked in this second must not look newer than its file."""
CLOCKS = (0, 0, 0, -75, 75)
"""Seconds by which the clock of the base is off."""


@dataclass
class OneC:
    """The base, its line to the hub, and what is entered in it."""

    base: SeenBase
    line: Line
    view: ExchangeView
    address: str
    user: str
    password: str

    def caller(self) -> Caller:
        """A new exchange begins; one that is still under way is given up."""
        self.line.exchange += 1
        return Repeating(self.address, self.user, self.password, httpx.Client(transport=self.line, base_url="http://hub.test"))


def has_1c(seed: int) -> bool:
    """Whether a 1C base keeps stock of this seed."""
    return not feeds.has_source(seed) and Random(f"1c:{seed}").random() < KEPT_IN_1C  # noqa: S311


def with_1c(seed: int, steps: list[S], step: Callable[[tuple[str, ...], int], S], *, races: bool) -> list[S]:
    """The steps of a seed, and between them what is played around its 1C."""
    return strewn(f"1c steps:{seed}", steps, step, PLAYED, MOST, races=races) if has_1c(seed) else steps


def open_1c(world: World) -> None:
    """A person connects the base as a source of one place, or of both, and enters in it what the page shows."""
    dice = Random(f"1c terms:{world.seed}")  # noqa: S311
    home = dice.choice(world.places)
    free = dice.random() < 0.5
    others = [place for place in world.places if place is not home]
    words = {} if free or dice.random() < 0.5 else {"w1": home, "w2": home, "w3": None} | dict(zip(("w4",), others, strict=False))
    terms: Terms = {"name": "our 1C", "mode": dice.choice(("listed", "all")), "basis": "net" if free else "gross", **dice.choice(LIMITS)}
    with world.use_case("set.exchange") as uc:
        made = accounts.connect(uc, home, terms, Agreed("Europe/Moscow", True))
        accounts.map_places(uc, made.exchange, {word: place.code if place else None for word, place in words.items()})
        source_setup.turn(uc, made.exchange.source_id, True)
    ids = {word: place.pk if place else None for word, place in words.items()}
    stock = {sku: _as_here(world, sku, ids or {"w1": home.pk, "w2": home.pk}, dice) for sku in world.counted}
    base = SeenBase(world, dice.choice(STYLES), ids, stock, home.pk, free=free)
    base.off = timedelta(seconds=dice.choice(CLOCKS))
    places = sorted({place for place in ids.values() if place is not None} or {home.pk})
    view = ExchangeView(made.exchange.source_id, made.exchange.pk, places, terms["mode"], free, base.seen)
    world.one_c = OneC(base, Line(world), view, f"/1c/{made.exchange.token}/", made.exchange.user_name, made.password)


def _as_here(world: World, sku: str, words: Mapping[str, int | None], dice: Random) -> dict[str, int]:
    """What 1C has of an article in the morning, by its own places: the same as we have, and something in places that are none of ours."""
    left = dict(Level.objects.filter(stock_unit=world.units[sku]).values_list("location_id", "on_hand"))
    found = {}
    for word, place in words.items():
        shared = sum(other == place for other in words.values()) > 1 and word == "w1"
        found[word] = dice.randint(1, 9) if place is None else dice.randint(0, left[place]) if shared else left[place]
        if place is not None:
            left[place] -= found[word]
    return found


@act(MOVES, 0, ours=False)
def move(world: World) -> None:
    """Goods come in where 1C keeps stock, or are sold there; a good leaves its list for a while."""
    if world.one_c is None:
        return
    base, dice = world.one_c.base, world.dice
    for code in dice.sample(sorted(base.goods), dice.choice((1, 1, 2))):
        word = dice.choice(sorted(base.goods[code].stock))
        change = dice.choice((-3, -1, 1, 2, 5))
        base.goods[code].stock[word] += change
        world.note(f"1C: {change:+} of {code.removeprefix(CODE)} in {word}")
    if dice.random() < 0.15 and len(base.gone) < 2:
        code = dice.choice(sorted(base.goods))
        base.gone ^= {code}
        base.told.pop(code, None)
        world.note(f"1C: {code.removeprefix(CODE)} is {'gone' if code in base.gone else 'back'}")


@act(EXCHANGES, 0)
def exchange(world: World) -> None:
    """1C does what it does every few minutes; some bases send figures before they ask for orders."""
    if world.one_c is None:
        return
    one_c, dice = world.one_c, world.dice
    caller = one_c.caller()
    parts = list(_parts(world, one_c, caller))
    if dice.random() < 0.3:
        parts = parts[-1:] if dice.random() < 0.5 else [parts[-1], *parts[:-1]]
    try:
        for part in parts:
            part()
    except (ExchangeFailed, httpx.HTTPError) as error:
        world.reach("an exchange with 1C broke off")
        world.note(f"1C gives up: {type(error).__name__}")


def _parts(world: World, one_c: OneC, caller: Caller) -> Iterator[Callable[[], object]]:
    base, number = one_c.base, one_c.line.exchange

    def still() -> None:
        if one_c.line.exchange != number:
            raise ExchangeFailed("begun anew")

    def take() -> None:
        came = base.take_orders(caller, confirm=world.dice.random() < 0.8)
        world.note(f"1C takes {len(came)} orders")
        world.reach("1C took orders" if came else "1C found no orders")

    def tell() -> None:
        base.book_out(still)
        _perhaps_cancel(world, base)
        world.note(f"1C tells of {base.send_orders(caller)} orders")

    yield take
    yield tell
    yield lambda: _send_goods(world, base, caller, still)


def _perhaps_cancel(world: World, base: SeenBase) -> None:
    """Somebody at 1C cancels an order; here it stays open."""
    open_ = sorted(code for code, order in base.orders.items() if not order.shipped and not order.cancelled)
    if open_ and world.chaos.weather.rates and world.dice.random() < 0.1:
        base.cancel(world.dice.choice(open_))
        world.reach("an order was cancelled in 1C")
        world.note("1C: an order is cancelled")


def _send_goods(world: World, base: SeenBase, caller: Caller, still: Callable[[], None]) -> None:
    """Figures, as changes or as the whole list; at times a whole packet comes twice."""
    dice = world.dice
    world.clock.pass_(WHOLE_SECOND.total_seconds())
    still()
    whole, zipped, again = dice.random() < 0.3, dice.random() < 0.2, dice.random() < 0.2
    sent = base.send_goods(caller, whole=whole, zipped=zipped)
    if again and sent:
        base.send_again(caller)
        world.reach("1C sent a packet twice")
    if sent:
        world.reach("1C sent its whole list" if whole else "1C sent changes")
    world.note(f"1C has sent {'everything' if whole else 'changes'}: {sent} files")


@act(LOOKS, 0)
def look(world: World) -> None:
    """A person looks at runs that wait: they are let through, or dropped."""
    settle(world, drop=0.3)


def settle(world: World, *, drop: float = 0.0) -> None:
    """Whoever waits is told, the oldest first."""
    if world.one_c is None:
        return
    for run in list(SourceRun.objects.filter(source_id=world.one_c.view.source_id, state="stopped").order_by("pk")):
        dropped = world.dice.random() < drop
        with world.use_case("sim.settle_run") as uc:
            (sources.drop if dropped else sources.let_through)(uc, run.pk)
        world.reach("1C's figures that waited were dropped" if dropped else "1C's figures that waited were let through")
        world.note(f"a run of 1C's figures was {'dropped' if dropped else 'let through'}")


def all_in_order(world: World) -> None:
    """A whole exchange on a calm day: what 1C keeps is right again, and both know of everything."""
    if world.one_c is None:
        return
    one_c = world.one_c
    one_c.base.off = timedelta()
    caller = one_c.caller()
    try:
        one_c.base.take_orders(caller)
        one_c.base.book_out(lambda: None)
        one_c.base.send_orders(caller)
        world.clock.pass_(WHOLE_SECOND.total_seconds())
        one_c.base.send_goods(caller, whole=True)
    except ExchangeFailed as error:
        world.note(f"1C is refused: {error}")

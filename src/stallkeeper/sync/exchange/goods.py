"""Which unit of ours 1C means by its numbers. Once a number has been matched by article or barcode it stays an identifier of the unit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from django.db import connection

from stallkeeper.catalog.identifiers import add_identifier, spellings
from stallkeeper.catalog.models import IdentifierKind, StockUnit, UnitKind
from stallkeeper.core import audit
from stallkeeper.core.retry import again_on_conflict
from stallkeeper.core.use_case import UseCase, use_case
from stallkeeper.stock import imports_queries
from stallkeeper.stock.sources import SourceError
from stallkeeper.sync.exchange import queries
from stallkeeper.sync.exchange.queries import Unlinked
from stallkeeper.sync.exchange.sessions import actor_of
from stallkeeper.sync.models import Exchange
from stallkit.sources.commerceml.names import CHARACTERISTIC
from stallkit.sources.commerceml.packets import Good, Packet
from stallkit.words import said as _

CHUNK = 5_000
MOST_PLACES = 500


def scope_of(exchange: Exchange) -> str:
    """The scope of identifiers that are numbers of this 1C base."""
    return f"1c:{exchange.source_id}"


def learn(exchange: Exchange, goods: Sequence[Good], *, catalogue: bool = True) -> int:
    """Remember how 1C calls its articles, and link those that can be told by article or barcode; how many were linked now.

    ``catalogue``: they stand in its list of goods, not only beside a figure.
    """
    usable = {good.code[:100]: good for good in goods if good.code and len(good.code) <= 100}
    rows = list(usable.values())
    return sum(_learn(exchange, rows[start : start + CHUNK], catalogue) for start in range(0, len(rows), CHUNK))


@again_on_conflict
def _learn(exchange: Exchange, goods: Sequence[Good], catalogue: bool) -> int:
    with (
        use_case("exchange.goods", organisation_id=exchange.organisation_id, actor=actor_of(exchange)) as uc,
        connection.cursor() as cursor,
    ):
        rows = sorted((good.code, good.article[:100], good.gtin[:60], good.title[:300], good.deleted) for good in goods)
        queries.keep_goods(cursor, exchange.organisation_id, exchange.pk, rows, catalogue=catalogue)
        linked = _link(exchange, [code for code, *_rest in rows])
        if linked:
            audit.record(uc, "link.exchange_goods", "stock_source", exchange.source_id, linked=linked)
    return linked


def link(uc: UseCase, exchange: Exchange, code: str, sku: str) -> None:
    """A person says which article a good of 1C is. SourceError if there is none, or it is one whose stock cannot be set."""
    unit = StockUnit.objects.filter(sku=sku, kind=UnitKind.SINGLE, stocked=True).first()
    if unit is None:
        raise SourceError(_("sku: there is no counted article {sku!r} that is not a kit", sku=sku))
    add_identifier(uc, unit.pk, IdentifierKind.CHANNEL, code, scope=scope_of(exchange))


@again_on_conflict
def units_of(exchange: Exchange, codes: Collection[str]) -> dict[str, tuple[int, str]]:
    """{number of 1C: (unit, SKU)} as far as known. Goods whose article or barcode has become one of ours meanwhile are linked first."""
    found: dict[str, tuple[int, str]] = {}
    listed = sorted(set(codes))
    for start in range(0, len(listed), CHUNK):
        with (
            use_case("exchange.goods", organisation_id=exchange.organisation_id, actor=actor_of(exchange)) as uc,
            connection.cursor() as cursor,
        ):
            part = listed[start : start + CHUNK]
            linked = _link(exchange, part)
            if linked:
                audit.record(uc, "link.exchange_goods", "stock_source", exchange.source_id, linked=linked)
            found |= queries.linked(cursor, exchange.organisation_id, scope_of(exchange), part)
    return found


def _link(exchange: Exchange, codes: Sequence[str]) -> int:
    """Give numbers that are not linked yet to the units that they mean."""
    with connection.cursor() as cursor:
        known = queries.unlinked(cursor, exchange.organisation_id, exchange.pk, scope_of(exchange), codes)
        sharing = queries.sharing(cursor, exchange.pk, sorted({good.article for good in known if good.article}))
        articles = sorted({good.article for good in known if good.article})
        skus = {
            sku: unit
            for sku, unit, kind, stocked in imports_queries.units_by_sku(cursor, exchange.organisation_id, articles)
            if stocked and kind == UnitKind.SINGLE
        }
        gtins = _by_gtin(
            imports_queries.units_by_gtin(
                cursor, exchange.organisation_id, sorted({spelling for good in known for spelling in spellings(good.gtin)})
            )
        )
        matches = [(good.code, unit) for good in known if (unit := match(good, skus, gtins, sharing)) is not None]
        queries.add_identifiers(cursor, exchange.organisation_id, scope_of(exchange), matches)
    return len(matches)


def match(good: Unlinked, skus: Mapping[str, int], gtins: Mapping[str, set[int]], sharing: Mapping[str, Iterable[str]]) -> int | None:
    """The unit that a good is, or None. An article that several variants share says nothing; two answers that differ say nothing."""
    by_gtin = gtins.get(good.gtin.replace(" ", "").replace("-", "").lstrip("0"), set())
    if len(by_gtin) > 1:
        return None
    rivals = {code for code in sharing.get(good.article, ()) if code != good.code}
    parent, is_variant, _rest = good.code.partition(CHARACTERISTIC)
    rivals = {code for code in rivals if not (is_variant and code == parent) and not code.startswith(good.code + CHARACTERISTIC)}
    by_sku = None if rivals else skus.get(good.article)
    answers = {unit for unit in (by_sku, *by_gtin) if unit is not None}
    return answers.pop() if len(answers) == 1 else None


def _by_gtin(rows: Iterable[tuple[str, int, str, bool, int]]) -> dict[str, set[int]]:
    """Units by GTIN without leading zeros. A barcode of a package is none of a piece, and 1C counts pieces."""
    found: dict[str, set[int]] = defaultdict(set)
    for gtin, unit, kind, stocked, factor in rows:
        if factor == 1 and stocked and kind == UnitKind.SINGLE:
            found[gtin.lstrip("0")].add(unit)
    return found


def learn_places(exchange: Exchange, packet: Packet) -> None:
    """Remember what 1C calls its places, for the screen on which a person says which of ours they are."""
    named = {place: "" for offer in packet.offers for place, _quantity in offer.places} | packet.place_names
    known = dict(exchange.place_names)
    merged = known | {place[:100]: name[:200] for place, name in named.items() if place and (name or place not in known)}
    if merged != known:
        exchange.place_names = dict(list(merged.items())[:MOST_PLACES])
        with use_case("exchange.goods", organisation_id=exchange.organisation_id, actor=actor_of(exchange)):
            Exchange.objects.filter(pk=exchange.pk).update(place_names=exchange.place_names)

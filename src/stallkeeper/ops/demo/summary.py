"""The demo's figures and its verdict, from the stalls' logs and the database, compared with each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from stallkeeper.ops.demo import books, ideal, judge
from stallkeeper.ops.demo.goods import PLACES, Article, on_show
from stallkeeper.ops.demo.judge import Cut, Offer, Shown, Sold
from stallkit.registry import manifest_of

Json = dict[str, Any]
SHOWN = 20
"""So many problems of one kind are told."""


@dataclass(frozen=True, slots=True)
class Played:
    """A demo that is over: what was sold, the stalls' logs, and when trade began and all was calm."""

    articles: Sequence[Article]
    report: Mapping[str, Json]
    began: datetime
    ended: datetime
    limits_scale: float


def recipes_of(articles: Iterable[Article]) -> dict[Offer, dict[str, int]]:
    """The recipe of every offer, from the goods that the demo made up: not from the hub's links."""
    return {(stall, sku): article.recipe for article in articles for stall, sku in article.stalls.items()}


def sales_of(report: Mapping[str, Json]) -> list[Sold]:
    """Every unit sold and every unit cancelled, by the stalls' logs."""
    sold = []
    for stall, log in report.items():
        for order in log["orders"]:
            at = datetime.fromisoformat(order["at"])
            sold += [Sold(at, (stall, line["sku"]), line["ordered"]) for line in order["lines"]]
        sold += [Sold(datetime.fromisoformat(row["at"]), (stall, row["sku"]), -row["quantity"]) for row in log["cancels"]]
    return sold


def diary_of(report: Mapping[str, Json]) -> list[Shown]:
    """What buyers saw. A push at the very moment when a bulk submission took effect came by that submission."""
    entries = []
    for stall, log in report.items():
        by_feed = {(feed["due"], sku) for feed in log["feeds"] for sku in feed["skus"]}
        entries += [
            Shown(datetime.fromisoformat(at), (stall, sku), after, cause, cause == "push" and (at, sku) in by_feed)
            for at, sku, _before, after, cause in log["diary"]
        ]
    return entries


def order_problems(report: Mapping[str, Json], kept: Sequence[books.Kept]) -> tuple[list[str], list[str]]:
    """(orders that are missing, orders that differ or were not answered), stall by stall and line by line."""
    known = {(order.stall, order.order_id): order for order in kept}
    missing, differing = [], []
    for stall, log in report.items():
        for order in log["orders"]:
            mine = known.pop((stall, order["id"]), None)
            if mine is None:
                missing.append(f"{stall} {order['id']} of {order['at']}: not in the hub")
            elif problem := _difference(order, mine):
                differing.append(f"{stall} {order['id']}: {problem}")
    return missing, [*differing, *(f"{stall} {number}: the stall knows no such order" for stall, number in sorted(known))]


def _difference(order: Json, mine: books.Kept) -> str:
    theirs = {line["line_id"]: (line["ordered"], line["cancelled"], line["shipped"]) for line in order["lines"]}
    if dict(mine.lines) != theirs:
        return f"the stall says {theirs}, the hub {dict(mine.lines)}"
    if order["state"] == "new":
        return "never acknowledged"
    return f"shipped {mine.shipments} times, told {order['ship_calls']} times" if order["ship_calls"] > mine.shipments else ""


def lag_seen(report: Mapping[str, Json], kept: Sequence[books.Kept], since: datetime) -> dict[str, list[float]]:
    """Seconds from a buyer's click to the order in the hub, by stall."""
    placed = {(stall, order["id"]): datetime.fromisoformat(order["at"]) for stall, log in report.items() for order in log["orders"]}
    lags: dict[str, list[float]] = {stall: [] for stall in report}
    for order in kept:
        at = placed.get((order.stall, order.order_id))
        if at is not None and at >= since:
            lags[order.stall].append((order.imported_at - at).total_seconds())
    return lags


def seconds_of(cuts: Iterable[Cut], how: str, stall: str = "") -> list[float]:
    """How long the cuts on the other stall took."""
    return [
        cut.seconds for cut in cuts if cut.how == how and cut.other_stall and cut.offer[0].startswith(stall) and cut.seconds is not None
    ]


def by_stall(lags: Mapping[str, list[float]]) -> Json:
    """A spread over all, and one for each stall."""
    return {
        **judge.spread(value for values in lags.values() for value in values),
        "by_platform": {s: judge.spread(v) for s, v in lags.items()},
    }


def throttled(stall: str, limits_scale: float) -> timedelta | None:
    """How long the platform makes a figure wait that was written before; None where it takes figures at any time."""
    pause = manifest_of(stall).quirks.rewrite_after
    return pause * limits_scale if pause is not None else None


def _with_bounds(lags: Json, limits: Mapping[str, float | None]) -> Json:
    """By stall also: what the limit allows (the ideal sender's p95, None without one), and the seconds within which 95 of 100 must be."""
    for stall, spread in lags["by_platform"].items():
        limit = (limits[stall] or 0.0) if stall in limits else None
        spread |= {"limit_p95": limit, "bound": round(ideal.allowed(limit), 3)}
    return lags


def summarize(played: Played, violations: Sequence[str]) -> tuple[Json, list[str]]:
    """(figures, problems). The demo failed if there is any problem."""
    report, recipes = played.report, recipes_of(played.articles)
    kept, sales, supplies = books.orders(), sales_of(played.report), books.supplies()
    goods = {article.sku: article for article in played.articles}
    start = {(stall, sku): on_show(article, goods) for article in played.articles for stall, sku in article.stalls.items()}
    cuts = judge.cuts(recipes, start, supplies, sales, diary_of(report), played.began)
    oversold = judge.oversold(recipes, supplies, sales, played.began, played.ended)
    limits = {
        stall: judge.spread(
            seconds_of(ideal.ideal_cuts(recipes, start, supplies, sales, stall, pause, played.began, played.ended), "call")
        )["p95"]
        for stall in report
        if (pause := throttled(stall, played.limits_scale)) is not None
    }
    shown = {(stall, sku): pair[0] for stall, log in report.items() for sku, pair in log["shown"].items()}
    missing, differing = order_problems(report, kept)
    stale = judge.not_converged(recipes, books.free(), PLACES, shown)
    unnoticed = judge.unnoticed(oversold, books.short_now(recipes), books.ever_short(recipes))
    figures = {
        **_counts(report, kept),
        "oversold_units": sum(one.worst for one in oversold),
        "oversold_units_left": sum(one.left for one in oversold),
        "shortages_recorded": books.shortages(),
        "offers_total": len(recipes),
        "offers_converged": len(recipes) - len(stale),
        "drift": len(_drift(report)),
        "invariant_violations": len(violations),
        "lag_order_seen_s": by_stall(lag_seen(report, kept, played.began)),
        "lag_stock_cut_s": _with_bounds(by_stall({stall: seconds_of(cuts, "call", stall) for stall in report}), limits),
        "lag_same_stall_cut_s": judge.spread(
            cut.seconds for cut in cuts if cut.how == "call" and not cut.other_stall and cut.seconds is not None
        ),
        "lag_feed_cut_s": judge.spread(seconds_of(cuts, "feed")),
        "feed_latency_s": judge.spread(_feed_seconds(report)),
        "cuts": dict(Counter(cut.how for cut in cuts)),
        "limits_scale": played.limits_scale,
        "calls": {stall: dict(sorted(Counter(str(call[3]) for call in log["calls"]).items())) for stall, log in report.items()},
    }
    problems = [*_told("order missing", missing), *_told("order differs", differing), *_told("offer not converged", stale)]
    problems += [*_told("oversell unnoticed", unnoticed), *_told("broken", violations)]
    return figures, problems


def _counts(report: Mapping[str, Json], kept: Sequence[books.Kept]) -> Json:
    placed = [order for log in report.values() for order in log["orders"]]
    return {
        "orders_placed": len(placed),
        "orders_imported": len(kept),
        "orders_acknowledged": sum(order["acknowledged_at"] is not None for order in placed),
        "orders_cancelled_first": sum(order["acknowledged_at"] is None and _gone(order) for order in placed),
        "orders_shipped": sum(order["state"] == "shipped" for order in placed),
        "orders_cancelled": sum(map(_gone, placed)),
        "units_sold": sum(line["ordered"] - line["cancelled"] for order in placed for line in order["lines"]),
    }


def _gone(order: Json) -> bool:
    return all(line["cancelled"] == line["ordered"] for line in order["lines"])


def _drift(report: Mapping[str, Json]) -> list[str]:
    """Offers whose figure on the stall is not what the hub believes it is."""
    beliefs = books.beliefs()
    figures = {(stall, sku): pair[1] for stall, log in report.items() for sku, pair in log["shown"].items()}
    return [f"{stall} {sku}" for (stall, sku), figure in sorted(figures.items()) if beliefs.get((stall, sku)) != figure]


def _feed_seconds(report: Mapping[str, Json]) -> list[float]:
    feeds = [feed for log in report.values() for feed in log["feeds"]]
    return [(datetime.fromisoformat(feed["due"]) - datetime.fromisoformat(feed["submitted"])).total_seconds() for feed in feeds]


def _told(kind: str, problems: Sequence[str]) -> list[str]:
    shown = [f"{kind}: {problem}" for problem in problems[:SHOWN]]
    return shown if len(problems) <= SHOWN else [*shown, f"{kind}: and {len(problems) - SHOWN} more"]

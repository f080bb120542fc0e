"""What a drill plays with: how many stalls, which goods, how many orders. The same for the same seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from stallkeeper.ops.demo import goods
from stallkeeper.ops.demo.goods import PLACES, Article

Json = dict[str, Any]
OVERLAP_SECONDS = 5
"""The emulated market never lags: each pull looks back only so far. The real overlaps would read the whole soak again and again."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the user chose. ``times``: faults; ``orders``: of all buyers together; ``stalls``: emulated accounts that carry the load."""

    seed: int = 1
    times: int = 6
    orders: int = 600
    limits_scale: float = 0.01
    stalls: int = 6
    workers: int = 2
    articles: int = 120
    seconds: float = 15.0
    """How long a fault lasts that does (frozen, cut, slow); longer than a takeover."""


@dataclass(frozen=True, slots=True)
class Account:
    """One emulated account. ``weight``: its part of the load; ``most``: orders that may wait there for an answer."""

    name: str
    platform: str
    code: str
    currency: str
    weight: float
    most: int


def accounts(options: Options) -> list[Account]:
    """A small part of the orders goes to the platforms whose wire formats are real: they read hours of orders again with every pull."""
    most = min(max(options.orders // (8 * options.stalls), 5), 200)
    plain = [Account(f"market {n + 1}", "dummy", f"D{n + 1}", "EUR", 1.0, most) for n in range(options.stalls)]
    return [
        *plain,
        Account("eMAG", "emag", "EM", "RON", 0.04, min(most, 40)),
        Account("Walmart", "walmart", "WM", "USD", 0.04, min(most, 40)),
    ]


def articles(options: Options) -> list[Article]:
    """Every article is on two of the plain stalls, the first ones on all platforms; one in eight is scarce, one in ten a multipack."""
    chance = Random(f"drill goods/{options.seed}")  # noqa: S311 - a toy shop
    singles = options.articles - options.articles // 10
    plenty = 60 + options.orders * 4 // options.articles
    made = [_single(chance, number, plenty, options) for number in range(singles)]
    return [*made, *(_pack(chance, number, made, options) for number in range(singles, options.articles))]


def _single(chance: Random, number: int, plenty: int, options: Options) -> Article:
    total = chance.randint(2, 12) if number % 8 == 7 else plenty
    here = total * chance.randint(3, 7) // 10
    stock = {PLACES[0]: here, PLACES[1]: total - here}
    return Article(f"A-{number + 1:04}", f"Article {number + 1}", goods.gtin(number), "", "9.90", (), stock, _listed(number, options))


def _pack(chance: Random, number: int, singles: Sequence[Article], options: Options) -> Article:
    parts = ((chance.choice(singles).sku, chance.choice([2, 3])),)
    return Article(f"P-{number + 1:04}", f"Pack {number + 1}", goods.gtin(number), "", "19.90", parts, {}, _listed(number, options))


def _listed(number: int, options: Options) -> dict[str, str]:
    sku = f"A-{number + 1:04}" if number < options.articles - options.articles // 10 else f"P-{number + 1:04}"
    names = {f"market {(number + step) % options.stalls + 1}" for step in (0, 1)}
    return dict.fromkeys(sorted(names | ({"eMAG", "Walmart"} if number < 20 else set())), sku)


def market_plan(options: Options) -> Json:
    """What the process outside is told: its stalls show the right first numbers already."""
    made = articles(options)
    known = {article.sku: article for article in made}
    stalls = [
        {
            "name": account.name,
            "platform": account.platform,
            "weight": account.weight,
            "most": account.most,
            "offers": [_offer(article, account.name, known) for article in made if account.name in article.stalls],
        }
        for account in accounts(options)
    ]
    return {"seed": options.seed, "limits_scale": options.limits_scale, "orders": options.orders, "stalls": stalls}


def _offer(article: Article, stall: str, known: Mapping[str, Article]) -> Json:
    quantity = goods.on_show(article, dict(known))
    return {"sku": article.stalls[stall], "quantity": quantity, "price": article.price, "title": article.title, "gtin": article.gtin}

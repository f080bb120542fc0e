"""Every screen of the back office with a million offers and 300,000 orders: how long the server takes, and how many statements."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

from django.db import connection

from bench.grown import Size, grow
from bench.house import House
from bench.measure import Goal, Result

WHOLE, SMALL = Size(1_000_000, 300_000), Size(10_000, 3_000)
TURNS = 20
P95_MS = 300
WORST = 12
"""So many are told one by one; all of them stand in the results."""
SELECT = re.compile(r'<select[^>]*\bname="(\w+)"[^>]*data-submit-on-change[^>]*>(.*?)</select>', re.DOTALL)
OPTION = re.compile(r'<option value="([^"]+)"')
NEXT = re.compile(r'href="(\?[^"]*)" rel="next"')
SEARCHED = ("BIG-0004711", "BIG-00047", "article", "5900000004711", "nothing has this", "9500000", "GROWN")


@dataclass
class Timing:
    """An address with milliseconds of each turn, and the statements of the first."""

    path: str
    ms: list[float] = field(default_factory=list)
    statements: int = 0

    @property
    def p95(self) -> float:
        return sorted(self.ms)[max(int(len(self.ms) * 0.95) - 1, 0)] if self.ms else 0.0


def run(house: House) -> Iterator[Result]:
    """The slowest addresses, and how many are slower than they may be."""
    size = SMALL if house.quick else WHOLE
    with house.fresh(partial(_fill, size)):
        timings = sorted(_walk(3 if house.quick else TURNS), key=lambda each: -each.p95)
    what = f"{size.offers:,} offers, {size.orders:,} orders"
    late = [each for each in timings if each.p95 > P95_MS]
    yield Result(
        "screens", f"addresses slower than {P95_MS} ms at the 95th of 100, {what}", len(late), "", goal=Goal(0, 0, least=False),
        note=f"of {len(timings)}, each asked {max(len(each.ms) for each in timings)} times, fewer where that took 20 s",
        detail={each.path: [round(each.p95, 1), each.statements] for each in timings},
    )  # fmt: skip
    for each in timings[:WORST]:
        yield Result("screens", each.path, each.p95, "ms", goal=Goal(P95_MS, 100, least=False), note=f"{each.statements} statements")
    most = max(timings, key=lambda each: each.statements)
    yield Result("screens", "statements of one answer, at the most", most.statements, "", note=most.path)


def _fill(size: Size) -> None:
    from tests.screens.shop import open_pictured_shop

    busy = open_pictured_shop()
    with busy.shop.scope():
        grow(size)


def _walk(turns: int) -> list[Timing]:
    """Whole pages and fragments that answer GET, with each choice of their filters, a search, and the page after the first."""
    from django.test.utils import override_settings

    from stallkeeper.core import garbage
    from tests.busy_shop import BusyShop, signed_in

    busy = _found()
    assert isinstance(busy, BusyShop)
    client = signed_in(busy.owner)
    typed = _typed(client, busy)
    garbage.spare_what_is_loaded()  # as a web server does before its first answer
    with override_settings(ALLOWED_HOSTS=["testserver"]):
        timings = [_timed(each, partial(client.get, each), turns) for path in _paths(busy) for each in _ways(client, path)]
        return [*timings, *(_timed(path, partial(client.post, path, given), turns) for path, given in typed)]


def _ways(client, path: str) -> list[str]:
    """The address and its variants; none if it does not answer."""
    answer = client.get(path)
    if answer.status_code != 200:
        return []
    is_page = "text/html" in answer.headers.get("Content-Type", "")
    return [path, *(_variants(answer.content.decode(), path) if is_page else [])]


def _typed(client, busy) -> list[tuple[str, dict[str, str]]]:
    """What is asked by POST while somebody types: the buyers of a search, and what a channel's rules would do."""
    from django.test.utils import setup_test_environment, teardown_test_environment
    from django.urls import reverse

    setup_test_environment()  # pages say what they were made of, which costs them time
    try:
        rules = client.get(reverse("backoffice:channel_rules", args=[busy.near.pk])).context["form"]
    finally:
        teardown_test_environment()
    given = {field.html_name: str(field.value()) for field in rules if field.value() not in (None, "", False)}
    return [
        (reverse("backoffice:search_buyers"), {"q": "Ada Example"}),
        (reverse("backoffice:preview_rules", args=[busy.near.pk]), given | {"buffer": "3"}),
        (reverse("backoffice:preview_rules", args=[busy.far.pk]), given | {"buffer": "3", "preview": "BIG-00047"}),
    ]


def _timed(path: str, ask: Callable[[], object], turns: int) -> Timing:
    from django.test.utils import CaptureQueriesContext

    timing = Timing(path)
    with CaptureQueriesContext(connection) as seen:
        ask()
    timing.statements = len(seen)
    for _ in range(turns):
        begun = time.perf_counter()
        ask()
        timing.ms.append((time.perf_counter() - begun) * 1000)
        if sum(timing.ms) > 20_000:
            break
    return timing


def _variants(page: str, path: str) -> list[str]:
    following = NEXT.search(page)
    found = [path + html.unescape(following[1])] if following else []
    if "sk-filters" not in page:
        return found
    found += [f"{path}?{name}={value}" for name, options in SELECT.findall(page) for value in OPTION.findall(options)[:8]]
    if 'name="q"' in page:
        found += [f"{path}?q={text.replace(' ', '+')}" for text in SEARCHED]
    return found


def _found():
    """The shop that the database holds."""
    from stallkeeper.channels.models import Channel
    from stallkeeper.core import clock
    from stallkeeper.core.models import User
    from tests.busy_shop import BusyShop
    from tests.shop import Shop

    near, far = Channel.objects.order_by("pk").select_related("organisation")[:2]
    shop = Shop.__new__(Shop)
    shop.organisation = near.organisation
    return BusyShop(shop, near, far, User.objects.get(email="owner@example.com"), clock.now())


def _paths(busy) -> list[str]:
    from django.urls import get_resolver

    from tests.db.security.walk import every_address

    ours = {name for name in get_resolver("stallkeeper.backoffice.urls").reverse_dict if isinstance(name, str)}
    files = ("template", "problems_file", "report")
    return [
        each.path
        for each in every_address(busy)
        if each.name in ours - {"sign_in_by_link"} and not any(word in each.route for word in files)
    ]

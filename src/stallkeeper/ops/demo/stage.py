"""Set the stage of the demo with the tools that everybody uses: import, connect, link, answer, switch on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from stallkeeper.channels import connect as connecting
from stallkeeper.channels.models import Channel, Connection
from stallkeeper.core.models import Organisation, User
from stallkeeper.core.use_case import use_case
from stallkeeper.ops import connections, first
from stallkeeper.ops.demo import goods
from stallkeeper.ops.demo.goods import Article
from stallkeeper.stock import imports, places
from stallkeeper.sync.adapters import SCALE

ACTOR = "console:demo"
CODES = {"emag": ("EM", "RON"), "walmart": ("WM", "USD")}
UNSIGNED = {"webhook_secret"}
"""Settings that are left out: the emulator signs for an address that it does not know."""


class StageError(RuntimeError):
    """The demo could not be set up; the text says what did not come out as it must."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What the demo plays with."""

    organisation: Organisation
    user: User
    articles: Sequence[Article]


def people() -> tuple[Organisation, User]:
    """A seller and somebody who signs in."""
    organisation = first.organisation("Ada's Stalls", "demo")
    user = first.set_up()
    with use_case("demo.places", organisation_id=organisation.pk, actor=ACTOR) as uc:
        places.create_location(uc, code=goods.PLACES[1], name="Northern warehouse", priority=20)
    return organisation, user


def stock_the_shop(organisation: Organisation, articles: Sequence[Article], folder: Path) -> None:
    """Catalogue from a spreadsheet, stock from a CSV file."""
    products, stock = folder / "products.xlsx", folder / "stock.csv"
    goods.write_products(articles, products)
    goods.write_stock(articles, stock)
    for kind, file in (("products", products), ("stock", stock)):
        run = imports.run_import(kind, file, organisation.pk, ACTOR)
        if run.state != "done" or run.rows_refused:
            worst = run.problems.order_by("row").first()
            raise StageError(f"{file.name}: {run.problem or (worst and f'row {worst.row}, {worst.column}: {worst.message}')}")


def connect(organisation: Organisation, platform: str, where: Mapping[str, str], config: Mapping[str, str], limits_scale: float) -> Channel:
    """Connect a stall, read what it lists, link all of it. Everything is still off."""
    declared = connecting.manifest(platform)
    code, currency = CODES[platform]
    settings = connecting.check_settings(declared, {name: value for name, value in config.items() if name not in UNSIGNED})
    settings.shown[SCALE] = str(limits_scale)
    base_url = where["url"] + urlsplit(declared.hosts[0][1]).path
    connections.connect(organisation.pk, platform, declared.title, code, currency, settings, base_url, ACTOR)
    channel = Channel.objects.select_related("connection").get(code=code)
    connections.read_offers(organisation.pk, channel, ACTOR, lambda _done, _total: None)
    found = connections.propose(organisation.pk, channel, ACTOR)
    if found.ambiguous or found.new:
        raise StageError(f"{platform}: {found.ambiguous} listings are ambiguous and {found.new} fit nothing")
    connections.confirm(organisation.pk, channel, ACTOR)
    return channel


def open_channel(organisation: Organisation, channel: Channel) -> None:
    """Answer the question about cutover, then let orders in and stock out."""
    wanted = {"cutover": "include", "orders": "on", "stock": "on", "writes": "on", "company": "on"}
    connections.change(organisation.pk, channel, wanted, ACTOR)


def hint_addresses(base_url: str) -> dict[str, str]:
    """Where each platform sends its callbacks."""
    tokens = Connection.objects.values_list("platform", "hint_token")
    return {platform: f"{base_url}/hints/{token}" for platform, token in tokens}

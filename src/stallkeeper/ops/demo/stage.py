"""Set the stage of the demo with the tools that everybody uses: import, connect, link, answer, switch on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from stallkeeper.channels import balancer, cutover, switches
from stallkeeper.channels import connect as connecting
from stallkeeper.channels.connect import Settings
from stallkeeper.channels.models import Channel, Connection
from stallkeeper.core.models import Organisation, User
from stallkeeper.core.use_case import use_case
from stallkeeper.ops import connections, first
from stallkeeper.ops.demo import goods
from stallkeeper.ops.demo.goods import Article
from stallkeeper.ops.demo.platforms import PLATFORMS
from stallkeeper.stock import imports, places
from stallkeeper.sync import adapters
from stallkeeper.sync.adapters import SCALE
from stallkit.manifest import Observer

ACTOR = "console:demo"
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
    known = PLATFORMS[platform]
    settings = connecting.check_settings(declared, {name: value for name, value in config.items() if name not in UNSIGNED})
    settings.shown[SCALE] = str(limits_scale)
    base_url = where["url"] + urlsplit(declared.hosts[0][1]).path
    warehouse = _first_warehouse(platform, settings, base_url)
    connections.connect(organisation.pk, platform, declared.title, known.code, known.currency, settings, base_url, ACTOR, warehouse)
    channel = Channel.objects.select_related("connection").get(code=known.code)
    connections.read_offers(organisation.pk, channel, ACTOR, lambda _done, _total: None)
    found = connections.propose(organisation.pk, channel, ACTOR)
    if found.ambiguous or found.new:
        raise StageError(f"{platform}: {found.ambiguous} listings are ambiguous and {found.new} fit nothing")
    connections.confirm(organisation.pk, channel, ACTOR)
    return channel


def _first_warehouse(platform: str, settings: Settings, base_url: str) -> str:
    """The first of the platform's own warehouses that can be used; "" where it keeps one figure for all."""
    found = adapters.warehouses(platform, settings.all, base_url, adapters.budget_beforehand(settings.all, base_url))
    return next((one.id for one in found if one.usable), "")


def watch_for_sales(organisation: Organisation, channels: Sequence[Channel]) -> None:
    """Take what stalls show for sales before their orders come, where a platform's own figures tell."""
    told = [channel for channel in channels if balancer.observer_of(channel) is not Observer.NONE]
    if told:
        with use_case("demo.balancer", organisation_id=organisation.pk, actor=ACTOR) as uc:
            balancer.set_company(uc, True)
            balancer.start(uc, told, uc.at)


def open_channel(organisation: Organisation, channel: Channel) -> None:
    """Answer the question about cutover, then let orders in and stock out."""
    with use_case("demo.open", organisation_id=organisation.pk, actor=ACTOR) as uc:
        cutover.answer(uc, channel.pk, include=True)
        switches.set_channel(uc, channel.pk, orders=True, stock=True)
        switches.set_writes(uc, channel.connection_id, True)
        switches.set_company(uc, True)


def hint_addresses(base_url: str) -> dict[str, str]:
    """Where each platform sends its callbacks."""
    tokens = Connection.objects.values_list("platform", "hint_token")
    return {platform: f"{base_url}/hints/{token}" for platform, token in tokens}

"""The command about exchanges with 1C: exchange."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from stallkeeper.ops import boot, terminal
from stallkeeper.ops.terminal import Refusal, json_option

if TYPE_CHECKING:
    from stallkeeper.core.models import Organisation
    from stallkeeper.stock.models import StockSource
    from stallkeeper.sync.models import Exchange

COLUMNS = {
    "id": "No.", "name": "Source", "on": "On", "address": "Address for 1C", "user": "User", "called_at": "Last call (UTC)",
    "goods": "Goods linked", "orders": "Orders in 1C", "failure": "What went wrong last",
}  # fmt: skip


@click.command()
@click.option("--open", "opened", type=int, metavar="NO", help="Make the address for 1C of this source, or change what is agreed.")
@click.option("--time-zone", metavar="ZONE", help="Of the 1C base.  [default: your organisation's]")
@click.option("--orders/--no-orders", "orders", default=None, help="Hand orders over to 1C.")
@click.option("--encoding", type=click.Choice(["utf-8", "windows-1251"]), help="Of these orders.  [default: utf-8]")
@click.option("--new-password", "renewed", type=int, metavar="NO", help="Make a new password for 1C; the one before ends.")
@json_option
@boot.for_organisation
def exchange(
    organisation: Organisation,
    opened: int | None,
    time_zone: str | None,
    orders: bool | None,
    encoding: str | None,
    renewed: int | None,
    as_json: bool,
) -> None:
    """List exchanges with 1C (CommerceML), open one for a source, make its password, which is shown this once.

    \b
    Examples:
      stallkeeper sources add commerceml --location MAIN --name 1C --basis net
      stallkeeper exchange --open 1 --time-zone Europe/Moscow --orders
      stallkeeper exchange --new-password 1
    """
    from stallkeeper.sync.models import Exchange

    password = ""
    if opened is not None:
        password = agree(organisation, _source(opened), time_zone, orders, encoding)
    elif time_zone or orders is not None or encoding:
        raise Refusal("Say of which source, with --open NO; stallkeeper exchange lists them.")
    if renewed is not None:
        password = renew(organisation, renewed)
    rows = [_row(found) for found in Exchange.objects.select_related("source").order_by("source_id")]
    terminal.show(rows, COLUMNS, as_json=as_json, empty="No source has an address for 1C yet.")
    if password:
        terminal.echo(f"The password, shown this once: {password}", err=as_json)


def agree(organisation: Organisation, source: StockSource, time_zone: str | None, orders: bool | None, encoding: str | None) -> str:
    """Open the exchange of a source, or change what is agreed; its password if it is new. What is not said stays."""
    from stallkeeper.core.use_case import use_case
    from stallkeeper.stock.sources import SourceError
    from stallkeeper.sync.exchange import accounts
    from stallkeeper.sync.models import Exchange

    found = Exchange.objects.filter(source=source).first()
    agreed = accounts.Agreed(
        time_zone or (found.time_zone if found else organisation.time_zone),
        orders if orders is not None else bool(found and found.give_orders),
        encoding or (found.encoding if found else "utf-8"),
    )
    try:
        with use_case("set.exchange", organisation_id=organisation.pk, actor=boot.actor()) as uc:
            if found is None:
                return accounts.open_for(uc, source, agreed).password
            accounts.agree(uc, found, agreed)
    except SourceError as error:
        raise Refusal(str(error)) from error
    return ""


def renew(organisation: Organisation, number: int) -> str:
    """A new password; Refusal if the source has no address for 1C."""
    from stallkeeper.core.use_case import use_case
    from stallkeeper.sync.exchange import accounts
    from stallkeeper.sync.models import Exchange

    found = Exchange.objects.filter(source_id=number).first()
    if found is None:
        raise Refusal(f"Source {number} has no address for 1C; make it with: stallkeeper exchange --open {number}")
    with use_case("set.exchange", organisation_id=organisation.pk, actor=boot.actor()) as uc:
        return accounts.new_password(uc, found)


def _source(number: int) -> StockSource:
    from stallkeeper.stock.models import StockSource

    found = StockSource.objects.filter(pk=number).first()
    if found is None:
        raise Refusal(f"There is no source {number}; stallkeeper sources list shows them.")
    return found


def _row(found: Exchange) -> dict[str, object]:
    from stallkeeper.sync.exchange import standing

    return {
        "id": found.source_id, "name": found.source.name, "on": found.source.enabled, "address": standing.address(found),
        "user": found.user_name, "called_at": found.last_call_at, "goods": standing.goods_linked(found),
        "orders": standing.orders_there(found), "failure": standing.last_failure(found),
    }  # fmt: skip

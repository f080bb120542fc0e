"""The command ``guard``: of which units channels share what is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from stallkeeper.ops import boot, terminal
from stallkeeper.ops.terminal import Refusal, json_option

if TYPE_CHECKING:
    from stallkeeper.catalog.models import StockUnit
    from stallkeeper.core.models import Organisation

COLUMNS = {"sku": "SKU", "by_hand": "Chosen", "scarce": "Scarce", "since": "Since (UTC)"}


@click.command()
@click.argument("sku", required=False)
@click.option("--off", is_flag=True, help="Guard it no longer, unless there are too few.")
@click.option("--below", type=int, metavar="UNITS", help="Guard everything of which there are no more; 0 switches that off.")
@json_option
@boot.for_organisation
def guard(organisation: Organisation, sku: str | None, off: bool, below: int | None, as_json: bool) -> None:
    """Guard a SKU: its channels share what is there, and together never show more. Without a SKU, list what is guarded.

    \b
    Examples:
      stallkeeper guard
      stallkeeper guard MUG-RED
      stallkeeper guard MUG-RED --off
      stallkeeper guard --below 3
    """
    from stallkeeper.channels.models import GuardedUnit
    from stallkeeper.ops.commands.stocktaking import unit_of

    if off and not sku:
        raise Refusal("Say which SKU with --off; see 'stallkeeper guard --help'.")
    if below is not None:
        _set_below(organisation, below)
    if sku:
        _set(organisation, unit_of(sku), not off)
    found = GuardedUnit.objects.select_related("stock_unit").order_by("stock_unit__sku")
    rows: list[dict[str, object]] = [
        {"sku": each.stock_unit.sku, "by_hand": each.by_hand, "scarce": each.scarce, "since": each.since} for each in found
    ]
    terminal.show(rows, COLUMNS, as_json=as_json, empty="Nothing is guarded: each channel may show all that is free.")


def _set(organisation: Organisation, unit: StockUnit, on: bool) -> None:
    from stallkeeper.channels import guarding
    from stallkeeper.core.retry import again_on_conflict
    from stallkeeper.core.use_case import use_case

    @again_on_conflict
    def change() -> None:
        with use_case("set.guard", organisation_id=organisation.pk, actor=boot.actor()) as uc:
            guarding.set_unit(uc, unit, on)

    try:
        change()
    except guarding.GuardError as error:
        raise Refusal(str(error)) from error


def _set_below(organisation: Organisation, below: int) -> None:
    from stallkeeper.channels import guarding
    from stallkeeper.core.use_case import use_case

    try:
        with use_case("turn.guard", organisation_id=organisation.pk, actor=boot.actor()) as uc:
            guarding.set_below(uc, below)
    except guarding.GuardError as error:
        raise Refusal(str(error)) from error

"""The command about rules of categories and products: rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from stallkeeper.ops import boot, terminal
from stallkeeper.ops.terminal import Refusal, json_option

if TYPE_CHECKING:
    from stallkeeper.core.models import Organisation


@click.command()
@click.argument("code")
@click.option("--category", metavar="NAME", help="Of the products of this category.")
@click.option("--sku", "skus", multiple=True, metavar="SKU", help="Of this product; may be repeated.")
@click.option("--set", "given", multiple=True, metavar="NAME=VALUE", help="A rule, for instance buffer=2, share=50, velocity_share=20.")
@click.option("--remove", is_flag=True, help="Take the rules of this category, or of these products, away.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--sure", is_flag=True, help="With --yes: what goes beyond the channel's limits is meant.")
@click.option("--let-sales-go-on", "lower", is_flag=True, help="A figure that is lower by the time you answer is fine.")
@json_option
@boot.for_organisation
def rules(
    organisation: Organisation, code: str, category: str | None, skus: tuple[str, ...], given: tuple[str, ...], remove: bool, yes: bool,
    sure: bool, lower: bool, as_json: bool,
) -> None:  # fmt: skip
    """Show the rules that categories and products have of their own on channel CODE, or say or take away some.

    They go before the channel's: first the product's, then its category's, then the channel's. Each --set says one rule; what
    is not said falls through. Saying rules replaces what was said of the same category or product before. You see first how
    many offers would change; what you saw is what is sent. "stallkeeper plan --undo" plans to take it back.

    \b
    Examples:
      stallkeeper rules EM
      stallkeeper rules EM --category Kitchen/Mugs --set share=80 --set buffer=1
      stallkeeper rules EM --sku MUG-RED --sku MUG-BLUE --set fixed=3
      stallkeeper rules EM --sku MUG-RED --remove
    """
    from stallkeeper.ops import own_rules, sending, views

    channel = views.channel_by_code(code)
    if given or remove:
        if bool(category) == bool(skus):
            raise Refusal("Say of what: --category NAME, or --sku SKU (which may be repeated).")
        if given and remove:
            raise Refusal("Either --set or --remove.")
        wanted = own_rules.removal(channel, category, skus) if remove else own_rules.saying(channel, category, skus, given)
        sending.decide(organisation.pk, wanted, boot.actor(), sending.Meant(yes, sure, lower))
    columns = {"of": "Of", "rules": "Rules", "since": "Since"}
    shown = own_rules.listed(channel, category, skus)
    terminal.show(shown, columns, as_json=as_json, empty="No category and no product has rules of its own: the channel's hold for all.")

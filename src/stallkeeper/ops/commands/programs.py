"""Commands about programs that use the API: keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from stallkeeper.ops import boot, terminal
from stallkeeper.ops.terminal import json_option

if TYPE_CHECKING:
    from stallkeeper.core.models import Organisation

MAY = ["view_stock", "edit_stock", "edit_rules", "send"]


@click.group()
def keys() -> None:
    """Keys of programs that use the API: list, make, end."""


@keys.command("list")
@json_option
@boot.for_organisation
def list_keys(organisation: Organisation, as_json: bool) -> None:
    """The keys of the organisation; those that were ended too."""
    from stallkeeper.core.models import ApiKey

    found = ApiKey.objects.filter(organisation=organisation).order_by("pk")
    rows = [
        {"name": key.name, "may": ", ".join(key.permissions), "made": key.created_at, "by": key.created_by, "ended": key.ended_at}
        for key in found
    ]
    columns = {"name": "Name", "may": "May", "made": "Made (UTC)", "by": "By", "ended": "Ended (UTC)"}
    terminal.show(rows, columns, as_json=as_json, empty="No key yet: stallkeeper keys make NAME --may view_stock")


@keys.command("make")
@click.argument("name")
@click.option("--may", multiple=True, required=True, type=click.Choice(MAY), help="What the program may do; may be repeated.")
@boot.for_organisation
def make_key(organisation: Organisation, name: str, may: tuple[str, ...]) -> None:
    """Make a key for a program called NAME; it is shown once, and only its hash is kept.

    \b
    Example:
      stallkeeper keys make "Repricer" --may view_stock --may edit_rules --may send
    """
    from stallkeeper.core import api_keys
    from stallkeeper.core.use_case import use_case

    with use_case("make.api_key", organisation_id=organisation.pk, actor=boot.actor()) as uc:
        token = api_keys.make(uc, name, may)
    terminal.echo(f"{name} sends this with each request, and nobody sees it again:")
    terminal.echo(f"Authorization: Bearer {token}")


@keys.command("end")
@click.argument("name")
@boot.for_organisation
def end_key(organisation: Organisation, name: str) -> None:
    """The key called NAME opens nothing any more."""
    from stallkeeper.core import api_keys
    from stallkeeper.core.use_case import use_case

    with use_case("end.api_key", organisation_id=organisation.pk, actor=boot.actor()) as uc:
        api_keys.end(uc, name)
    terminal.echo(f"{name}: ended.")

"""Commands of every day: orders, ship, cancel, retry, offers, explain, resync, lanes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from stallkeeper.ops import boot, terminal
from stallkeeper.ops.terminal import Refusal, json_option

if TYPE_CHECKING:
    from stallkeeper.core.models import Organisation
    from stallkeeper.orders.models import Order

ORDER_STATES = ["open", "pending", "new", "acknowledged", "part_shipped", "shipped", "cancelled"]
REASONS = ["out_of_stock", "buyer_asked", "pricing_error", "fraud", "address"]


@click.command()
@click.option("--state", type=click.Choice(ORDER_STATES), help="Only orders in this state; 'open' is all that still have to leave.")
@click.option("--channel", metavar="CODE", help="Only orders of this channel.")
@click.option("--short", is_flag=True, help="Only orders with units that no stock could be promised for.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="How many at most, newest first.")
@json_option
@boot.for_organisation
def orders(organisation: Organisation, state: str | None, channel: str | None, short: bool, limit: int, as_json: bool) -> None:
    """List orders, newest first.

    \b
    Examples:
      stallkeeper orders --state open
      stallkeeper orders --short --json | jq '.[].number'
    """
    from stallkeeper.ops import views

    columns = {
        "number": "Order", "channel": "Channel", "state": "State", "ordered_at": "Ordered (UTC)", "dispatch_by": "Dispatch by (UTC)",
        "units": "Units", "open": "Open", "short": "Short", "skus": "SKUs",
    }  # fmt: skip
    terminal.show(views.orders(organisation.pk, state, channel, short, limit), columns, as_json=as_json, empty="No order like that.")


@click.command()
@click.argument("order")
@click.option("--carrier", required=True, help="Who carries the parcel, in your own words.")
@click.option("--tracking", default="", help="Tracking number.")
@click.option("--url", default="", help="Address of the tracking page.")
@click.option("--line", "lines", multiple=True, metavar="LINE[=UNITS]", help="Only this line (its number or SKU); may be repeated.")
@click.option("--although-asked", is_flag=True, help="Lines leave although the buyer asks to cancel them.")
@json_option
@boot.for_organisation
def ship(
    organisation: Organisation,
    order: str,
    carrier: str,
    tracking: str,
    url: str,
    lines: tuple[str, ...],
    although_asked: bool,
    as_json: bool,
) -> None:
    """Goods of ORDER have left: take them off the shelf and tell the channel.

    ORDER is the number on the channel or ours. Without --line everything that is open leaves.

    \b
    Examples:
      stallkeeper ship 412345678 --carrier "Sameday" --tracking 1ONB1234
      stallkeeper ship 412345678 --carrier DHL --tracking 77 --line MUG-RED=2 --line 3
    """
    from stallkeeper.fulfilment.ship import ship as ship_order
    from stallkeeper.fulfilment.ship import takes_tracking

    found = find_order(order)
    kept = bool(tracking) and not takes_tracking(found)
    if kept and not as_json:
        terminal.echo(f"{found.channel.name} takes no tracking number: {tracking} is kept here only.")
    shipment = ship_order(
        organisation.pk, found.pk, chosen_lines(found, lines), carrier=carrier, tracking_number=tracking, tracking_url=url,
        although_asked=although_asked, actor=boot.actor(),
    )  # fmt: skip
    units = {line.line.sku: line.quantity for line in shipment.lines.select_related("line").order_by("line_id")}
    if as_json:
        terminal.print_json({"order": found.number, "shipment": shipment.reference, "units": units, "tracking_told": not kept})
    else:
        terminal.echo(f"Order {found.number}: {say_units(units)} left with {shipment.carrier}. The channel is told next.")


@click.command()
@click.argument("order")
@click.option("--line", "lines", multiple=True, metavar="LINE[=UNITS]", help="Only this line (its number or SKU); may be repeated.")
@click.option("--reason", type=click.Choice(REASONS), default="out_of_stock", show_default=True, help="What the channel is told.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@boot.for_organisation
def cancel(organisation: Organisation, order: str, lines: tuple[str, ...], reason: str, yes: bool, as_json: bool) -> None:
    """Cancel ORDER, or lines of it: stock comes back, every channel sees it, the order's channel is told.

    \b
    Examples:
      stallkeeper cancel 412345678 --reason buyer_asked
      stallkeeper cancel 412345678 --line MUG-RED=1
    """
    from stallkeeper.orders.cancel import cancel_lines
    from stallkit.types import CancelReason

    found = find_order(order)
    quantities = chosen_lines(found, lines)
    terminal.agreed(f"Cancel {'these lines of' if lines else 'all that is open of'} order {found.number}? The channel is told.", yes)
    done = cancel_lines(organisation.pk, found.pk, quantities, reason=CancelReason(reason), actor=boot.actor())
    units = {line.sku: done[line.pk] for line in found.lines.filter(pk__in=done).order_by("pk")}
    if as_json:
        terminal.print_json({"order": found.number, "units": units, "reason": reason})
    else:
        terminal.echo(f"Order {found.number}: {say_units(units)} cancelled. The channel is told next.")


@click.command()
@click.argument("order")
@click.option("--line", "lines", multiple=True, metavar="LINE[=UNITS]", help="Only this line (its number or SKU); may be repeated.")
@json_option
@boot.for_organisation
def not_left(organisation: Organisation, order: str, lines: tuple[str, ...], as_json: bool) -> None:
    """Goods of ORDER have not left after all, as the channel says: they are on the shelf again, and the lines wait to be shipped.

    \b
    Examples:
      stallkeeper not-left 412345678
      stallkeeper not-left 412345678 --line MUG-RED=2
    """
    from stallkeeper.fulfilment.not_left import not_left as take_back

    found = find_order(order)
    units = take_back(organisation.pk, found.pk, chosen_lines(found, lines, "taken_back"), actor=boot.actor())
    by_sku = {line.sku: units[line.pk] for line in found.lines.filter(pk__in=units).order_by("pk")}
    if as_json:
        terminal.print_json({"order": found.number, "units": by_sku})
    else:
        terminal.echo(f"Order {found.number}: {say_units(by_sku)} did not leave after all; back on the shelf.")


@click.command()
@click.argument("order")
@click.option("--carrier", help="Put right who carries the parcel.")
@click.option("--tracking", help="Put right the tracking number.")
@click.option("--url", help="Put right the address of the tracking page.")
@click.option("--although-asked", is_flag=True, help="The lines have left although the buyer asks to cancel them.")
@click.option("--shipment", metavar="REFERENCE", help="Only this shipment, if several were refused.")
@json_option
@boot.for_organisation
def retry(
    organisation: Organisation,
    order: str,
    carrier: str | None,
    tracking: str | None,
    url: str | None,
    although_asked: bool,
    shipment: str | None,
    as_json: bool,
) -> None:
    """Tell the channel again what it refused about ORDER, or what was given up: acknowledgement, shipment, cancellation.

    Put right what was wrong with a shipment on the way. Nothing more leaves your stock. A cancellation that the channel refused was
    undone here: cancel again instead.

    \b
    Examples:
      stallkeeper retry 412345678
      stallkeeper retry 412345678 --carrier UPS --tracking 1Z1
    """
    from stallkeeper.ops import retrying

    corrections = retrying.Corrections(carrier, tracking, url, although_asked or None)
    told = retrying.tell_again(organisation.pk, find_order(order), corrections, shipment, boot.actor())
    columns = {"order": "Order", "message": "Told again", "shipment": "Shipment", "said": "What was said before"}
    terminal.show(told, columns, as_json=as_json)


@click.command()
@click.option("--channel", metavar="CODE", help="Only offers of this channel.")
@click.option("--sku", metavar="TEXT", help="Only offers whose SKU, or whose unit's SKU, contains this.")
@click.option("--differing", is_flag=True, help="Only offers where the channel does not show, or may not show, what it should.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="How many at most.")
@json_option
@boot.for_organisation
def offers(organisation: Organisation, channel: str | None, sku: str | None, differing: bool, limit: int, as_json: bool) -> None:
    """List offers: what they should show (intended), what we believe they show, and what we last read (observed).

    – means unknown: such an offer is read before anything is sent.

    \b
    Examples:
      stallkeeper offers --differing
      stallkeeper offers --sku MUG --channel EM --json
    """
    from stallkeeper.ops import views

    columns = {
        "sku": "SKU", "channel": "Channel", "unit": "Unit", "intended": "Intended", "believed": "Believed", "observed": "Observed",
        "observed_at": "Read (UTC)", "sent": "Sent", "accepted": "Accepted", "note": "Note",
    }  # fmt: skip
    found = views.offers(organisation.pk, channel, sku, differing, limit)
    terminal.show(found, columns, as_json=as_json, empty="Every channel shows what it should." if differing else "No offer like that.")


@click.command()
@click.argument("sku")
@click.option("--channel", metavar="CODE", help="Only this channel.")
@click.option("--at", "moment", metavar="WHEN", help="At a past moment, as '2026-11-22 14:03' in the company's time zone.")
@click.option("--known", type=click.Choice(["then", "today"]), help="With --at, one view only: as believed then, or as known today.")
@json_option
@boot.for_organisation
def explain(organisation: Organisation, sku: str, channel: str | None, moment: str | None, known: str | None, as_json: bool) -> None:
    """Show every step that leads from what is on the shelf to the number that a channel shows for SKU.

    With --at it shows the number of a past moment twice: as it followed from what was known then, and as it follows from what is known
    of that moment today; and what came late, where the two differ.

    \b
    Examples:
      stallkeeper explain MUG-RED
      stallkeeper explain MUG-RED --channel EM --json
      stallkeeper explain MUG-RED --at "2026-11-22 14:03"
      stallkeeper explain MUG-RED --at "2026-11-22 14:03" --known then
    """
    from stallkeeper.channels import explain as explaining
    from stallkeeper.ops import explained, explained_past

    if moment is not None:
        explained_past.show(organisation, sku, channel, moment, known, as_json=as_json)
        return
    if known is not None:
        raise Refusal("--known says how to look at a past moment: name it with --at.")
    found = explaining.explain(organisation.pk, sku, channel)
    if as_json:
        terminal.print_json([explained.as_json(one) for one in found])
        return
    for one in found:
        terminal.console().print(explained.render(one))


@click.command()
@click.option("--channel", metavar="CODE", help="Only this channel.")
@click.option("--days", type=click.IntRange(1, 366), default=7, show_default=True, help="How many days back.")
@json_option
@boot.for_organisation
def exposure(organisation: Organisation, channel: str | None, days: int, as_json: bool) -> None:
    """Show what channels showed beyond what was there, for how long until they accepted our cuts, and what was sold of it.

    \b
    Examples:
      stallkeeper exposure
      stallkeeper exposure --channel EM --days 30 --json
    """
    from stallkeeper.ops import exposed

    exposed.show(organisation, channel, days, as_json=as_json)


@click.command()
@click.argument("order")
@click.argument("line", default="1")
@json_option
@boot.for_organisation
def case(organisation: Organisation, order: str, line: str, as_json: bool) -> None:
    """Show how LINE of ORDER came to be sold twice: what happened on each channel, and whose the delay was, or which rule was broken.

    \b
    Examples:
      stallkeeper orders --short
      stallkeeper case 10000007 1
      stallkeeper case 10000007 1 --json
    """
    from stallkeeper.ops import case_file
    from stallkeeper.orders import cases

    found = cases.find(organisation.pk, order, line)
    if as_json:
        terminal.print_json(case_file.as_data(found))
        return
    terminal.console().print(case_file.render(found))


@click.command()
@click.option("--channel", metavar="CODE", help="Only this channel.")
@json_option
@boot.for_organisation
def resync(organisation: Organisation, channel: str | None, as_json: bool) -> None:
    """Read back what the channels show, and send whatever differs, refused values included.

    The work is done by the workers, within each channel's rate limits; watch it with 'stallkeeper lanes'.
    """
    from stallkeeper.ops import views

    done = views.resync(organisation.pk, channel, boot.actor())
    terminal.show(done, {"channel": "Channel", "offers": "Offers to read and send"}, as_json=as_json, empty="There is no channel yet.")


@click.command()
@click.option("--steps", is_flag=True, help="Every step of every lane.")
@json_option
@boot.for_organisation
def lanes(organisation: Organisation, steps: bool, as_json: bool) -> None:
    """Transfer status of every account: last success, how far behind, what is due, the last error.

    \b
    Examples:
      stallkeeper lanes --steps
      stallkeeper lanes --json | jq '.[] | select(.error != "")'
    """
    from stallkeeper.core import clock
    from stallkeeper.ops import views

    found = views.lane_steps(organisation.pk, clock.now()) if steps else views.lanes(organisation.pk, clock.now())
    step_columns = {"connection": "Account", "lane": "Lane", "step": "Step", "behind": "Behind", "success": "Last success",
                    "items": "Items", "errors": "Errors", "error": "Error"}  # fmt: skip
    lane_columns = {"connection": "Account", "lane": "Lane", "state": "State", "behind": "Behind", "success": "Last success",
                    "due": "Due in", "waiting": "Waiting", "error": "Error"}  # fmt: skip
    terminal.show(found, step_columns if steps else lane_columns, as_json=as_json, empty="No account is connected yet.")


def find_order(text: str) -> Order:
    """The order with this number (the channel's or ours); Refusal if there is none or more than one."""
    from django.db.models import Q

    from stallkeeper.orders.models import Order

    found = list(Order.objects.filter(Q(external_id=text) | Q(number=text)).select_related("channel").order_by("pk")[:2])
    if not found:
        raise Refusal(f"There is no order {text!r}. See: stallkeeper orders")
    if len(found) > 1:
        raise Refusal(f"{text!r} is an order on {found[0].channel.name} and on {found[1].channel.name}: act on it in the back office.")
    return found[0]


def chosen_lines(order: Order, given: tuple[str, ...], all_of: str = "open") -> dict[int, int] | None:
    """The lines that were named, with the units of each (else those in ``all_of``); None if none was named. Refusal names what is wrong."""
    if not given:
        return None
    chosen: dict[int, int] = {}
    rows = list(order.lines.order_by("pk"))
    for text in given:
        name, _, units = text.partition("=")
        fitting = [row for row in rows if name == row.line_id] or [row for row in rows if name == row.sku]
        if len(fitting) != 1:
            known = ", ".join(f"{row.line_id} ({row.sku})" for row in rows)
            raise Refusal(f"--line {name}: {'several lines fit' if fitting else 'no such line'}. Order {order.number} has: {known}.")
        if units and not units.isdigit():
            raise Refusal(f"--line {text}: write the units as a whole number, for instance --line {name}=2.")
        chosen[fitting[0].pk] = int(units) if units else getattr(fitting[0], all_of)
    return chosen


def say_units(units: dict[str, int]) -> str:
    return ", ".join(f"{quantity} × {sku}" for sku, quantity in units.items())

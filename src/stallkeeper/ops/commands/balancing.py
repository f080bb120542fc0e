"""Commands for reservations before the order: balancer, reserves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from stallkeeper.ops import boot, terminal
from stallkeeper.ops.terminal import Refusal, json_option

if TYPE_CHECKING:
    from stallkeeper.channels.models import Channel, ObservedHold
    from stallkeeper.core.models import Organisation

RESERVE_COLUMNS = {
    "id": "No.", "seen_at": "Seen (UTC)", "channel": "Channel", "sku": "SKU", "cause": "The channel showed", "units": "Units",
    "open": "Open", "taken_over": "Order came", "withdrawn": "Came back", "lapsed": "None came", "released": "Let go",
    "expires_at": "Ends (UTC)", "reason": "Reason",
}  # fmt: skip
CHANNEL_COLUMNS = {
    "code": "Channel", "shows": "How a sale shows", "on": "On", "from": "From (UTC)", "minutes": "Ends after min", "most": "At once",
    "open": "Open", "taken_over": "Order came", "lapsed": "None came", "hit_rate": "Hit rate",
}  # fmt: skip
DAYS = 7


@click.command()
@click.option("--all", "everything", is_flag=True, help="Those that have ended as well.")
@click.option("--channel", metavar="CODE", help="Only of this channel.")
@click.option("--sku", metavar="SKU", help="Only of the offer with this SKU on its channel.")
@click.option("--let-go", "number", type=int, metavar="NO", help="Say that the units of this reservation are not sold; needs --reason.")
@click.option("--keep", type=click.IntRange(0), default=0, help="With --let-go: so many of its units stay reserved.")
@click.option("--reason", default="", help="Why they are not sold.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="How many at most, newest first.")
@json_option
@boot.for_organisation
def reserves(
    organisation: Organisation,
    everything: bool,
    channel: str | None,
    sku: str | None,
    number: int | None,
    keep: int,
    reason: str,
    limit: int,
    as_json: bool,
) -> None:
    """List what is reserved because a channel shows it as sold, before its order can be read.

    \b
    Examples:
      stallkeeper reserves
      stallkeeper reserves --all --channel WB
      stallkeeper reserves --let-go 17 --reason "a test order of ours"
      stallkeeper reserves --let-go 18 --keep 1 --reason "one of the two is a colleague's edit"
    """
    from stallkeeper.channels.models import ObservedHold

    if number is not None:
        let_go(organisation, number, reason, keep)
    found = ObservedHold.objects.select_related("offer__channel").order_by("-seen_at", "-id")
    if not everything and number is None:
        found = found.filter(ended_at=None)
    if number is not None:
        found = found.filter(pk=number)
    if channel:
        found = found.filter(offer__channel__code=channel)
    if sku:
        found = found.filter(offer__sku=sku)
    terminal.show([_row(hold) for hold in found[:limit]], RESERVE_COLUMNS, as_json=as_json, empty="Nothing is reserved without an order.")


def _row(hold: ObservedHold) -> dict[str, object]:
    return {
        "id": hold.pk, "seen_at": hold.seen_at, "channel": hold.offer.channel.code, "sku": hold.offer.sku, "cause": hold.cause,
        "units": hold.seen, "open": hold.quantity, "taken_over": hold.taken_over, "withdrawn": hold.withdrawn, "lapsed": hold.lapsed,
        "released": hold.released, "expires_at": hold.expires_at, "reason": hold.reason,
    }  # fmt: skip


def let_go(organisation: Organisation, number: int, reason: str, keep: int = 0) -> None:
    """End a reservation by hand, or make it smaller; Refusal if it is not there, has ended, cannot keep so many, or no reason is given."""
    from stallkeeper.channels import observed
    from stallkeeper.channels.models import ObservedHold
    from stallkeeper.core.retry import again_on_conflict
    from stallkeeper.core.use_case import use_case

    if not ObservedHold.objects.filter(pk=number).exists():
        raise Refusal(f"There is no reservation {number}; stallkeeper reserves lists them.")

    @again_on_conflict
    def release() -> None:
        with use_case("release.observed_hold", organisation_id=organisation.pk, actor=boot.actor()) as uc:
            observed.release(uc, number, reason=reason, keep=keep)

    try:
        release()
    except observed.ObservedError as error:
        raise Refusal(str(error)) from error


@click.command()
@click.option("--company", type=click.Choice(["on", "off"]), help="The company's switch.")
@click.option("--start", "starts", multiple=True, metavar="CODE", help="Start this channel; may be repeated: all begin at the same moment.")
@click.option("--at", "moment", metavar="WHEN", help="That moment, in your organisation's time.  [default: in ten minutes]")
@click.option("--stop", "stops", multiple=True, metavar="CODE", help="Reserve nothing more from what this channel shows.")
@click.option("--minutes", type=int, help="After so many minutes without an order a reservation of the named channel ends.")
@click.option("--most", type=int, help="A fall by more units at once is taken for an edit, on the named channel.")
@click.option("--channel", metavar="CODE", help="The channel that --minutes and --most are for.")
@click.option("--ready", is_flag=True, help="What must be right before the start; exit status 1 if something is not.")
@json_option
@click.pass_context
@boot.for_organisation
def balancer(
    organisation: Organisation,
    ctx: click.Context,
    company: str | None,
    starts: tuple[str, ...],
    moment: str | None,
    stops: tuple[str, ...],
    minutes: int | None,
    most: int | None,
    channel: str | None,
    ready: bool,
    as_json: bool,
) -> None:
    """Reserve what channels show as sold before the order comes: show the switches, turn them, look what must be right first.

    \b
    Examples:
      stallkeeper balancer --ready
      stallkeeper balancer --company on --start WB --start OZ --start YA
      stallkeeper balancer --channel WB --minutes 45
      stallkeeper balancer --stop WB
    """
    from stallkeeper.channels.balancer import BalancerError

    if (minutes is not None or most is not None) != (channel is not None):
        raise Refusal("Name the channel together with what shall change, for instance: stallkeeper balancer --channel WB --minutes 45")
    if moment and not starts:
        raise Refusal("Say which channels begin at that moment, with --start CODE.")
    try:
        turn(organisation, company, starts, moment, stops)
        if channel is not None:
            _set_terms(organisation, channel, minutes, most)
    except BalancerError as error:
        raise Refusal(str(error)) from error
    if ready:
        _show_checks(organisation, ctx, as_json=as_json)
        return
    terminal.show(_channels(), CHANNEL_COLUMNS, as_json=as_json, empty="No channel is active yet.")
    if not as_json:
        from stallkeeper.channels import balancer as use_cases

        terminal.echo(use_cases.waits(organisation) or "The company's switch is on.")


def turn(organisation: Organisation, company: str | None, starts: tuple[str, ...], moment: str | None, stops: tuple[str, ...]) -> None:
    """Turn what was asked for, all of it or nothing. BalancerError says what cannot be."""
    from stallkeeper.channels import balancer as use_cases
    from stallkeeper.core.use_case import use_case
    from stallkeeper.ops.commands.stocktaking import moment_of

    if company is None and not starts and not stops:
        return
    at = moment_of(moment, "--at", organisation) if moment else None
    with use_case("turn.balancer", organisation_id=organisation.pk, actor=boot.actor()) as uc:
        if company is not None:
            use_cases.set_company(uc, company == "on")
        if starts:
            use_cases.start(uc, [_channel(code) for code in starts], at)
        use_cases.stop(uc, [_channel(code) for code in stops])


def _set_terms(organisation: Organisation, code: str, minutes: int | None, most: int | None) -> None:
    from stallkeeper.channels import balancer as use_cases
    from stallkeeper.core.use_case import use_case

    found = _channel(code)
    with use_case("turn.balancer", organisation_id=organisation.pk, actor=boot.actor()) as uc:
        use_cases.set_terms(uc, found, found.hold_minutes if minutes is None else minutes, found.hold_most if most is None else most)


def _channel(code: str) -> Channel:
    from stallkeeper.channels.models import Channel

    found = Channel.objects.select_related("connection").filter(code__iexact=code).first()
    if found is None:
        raise Refusal(f"There is no channel {code!r}; stallkeeper channel lists them.")
    return found


def _channels() -> list[dict[str, object]]:
    from datetime import timedelta

    from stallkeeper.channels import balancer as use_cases
    from stallkeeper.channels.models import Channel
    from stallkeeper.core import clock

    records = use_cases.records(clock.now() - timedelta(days=DAYS))
    rows: list[dict[str, object]] = []
    for channel in Channel.objects.select_related("connection").filter(active=True).order_by("code"):
        record = records.get(channel.pk, use_cases.NOTHING)
        rows.append(
            {
                "code": channel.code,
                "shows": str(use_cases.observer_of(channel)),
                "on": channel.holds_enabled,
                "from": channel.holds_from,
                "minutes": channel.hold_minutes,
                "most": channel.hold_most,
                "open": record.open,
                "taken_over": record.taken_over,
                "lapsed": record.lapsed,
                "hit_rate": record.hit_rate,
            }
        )
    return rows


def _show_checks(organisation: Organisation, ctx: click.Context, *, as_json: bool) -> None:
    from stallkeeper.channels import balancer as use_cases
    from stallkeeper.channels import preflight
    from stallkeeper.channels.models import Channel
    from stallkit.manifest import Observer

    channels = [
        channel
        for channel in Channel.objects.select_related("connection").filter(active=True).order_by("code")
        if use_cases.observer_of(channel) is not Observer.NONE
    ]
    checks = preflight.preflight(organisation, channels)
    rows = [{"fine": check.fine, "what": check.text, "remedy": "" if check.fine else check.remedy} for check in checks]
    terminal.show(rows, {"fine": "Right", "what": "What", "remedy": "What to do"}, as_json=as_json)
    if not all(check.fine for check in checks):
        ctx.exit(1)

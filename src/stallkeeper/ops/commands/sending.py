"""Commands about what is sent: plan, send."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from stallkeeper.ops import boot, terminal
from stallkeeper.ops.terminal import Refusal, json_option

if TYPE_CHECKING:
    from stallkeeper.channels.models import SendPlan
    from stallkeeper.core.models import Organisation

COUNTS = {
    "channel": "Channel", "rises": "Rise", "falls": "Fall", "to_zero": "To zero", "unknown": "Not read yet", "refused": "Refused before",
    "price_rises": "Prices up", "price_falls": "Prices down", "deepest": "Deepest", "stopped": "Stopped", "note": "",
}  # fmt: skip
ITEMS = {"channel": "Channel", "sku": "SKU", "what": "What", "before": "Now", "after": "Then"}
TASKS = {
    "id": "No.", "asked_at": "Asked for (UTC)", "by": "By", "what": "What", "state": "State", "values": "Values", "accepted": "Accepted",
    "shown": "Read back", "refused": "Refused", "waiting": "Waiting",
}  # fmt: skip
RUNS = {"run": "Run", "at": "When (UTC)", "units": "Products", "rose": "Rose", "fell": "Fell", "reason": ""}


@click.command()
@click.option("--rule", "given", multiple=True, metavar="CODE:NAME=VALUE", help="Propose a rule of a channel; may be repeated.")
@click.option("--switch", "turned", multiple=True, metavar="CODE:stock=on", help="Propose to turn a switch: stock, prices, active, writes.")
@click.option("--company", type=click.Choice(["on", "off"]), help="Propose to turn the company's switch.")
@click.option("--now", is_flag=True, help="Propose nothing: what would be sent as things are.")
@click.option("--undo", is_flag=True, help="Plan to put back what was before the last plan that was sent.")
@click.option("--take-back", "run", metavar="RUN", help="Plan to take back what a stock run did (see --runs).")
@click.option("--runs", is_flag=True, help="Stock runs of the last week that can be taken back.")
@click.option("--items", is_flag=True, help="The values themselves.")
@click.option("--discard", is_flag=True, help="The saved plan is not wanted.")
@json_option
@boot.for_organisation
def plan(
    organisation: Organisation, given: tuple[str, ...], turned: tuple[str, ...], company: str | None, now: bool, undo: bool,
    run: str | None, runs: bool, items: bool, discard: bool, as_json: bool,
) -> None:  # fmt: skip
    """Work out what other rules or switches would send where, and save that as a plan. Nothing of it is in force before it is sent.

    \b
    Examples:
      stallkeeper plan --now
      stallkeeper plan --rule EM:buffer=2 --rule WMT:share=50
      stallkeeper plan --switch EM:stock=on --company on
      stallkeeper plan --items
      stallkeeper plan --undo
      stallkeeper plan --runs
      stallkeeper plan --take-back import:12
    """
    from stallkeeper.channels import plans

    if sum([bool(given or turned or company), now, undo, run is not None, runs, discard]) > 1:
        raise Refusal("Do one thing at a time: propose something, or --now, --undo, --take-back, --runs, --discard.")
    if runs:
        terminal.show(_runs(organisation.pk), RUNS, as_json=as_json, empty="No run changed stock in the last week.")
        return
    _make(organisation.pk, given, turned, company, now=now, undo=undo, run=run)
    saved = plans.open_plan()
    if discard and saved is not None:
        plans.discard(organisation.pk, saved.pk, boot.actor())
        saved = None
    _show(saved, items=items, as_json=as_json)


def _make(
    organisation_id: int, given: tuple[str, ...], turned: tuple[str, ...], company: str | None, *, now: bool, undo: bool, run: str | None
) -> None:
    from stallkeeper.channels import plans
    from stallkeeper.ops import sending

    actor = boot.actor()
    if undo:
        sending.refused_plainly(lambda: plans.undo(organisation_id, actor))
    elif run is not None:
        sending.refused_plainly(lambda: plans.take_back_run(organisation_id, run, actor))
    elif now or given or turned or company:
        sending.refused_plainly(lambda: plans.save(organisation_id, sending.proposal_of(company, turned, given), actor))


def _show(saved: SendPlan | None, *, items: bool, as_json: bool) -> None:
    from stallkeeper.channels import plans
    from stallkeeper.ops import sending

    if saved is None:
        terminal.show([], COUNTS, as_json=as_json, empty="No plan is saved.")
        return
    if items:
        terminal.show(sending.item_rows(saved), ITEMS, as_json=as_json, empty="The plan changes nothing.")
        return
    counts = plans.counts_of(saved)
    if as_json:
        rows = [sending.counts_row(each) for each in counts]
        terminal.print_json({"plan": saved.pk, "fingerprint": saved.fingerprint, "proposal": saved.proposal, "channels": rows})
        return
    terminal.show([sending.counts_row(each) for each in counts], COUNTS, as_json=False, title=f"Plan {saved.pk}")
    if back := plans.undoing(saved):
        words = (
            f"Undoes plan {saved.undoes_id}: {back.back} offers show again what they did, {back.other} another figure, {back.left} stay."
        )
        terminal.echo(words)
    sure = " --sure" if any(each.held for each in counts) else ""
    sure += " --without-orders" if any(each.without_orders for each in counts) else ""
    terminal.echo(f"Nothing of it is in force. To send exactly this: stallkeeper send --plan {saved.fingerprint[:12]}{sure}")


def _runs(organisation_id: int) -> list[dict[str, object]]:
    from stallkeeper.channels import plans
    from stallkeeper.core import clock
    from stallkeeper.stock import taking_back

    found = taking_back.runs_since(organisation_id, clock.now() - plans.LOOK_BACK)
    return [
        {"run": run.reference, "at": run.recorded_at, "units": run.units, "rose": run.rose, "fell": run.fell, "reason": run.reason}
        for run in found
    ]


@click.command()
@click.option("--plan", "fingerprint", metavar="FINGERPRINT", help="Send the saved plan that has this fingerprint (its beginning will do).")
@click.option("--sure", is_flag=True, help="With --plan: what goes beyond a channel's limits is meant.")
@click.option("--without-orders", is_flag=True, help="With --plan: stock is meant to be sent although no orders are taken.")
@click.option("--let-sales-go-on", "lower", is_flag=True, help="With --plan: a figure that is lower by now than the plan says is fine.")
@click.option("--sku", "skus", multiple=True, metavar="SKU", help="Send the stock of the offers with this SKU; may be repeated.")
@click.option("--channel", "codes", multiple=True, metavar="CODE", help="Only on this channel; alone: all of its offers.")
@click.option("--all", "everything", is_flag=True, help="Send the stock of all offers of all channels.")
@click.option("--show", "number", type=int, metavar="NO", help="What has become of this send, with the channels' reasons.")
@json_option
@boot.for_organisation
def send(
    organisation: Organisation, fingerprint: str | None, sure: bool, without_orders: bool, lower: bool, skus: tuple[str, ...],
    codes: tuple[str, ...], everything: bool, number: int | None, as_json: bool,
) -> None:  # fmt: skip
    """Send a saved plan, or stock by hand; without options, list the latest sends and what has become of them.

    A plan that no longer says the same is refused, with what has moved. What changes by itself needs no command: it is sent at once.

    \b
    Examples:
      stallkeeper send
      stallkeeper send --plan 3fa2c19b04d7
      stallkeeper send --sku MUG-RED --channel EM
      stallkeeper send --all
      stallkeeper send --show 17
    """
    from stallkeeper.channels.models import SendTask
    from stallkeeper.ops import sending

    if fingerprint is not None:
        _send_plan(organisation.pk, fingerprint, sure=sure, lower_is_fine=lower, without_orders=without_orders)
    elif skus or codes or everything:
        number = sending.send(organisation.pk, boot.actor(), skus, codes).pk
    tasks = SendTask.objects.order_by("-pk")
    if number is not None:
        tasks = tasks.filter(pk=number)
        if not tasks:
            raise Refusal(f"There is no send {number}; stallkeeper send lists them.")
    terminal.show([sending.task_row(task) for task in tasks[:20]], TASKS, as_json=as_json, empty="Nothing was sent by hand yet.")
    if number is not None and not as_json and (reasons := sending.reason_rows(tasks[0])):
        words = {"channel": "Channel", "words": "The channel says", "values": "Values", "sku": "For instance"}
        terminal.show(reasons, words, as_json=False, title="Refused")


def _send_plan(organisation_id: int, fingerprint: str, **how: bool) -> None:
    from stallkeeper.channels import plans
    from stallkeeper.channels.models import SendPlan
    from stallkeeper.ops import sending

    found = SendPlan.objects.filter(fingerprint__startswith=fingerprint).order_by("-pk").first() if len(fingerprint) >= 8 else None
    if found is None:
        raise Refusal(f"No plan has a fingerprint that begins with {fingerprint!r} (eight characters at least); stallkeeper plan shows it.")
    whole = found.fingerprint
    sending.refused_plainly(lambda: plans.apply(organisation_id, found.pk, whole, boot.actor(), **how))

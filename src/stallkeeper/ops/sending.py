"""What the commands ``plan`` and ``send`` do: proposals from words, plans and sends as rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from stallkeeper.channels import plans, rules, send_tasks
from stallkeeper.channels.models import Channel, Offer, SendPlan, SendTask
from stallkeeper.channels.plan_items import PARTS_OF_A_UNIT, Counts, Items
from stallkeeper.channels.plan_stale import PlanError
from stallkeeper.channels.plan_work import Worked
from stallkeeper.channels.plans import Held
from stallkeeper.channels.proposals import ChannelChange, Proposal, ProposalError
from stallkeeper.channels.rules import RuleError
from stallkeeper.channels.switches import SwitchError
from stallkeeper.core import clock
from stallkeeper.core.retry import again_on_conflict
from stallkeeper.core.use_case import use_case
from stallkeeper.ops import terminal
from stallkeeper.ops.connections import rules_given
from stallkeeper.ops.terminal import Refusal
from stallkeeper.stock import ledger
from stallkeeper.stock.availability import NOT_SET
from stallkeeper.stock.places import PlaceError

R = TypeVar("R")
REFUSALS = (PlanError, ProposalError, RuleError, SwitchError, PlaceError, ledger.NotEnough)
LISTED = 1_000


def refused_plainly(act: Callable[[], R]) -> R:
    """Run it; what cannot be is one line for the person who asked."""
    try:
        return act()
    except Held as error:
        raise Refusal(f"{error} (--sure)") from error
    except REFUSALS as error:
        raise Refusal(str(error)) from error


def proposal_of(company: str | None, turned: Iterable[str], given: Iterable[str]) -> Proposal:
    """From ``CODE:stock=on`` (``writes``: of its account) and ``CODE:buffer=2``. Refusal, RuleError, ProposalError: a wrong word."""
    switches: dict[int, dict[str, bool]] = {}
    writes: dict[int, bool] = {}
    for channel, name, value in map(_split, turned):
        if value not in {"on", "off"}:
            raise Refusal(f"A switch is on or off, not {value!r}.")
        if name == "writes":
            writes[Channel.objects.values_list("connection_id", flat=True).get(pk=channel)] = value == "on"
        else:
            switches.setdefault(channel, {})[name] = value == "on"
    saved: dict[int, list[str]] = {}
    for channel, name, value in map(_split, given):
        saved.setdefault(channel, []).append(f"{name}={value}")
    values = {channel: {name: rules.plain(value) for name, value in rules_given(tuple(words)).items()} for channel, words in saved.items()}
    changes = {
        channel: ChannelChange(switches=switches.get(channel, {}), rules=values.get(channel, {}))  # type: ignore[arg-type]  # plain values
        for channel in sorted(switches.keys() | values.keys())
    }
    return Proposal(sending=None if company is None else company == "on", channels=changes, writes=writes)


def _split(word: str) -> tuple[int, str, str]:
    code, colon, rest = word.partition(":")
    name, equals, value = rest.partition("=")
    if not colon or not equals:
        raise Refusal(f"{word}: write it as CODE:NAME=VALUE, for instance EM:buffer=2.")
    channel = Channel.objects.filter(code__iexact=code).first()
    if channel is None:
        raise Refusal(f"There is no channel {code!r}; stallkeeper channel lists them.")
    return channel.pk, name, value


@dataclass(frozen=True, slots=True)
class Meant:
    """What somebody says beforehand: to ask nothing; what goes beyond limits, lower figures, and stock without orders are fine."""

    yes: bool
    sure: bool
    lower: bool
    without_orders: bool = False


def decide(organisation_id: int, proposal: Proposal, actor: str, meant: Meant, before: Callable[[], object] | None = None) -> None:
    """Say what the proposal would do, ask unless ``yes`` or nothing goes out by it, and send exactly that. Refusal if it cannot be, or
    moved meanwhile.

    The question names what goes beyond the limits; where nobody is asked, ``sure`` has to say that it is meant. ``before``: what is done
    once it is agreed, and has to be done first. A switch is asked about also while others keep it from sending.
    """
    sure = meant.sure
    looked = None if meant.yes else refused_plainly(lambda: plans.look(organisation_id, proposal, clock.now()))
    if looked is not None and not looked.idle and (proposal.turns or any(each.goes_out for each in looked.counts)):
        terminal.agreed(f"{in_words(looked)} Go on?", meant.yes)
        sure = True
    if before is not None:
        refused_plainly(before)
    how = {"sure": sure, "lower_is_fine": meant.lower, "without_orders": meant.without_orders}
    refused_plainly(lambda: plans.at_once(organisation_id, proposal, actor, looked=looked, **how))


def in_words(looked: Worked) -> str:
    """A sentence for each channel: what would be sent, and what the limits would stop."""
    said = []
    for each in looked.counts:
        words = f"{each.code}: {each.rises} of {each.offers} offers would rise and {each.falls} fall, {each.to_zero} of them to zero"
        words += f", {each.unknown} are read first" if each.unknown else ""
        words += f" ({each.unknown_zero} of them to go to zero)" if each.unknown_zero else ""
        words += f", {each.prices} prices would change" if each.prices else ""
        words += f" (stays here: {each.silent[0]})" if each.silent and not each.goes_out else ""
        said.append(f"{'; '.join([words, *each.held])}.")
    return " ".join(said) or "No channel would be sent anything by it."


def counts_row(counts: Counts) -> dict[str, object]:
    """A plan's figures for a channel."""
    return {
        "channel": counts.code,
        "rises": counts.rises,
        "falls": counts.falls,
        "to_zero": counts.to_zero,
        "unknown": counts.unknown,
        "refused": counts.refused,
        "price_rises": counts.price_rises,
        "price_falls": counts.price_falls,
        "deepest": f"{counts.deepest} %" if counts.price_falls else None,
        "stopped": counts.held_items,
        "note": "; ".join([*counts.held, *(f"stays here: {reason}" for reason in counts.silent)]),
    }


def item_rows(plan: SendPlan) -> list[dict[str, object]]:
    """The values of a plan, LISTED at most, channel by channel."""
    found: list[tuple[str, str, Items, int]] = []
    codes = dict(Channel.objects.values_list("pk", "code"))
    for channel, part in plans.parts_of(plan).items():
        found += [(codes[channel], "quantity", part.quantities, 1), (codes[channel], "price", part.prices, PARTS_OF_A_UNIT)]
    rows = [
        (code, kind, int(items.offer[at]), _value(int(items.before[at]), unit), _value(int(items.after[at]), unit))
        for code, kind, items, unit in found
        for at in range(min(len(items), LISTED))
    ][:LISTED]
    skus = dict(Offer.objects.filter(pk__in=[offer for _, _, offer, _, _ in rows]).values_list("pk", "sku"))
    return [
        {"channel": code, "sku": skus.get(offer), "what": kind, "before": before, "after": after}
        for code, kind, offer, before, after in rows
    ]


def _value(value: int, unit: int) -> float | None:
    return None if value == NOT_SET else value if unit == 1 else value / unit


@again_on_conflict
def send(organisation_id: int, actor: str, skus: Iterable[str], codes: Iterable[str]) -> SendTask:
    """Send the stock of some offers by SKU, or of whole channels; Refusal if there is no such offer or channel."""
    wanted, named = sorted(set(skus)), sorted(set(codes))
    channels = Channel.objects.filter(active=True)
    if named:
        channels = channels.filter(code__in=[code.upper() for code in named] + named)
        if not channels:
            raise Refusal(f"There is no active channel {', '.join(named)}; stallkeeper channel lists them.")
    ids = list(channels.order_by("pk").values_list("pk", flat=True))
    with use_case("send.stock", organisation_id=organisation_id, actor=actor) as uc:
        if not wanted:
            return send_tasks.send_channels(uc, ids)
        offers = list(Offer.objects.filter(channel_id__in=ids, sku__in=wanted).values_list("pk", "sku"))
        if missing := sorted(set(wanted) - {sku for _, sku in offers}):
            raise Refusal(f"No offer has the SKU {missing[0]!r}; stallkeeper offers lists them.")
        return send_tasks.send_chosen(uc, [pk for pk, _ in offers])


def task_row(task: SendTask) -> dict[str, object]:
    """A send with what has become of it."""
    found = send_tasks.summary(task) if task.outcome is not None else send_tasks.progress(task)
    waiting, refused = sum(each.waiting for each in found), sum(each.refused for each in found)
    return {
        "id": task.pk,
        "asked_at": task.asked_at,
        "by": task.asked_by,
        "what": f"plan {task.plan_id}" if task.plan_id else task.get_kind_display(),
        "state": "under way" if waiting else "done, some refused" if refused else "done",
        "values": sum(each.wanted for each in found),
        "accepted": sum(each.accepted for each in found),
        "shown": sum(each.shown for each in found),
        "refused": refused,
        "waiting": waiting,
    }


def reason_rows(task: SendTask) -> list[dict[str, object]]:
    """Why channels refused values of a send."""
    codes = dict(Channel.objects.values_list("pk", "code"))
    return [
        {"channel": codes[channel], "words": words, "values": count, "sku": sku} for channel, words, count, sku in send_tasks.reasons(task)
    ]

"""Rows that the list commands print: read-only, one statement each where possible."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Count, F, Q

from stallkeeper.channels import delivery, rules, switches
from stallkeeper.channels import quarantine as isolation
from stallkeeper.channels.models import Channel, Command, CommandState, Connection, Lane, Offer, OfferTodo
from stallkeeper.core.models import Organisation
from stallkeeper.core.tenancy import organisation_scope
from stallkeeper.core.use_case import use_case
from stallkeeper.orders.models import Order, OrderLine

Row = dict[str, Any]
OPEN = (Order.State.PENDING, Order.State.NEW, Order.State.ACKNOWLEDGED, Order.State.PART_SHIPPED)


class ViewError(ValueError):
    """What was asked for does not exist. The text names it and lists what does."""


def channel_by_code(code: str) -> Channel:
    """The channel with this code in any case; ViewError lists those there are."""
    found = Channel.objects.filter(code__iexact=code).first()
    if found is None:
        known = ", ".join(Channel.objects.order_by("code").values_list("code", flat=True)) or "none yet"
        raise ViewError(f"There is no channel {code!r}. There are: {known}.")
    return found


def orders(organisation_id: int, state: str | None, channel: str | None, short: bool, limit: int) -> list[Row]:
    """Orders with their units, newest first."""
    found = Order.objects.filter(organisation_id=organisation_id).select_related("channel").prefetch_related("lines")
    if state:
        found = found.filter(state__in=OPEN) if state == "open" else found.filter(state=state)
    if channel:
        found = found.filter(channel=channel_by_code(channel))
    if short:
        found = found.filter(pk__in=OrderLine.objects.filter(short__gt=0).values("order_id"))
    return [_order(order) for order in found.order_by("-ordered_at", "-pk")[:limit]]


def _order(order: Order) -> Row:
    lines = list(order.lines.all())
    return {
        "number": order.number,
        "external_id": order.external_id,
        "channel": order.channel.code,
        "state": order.state,
        "remote_state": order.remote_state,
        "ordered_at": order.ordered_at,
        "acknowledged_at": order.acknowledged_at,
        "dispatch_by": order.dispatch_by,
        "units": sum(line.ordered for line in lines),
        "open": sum(line.open for line in lines),
        "short": sum(line.short for line in lines),
        "skus": ", ".join(line.sku if line.stock_unit_id else f"{line.sku} (not linked)" for line in lines),
    }


def offers(organisation_id: int, channel: str | None, sku: str | None, differing: bool, limit: int) -> list[Row]:
    """Offers with the quantities that are never mixed."""
    found = Offer.objects.filter(organisation_id=organisation_id).select_related("channel", "stock_unit")
    if channel:
        found = found.filter(channel=channel_by_code(channel))
    if sku:
        found = found.filter(Q(sku__icontains=sku) | Q(stock_unit__sku__icontains=sku))
    if differing:
        found = found.filter(Q(believed_qty=None) | ~Q(intended_qty=F("believed_qty")), intended_qty__isnull=False)
    return [_offer(offer) for offer in found.order_by("sku", "channel__code")[:limit]]


def _offer(offer: Offer) -> Row:
    return {
        "sku": offer.sku,
        "channel": offer.channel.code,
        "unit": offer.stock_unit.sku,
        "pack_factor": offer.pack_factor,
        "intended": offer.intended_qty,
        "believed": offer.believed_qty,
        "observed": offer.observed_qty,
        "observed_at": offer.observed_at,
        "sent": offer.sent_qty,
        "sent_at": offer.sent_at,
        "accepted": offer.accepted_qty,
        "accepted_at": offer.accepted_at,
        "note": _note(offer),
    }


def _note(offer: Offer) -> str:
    if offer.refused_at:
        return f"refused {offer.refused_qty}: {offer.refused_message or offer.refused_code}"
    if offer.stock_excluded:
        return "left out of stock sending"
    return ""


def channels(organisation_id: int, code: str | None) -> list[Row]:
    """The channels with their switches, the rules that differ from the default, and what keeps stock from being sent."""
    chosen = switches.states().filter(organisation_id=organisation_id)
    return [_channel(channel) for channel in (chosen.filter(pk=channel_by_code(code).pk) if code else chosen)]


def _channel(channel: Channel) -> Row:
    plain = Channel()
    shown = (*rules.STOCK_RULES, "mark_up", "price_rounding")
    own_rules = {name: getattr(channel, name) for name in shown if getattr(channel, name) != getattr(plain, name)}
    return {
        "code": channel.code,
        "name": channel.name,
        "account": channel.connection.name,
        "orders": channel.orders_enabled,
        "stock": channel.stock_enabled,
        "prices": channel.prices_enabled,
        "acknowledge": channel.acknowledge_enabled,
        "writes": channel.connection.writes_allowed,
        "company": channel.organisation.sending_enabled,
        "cutover": channel.cutover or "not answered",
        "main": channel.parent.code if channel.parent else "",
        "rules": ", ".join(f"{name}={value}" for name, value in own_rules.items() if value is not None),
        "silent": "; ".join(switches.why_silent(channel)),
    }


def resync(organisation_id: int, channel: str | None, actor: str) -> list[Row]:
    """Have every channel (or this one) read back and sent anew; one row for each."""
    chosen = [channel_by_code(channel)] if channel else list(Channel.objects.filter(active=True).order_by("code"))
    rows = []
    for one in chosen:
        with use_case("resync.channel", organisation_id=organisation_id, actor=actor) as uc:
            rows.append({"channel": one.code, "offers": delivery.resync(uc, one.pk)})
    return rows


def lanes(organisation_id: int, now: datetime) -> list[Row]:
    """One row for each lane. ``behind``: age of its oldest watermark."""
    found = Lane.objects.filter(organisation_id=organisation_id, subject_type="connection").prefetch_related("steps")
    names = dict(Connection.objects.values_list("pk", "name"))
    waiting = _waiting()
    return [_lane(lane, names, waiting, now) for lane in found.order_by("subject_id", "-kind")]


def _lane(lane: Lane, names: dict[int, str], waiting: dict[int, int], now: datetime) -> Row:
    marks = [step.watermark for step in lane.steps.all() if step.watermark]
    return {
        "connection": names.get(lane.subject_id, "?"),
        "lane": lane.kind,
        "state": "off" if not lane.enabled else "running" if lane.claimed_by else "waiting",
        "behind": now - min(marks) if marks else None,
        "success": now - lane.last_success_at if lane.last_success_at else None,
        "due": lane.not_before - now,
        "waiting": waiting.get(lane.subject_id, 0) if lane.kind == "trade" else None,
        "failures": lane.failures,
        "error": lane.last_error
        or next((step.last_error for step in lane.steps.all() if _fails(step.last_error_at, step.last_success_at)), ""),
    }


def _fails(error: datetime | None, success: datetime | None) -> bool:
    return bool(error and (success is None or error > success))


def _waiting() -> dict[int, int]:
    """Offers to send and commands to carry out, by connection."""
    counts: dict[int, int] = {}
    todos = OfferTodo.objects.order_by().values_list("channel__connection_id").annotate(number=Count("offer_id"))
    commands = (
        Command.objects.filter(state__in=[CommandState.QUEUED, CommandState.SENT])
        .order_by()
        .values_list("connection_id")
        .annotate(number=Count("pk"))
    )
    for connection_id, number in [*todos, *commands]:
        counts[connection_id] = counts.get(connection_id, 0) + number
    return counts


def lane_steps(organisation_id: int, now: datetime) -> list[Row]:
    """One row for each step of each lane (S5.107-S5.115)."""
    names = dict(Connection.objects.values_list("pk", "name"))
    lanes = Lane.objects.filter(organisation_id=organisation_id, subject_type="connection").prefetch_related("steps")
    return [
        {
            "connection": names.get(lane.subject_id, "?"),
            "lane": lane.kind,
            "step": step.step,
            "behind": now - step.watermark if step.watermark else None,
            "success": now - step.last_success_at if step.last_success_at else None,
            "items": step.items_total,
            "errors": step.errors_total,
            "error": step.last_error if _fails(step.last_error_at, step.last_success_at) else "",
        }
        for lane in lanes.order_by("subject_id", "-kind")
        for step in sorted(lane.steps.all(), key=lambda step: step.pk)
    ]


def quarantine() -> list[Row]:
    """One row per account of every organisation in quarantine: whether its orders have been read since."""
    found: list[Row] = []
    for organisation in Organisation.objects.exclude(quarantined_at=None).order_by("slug"):
        with organisation_scope(organisation.pk):
            waiting, begun = isolation.waiting(), organisation.quarantined_at
            found += [_isolated(organisation, account, waiting) for account in isolation.accounts()] or [
                {"organisation": organisation.slug, "since": begun, "account": "", "state": "", "orders_read": None, "waiting": waiting}
            ]
    return found


def _isolated(organisation: Organisation, account: isolation.Account, waiting: int) -> Row:
    begun, read = organisation.quarantined_at, account.orders_read_at
    return {
        "organisation": organisation.slug,
        "since": begun,
        "account": account.name,
        "state": account.state,
        "orders_read": bool(begun and read and read >= begun),
        "waiting": waiting,
    }

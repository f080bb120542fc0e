"""What must be right before the balancer starts (S3.47): places and their numbers, rules, the first send, the switches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db.models import F, Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from stallkeeper.channels.models import Channel, ChannelLocation, Offer, OfferTodo, SendPlan
from stallkeeper.core.models import Notification, Organisation
from stallkeeper.stock.models import Level, Location, SourceRun, StockSource


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must be right before the balancer starts, and what to do if it is not."""

    text: str
    fine: bool
    remedy: str = ""


def preflight(organisation: Organisation, channels: Sequence[Channel]) -> list[Check]:
    """All of it, in the order in which to see to it."""
    return [*_places(channels), *(check for channel in channels for check in _channel(channel)), *_company(organisation)]


def _places(channels: Sequence[Channel]) -> Iterator[Check]:
    chosen = ChannelLocation.objects.filter(channel__in=[channel.pk for channel in channels]).values("location_id")
    for place in Location.objects.filter(pk__in=chosen, active=True, sellable=True).order_by("priority", "pk"):
        counted = Level.objects.filter(location=place).exists()
        yield Check(_("{place}: its numbers are entered").format(place=place.name), counted, _("Import or type its stock first."))
        for source in StockSource.objects.filter(location=place, enabled=True).order_by("name"):
            problem = _of_source(source)
            text = _("{place}: the source {source} is up to date").format(place=place.name, source=source.name)
            yield Check(text, not problem, problem)


def _of_source(source: StockSource) -> str:
    """What is wrong with a source whose figures count; "" if nothing is."""
    if SourceRun.objects.filter(source=source, state=SourceRun.State.STOPPED).exists():
        return _("Its last figures were stopped and wait for a person: let them through or drop them.")
    if Notification.objects.filter(key=f"source:{source.pk}:silent", resolved_at=None).exists():
        return _("It is silent: its numbers are old. Look at its last error.")
    if source.continuous and source.last_success_at is None:
        return _("It has brought nothing yet.")
    return ""


def _company(organisation: Organisation) -> Iterator[Check]:
    now = Organisation.objects.get(pk=organisation.pk)
    saved = SendPlan.objects.filter(state=SendPlan.State.OPEN).exists()
    yield Check(_("No rules are planned that are not in force"), not saved, _("A plan is saved: send it, or discard it."))
    yield Check(_("Sending is allowed for the company"), now.sending_enabled, _("Switch it on when the numbers are right."))
    yield Check(_("The balancer is switched on for the company"), now.balancer_enabled, _("Until then nothing is reserved."))


def _channel(channel: Channel) -> Iterator[Check]:
    name = channel.name
    places = ChannelLocation.objects.filter(channel=channel, location__active=True, location__sellable=True).exists()
    yield Check(_("{channel}: at least one place counts").format(channel=name), places, _("Choose places in the channel's rules."))
    doubts = rule_doubts(channel)
    yield Check(_("{channel}: its rules let it follow the stock").format(channel=name), not doubts, " ".join(doubts))
    switched = channel.active and channel.orders_enabled and channel.stock_enabled and channel.connection.writes_allowed
    yield Check(_("{channel}: orders and stock are switched on").format(channel=name), switched, _("Turn its switches on."))
    yield Check(
        _("{channel}: nothing is stopped by a threshold").format(channel=name),
        channel.stopped_at is None,
        _("Look at what was stopped, and let it pass or put it right."),
    )
    waiting = unconfirmed(channel)
    yield Check(
        _("{channel}: the first send has arrived and was read back").format(channel=name),
        channel.first_send_at is not None and not waiting,
        _unconfirmed(waiting) if waiting else _("Send the stock for the first time."),
    )


def _unconfirmed(count: int) -> str:
    return ngettext("{count} offer is not confirmed yet.", "{count} offers are not confirmed yet.", count).format(count=count)


def rule_doubts(channel: Channel) -> list[str]:
    """What the channel's own rules keep it from showing, rule by rule; rules of a category or a product are not looked at. Pure."""
    caps = [cap for cap in (channel.fixed, channel.max_publish) if cap is not None]
    doubts = []
    if channel.share == 0:
        doubts.append(_("Its share is 0 per cent: it shows nothing."))
    if caps and min(caps) <= channel.zero_at:
        doubts.append(
            _("It shows {cap} at most, and zero at {zero} or below: it shows nothing.").format(cap=min(caps), zero=channel.zero_at)
        )
    elif channel.fixed is not None:
        doubts.append(_("It shows the fixed number {fixed} whatever is sold, as long as there are so many.").format(fixed=channel.fixed))
    if len(caps) > 1:
        doubts.append(_("It has a fixed number and a cap: the smaller one counts."))
    return doubts


def unconfirmed(channel: Channel) -> int:
    """Offers of which the channel has not shown the figure that we mean: waiting to be sent, refused, or not read back."""
    sent = Offer.objects.filter(channel=channel, stock_excluded=False)
    unread = sent.filter(Q(observed_at=None) | Q(accepted_at__gt=F("observed_at")) | Q(believed_qty=None)).count()
    waiting = OfferTodo.objects.filter(channel=channel, kind="quantity").count()
    return max(unread, waiting)

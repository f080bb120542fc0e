"""The switches that let values out: the company's, the account's, the channel's. All off at first (S4.32); each turn is audited."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from django.db import models

from stallkeeper.channels import quarantine, rules
from stallkeeper.channels.models import Channel, Connection
from stallkeeper.core import audit, notify
from stallkeeper.core.models import Organisation, Severity
from stallkeeper.core.use_case import UseCase
from stallkit.manifest import Capability
from stallkit.registry import manifest_of
from stallkit.words import said as _

CHANNEL_SWITCHES = {
    "orders": "orders_enabled",
    "stock": "stock_enabled",
    "prices": "prices_enabled",
    "acknowledge": "acknowledge_enabled",
    "active": "active",
}

ACKNOWLEDGES = "channel_acknowledges"
"""Mark: channels whose orders are acknowledged from now on, those that wait included."""


class SwitchError(ValueError):
    """A switch that must not be turned yet. The text says what has to come first."""


def set_company(uc: UseCase, allowed: bool) -> bool:
    """The company switch (S3.29): while it is off nothing leaves, for any channel. True if it was turned.

    Switching on releases a copy from quarantine; SwitchError if it is too early for that.
    """
    if allowed:
        _release(uc)
    turned = Organisation.objects.filter(pk=uc.organisation_id).exclude(sending_enabled=allowed).update(sending_enabled=allowed) > 0
    if turned:
        audit.record(uc, "company.switch", "organisation", uc.organisation_id, sending=allowed)
        for channel in _sending(Channel.objects.all()):
            rules.work_out_anew(uc, channel)
        uc.mark("wake_connection", Connection.objects.values_list("pk", flat=True))
    return turned


def may_allow(organisation_id: int) -> None:
    """SwitchError if it is too early to allow sending for the company, without doing it."""
    try:
        quarantine.may_end(organisation_id)
    except quarantine.StillUnread as error:
        raise SwitchError(str(error)) from error


def _release(uc: UseCase) -> None:
    try:
        quarantine.end(uc)
    except quarantine.StillUnread as error:
        raise SwitchError(str(error)) from error


def set_writes(uc: UseCase, connection_id: int, allowed: bool) -> bool:
    """Whether anything may be changed on the account. True if it was turned."""
    turned = Connection.objects.filter(pk=connection_id).exclude(writes_allowed=allowed).update(writes_allowed=allowed) > 0
    if turned:
        audit.record(uc, "connection.switch", "connection", connection_id, writes=allowed)
        for channel in _sending(Channel.objects.filter(connection_id=connection_id)):
            rules.work_out_anew(uc, channel)
        uc.mark("wake_connection", [connection_id])
    return turned


def _sending(channels: models.QuerySet[Channel]) -> models.QuerySet[Channel]:
    """Those whose own switch is on, of stock or of prices."""
    return channels.filter(models.Q(stock_enabled=True) | models.Q(prices_enabled=True)).order_by("pk")


class Unwatched(SwitchError):
    """Stock would be sent to an account whose orders nobody reads. That is refused unless a person says that it shall be so."""


def set_channel(uc: UseCase, channel_id: int, *, without_orders: bool = False, **wanted: bool) -> list[str]:
    """Turn switches of a channel by name (orders, stock, prices, acknowledge, active); returns those that changed.

    Orders and stock need an answer to the cutover question first, and of several channels for one account's warehouses only one sends
    prices: SwitchError. Switching stock or prices on works out every offer anew
    (RuleError if the price rules cannot be applied). Stock without orders is Unwatched, unless ``without_orders`` says that it is meant.
    Locks: the account where one of its channels only may send prices, the channel, its offers by id.
    """
    if wanted.get("prices") or wanted.get("active"):
        hold_accounts([channel_id])
    channel = Channel.objects.select_for_update().get(pk=channel_id)
    if unknown := sorted(set(wanted) - set(CHANNEL_SWITCHES)):
        raise SwitchError(
            _(
                "There is no switch {unknown!r}; a channel has {channel_switches}.",
                unknown=unknown[0],
                channel_switches=", ".join(CHANNEL_SWITCHES),
            )
        )
    turned = [name for name, on in wanted.items() if getattr(channel, CHANNEL_SWITCHES[name]) != on]
    may_turn(channel, [name for name in turned if wanted[name]])
    if not turned:
        return []
    watched = not unwatched(channel.connection)
    for name in turned:
        setattr(channel, CHANNEL_SWITCHES[name], wanted[name])
    if channel.stock_enabled and channel.first_send_at is None:
        channel.first_send_at = uc.at
    channel.save(update_fields=[*(CHANNEL_SWITCHES[name] for name in turned), "first_send_at"])
    meant: dict[str, object] = {}
    if watch(uc, channel.connection) and watched:
        if not without_orders:
            raise Unwatched(_("Channel {code}: {without_orders}", code=channel.code, without_orders=WITHOUT_ORDERS))
        meant = {"without_orders": True}
    audit.record(uc, "channel.switch", "channel", channel_id, **{name: wanted[name] for name in turned}, **meant)
    if {"stock", "prices", "active"} & set(turned):
        rules.work_out_anew(uc, channel)
    if "acknowledge" in turned and channel.acknowledge_enabled:
        uc.mark(ACKNOWLEDGES, [channel_id])
    uc.mark("wake_connection", [channel.connection_id])
    return turned


WITHOUT_ORDERS = _(
    "stock would be sent while no orders of this account are taken. Nobody would see what is sold there, so a number that is sent could "
    "offer once more what is gone. Switch orders on first, or say that it is meant (stallkeeper channel … --without-orders)."
)


def unwatched(account: Connection) -> list[Channel]:
    """The account's channels that get stock while none of its channels takes orders; none where the platform has no orders to read."""
    return unseen(account, Channel.objects.filter(connection=account).order_by("code"))


def unseen(account: Connection, channels: Iterable[Channel]) -> list[Channel]:
    """The same if these were the account's channels."""
    if Capability.PULL_ORDERS not in manifest_of(account.platform).capabilities:
        return []
    active = [channel for channel in channels if channel.active]
    return [] if any(channel.orders_enabled for channel in active) else [channel for channel in active if channel.stock_enabled]


def watch(uc: UseCase, account: Connection) -> int:
    """Keep the notification of stock without orders standing as long as that is so; how many channels that is."""
    found = unwatched(account)
    key = f"connection:{account.pk}:without_orders"
    if found:
        title = _("{account}: stock is sent, and no orders are taken", account=account.name)
        codes = ", ".join(channel.code for channel in found)
        detail = _("What is sold there is not seen, so units can be sold twice. Switch orders on, or stock off: {codes}.", codes=codes)
        notify.raise_(uc, key, Severity.WARNING, title, detail)
    else:
        notify.resolve(uc, key)
    return len(found)


def hold_accounts(channels: Iterable[int], written: Iterable[int] = ()) -> None:
    """Whoever lets another channel of the same accounts send prices waits, and sees these. To be called before channels are locked.

    Only of accounts of which one channel may send prices; and of those whose writing is switched (``written``). Locks: the accounts, by id.
    """
    platforms = Channel.objects.filter(pk__in=channels).values_list("connection_id", "connection__platform")
    accounts = {account for account, platform in platforms if manifest_of(platform).quirks.per_warehouse}.union(written)
    if accounts:
        list(Connection.objects.select_for_update(no_key=True).filter(pk__in=accounts).order_by("pk").values_list("pk"))


def may_turn(channel: Channel, switched_on: list[str], turned_off: Collection[int] = ()) -> None:
    """SwitchError if something has to come before these switches are turned on, without turning them. ``turned_off``: channels that will
    send no prices by then."""
    _require_cutover(channel, switched_on)
    _one_sends_prices(channel, switched_on, turned_off)


def _one_sends_prices(channel: Channel, switched_on: list[str], turned_off: Collection[int]) -> None:
    """Channels for several warehouses of one account show the same listing at the same price: two that send it would contradict each
    other, the later one would win."""
    if not {"prices", "active"} & set(switched_on) or not manifest_of(channel.connection.platform).quirks.per_warehouse:
        return
    others = Channel.objects.filter(connection_id=channel.connection_id, prices_enabled=True, active=True)
    others = others.exclude(pk__in=[channel.pk, *turned_off])
    other = others.order_by("code").first()
    if other is not None and (channel.prices_enabled or "prices" in switched_on):
        raise SwitchError(
            _(
                "Channel {code}: {other} sends the prices of this account already, and a listing has one price there for all "
                "warehouses. Switch prices off on {other} first (stallkeeper channel {other} --prices off).",
                code=channel.code,
                other=other.code,
            )
        )


def _require_cutover(channel: Channel, switched_on: list[str]) -> None:
    if {"orders", "stock"} & set(switched_on) and channel.cutover == Channel.Cutover.UNASKED:
        raise SwitchError(
            _(
                "Channel {code}: first say whether the stock figures still include the units of orders that are already open "
                "there (stallkeeper channel {code} --cutover include|exclude).",
                code=channel.code,
            )
        )


def why_silent(channel: Channel) -> list[str]:
    """What keeps the channel's stock from being sent now: switches, and an account that rests, in the order in which to see to them."""
    code, account = channel.code, channel.connection
    reasons = [
        (channel.active, _("channel {code} is not active", code=code)),
        (channel.stock_enabled, _("stock of channel {code} is off", code=code)),
        (account.writes_allowed, _("writing to the account {account} is not allowed", account=account.name)),
        (account.state != Connection.State.NEEDS_RECONNECT, _("the account {account} must be connected again", account=account.name)),
        (channel.organisation.sending_enabled, _("sending is off for the whole company")),
        (channel.stopped_at is None, _("stopped: {reason}", reason=channel.stop_reason)),
    ]
    return [text for fine, text in reasons if not fine]


def states() -> models.QuerySet[Channel]:
    """The channels in scope with all that ``why_silent`` looks at."""
    return Channel.objects.select_related("connection", "organisation", "parent").order_by("code")

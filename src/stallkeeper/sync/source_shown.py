"""A channel as a source: the figures that it shows for our linked offers (S3.15, S3.19)."""

from __future__ import annotations

from collections.abc import Iterator

from stallkeeper.channels.lanes import Heart
from stallkeeper.channels.models import Channel, ChannelLocation, Connection, Offer
from stallkeeper.core import crash
from stallkeeper.stock.models import StockSource
from stallkeeper.stock.sources import SourceError
from stallkeeper.sync import adapters, source_kinds
from stallkeeper.sync.adapters import Session
from stallkit.manifest import Capability
from stallkit.pacing import Priority
from stallkit.sources.types import Figure, RowProblem
from stallkit.types import OfferRef
from stallkit.words import said as _

LANE = "source"


def read(source: StockSource, heart: Heart) -> list[Figure | RowProblem]:
    """Ask the channel what it shows for every linked offer. SourceError if it cannot be asked, or gets its figures from this very place;
    raises what adapters raise."""
    channel = source_kinds.channel_of(source.config)
    refuse_circle(channel, source)
    if channel.connection.state != Connection.State.READY:
        raise SourceError(_("{name} is not connected; connect it again first", name=channel.connection.name))
    session = adapters.session(channel.connection, LANE)
    if not session.can(Capability.READ_STATES):
        raise SourceError(_("{title} does not tell what it shows", title=session.manifest.title))
    offers = list(Offer.objects.filter(channel=channel).select_related("stock_unit").order_by("pk"))
    shown = _ask(session, channel, offers, heart)
    return [_row(number, offer, shown.get(_ref(offer))) for number, offer in enumerate(offers, 1)]


def refuse_circle(channel: Channel, source: StockSource) -> None:
    """SourceError if the channel would be sent what was read from it: a share or a cap would shrink the stock with every round."""
    sells = ChannelLocation.objects.filter(channel=channel, location=source.location).exists()
    if channel.stock_enabled and sells:
        raise SourceError(
            _(
                "{name} gets its figures from {code}: switch sending off first, or copy to another place",
                name=channel.name,
                code=source.location.code,
            )
        )


def _ref(offer: Offer) -> OfferRef:
    return OfferRef(offer.sku, offer.external_id)


def _ask(session: Session, channel: Channel, offers: list[Offer], heart: Heart) -> dict[OfferRef, int | None]:
    shown: dict[OfferRef, int | None] = {}
    for part in _parts([_ref(offer) for offer in offers], session.manifest.read_batch):
        heart.assure()
        session.pacer.begin(Priority.BACKGROUND)
        session.tape.operation = "read_states"
        with crash.around("send:read_states"):
            states = session.adapter.read_states(part, channel.warehouse)
        shown |= {ref: state.quantity if state is not None else None for ref, state in states.items()}
    return shown


def _parts(refs: list[OfferRef], size: int) -> Iterator[list[OfferRef]]:
    for start in range(0, len(refs), size):
        yield refs[start : start + size]


def _row(number: int, offer: Offer, quantity: int | None) -> Figure | RowProblem:
    if quantity is None:
        return RowProblem(number, "quantity", offer.sku, _("The channel does not say how many it shows."), offer.stock_unit.sku)
    return Figure(number, offer.stock_unit.sku, "", "", quantity * offer.pack_factor, None)

"""A second seller in the same database who does nothing all day: with the same SKUs, and an account on the same platform
whose lanes are off.

Whatever reaches over the wall between organisations changes something of his.
"""

from __future__ import annotations

from datetime import datetime

from stallkeeper.catalog.models import StockUnit
from stallkeeper.channels.models import Channel, ChannelLocation, Connection, Lane, LaneKind, Offer
from stallkeeper.core.models import Organisation
from stallkeeper.core.use_case import use_case
from stallkeeper.stock import ledger, places
from stallkeeper.stock.ledger import Target

ACTOR = "user:2"


def settle(platform: str, skus: tuple[str, ...], at: datetime) -> int:
    """The bystander's organisation, by its id: goods, an account with a channel that might send, an offer for each of the goods."""
    house = Organisation.objects.create(name="Next door", slug="next-door", sending_enabled=True, created_at=at)
    with use_case("sim.bystander", organisation_id=house.pk, actor=ACTOR, at=at) as uc:
        place = places.first_locations(uc)
        account = Connection.objects.create(
            organisation=house, platform=platform, name="theirs", state=Connection.State.READY, writes_allowed=True, created_at=at,
            hint_token=f"{house.slug}-{platform}",
        )  # fmt: skip
        for kind in LaneKind:
            Lane.objects.create(organisation=house, subject_id=account.pk, kind=kind, not_before=at, enabled=False)
        channel = Channel.objects.create(
            organisation=house, connection=account, code="X", name="theirs", currency="EUR", created_at=at, orders_enabled=True,
            stock_enabled=True, cutover=Channel.Cutover.INCLUDE,
        )  # fmt: skip
        ChannelLocation.objects.create(organisation=house, channel=channel, location=place)
        units = [StockUnit.objects.create(organisation=house, sku=sku, title=sku, created_at=at) for sku in skus]
        for unit in units:
            Offer.objects.create(organisation=house, channel=channel, stock_unit=unit, sku=unit.sku, believed_qty=0)
        ledger.set_on_hand(uc, [Target(unit.pk, place.pk, 5, f"theirs:{unit.sku}") for unit in units])
    return int(house.pk)

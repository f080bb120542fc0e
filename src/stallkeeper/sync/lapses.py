"""Every minute: holds whose time is over end, those of sales that no order explained included, and who waits for their units is served.

Sales that the velocity guard has kept back for an hour are let go.
"""

from __future__ import annotations

import logging

from stallkeeper.channels import observed, velocity
from stallkeeper.channels.models import ObservedHold
from stallkeeper.channels.rule_models import UnitSale
from stallkeeper.core import clock
from stallkeeper.core.retry import again_on_conflict
from stallkeeper.core.tenancy import Passage, across_organisations
from stallkeeper.core.use_case import use_case
from stallkeeper.orders import splits
from stallkeeper.orders.models import Order
from stallkeeper.stock import holds
from stallkeeper.stock.models import Reservation

log = logging.getLogger(__name__)


def run() -> int:
    """End what is due of all organisations; how many owners lost holds, and units whose sales passed.

    One organisation's failure does not stop the others.
    """
    with across_organisations(Passage.TICK):
        over = {"expires_at__lte": clock.now()}
        organisations = set(Reservation.objects.filter(**over).values_list("organisation_id", flat=True))
        organisations |= set(Order.objects.filter(unfound_until__lte=clock.now()).values_list("organisation_id", flat=True))
        organisations |= set(ObservedHold.objects.filter(ended_at=None, **over).values_list("organisation_id", flat=True))
        passed = UnitSale.objects.filter(passed_at=None, sold_at__lte=clock.now() - velocity.WINDOW)
        organisations |= set(passed.order_by().values_list("organisation_id", flat=True).distinct())
    ended = 0
    for organisation in sorted(organisations):
        try:
            ended += _lapse(organisation) + _stop_looking(organisation)
        except Exception:
            log.exception("organisation %s: holds whose time is over could not be ended", organisation)
    return ended


@again_on_conflict
def _lapse(organisation: int) -> int:
    with use_case("holds.lapse", organisation_id=organisation) as uc:
        return holds.lapse(uc) + observed.lapse(uc) + velocity.lapse(uc)


@again_on_conflict
def _stop_looking(organisation: int) -> int:
    with use_case("splits.lapse", organisation_id=organisation) as uc:
        return splits.lapse(uc)

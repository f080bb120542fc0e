"""Every five minutes: how long operations took is measured, of each organisation."""

from __future__ import annotations

import logging
from datetime import datetime

from stallkeeper.channels.models import Connection
from stallkeeper.core.retry import again_on_conflict
from stallkeeper.core.tenancy import Passage, across_organisations
from stallkeeper.core.use_case import use_case
from stallkeeper.orders import delays

log = logging.getLogger(__name__)


def run() -> None:
    """Measure what was done since the last time, a day at a time. One organisation's failure does not stop the others."""
    with across_organisations(Passage.TICK):
        organisations = sorted(set(Connection.objects.order_by().values_list("organisation_id", flat=True)))
    for organisation in organisations:
        try:
            since = _measure(organisation)
            while since is not None:
                since = _measure(organisation, since)
        except Exception:
            log.exception("organisation %s: the delays could not be measured", organisation)


@again_on_conflict
def _measure(organisation: int, since: datetime | None = None) -> datetime | None:
    with use_case("delays.measure", organisation_id=organisation) as uc:
        return delays.measure(uc, since)

"""Every five minutes: how long operations took is measured, of each organisation."""

from __future__ import annotations

import logging
from datetime import datetime

from stallkeeper.core.retry import again_on_conflict
from stallkeeper.core.use_case import use_case
from stallkeeper.orders import delays
from stallkeeper.sync import organisations

log = logging.getLogger(__name__)


def run() -> None:
    """Measure what was done since the last time, a day at a time. One organisation's failure does not stop the others."""
    for organisation in organisations.with_accounts():
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

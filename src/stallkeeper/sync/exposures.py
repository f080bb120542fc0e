"""Every five minutes: what channels showed beyond what was there is measured, of each organisation."""

from __future__ import annotations

import logging

from stallkeeper.core.retry import again_on_conflict
from stallkeeper.core.use_case import use_case
from stallkeeper.orders import exposure
from stallkeeper.sync import organisations

log = logging.getLogger(__name__)


def run() -> None:
    """Measure this hour and the last one. One organisation's failure does not stop the others."""
    for organisation in organisations.with_accounts():
        try:
            _measure(organisation)
        except Exception:
            log.exception("organisation %s: the exposure could not be measured", organisation)


@again_on_conflict
def _measure(organisation: int) -> None:
    with use_case("exposure.measure", organisation_id=organisation) as uc:
        exposure.measure(uc)

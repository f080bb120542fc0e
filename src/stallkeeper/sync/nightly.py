"""Once a day: housekeeping, and a look at every offer of every organisation. The look must find nothing; if it does, people are told.

It is done at night, and as soon as a worker runs again where the machine was off then (``wake.tidy``).
"""

from __future__ import annotations

import logging
from itertools import islice

from stallkeeper.channels import guarding, refresh
from stallkeeper.core import clock, housekeeping, notify
from stallkeeper.core.models import Organisation, Severity
from stallkeeper.core.use_case import use_case
from stallkeeper.stock import incoming
from stallkit.words import said as _

log = logging.getLogger(__name__)

KEY = "nightly:differences"


def run() -> bool:
    """Do everything, unless another worker has it or it was done lately; one organisation's failure does not stop the others."""
    begun = clock.now()
    if not housekeeping.begin(begun):
        return False
    housekeeping.daily(begun)
    for organisation in Organisation.objects.order_by("pk").values_list("pk", flat=True):
        try:
            check_offers(organisation)
        except Exception:
            log.exception("organisation %s: the nightly look at its offers failed", organisation)
    housekeeping.end(begun)
    return True


def check_offers(organisation_id: int) -> int:
    """Work every offer out anew. Differences are put right and reported: some change did not refresh what it should have.

    What a new day changes by itself (goods come within a horizon, or are late; what was refused is tried again) is no difference.
    """
    with use_case("offers.new_day", organisation_id=organisation_id) as uc:
        guarding.new_day(uc, incoming.announced())
    with use_case("offers.sweep", organisation_id=organisation_id) as uc:
        found = refresh.sweep(uc)
        if not len(found):
            notify.resolve(uc, KEY)
            return 0
        examples = ", ".join(f"offer {change.offer_id}: {change.before} is now {change.after}" for change in islice(found.changes(), 5))
        title = _("The nightly look put offers right: {count}", count=len(found))
        text = _("A change had not reached them. Please report this. {examples}", examples=examples)
        notify.raise_(uc, KEY, Severity.ERROR, title, text)
    return len(found)

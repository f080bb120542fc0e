"""What to do about a refusal, in our words, by the code that an adapter gives it. Where there is none, the kind's own advice holds."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

StrOrPromise = str | Promise

LINK = _("The number of the listing does not fit: unlink it and link it anew.")
CURRENCY = _("The channel takes prices in another currency: correct the currency of the channel or of its price list.")
ROUNDING = _("The channel takes whole prices only: set the price rounding of the channel to whole units.")
TOO_MANY = _("The channel takes fewer units: set a cap in the rules of the channel.")
OPEN_ORDER = _("The order has gone on there: look at it in the channel's own screen, then correct it here.")
REMEDIES: dict[str, StrOrPromise] = {
    "no_size": LINK,
    "offer_id": LINK,
    "unknown_card": LINK,
    "warehouse": _("Correct the warehouse of the channel: it is a number of the platform's."),
    "currency": CURRENCY,
    "whole_number": ROUNDING,
    "price_form": _("Prices must be above zero, with up to four decimals: correct the price list or the mark-up."),
    "one_price_per_card": _("All sizes of one card cost the same there: give them one price."),
    "amount": TOO_MANY,
    "stock_range": TOO_MANY,
    "cancelled": OPEN_ORDER,
    "not_open": OPEN_ORDER,
    "not_allowed": OPEN_ORDER,
    "not_cancellable": OPEN_ORDER,
    "not_packable": OPEN_ORDER,
    "shipped": OPEN_ORDER,
    "returned": OPEN_ORDER,
    "finalized": OPEN_ORDER,
    "unknown_order": _("The channel does not know the order any more: look there whether it still stands."),
    "unknown_line": _("The channel does not know a line of the order any more: read the order again, then tell it again."),
    "too_many": _("More units than are left there: read the order again, then tell it again."),
    "acknowledge_first": _("Acknowledge the order first, then tell it again."),
    "fulfilled_by_marketplace": _("The marketplace serves this order itself: nothing is to be told from here."),
    "paid_by_card": _("Paid by card: only the whole order can be cancelled there."),
    "whole_order_only": _("It leaves as a whole there: cancel the rest first, or ship everything at once."),
    "whole_posting_only": _("It leaves as a whole there: cancel the rest first, or split it in the seller account."),
    "attachment": _("The channel refused the document: look at the order, correct it, then tell it again."),
    "TryLater": _("The channel could not be reached for long. If it answers again, tell it again."),
    "OutcomeUnknown": _("Nobody knows whether the channel took it: look there first, then tell it again."),
    "NeedsReconnect": _("Connect the account again, then tell it again."),
    "not_now": _("The channel has put it off for a day: look there, then tell it again."),
}


def remedy(code: str, otherwise: StrOrPromise) -> StrOrPromise:
    """What to do about this code."""
    return REMEDIES.get(code, otherwise)

"""What went wrong when an account was asked who it is, and what to do about it, in the words of the form."""

from __future__ import annotations

import math

from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from stallkeeper.backoffice.templatetags.stallkeeper import span
from stallkeeper.backoffice.words import told
from stallkit.errors import AdapterError, NeedsReconnect, Refused, SlowDown
from stallkit.manifest import Capability, Manifest, SettingKind

StrOrPromise = str | Promise


def trouble(error: Exception, manifest: Manifest, other_address: str = "") -> str:
    """The words of the platform or of the check, then what to do. An adapter's error is told together with its remedy."""
    if isinstance(error, ValidationError):
        return " ".join(error.messages)
    if not isinstance(error, AdapterError):
        return told(error)
    return f"{_sentence(told(error.detail))} {_remedy(error, manifest, other_address)}"


def _sentence(said: str) -> str:
    """A capital at the beginning, except for names like eMAG, and a full stop at the end."""
    begun = said if said[1:2].isupper() else said[:1].upper() + said[1:]
    return begun.rstrip(".") + "."


def _remedy(error: AdapterError, manifest: Manifest, other_address: str) -> str:
    match error:
        case NeedsReconnect() if error.status or not other_address:  # without a status our own guard refused the address
            return _(
                "Either {settings} is wrong, expired or revoked, or belongs to another account; "
                "or the account does not allow the address of this server."
            ).format(settings=_credentials(manifest))
        case SlowDown():
            seconds = max(1, math.ceil(error.retry_after))
            return ngettext("Try again in {count} second.", "Try again in {count} seconds.", seconds).format(count=seconds)
        case Refused():
            return _("Repeating it unchanged is useless: put right what {platform} names.").format(platform=manifest.title)
        case _ if other_address:
            return _("Look at “Other address”, or try again in some minutes.")
        case _:
            return _("That lies with {platform} or the network: try again in some minutes.").format(platform=manifest.title)


def _credentials(manifest: Manifest) -> str:
    """The labels of what opens the account: the settings that are needed and typed by hand."""
    typed = {SettingKind.TEXT, SettingKind.SECRET}
    labels = [f"“{told(setting.label)}”" for setting in manifest.settings if setting.required and setting.kind in typed]
    return _(" or ").join(labels) or _("a setting")


ABILITIES: tuple[tuple[frozenset[Capability], StrOrPromise], ...] = (
    (frozenset({Capability.READ_OFFERS}), gettext_lazy("read listings")),
    (frozenset({Capability.PULL_ORDERS}), gettext_lazy("take orders")),
    (frozenset({Capability.ACKNOWLEDGE}), gettext_lazy("acknowledge orders")),
    (frozenset({Capability.WRITE_STOCK, Capability.BULK_STOCK}), gettext_lazy("send stock")),
    (frozenset({Capability.WRITE_PRICES, Capability.BULK_PRICES}), gettext_lazy("send prices")),
    (frozenset({Capability.CONFIRM_SHIPMENT}), gettext_lazy("confirm shipments")),
    (frozenset({Capability.CANCEL_LINES}), gettext_lazy("cancel lines")),
    (frozenset({Capability.READ_LABELS}), gettext_lazy("fetch labels")),
    (frozenset({Capability.READ_RETURNS}), gettext_lazy("read returns")),
    (frozenset({Capability.HINTS}), gettext_lazy("be told of orders at once")),
)
"""What of a platform's capabilities matters to a seller; any one of a set will do."""


def capability_words(manifest: Manifest) -> list[tuple[StrOrPromise, bool]]:
    """What can be done on a platform, and what cannot."""
    return [(words, bool(wanted & manifest.capabilities)) for wanted, words in ABILITIES]


def limit_words(manifest: Manifest) -> list[str]:
    """How many calls the platform allows; Stallkeeper stays below them by itself."""
    return [
        ngettext("{bucket}: {count} call in {time}", "{bucket}: {count} calls in {time}", limit.capacity).format(
            bucket=limit.bucket, count=limit.capacity, time=span(limit.per.total_seconds())
        )
        for limit in manifest.limits
    ]

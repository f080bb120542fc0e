"""Rules of categories and products of a channel as rows for the screen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from django.db.models import Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from stallkeeper.backoffice.offer_rows import units_like
from stallkeeper.backoffice.paging import count_up_to_limit
from stallkeeper.channels import rules
from stallkeeper.channels.models import Channel
from stallkeeper.channels.overriding import NAMES
from stallkeeper.channels.rule_models import Rounding, RuleOverride

StrOrPromise = str | Promise

SHORT: dict[str, StrOrPromise] = {
    "share": _("share"),
    "share_rounding": _("rounded"),
    "buffer": _("buffer"),
    "velocity_share": _("last hour's sales"),
    "max_publish": _("cap"),
    "zero_at": _("zero at or below"),
    "fixed": _("fixed number"),
}
PER_CENT = ("share", "velocity_share")


class Counted(NamedTuple):
    """How many categories and products have rules of their own, each counted up to the limit of lists."""

    categories: int
    products: int


def count_own(channel: Channel) -> Counted:
    """Of a channel."""
    found = RuleOverride.objects.filter(channel=channel, valid_until=None)
    return Counted(count_up_to_limit(found.filter(stock_unit=None)), count_up_to_limit(found.exclude(stock_unit=None)))


@dataclass(frozen=True)
class OwnRow:
    """One override, and what it says in words."""

    rule: RuleOverride

    @property
    def said(self) -> list[tuple[StrOrPromise, StrOrPromise]]:
        """(rule, value), in the order in which the rules are applied."""
        values = ((name, getattr(self.rule, name)) for name in SHORT if name in NAMES)
        return [(SHORT[name], value_words(name, value)) for name, value in values if value not in (None, "")]


def value_words(name: str, value: object) -> StrOrPromise:
    """A rule's value, as it is or as JSON keeps it."""
    if name == "share_rounding":
        return str(Rounding(str(value)).label)
    return f"{rules.plain(value)} %" if name in PER_CENT else str(rules.plain(value))


def own_with(channel: Channel, filters: Mapping[str, str]) -> QuerySet[RuleOverride]:
    """The overrides in force that fit ``kind`` (category, product) and ``q``, ready for the table (one statement)."""
    found = RuleOverride.objects.filter(channel=channel, valid_until=None).select_related("stock_unit")
    if filters.get("kind") in ("category", "product"):
        found = found.filter(stock_unit__isnull=filters["kind"] == "category")
    if text := filters.get("q", "").strip():
        found = found.filter(Q(stock_unit__in=units_like(text)) | Q(category__icontains=text))
    return found

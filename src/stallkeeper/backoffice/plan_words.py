"""What a plan proposes, in words: which rules, switches and places would be different, from what to what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from stallkeeper.backoffice.own_rule_rows import PER_CENT, SHORT, value_words
from stallkeeper.backoffice.rule_forms import RulesForm
from stallkeeper.catalog.models import PriceList, StockUnit
from stallkeeper.channels import proposals
from stallkeeper.channels.models import Channel, Connection, SendPlan
from stallkeeper.channels.overriding import Own
from stallkeeper.channels.proposals import ChannelChange, Proposal
from stallkeeper.stock.models import Location, LocationOwner

SWITCHES = {"stock": gettext_lazy("Send stock"), "prices": gettext_lazy("Send prices"), "active": gettext_lazy("Active")}
PLACE = {
    "name": gettext_lazy("Name"),
    "owner": gettext_lazy("Whose stock"),
    "priority": gettext_lazy("Priority"),
    "sellable": gettext_lazy("What lies there may be sold"),
    "allows_backorder": gettext_lazy("More may be promised than there is"),
    "active": gettext_lazy("In use"),
}
NAMED = 5
"""Products and categories of one change that are named; of the rest, how many."""


def words_of(plan: SendPlan) -> list[str]:
    """A line for each thing that the plan would change, the company's switch first."""
    proposal, base = proposals.decode(plan.proposal), plan.base
    names = dict(Channel.objects.values_list("pk", "name"))
    said = [] if proposal.sending is None else [_("Company: sending {on}").format(on=_on(proposal.sending))]
    for pk, change in sorted(proposal.channels.items()):
        lines = [*_switches(change), *_rules(change, base["channels"].get(str(pk), {}).get("rules", {})), *_own(change.own)]
        said += [f"{names.get(pk, pk)}: {line}" for line in lines]
    accounts = dict(Connection.objects.filter(pk__in=list(proposal.writes)).values_list("pk", "name"))
    said += [_("{account}: writing {on}").format(account=accounts.get(pk, pk), on=_on(on)) for pk, on in sorted(proposal.writes.items())]
    return said + _changed_places(proposal, base.get("places", {}))


def _changed_places(proposal: Proposal, before: Mapping[str, Mapping[str, object]]) -> list[str]:
    names = dict(Location.objects.filter(pk__in=list(proposal.places)).values_list("pk", "name"))
    return [
        f"{names.get(pk, pk)}: {PLACE[name]}: {_plain(before[str(pk)][name])} → {_plain(value)}"
        for pk, change in sorted(proposal.places.items())
        for name, value in change.fields().items()
    ]


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return str(LocationOwner(value).label) if value in LocationOwner.values else str(value)


def _on(value: object) -> str:
    return _("on") if value else _("off")


def _switches(change: ChannelChange) -> Iterator[str]:
    for name, on in sorted(change.switches.items()):
        yield f"{SWITCHES[name]}: {_on(on)}"


def _rules(change: ChannelChange, before: Mapping[str, object]) -> Iterator[str]:
    for name, value in change.rules.items():
        line = f"{_label(name)}: {value_of(name, before.get(name))} → {value_of(name, value)}"
        yield _("{change}, as its main channel").format(change=line) if name in change.follow else line
    if change.locations is not None:
        was = before.get("locations")
        before_it, after = places_of(was if isinstance(was, list) else []), places_of(change.locations)
        line = _("places: {before} → {after}").format(before=before_it, after=after)
        yield _("{change}, as its main channel").format(change=line) if "locations" in change.follow else line


def _label(name: str) -> str | Promise:
    field = RulesForm.base_fields[name.removesuffix("_id")]
    return field.label or name


def value_of(name: str, value: object) -> str:
    """A rule's value in words."""
    if value in (None, ""):
        return "–"
    if name == "price_list_id":
        return str(PriceList.objects.filter(pk=str(value)).values_list("code", flat=True).first() or value)
    if isinstance(value, bool):
        return _on(value)
    return str(value_words(name, value)) if name in {*PER_CENT, "share_rounding"} else str(value)


def places_of(ids: Sequence[int]) -> str:
    """Their names, best first."""
    return ", ".join(Location.objects.filter(pk__in=ids).order_by("priority", "pk").values_list("name", flat=True)) or "–"


def _own(said: Iterable[Own]) -> Iterator[str]:
    for each in said:
        units = StockUnit.objects.filter(pk__in=each.units).order_by("sku").values_list("sku", flat=True)[:NAMED]
        of = [_("category {name}").format(name=name) for name in each.categories[:NAMED]] + list(units)
        if more := len(each.categories) + len(each.units) - len(of):
            of.append(ngettext("{count} more", "{count} more", more).format(count=more))
        rules = ", ".join(f"{SHORT[name]} {value_words(name, value)}" for name, value in each.rules.items())
        yield f"{', '.join(of)}: {rules or _('rules of their own are taken away')}"

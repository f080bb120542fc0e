"""How far the first run is (S2.1-S2.4, S3.30, S3.41). Everything is read from rows; only that somebody went past a step is remembered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property

from django.db import connection
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from stallkeeper.backoffice import start_queries
from stallkeeper.backoffice.lanes import fails
from stallkeeper.backoffice.start_sends import Sending, sending_of
from stallkeeper.backoffice.templatetags.stallkeeper import counted
from stallkeeper.channels import links, switches
from stallkeeper.channels.models import Channel, Connection, LaneKind, LaneStep
from stallkeeper.core.models import Organisation
from stallkeeper.core.people import Permission

StrOrPromise = str | Promise


@dataclass(frozen=True)
class Step:
    """One step of the path: its address, its title, and who may do it."""

    slug: str
    title: StrOrPromise
    permission: Permission

    @property
    def view(self) -> str:
        return f"backoffice:start_{self.slug}"


STEPS = (
    Step("company", gettext_lazy("Company"), Permission.MANAGE_USERS),
    Step("stall", gettext_lazy("Connect a stall"), Permission.CONNECT),
    Step("products", gettext_lazy("Products and stock"), Permission.EDIT_CATALOGUE),
    Step("links", gettext_lazy("Links"), Permission.EDIT_RULES),
    Step("rules", gettext_lazy("Places and rules"), Permission.EDIT_RULES),
    Step("orders", gettext_lazy("Orders"), Permission.SEND),
    Step("send", gettext_lazy("First send"), Permission.SEND),
)
"""In their order."""
OF_A_CHANNEL = ("links", "rules")
"""Steps that may be left behind for one channel and not for another."""


@dataclass(frozen=True)
class Listed:
    """A channel's listings by what is known of them, each counted to ``start_queries.MOST``; whether all were read, and why not."""

    certain: int = 0
    ambiguous: int = 0
    new: int = 0
    linked: int = 0
    excluded: int = 0
    read: bool = False
    error: str = ""

    @property
    def all(self) -> int:
        return self.certain + self.ambiguous + self.new + self.linked + self.excluded

    @property
    def open(self) -> int:
        """Those that somebody has to look at."""
        return self.certain + self.ambiguous + self.new


class Facts:
    """What there is, for one channel. Each fact is one statement, asked when it is needed."""

    def __init__(self, organisation: Organisation, channel: Channel | None) -> None:
        self.organisation, self.channel = organisation, channel

    @cached_property
    def goods(self) -> tuple[int, int]:
        """(products, products of which there are some)"""
        with connection.cursor() as cursor:
            return start_queries.goods(cursor, self.organisation.pk)

    @cached_property
    def listed(self) -> Listed:
        """The listings of the channel."""
        if self.channel is None:
            return Listed()
        found = links.counts_up_to(self.organisation.pk, start_queries.MOST).get(self.channel.pk, links.Proposal())
        step = _reading(self.channel.connection)
        return Listed(**asdict(found), read=bool(step and step.watermark), error=_error(step))

    @cached_property
    def orders(self) -> int:
        """Orders of the channel that came in."""
        with connection.cursor() as cursor:
            return start_queries.orders(cursor, self.channel.pk) if self.channel else 0

    @cached_property
    def sending(self) -> Sending:
        """Its plan and its first send."""
        return sending_of(self.channel)

    def passed(self, slug: str) -> bool:
        """Whether somebody went past the step."""
        return self.mark(slug) in self.organisation.start_passed

    def mark(self, slug: str) -> str:
        """How going past the step is remembered."""
        return f"{slug}:{self.channel.pk}" if slug in OF_A_CHANNEL and self.channel else slug


def _reading(account: Connection) -> LaneStep | None:
    lane = {"lane__subject_type": "connection", "lane__subject_id": account.pk, "lane__kind": LaneKind.BACKGROUND}
    return LaneStep.objects.filter(step="catalogue", **lane).first()


def _error(step: LaneStep | None) -> str:
    """Why listings are not read; nothing where the last try went well."""
    return step.last_error if step and fails(step) else ""


@dataclass(frozen=True)
class Rung:
    """A step as the rail shows it: done, left for later, or to do; and what is known of it."""

    step: Step
    done: bool
    passed: bool
    note: str

    @property
    def tone(self) -> str:
        return "done" if self.done else "later" if self.passed else "open"


def rungs(facts: Facts) -> list[Rung]:
    """The whole path."""
    return [Rung(step, *_state(step.slug, facts)) for step in STEPS]


def next_slug(found: Sequence[Rung]) -> str:
    """The first step that is neither done nor left for later; ``done`` after all of them."""
    return next((rung.step.slug for rung in found if not rung.done and not rung.passed), "done")


def _state(slug: str, facts: Facts) -> tuple[bool, bool, str]:
    """(done, left for later, what is known)"""
    done, note = STATES[slug](facts)
    return done, facts.passed(slug), note


def _company(facts: Facts) -> tuple[bool, str]:
    passed = facts.passed("company")
    return passed, f"{facts.organisation.name}, {facts.organisation.time_zone.replace('_', ' ')}" if passed else ""


def _stall(facts: Facts) -> tuple[bool, str]:
    if facts.channel is None:
        return False, ""
    return True, facts.channel.connection.account_name or facts.channel.name


def _products(facts: Facts) -> tuple[bool, str]:
    units, stocked = facts.goods
    if not units:
        return False, ""
    shown = ngettext("{count} product", "{count} products", units).format(count=counted(units))
    with_stock = ngettext("{count} with stock", "{count} with stock", stocked).format(count=counted(stocked))
    return stocked > 0, f"{shown}, {with_stock}"


def _links(facts: Facts) -> tuple[bool, str]:
    listed = facts.listed
    if not listed.all:
        return False, ""
    said = [_("{count} linked").format(count=counted(listed.linked))]
    said += [_("{count} certain").format(count=counted(listed.certain))] if listed.certain else []
    said += [_("{count} ambiguous").format(count=counted(listed.ambiguous))] if listed.ambiguous else []
    said += [_("{count} new").format(count=counted(listed.new))] if listed.new else []
    return listed.read and listed.linked > 0 and not listed.open, ", ".join(said)


def _rules(facts: Facts) -> tuple[bool, str]:
    passed = facts.channel is not None and facts.passed("rules")
    return passed, _("buffer {count}").format(count=facts.channel.buffer) if passed and facts.channel else ""


def _orders(facts: Facts) -> tuple[bool, str]:
    if facts.channel is None or not facts.channel.orders_enabled:
        return False, ""
    return True, ngettext("{count} order came in", "{count} orders came in", facts.orders).format(count=counted(facts.orders))


def _send(facts: Facts) -> tuple[bool, str]:
    return facts.sending.done, str(facts.sending.note)


STATES = {
    "company": _company,
    "stall": _stall,
    "products": _products,
    "links": _links,
    "rules": _rules,
    "orders": _orders,
    "send": _send,
}


def channels() -> list[Channel]:
    """Channels in use, those that were never sent to first, the newest of them first."""
    found = switches.states().filter(active=True).order_by("-pk")
    return sorted(found, key=lambda channel: channel.first_send_at is not None)


def wanted(organisation: Organisation) -> bool:
    """Whether who signs in is led to the path: nothing was ever sent, and nobody said that it shall not be so."""
    if organisation.start_ended_at is not None:
        return False
    with connection.cursor() as cursor:
        return start_queries.fresh(cursor, organisation.pk)

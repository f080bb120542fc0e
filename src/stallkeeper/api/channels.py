"""What holds for channels: their switches and rules, and what is said of categories and products in their place."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from django.db.models import Count
from django.http import HttpRequest
from ninja import Path, Query, Router, Schema

from stallkeeper.api import keys
from stallkeeper.api.keys import ProgramKey
from stallkeeper.api.problems import Problem, ProblemError
from stallkeeper.channels import rules, switches
from stallkeeper.channels.models import Channel, ChannelLocation
from stallkeeper.channels.overriding import NAMES
from stallkeeper.channels.rule_models import RuleOverride
from stallkeeper.core.people import Permission
from stallkeeper.core.tenancy import organisation_scope

router = Router(tags=["rules"], auth=ProgramKey())

Plain = str | int | bool | None
PAGE = 500
REFUSED = {400: Problem, 401: Problem, 403: Problem, 404: Problem, 413: Problem, 422: Problem}


class ChannelOut(Schema):
    """A channel. ``writes`` is its account's switch, ``company`` the company's; decimals and dates of rules are text. ``locations``: the
    codes of the places whose stock counts. ``own``: how many categories and products have rules of their own. ``silent``: why no stock is
    sent now. ``main``: of a sub-channel, the code of the channel whose rules and places it has, but for its ``own_rules``."""

    code: str
    name: str
    platform: str
    switches: dict[str, bool]
    rules: dict[str, Plain]
    locations: list[str]
    own: int
    silent: list[str]
    main: str = ""
    own_rules: list[str] = []


class OwnOut(Schema):
    """Rules of a category, or of a product by its SKU; what is not said falls through, from the product to its category to the channel."""

    id: int
    category: str = ""
    sku: str = ""
    rules: dict[str, Plain]
    since: datetime


class OwnPage(Schema):
    """A page of them in the order in which they were said. ``next``: send it as ``after``; None: there are no more."""

    rules: list[OwnOut]
    next: int | None = None


@router.get("/", response={200: list[ChannelOut], **REFUSED}, url_name="api_channels")
def channels(request: HttpRequest) -> list[ChannelOut]:
    """All channels with their switches and rules."""
    with organisation_scope(keys.of(request, Permission.VIEW_STOCK).organisation_id):
        return _told(list(switches.states()))


@router.get("/{code}/", response={200: ChannelOut, **REFUSED}, url_name="api_channel")
def channel(request: HttpRequest, code: Path[str]) -> ChannelOut:
    """One channel by its code."""
    with organisation_scope(keys.of(request, Permission.VIEW_STOCK).organisation_id):
        return _told([by_code(code)])[0]


@router.get("/{code}/own/", response={200: OwnPage, **REFUSED}, url_name="api_own_rules")
def own(
    request: HttpRequest,
    code: Path[str],
    category: str = "",
    sku: str = "",
    after: Annotated[int, Query(ge=0, le=2**62)] = 0,
    limit: Annotated[int, Query(ge=1, le=PAGE)] = PAGE,
) -> OwnPage:
    """Rules that hold for categories and products of a channel in place of its own; of one category, or of one SKU, if it is named."""
    with organisation_scope(keys.of(request, Permission.VIEW_STOCK).organisation_id):
        found = RuleOverride.objects.filter(channel=by_code(code), valid_until=None, pk__gt=after).select_related("stock_unit")
        found = found.filter(category=_text(category), stock_unit=None) if category else found
        found = found.filter(stock_unit__sku=_text(sku)) if sku else found
        rows = list(found.order_by("pk")[: limit + 1])
        shown = [_own(row) for row in rows[:limit]]
        return OwnPage(rules=shown, next=shown[-1].id if len(rows) > limit else None)


def by_code(code: str) -> Channel:
    """The channel of the organisation in scope; problem 404."""
    found = switches.states().filter(code__iexact=_text(code)).first()
    if found is None:
        raise ProblemError(404, "not-found", f"There is no channel {code!r}.")
    return found


def _text(text: str) -> str:
    """As the database takes it: it knows no NUL and no half characters, so nothing there is called so."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def _told(found: Sequence[Channel]) -> list[ChannelOut]:
    ids = [each.pk for each in found]
    places = ChannelLocation.objects.filter(channel__in=ids).order_by("channel_id", "location_id")
    codes: dict[int, list[str]] = {}
    for channel_id, code in places.values_list("channel_id", "location__code"):
        codes.setdefault(channel_id, []).append(code)
    own = RuleOverride.objects.filter(channel__in=ids, valid_until=None).values("channel_id").annotate(number=Count("pk"))
    counted: dict[int, int] = dict(own.values_list("channel_id", "number"))
    return [_one(each, codes.get(each.pk, []), counted.get(each.pk, 0)) for each in found]


def _one(found: Channel, locations: list[str], own: int) -> ChannelOut:
    turned = {name: getattr(found, field) for name, field in switches.CHANNEL_SWITCHES.items()}
    return ChannelOut(
        code=found.code,
        name=found.name,
        platform=found.connection.platform,
        switches=turned | {"writes": found.connection.writes_allowed, "company": found.organisation.sending_enabled},
        rules={name: rules.plain(getattr(found, name)) for name in rules.RULES},  # type: ignore[misc]  # plain values
        locations=locations,
        own=own,
        silent=switches.why_silent(found),
        main=found.parent.code if found.parent else "",
        own_rules=found.own_rules,
    )


def _own(row: RuleOverride) -> OwnOut:
    said = {name: rules.plain(getattr(row, name)) for name in NAMES}
    return OwnOut(
        id=row.pk,
        category=row.category,
        sku=row.stock_unit.sku if row.stock_unit else "",
        rules={name: value for name, value in said.items() if value not in (None, "")},  # type: ignore[misc]  # plain values
        since=row.valid_from,
    )

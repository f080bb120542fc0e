"""How times, quantities and money look on screens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from urllib.parse import urlencode

from babel.numbers import format_decimal
from django import template
from django.db.models import Model
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy, ngettext

from stallkeeper.backoffice.lanes import STEP_NAMES
from stallkeeper.backoffice.local import WEEK_DAY, dated, decimal, locale, to_the_minute
from stallkeeper.backoffice.local import day as written_day
from stallkeeper.backoffice.paging import COUNT_LIMIT
from stallkeeper.backoffice.problem_words import error_said
from stallkeeper.backoffice.words import told
from stallkeeper.catalog.models import StockUnit
from stallkeeper.channels.explain import Step
from stallkeeper.channels.listing_models import RemoteListing
from stallkeeper.channels.models import Channel, Offer, Run
from stallkeeper.core import clock
from stallkeeper.fulfilment.models import Shipment
from stallkeeper.orders.models import Order
from stallkeeper.stock.models import Cause, ReservationKind
from stallkit.registry import manifest_of

register = template.Library()

MINUTE, HOUR, DAY = 60, 3600, 86400
MONEY_FORMAT = "#,##0.00##"
"""Two decimals at least, all that the channel stated at most; the ISO code follows, because $ is many currencies."""


def _stamp(value: datetime, text: str, exact: str = "") -> SafeString:
    """The text with the instant behind it: UTC on hover, and before it ``exact``, where the text alone does not say when."""
    utc = value.astimezone(UTC)
    hover = f"{exact} · {utc:%Y-%m-%d %H:%M:%S} UTC" if exact else f"{utc:%Y-%m-%d %H:%M:%S} UTC"
    return format_html('<time datetime="{}" title="{}">{}</time>', utc.isoformat(), hover, text)


@register.filter
def day(value: date | None) -> str:
    """A day with its month's name; its year too unless it is this one."""
    return "" if value is None else written_day(value)


@register.filter
def when(value: datetime | None) -> SafeString | str:
    """The instant in the zone of the screen, to the minute; UTC to the second on hover."""
    if value is None:
        return ""
    return _stamp(value, to_the_minute(timezone.localtime(value)))


@register.filter
def clock_time(value: datetime | None) -> SafeString | str:
    """Hours, minutes and seconds in the zone of the screen, with the day before it unless it is today; UTC on hover."""
    if value is None:
        return ""
    local = timezone.localtime(value)
    today = local.date() == timezone.localtime(clock.now()).date()
    return _stamp(value, f"{local:%H:%M:%S}" if today else _to_the_second(local))


def _to_the_second(local: datetime) -> str:
    return f"{day(local)} {local:%H:%M:%S}"


@register.filter
def ago(value: datetime | None) -> SafeString | str:
    """How long ago, or in how long, in whole seconds; the moment on hover, in the zone of the screen and in UTC."""
    if value is None:
        return ""
    seconds = round((clock.now() - value).total_seconds())
    exact = _to_the_second(timezone.localtime(value))
    if not seconds:
        return _stamp(value, gettext("just now"), exact)
    pattern = gettext("{duration} ago") if seconds > 0 else gettext("in {duration}")
    return _stamp(value, pattern.format(duration=span(abs(seconds))), exact)


@register.filter
def due(value: datetime | None) -> SafeString | str:
    """In how long something is due; "now" once its time has come."""
    if value is not None and value <= clock.now():
        return _stamp(value, gettext("now"), _to_the_second(timezone.localtime(value)))
    return ago(value)


@register.filter
def hour_span(value: datetime) -> SafeString | str:
    """The hour that begins at this instant, in the organisation's zone: "14:00-15:00", with the day unless it is today."""
    local = timezone.localtime(value)
    text = f"{local:%H:%M}–{local + timedelta(hours=1):%H:%M}"
    today = local.date() == timezone.localtime(clock.now()).date()
    return _stamp(value, text if today else f"{dated(local, WEEK_DAY)} {text}")


@register.filter
def span(seconds: float | None) -> str:
    """A duration in its two largest fitting steps: 0.4 s, 12 s, 3 min, 5 h, 2 days."""
    if seconds is None:
        return ""
    if seconds < MINUTE:
        return gettext("{number} s").format(
            number=format_decimal(round(seconds, 2 if seconds < 1 else 1 if seconds < 10 else 0), locale=locale())
        )
    if seconds < HOUR:
        return gettext("{number} min").format(number=round(seconds / MINUTE))
    if seconds < 2 * DAY:
        return gettext("{number} h").format(number=round(seconds / HOUR))
    days = round(seconds / DAY)
    return ngettext("{number} day", "{number} days", days).format(number=days)


@register.filter
def duration(seconds: float) -> str:
    """A duration to two figures, so that one can be held against another: 0.42 s, 12 s, 1.2 min, 35 min, 1.5 h, 30 h, 4 days."""
    if seconds < MINUTE:
        return span(seconds)
    if seconds < 2 * DAY:
        length, pattern = (MINUTE, gettext("{number} min")) if seconds < HOUR else (HOUR, gettext("{number} h"))
        return pattern.format(number=format_decimal(round(seconds / length, 1 if seconds < 10 * length else 0), locale=locale()))
    return span(seconds)


@register.filter
def number(value: float | Decimal | None) -> str:
    """A number with the language's separators; nothing for None."""
    return "" if value is None else decimal(value)


@register.filter
def qty(value: int | None) -> SafeString | str:
    """A quantity; unknown is not zero, so it is shown as a question mark that explains itself."""
    if value is None:
        return format_html('<span class="sk-unknown" title="{}">?</span>', gettext("unknown: not read yet"))
    return number(value)


@register.filter
def money(value: Decimal | None, currency: str) -> SafeString | str:
    """An amount in its currency with all its decimals; a question mark where it is unknown."""
    if value is None:
        return format_html('<span class="sk-unknown" title="{}">?</span>', gettext("unknown: not read yet"))
    return format_decimal(value, MONEY_FORMAT, locale=locale()) + (f"\u00a0{currency}" if currency else "")


@register.filter
def counted(value: int) -> str:
    """A count that stops at the limit up to which lists are counted."""
    return f"{number(COUNT_LIMIT)}+" if value > COUNT_LIMIT else number(value)


@register.simple_tag(takes_context=True)
def with_query(context: template.Context, **changes: object) -> str:
    """The current query string with some parameters replaced (None or empty: taken out). Paging is left behind."""
    query = context["request"].GET.copy()
    for name in ("after", "before", *changes):
        query.pop(name, None)
    query.update({name: str(value) for name, value in changes.items() if value not in (None, "")})
    return f"?{query.urlencode()}" if query else "?"


@register.filter
def plain(value: Decimal) -> str:
    """A figure of unknown kind with the language's separators and no zeros at its end."""
    return format_decimal(value.normalize(), locale=locale(), decimal_quantization=False)


OUTCOMES = {
    "accepted": gettext_lazy("accepted"),
    "pending": gettext_lazy("result comes later"),
    "rejected": gettext_lazy("refused"),
    "unknown": gettext_lazy("not known"),
    "dropped": gettext_lazy("not sent"),
    "postponed": gettext_lazy("not now, says the channel"),
    "differs": gettext_lazy("not applied: the channel shows another number"),
}


@register.filter
def outcome(value: str) -> str:
    """What the channel said to a send."""
    return str(OUTCOMES.get(value, value))


@register.filter
def step_name(value: str) -> str:
    """A step of a run in words."""
    return str(STEP_NAMES.get(value, value))


@register.filter
def took(run: Run) -> str:
    """How long a run took; nothing while it is under way."""
    return span((run.ended_at - run.started_at).total_seconds()) if run.ended_at else ""


@register.filter
def run_steps(steps: Sequence[Mapping[str, object]]) -> str:
    """What the steps of a run did, those that did anything: "take orders: 3; send stock: 12 (errors: 1)"."""
    parts = []
    for step in steps:
        items, errors = step.get("items", 0), step.get("errors", 0)
        if not items and not errors:
            continue
        text = f"{step_name(str(step.get('step', '')))}: {items}"
        parts.append(f"{text} ({gettext('errors: {count}').format(count=errors)})" if errors else text)
    return "; ".join(parts)


RUN_OUTCOMES = {"ok": gettext_lazy("went well"), "error": gettext_lazy("failed"), "": gettext_lazy("under way")}


@register.filter
def run_outcome(run: Run) -> str:
    """How a run ended, in words."""
    return str(RUN_OUTCOMES.get(run.outcome, run.outcome))


@register.filter
def change(step: Step) -> str:
    """What a step of a working added or took, with its sign."""
    difference = step.after - (step.before or 0)
    return f"+{number(difference)}" if difference > 0 else f"−{number(-difference)}"


@register.filter
def entry(mapping: Mapping[object, object], key: object) -> object:
    """The entry of a mapping, or nothing."""
    return mapping.get(key)


register.filter("error_words", error_said)
register.filter("on_screen", told)


@register.filter
def scope_title(value: str) -> str:
    """Whose number it is: a platform by its name there, or 1C."""
    return "1C" if value.startswith("1c:") else value


@register.filter
def platform_title(value: str) -> str:
    """The platform as people call it."""
    return manifest_of(value).title


@register.filter
def reservation_kind(value: str) -> str:
    """A kind of reservation in words."""
    return str(dict(ReservationKind.choices).get(value, value))


@register.filter
def cause(value: str) -> str:
    """The cause of a movement in words."""
    return str(dict(Cause.choices).get(value, value))


HIT_VIEWS: dict[type[Model], str] = {StockUnit: "unit", Order: "order", Offer: "offer", Channel: "channel"}
"""The screen of one thing of this kind."""


@register.filter
def hit_link(hit: Model) -> str:
    """Where something that was found is shown: its own page, its order, or the list narrowed to it."""
    if isinstance(hit, Shipment):
        return reverse("backoffice:order", args=[hit.order_id])
    if isinstance(hit, RemoteListing):
        return f"{reverse('backoffice:listings')}?{urlencode({'channel': hit.channel_id, 'q': hit.sku})}"
    return reverse(f"backoffice:{HIT_VIEWS[type(hit)]}", args=[hit.pk])

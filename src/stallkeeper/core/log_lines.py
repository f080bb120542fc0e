"""What a log line looks like, and what must never stand in one: secrets, personal data, control characters.

Every record passes here, of our own modules, of Django and of libraries alike.
"""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec
import structlog
from structlog.typing import EventDict, WrappedLogger

from stallkeeper.core import logs
from stallkeeper.core.controls import visible

HIDDEN = "•••"
MOST_TEXT, MOST_ITEMS = 4_000, 50
"""Longer texts are cut, longer lists end with how many more there are."""

SECRET_KEYS = re.compile(
    r"passw|secret|token|authorization|api[_-]?key|cookie|credential|signature|private_key|session_?key|assertion", re.IGNORECASE
)
PERSONAL_KEYS = frozenset(
    {"address", "body", "buyer", "city", "customer", "email", "e_mail", "first_name", "full_name", "last_name"}
    | {"payload", "phone", "postal_code", "raw", "recipient", "street", "zip"}
)

TEXTS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?i)\b(hints|sign-in)/[^/\s?'\"]+"), rf"\1/{HIDDEN}"),
    (re.compile(r"://([^/\s:@]*):[^/\s@]+@"), rf"://\1:{HIDDEN}@"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}"), rf"\1 {HIDDEN}"),
    (
        re.compile(
            r"(?i)\b((?:client_)?secret|password|passwd|(?:access_|refresh_|id_)?token|api_?key|authorization|signature|assertion)"
            r"(['\"]?\s*[=:]\s*)(['\"]?)[^\s'\"&,;)}]+"
        ),
        rf"\1\2\3{HIDDEN}",
    ),
    (re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+"), HIDDEN),
    # PostgreSQL repeats the row, or the key, that broke a constraint
    (re.compile(r"(?i)(failing row contains )\(.*\)"), rf"\1({HIDDEN})"),
    (re.compile(r"(?i)(key \(.*?\)=)\([^)]*\)"), rf"\1({HIDDEN})"),
)
"""Secrets and personal data as they stand inside of texts: addresses with a token, basic authentication, e-mail addresses."""

STANDARD = frozenset(vars(logging.LogRecord("", 0, "", 0, "", (), None))) | {"message", "asctime", "taskName"}


def safe_text(text: str) -> str:
    """``text`` on one line, without secrets and personal data."""
    for pattern, instead in TEXTS:
        text = pattern.sub(instead, text)
    if len(text) > MOST_TEXT:
        text = f"{text[:MOST_TEXT]}… ({len(text)} characters)"
    return visible(text)


def safe(value: object, key: str = "") -> object:
    """A value fit for a log line: what its key, or its own look, says is secret or personal is covered."""
    if key and (key.lower() in PERSONAL_KEYS or SECRET_KEYS.search(key)):
        return HIDDEN
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {safe_text(str(name)): safe(each, str(name)) for name, each in list(value.items())[:MOST_ITEMS]}
    if isinstance(value, Sequence | set | frozenset) and not isinstance(value, str | bytes | bytearray):
        listed = [safe(each) for each in list(value)[:MOST_ITEMS]]
        return listed if len(value) <= MOST_ITEMS else [*listed, f"… {len(value) - MOST_ITEMS} more"]
    return safe_text(value.isoformat() if isinstance(value, datetime) else str(value))


# --- the way of a record ------------------------------------------------------------------------------------------------------------------


def _from_record(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Time, level and logger, what is bound, and what the call gave as ``extra`` (plain values only)."""
    record: logging.LogRecord = event["_record"]
    extra = {key: value for key, value in vars(record).items() if key not in STANDARD and not key.startswith("_")}
    kept = {key: value for key, value in extra.items() if isinstance(value, str | int | float | bool | list | tuple | dict | None)}
    event.update({**logs.fields(), **kept})
    event["level"], event["logger"] = record.levelname.lower(), record.name
    event["timestamp"] = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    found, stack = event.pop("exc_info", None), event.pop("stack_info", None)
    if found and found[1] is not None:
        event["exception"] = "".join(traceback.format_exception(*found))
    elif stack:
        event["exception"] = str(stack)
    return event


def _exception(text: str) -> str:
    """A traceback, each line made safe and indented, so that none can pass for a line of its own."""
    return "\n".join("    " + safe_text(line) for line in text.splitlines())


def _make_safe(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    made: EventDict = {}
    for key, value in event.items():
        if key.startswith("_"):
            made[key] = value
        elif key == "exception":
            made[key] = _exception(value)
        else:
            made[safe_text(key)] = safe(value, key)
    return made


def _in_order(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    first = {key: event.pop(key) for key in ("timestamp", "level", "logger", "event") if key in event}
    return {**first, **event}


def _encode(value: object, **_: object) -> str:
    return msgspec.json.encode(value).decode()


def formatter(*, as_json: bool, colours: bool = False) -> logging.Formatter:
    """The formatter of either look."""
    look: structlog.typing.Processor
    if as_json:
        look = structlog.processors.JSONRenderer(serializer=_encode)
    else:
        look = structlog.dev.ConsoleRenderer(colors=colours, sort_keys=False, pad_event_to=0)
    chain: list[structlog.typing.Processor] = [_from_record, _make_safe, structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    return structlog.stdlib.ProcessorFormatter(processors=[*chain, _in_order, look], use_get_message=True)

"""What a person entered as an address: is it one, and how may it be named without giving it away."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from stallkit import guard
from stallkit.errors import NeedsReconnect
from stallkit.telling.kinds import KINDS
from stallkit.words import said as _

MAIL = re.compile(r"[^@\s,<>\"]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
MOST_MAILS = 10
HOSTS = {
    "slack": ("hooks.slack.com",),
    "discord": ("discord.com", "discordapp.com"),
    "teams": (".logic.azure.com", ".api.powerplatform.com"),
}
"""Where the web hooks of services live; an entry with a dot in front stands for all below it."""
SIGNED = {"teams": ("api-version", "sig")}
"""Services whose web hooks have a query, and what of it is their address."""
PARTS = {
    ("telegram", "token"): re.compile(r"[0-9]{5,20}:[A-Za-z0-9_-]{20,80}"),
    ("telegram", "chat"): re.compile(r"-?[0-9]{3,20}"),
    ("pushover", "user"): re.compile(r"[A-Za-z0-9]{30}"),
    ("pushover", "token"): re.compile(r"[A-Za-z0-9]{30}"),
    ("ntfy", "topic"): re.compile(r"[A-Za-z0-9_-]{1,64}"),
    ("ntfy", "token"): re.compile(r"[A-Za-z0-9_-]{0,80}"),
}


def check(kind: str, settings: Mapping[str, str]) -> None:
    """NeedsReconnect names the field that is wrong and what to enter. Whether anybody is there, only telling shows."""
    for setting in KINDS[kind].settings:
        value = settings.get(setting.name, "").strip()
        if setting.required and not value:
            raise NeedsReconnect(_("{field}: enter it", field=setting.label))
        pattern = PARTS.get((kind, setting.name))
        if value and pattern is not None and not pattern.fullmatch(value):
            raise NeedsReconnect(_("{field}: this is none. {help}", field=setting.label, help=setting.help))
    if kind == "email":
        mails(settings["to"])
    elif kind in HOSTS:
        _check_host(kind, settings["url"].strip())
    elif kind == "webhook":
        guard.read_url(settings["url"].strip())
    elif kind == "ntfy":
        _check_server(settings["server"].strip())


def mails(text: str) -> list[str]:
    """The addresses in a list with commas; NeedsReconnect names what is none."""
    found = [part.strip() for part in text.split(",") if part.strip()]
    for address in found:
        if not MAIL.fullmatch(address):
            raise NeedsReconnect(_("{address!r} is no e-mail address; write it like name@example.com", address=address))
    if len(found) > MOST_MAILS:
        raise NeedsReconnect(_("at most {most} addresses; use a mailing list for more", most=MOST_MAILS))
    return found


def _check_host(kind: str, url: str) -> None:
    target = guard.read_url(url)
    fits = any(target.host == host or (host.startswith(".") and target.host.endswith(host)) for host in HOSTS[kind])
    if not (fits and url.startswith("https://") and target.port == 443):
        raise NeedsReconnect(
            _(
                "this is no web hook of {service}: its address begins with https:// and lies at {host}",
                service=KINDS[kind].title,
                host=HOSTS[kind][0],
            )
        )
    if kind not in SIGNED and urlsplit(url).query:
        raise NeedsReconnect(_("a web hook of {service} ends before the question mark: leave out what follows", service=KINDS[kind].title))


def _check_server(url: str) -> None:
    guard.read_url(url)
    if urlsplit(url).path not in {"", "/"} or urlsplit(url).query:
        raise NeedsReconnect(_("enter the server alone, like https://ntfy.sh; the topic has a field of its own"))


def hint(kind: str, settings: Mapping[str, str]) -> str:
    """A name for the address that tells whoever entered it which one it is, and nobody else how to use it."""
    if kind == "email":
        return ", ".join(f"{address[0]}…@{address.rpartition('@')[2]}" for address in mails(settings["to"]))
    if "url" in settings:
        return urlsplit(settings["url"].strip()).hostname or ""
    if kind == "ntfy":
        return f"{urlsplit(settings['server']).hostname}, {settings['topic'][:2]}…"
    return f"…{(settings.get('chat') or settings.get('user') or '')[-3:]}"

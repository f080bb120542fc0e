"""What goes to Google and what comes back, as pure functions. Sources: "Google Sheets API v4, usage limits", and RFC 7523 for the token."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import parse_qs, quote, urlencode

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from stallkit.errors import AdapterError, NeedsReconnect, Refused, SlowDown
from stallkit.http import Reply, Request, retry_after
from stallkit.manifest import Limit
from stallkit.sources.bringing import parts_of
from stallkit.words import said as _

API, TOKENS, DOCUMENTS = "https://sheets.googleapis.com", "https://oauth2.googleapis.com", "https://docs.google.com"
TOKEN_PATH = "/token"  # noqa: S105 - a path
SCOPE = "https://www.googleapis.com/auth/spreadsheets.readonly"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
READS = Limit("reads", 60, timedelta(minutes=1), "Sheets API usage limits: 60 reads per minute per user per project")
MOST_HOPS = 3
ONWARD = frozenset({301, 302, 303, 307, 308})
_ID = re.compile(r"[A-Za-z0-9_-]{20,}")


class Account(msgspec.Struct, frozen=True):
    """The parts that we need of the JSON file that Google gives out for a service account."""

    client_email: str
    private_key: str
    private_key_id: str = ""
    type: str = "service_account"


class Token(msgspec.Struct, frozen=True):
    """The token endpoint's reply."""

    access_token: str


class Values(msgspec.Struct, frozen=True):
    """A range's cells. Empty rows and cells at the end are left out; an empty range has no values at all."""

    range: str
    values: list[list[object]] = []


class Properties(msgspec.Struct, frozen=True):
    title: str
    sheetId: int = 0  # noqa: N815 - Google's word


class Sheet(msgspec.Struct, frozen=True):
    properties: Properties


class Book(msgspec.Struct, frozen=True):
    """The names of a spreadsheet's sheets."""

    sheets: list[Sheet]


class Trouble(msgspec.Struct, frozen=True):
    message: str = ""
    status: str = ""


class ErrorBody(msgspec.Struct, frozen=True):
    error: Trouble


@dataclass(frozen=True, slots=True)
class Place:
    """Which sheet is meant. ``published`` is the path of a sheet published to the web, "" otherwise; ``gid`` the tab's number, if told."""

    spreadsheet: str
    gid: str = ""
    published: str = ""


def read_place(typed: str) -> Place:
    """A spreadsheet's address as the browser shows it, or its id alone. NeedsReconnect if it is neither."""
    text = typed.strip()
    if _ID.fullmatch(text):
        return Place(text)
    parts = parts_of(text)
    gid = (parse_qs(parts.fragment).get("gid") or parse_qs(parts.query).get("gid") or [""])[0]
    if published := re.match(r"/spreadsheets/(?:u/\d+/)?d/e/([A-Za-z0-9_-]{20,})/", parts.path):
        return Place(published[1], gid if gid.isdigit() else "", f"/spreadsheets/d/e/{published[1]}/pub")
    if found := re.match(r"/spreadsheets/(?:u/\d+/)?d/([A-Za-z0-9_-]{20,})(?:/|$)", parts.path):
        return Place(found[1], gid if gid.isdigit() else "")
    raise NeedsReconnect(_("this is not the address of a Google sheet; copy it from the browser: https://docs.google.com/spreadsheets/d/…"))


def read_account(text: str) -> Account:
    """The key file of a service account. NeedsReconnect if it is something else."""
    try:
        account = msgspec.json.decode(text, type=Account)
    except msgspec.DecodeError as error:
        raise NeedsReconnect(
            _("the key of the service account is not the JSON file that Google gives out; paste the whole file")
        ) from error
    if account.type != "service_account":
        raise NeedsReconnect(_("this is the key of a {type}, not of a service account", type=account.type[:40]))
    return account


def build_token(account: Account, now: datetime) -> Request:
    """Ask for a token of one hour with a signed assertion (RFC 7523, RS256). NeedsReconnect if the key cannot sign."""
    issued = int(now.timestamp())
    claims = {"iss": account.client_email, "scope": SCOPE, "aud": TOKENS + TOKEN_PATH, "iat": issued, "exp": issued + 3600}
    header = {"alg": "RS256", "typ": "JWT", "kid": account.private_key_id}
    text = f"{_packed(msgspec.json.encode(header))}.{_packed(msgspec.json.encode(claims))}"
    body = urlencode({"grant_type": GRANT, "assertion": f"{text}.{_packed(_signature(account, text.encode()))}"}).encode()
    return Request("POST", TOKEN_PATH, READS, headers={"Content-Type": "application/x-www-form-urlencoded"}, body=body)


def _signature(account: Account, text: bytes) -> bytes:
    try:
        key = serialization.load_pem_private_key(account.private_key.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise NeedsReconnect(_("the private key in the service account's file cannot be read; paste the whole file again")) from error
    if not isinstance(key, rsa.RSAPrivateKey):
        raise NeedsReconnect(_("the service account's key is no RSA key"))
    return key.sign(text, padding.PKCS1v15(), hashes.SHA256())


def _packed(body: bytes) -> str:
    return base64.urlsafe_b64encode(body).decode().rstrip("=")


def build_book(place: Place, token: str) -> Request:
    """Ask for the names of the sheets."""
    params = {"fields": "sheets.properties"}
    return Request("GET", f"/v4/spreadsheets/{place.spreadsheet}", READS, params=params, headers=bearer(token))


def build_values(place: Place, cells: str, token: str) -> Request:
    """Ask for the cells of a range, numbers as numbers."""
    path = f"/v4/spreadsheets/{place.spreadsheet}/values/{quote(cells, safe='')}"
    params = {"majorDimension": "ROWS", "valueRenderOption": "UNFORMATTED_VALUE", "dateTimeRenderOption": "FORMATTED_STRING"}
    return Request("GET", path, READS, params=params, headers=bearer(token))


def build_csv(place: Place) -> Request:
    """Ask for a sheet that anyone may read, as CSV; Google answers with the address where it is."""
    tab = {"gid": place.gid} if place.gid else {}
    if place.published:
        params = {"output": "csv", "single": "true", **tab}
        return Request("GET", place.published, READS, params=params, accept=ONWARD)
    params = {"format": "csv", **tab}
    return Request("GET", f"/spreadsheets/d/{place.spreadsheet}/export", READS, params=params, accept=ONWARD)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def range_of(book: Book, gid: str, typed: str) -> str:
    """The range to read: what was typed, or the whole tab of the address, or the first. Refused if the tab is not there."""
    if typed.strip():
        return typed.strip()
    titles = {str(sheet.properties.sheetId): sheet.properties.title for sheet in book.sheets}
    if gid and gid not in titles:
        raise Refused(_("the spreadsheet has no tab with the number {gid}; open the tab and copy the address anew", gid=gid), code="no_tab")
    title = titles[gid] if gid else book.sheets[0].properties.title
    return "'" + title.replace("'", "''") + "'"


def padded(values: Values) -> bytes:
    """The cells as JSON, every row as long as the longest: what Google left out at the end is an empty cell, not none."""
    width = max((len(row) for row in values.values), default=0)
    return msgspec.json.encode([[*row, *[""] * (width - len(row))] for row in values.values])


def trouble(reply: Reply, now: datetime, email: str) -> AdapterError | None:
    """What a person who connected a sheet needs to know about an error of Google's."""
    try:
        said = msgspec.json.decode(reply.body, type=ErrorBody).error.message[:200]
    except (msgspec.DecodeError, UnicodeDecodeError):
        said = ""
    if reply.status == 403:
        words = _("the sheet is not shared with {email}: share it for reading, and switch the Sheets API on for the project", email=email)
        return NeedsReconnect(words, status=403)
    if reply.status == 401:
        return NeedsReconnect(_("Google does not accept the service account's token"), status=401)
    if reply.status == 404:
        return Refused(_("there is no such spreadsheet; copy its address anew from the browser"), code="404", status=404)
    if reply.status == 400:
        words = _("Google cannot read this range: {why}; write it like Stock or Stock!A1:D500", why=said or _("it gives no reason"))
        return Refused(words, code="400", status=400)
    if reply.status == 429:
        return SlowDown(
            _("Google asks us to slow down (60 reads a minute)"), retry_after=max(retry_after(reply.headers, now), 60.0), status=429
        )
    return None


def export_trouble(reply: Reply) -> AdapterError | None:
    """Why a sheet that anyone should be able to read is not given out."""
    if reply.status in {401, 403, 404, 410}:
        words = _("Google does not give this sheet out: open it to anyone with the link, publish it, or use a service account")
        return NeedsReconnect(_("{words} (HTTP {status})", words=words, status=reply.status), status=reply.status)
    return None


def token_trouble(reply: Reply) -> AdapterError | None:
    """Why no token is given."""
    if reply.status in {400, 401, 403}:
        words = _("Google does not accept the service account's key: it was deleted, or this machine's clock is wrong")
        return NeedsReconnect(words, status=reply.status)
    return None

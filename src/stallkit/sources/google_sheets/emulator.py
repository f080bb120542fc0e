"""A Google that keeps spreadsheets: the token endpoint, the part of the Sheets API that is read, and exports as CSV.

Source: "Google Sheets API v4, usage limits" and the API's reference; what was not read there is marked in the facts of the system.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar
from urllib.parse import parse_qs

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from stallkit.testing.emulator import Emulator, Fault, WireReply, WireRequest

T = TypeVar("T")
Cell = str | int | float | bool | None
ERRORS = {
    Fault.RATE_LIMIT: (429, "RESOURCE_EXHAUSTED", "Quota exceeded for quota metric 'Read requests'"),
    Fault.RATE_LIMIT_SILENT: (429, "RESOURCE_EXHAUSTED", "Quota exceeded"),
    Fault.SERVER_ERROR: (503, "UNAVAILABLE", "The service is currently unavailable."),
    Fault.TOKEN_EXPIRED: (401, "UNAUTHENTICATED", "Request had invalid authentication credentials."),
    Fault.REVOKED: (401, "UNAUTHENTICATED", "Request had invalid authentication credentials."),
    Fault.IP_BLOCKED: (403, "PERMISSION_DENIED", "The caller does not have permission"),
}
_VALUES = re.compile(r"/v4/spreadsheets/([^/:]+)/values/(.+)")
_BOOK = re.compile(r"/v4/spreadsheets/([^/:]+)")
_EXPORT = re.compile(r"/spreadsheets/d/([^/]+)/export|/spreadsheets/d/e/([^/]+)/pub")
_A1 = re.compile(r"(?:'((?:[^']|'')+)'|([^'!]+))(?:!([A-Z]+)(\d*):([A-Z]+)(\d*))?")


@dataclass(slots=True)
class Spreadsheet:
    """Tabs by title, in order, each a list of rows; who may read it: addresses, or anyone who has the link."""

    tabs: dict[str, list[list[Cell]]]
    readers: set[str] = field(default_factory=set)
    public: bool = False


class SheetsEmulator(Emulator):
    """``sheets`` is the control side: put, change and share spreadsheets there. ``key_file`` makes a service account."""

    platform = "google_sheets"

    def __init__(self, clock: Callable[[], datetime], *, seed: int = 0, limits_scale: float = 1.0) -> None:
        super().__init__(clock, seed=seed, limits_scale=limits_scale)
        self.sheets: dict[str, Spreadsheet] = {}
        self.accounts: dict[str, rsa.RSAPublicKey] = {}
        self.tokens: dict[str, str] = {}

    def key_file(self, email: str = "hub@project.iam.gserviceaccount.com") -> str:
        """A new service account; the JSON file that its owner gets."""
        key = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
        self.accounts[email] = key.public_key()
        pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
        return msgspec.json.encode({"type": "service_account", "client_email": email, "private_key": pem, "private_key_id": "1"}).decode()

    def secrets(self) -> tuple[str, ...]:
        return tuple(self.tokens)

    def respond(self, request: WireRequest) -> WireReply:
        if request.path == "/token":
            return self._token(request)
        if exported := _EXPORT.fullmatch(request.path):
            return self._export(request, exported[1] or exported[2])
        if request.path.startswith("/files/"):
            return self._file(request)
        return self._api(request)

    def _api(self, request: WireRequest) -> WireReply:
        email = self.tokens.get(request.headers.get("authorization", "").removeprefix("Bearer "))
        if email is None:
            return error_of(*ERRORS[Fault.REVOKED])
        found = _VALUES.fullmatch(request.path) or _BOOK.fullmatch(request.path)
        sheet = self.sheets.get(found[1]) if found else None
        if found is None or sheet is None:
            return error_of(404, "NOT_FOUND", "Requested entity was not found.")
        if not sheet.public and email not in sheet.readers:
            return error_of(*ERRORS[Fault.IP_BLOCKED])
        return _values(sheet, found[2]) if found.re is _VALUES else _book(sheet)

    def fault_reply(self, fault: Fault, request: WireRequest) -> WireReply | None:  # noqa: ARG002 - the base's signature
        if fault is Fault.HTML:
            return WireReply(200, b"<html><body>Sign in</body></html>", (("Content-Type", "text/html"),))
        return error_of(*ERRORS[fault]) if fault in ERRORS else None

    def _token(self, request: WireRequest) -> WireReply:
        """A token for an assertion that one of our accounts signed, for this moment."""
        assertion = parse_qs(request.body.decode()).get("assertion", [""])[0]
        try:
            text, _, signature = assertion.rpartition(".")
            claims = msgspec.json.decode(_unpacked(text.split(".")[1]), type=dict[str, str | int])
            email = str(claims["iss"])
            self.accounts[email].verify(_unpacked(signature), text.encode(), padding.PKCS1v15(), hashes.SHA256())
            if not int(claims["iat"]) - 300 <= self.clock().timestamp() <= int(claims["exp"]):
                raise ValueError("not now")
        except (KeyError, ValueError, IndexError, InvalidSignature, msgspec.DecodeError):
            return json_of({"error": "invalid_grant", "error_description": "Invalid JWT Signature."}, 400)
        token = f"ya29.{self.random.getrandbits(128):032x}"
        self.tokens[token] = email
        return json_of({"access_token": token, "expires_in": 3599, "token_type": "Bearer"})

    def _export(self, request: WireRequest, name: str) -> WireReply:
        """Public sheets are at another address, for which a redirect is given; the others want a person to sign in."""
        sheet = self.sheets.get(name)
        if sheet is None:
            return WireReply(404, b"<html>Not found</html>")
        if not sheet.public:
            return WireReply(302, b"", (("Location", "https://accounts.google.com/ServiceLogin"),))
        gid = dict(request.query).get("gid", "0")
        host = request.headers.get("host", "localhost")
        return WireReply(307, b"", (("Location", f"http://{host}/files/{name}/{gid}"),))

    def _file(self, request: WireRequest) -> WireReply:
        name, gid = request.path.removeprefix("/files/").split("/")
        tabs = list(self.sheets[name].tabs.values())
        body = "".join(",".join(_quoted(cell) for cell in row) + "\r\n" for row in tabs[int(gid)])
        return WireReply(200, body.encode(), (("Content-Type", "text/csv"),))


def _book(sheet: Spreadsheet) -> WireReply:
    return json_of({"sheets": [{"properties": {"sheetId": number, "title": title}} for number, title in enumerate(sheet.tabs)]})


def _values(sheet: Spreadsheet, cells: str) -> WireReply:
    """As Google does: empty cells at the end of rows, and empty rows at the end, are left out."""
    found = _A1.fullmatch(cells)
    title = (found[1] or found[2]).replace("''", "'") if found else ""
    if found is None or title not in sheet.tabs:
        return error_of(400, "INVALID_ARGUMENT", f"Unable to parse range: {cells}")
    rows = [row[_column(found[3], 1) - 1 : _column(found[5], 18_278)] for row in sheet.tabs[title]]
    rows = rows[int(found[4] or 1) - 1 : int(found[6] or 10**6)]
    values = _cut(["" if cell is None else cell for cell in _cut(row)] for row in rows)
    reply: dict[str, object] = {"range": cells, "majorDimension": "ROWS"}
    return json_of(reply | ({"values": values} if values else {}))


def _cut(cells: Iterable[T]) -> list[T]:
    left = list(cells)
    while left and left[-1] in (None, "", []):
        left.pop()
    return left


def _column(letters: str | None, default: int) -> int:
    number = 0
    for letter in letters or "":
        number = number * 26 + ord(letter) - 64
    return number or default


def _quoted(cell: Cell) -> str:
    text = "" if cell is None else str(cell).upper() if isinstance(cell, bool) else str(cell)
    return '"' + text.replace('"', '""') + '"' if set(text) & set(',"\r\n') else text


def _unpacked(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def json_of(body: object, status: int = 200) -> WireReply:
    return WireReply(status, msgspec.json.encode(body), (("Content-Type", "application/json; charset=UTF-8"),))


def error_of(code: int, status: str, message: str) -> WireReply:
    """Google's shape of an error."""
    return json_of({"error": {"code": code, "message": message, "status": status}}, code)

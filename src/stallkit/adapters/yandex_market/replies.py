"""What every part of the emulated Market answers with, and how it reads what it is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import TypeVar

import msgspec

from stallkit.testing.shop import WireReply, WireRequest

T = TypeVar("T")
Json = Mapping[str, object]
KIND = ("Content-Type", "application/json;charset=utf-8")


class SaidNo(Exception):
    """The Market refuses the call."""

    def __init__(self, status: int, code: str, message: str, *headers: tuple[str, str]) -> None:
        super().__init__(message)
        self.reply = failure(status, code, message, *headers)


def answer(body: Json) -> WireReply:
    return WireReply(200, msgspec.json.encode(body), (KIND,))


def ok(result: Json | None = None) -> WireReply:
    return answer({"status": "OK"} if result is None else {"status": "OK", "result": result})


def failure(status: int, code: str, message: str, *headers: tuple[str, str]) -> WireReply:
    body = msgspec.json.encode({"status": "ERROR", "errors": [{"code": code, "message": message}]})
    return WireReply(status, body, (KIND, *headers))


def read_json(request: WireRequest) -> dict[str, object]:
    if not request.body:
        return {}
    try:
        return msgspec.json.decode(request.body, type=dict[str, object])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SaidNo(400, "BAD_REQUEST", f"the body is not JSON: {error}") from error


def objects(value: object) -> list[dict[str, object]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def texts(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


def whole(value: object, what: str, least: int = 0, most: int = 2_000_000_000) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise SaidNo(400, "BAD_REQUEST", f"{what} must be a whole number from {least} to {most}, not {value!r}")
    return value


def cut_page(
    rows: Iterable[tuple[int, T]], request: WireRequest, most: int, keep: Callable[[T], bool] = lambda _: True
) -> tuple[list[T], Json]:
    """The rows behind the page token, by their numbers, and what a reply says of the next page. Limits that are too large are cut. ``keep``
    is asked no oftener than the page needs."""
    token = request.param("pageToken")
    if token and not token.isdigit():
        raise SaidNo(400, "BAD_REQUEST", f"pageToken {token!r} is not one of ours")
    after = int(token or -1)
    behind = sorted((row for row in rows if row[0] > after), key=lambda row: row[0])
    size = max(min(int(request.param("limit", str(most))), most), 1)
    page = list(islice((row for row in behind if keep(row[1])), size + 1))
    paging: Json = {"nextPageToken": str(page[size - 1][0])} if len(page) > size else {}
    return [row for _, row in page[:size]], paging

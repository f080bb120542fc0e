"""What every part of the dummy market answers with, and how it reads what it is asked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from stallkit.testing.shop import WireReply, WireRequest

Json = Mapping[str, object]


class SaidNo(Exception):
    def __init__(self, status: int, code: str, message: str, *headers: tuple[str, str]) -> None:
        super().__init__(message)
        self.reply = failure(status, code, message, *headers)


def answer(body: Json, status: int = 200) -> WireReply:
    return WireReply(status, msgspec.json.encode(body))


def failure(status: int, code: str, message: str, *headers: tuple[str, str]) -> WireReply:
    body = msgspec.json.encode({"error": {"code": code, "message": message}})
    return WireReply(status, body, (("Content-Type", "application/json"), *headers))


def read_json(request: WireRequest) -> dict[str, object]:
    try:
        return msgspec.json.decode(request.body, type=dict[str, object])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SaidNo(400, "bad_json", str(error)) from error


def as_list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def show_place(row: tuple[datetime, str]) -> str:
    return f"{row[0].isoformat()}|{row[1]}"


def read_place(text: str) -> tuple[datetime, str]:
    at, _, order_id = text.partition("|")
    try:
        return datetime.fromisoformat(at), order_id
    except ValueError as error:
        raise SaidNo(422, "bad_page", f"page {text!r} is not known") from error

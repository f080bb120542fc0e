"""One call of 1C: who it is, whether it may, what it wants, and the reply. Whatever goes wrong is a reply, too."""

from __future__ import annotations

import base64
import binascii
import logging
from dataclasses import dataclass

from stallkeeper.sync.exchange import accounts, handover, imports, returned, sessions, uploads
from stallkeeper.sync.models import Exchange, ExchangeFile, ExchangeSession
from stallkit.sources.commerceml import files
from stallkit.sources.commerceml import session as protocol
from stallkit.sources.commerceml.refusals import ExchangeRefused, Refusal, refuse
from stallkit.sources.commerceml.session import Act, Asked, Kind
from stallkit.sources.types import FileRefused

log = logging.getLogger(__name__)
PLAIN, XML = "text/plain; charset=utf-8", "application/xml; charset={}"


@dataclass(frozen=True, slots=True)
class Call:
    """What came: the query's parameters, the header ``Authorization``, what our cookie holds, the body and its announced length."""

    query: dict[str, str]
    authorization: str
    cookie: str
    body: bytes
    announced: int


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back, always with status 200: that is how 1C reads failures."""

    content: bytes
    content_type: str = PLAIN


def answer(exchange: Exchange, call: Call) -> Reply:
    """Do what the call wants. Call it in the organisation's scope, outside of a transaction."""
    try:
        return _answer(exchange, call)
    except Exception:
        log.exception("1C: a call failed", extra={"exchange": exchange.pk})
        return _text(protocol.failure(refuse(Refusal.OURS)))


def _answer(exchange: Exchange, call: Call) -> Reply:
    session = sessions.find(exchange, call.cookie)
    try:
        asked = protocol.ask(call.query)
        protocol.admit(asked, sessions.known(session))
        return _act(exchange, session, asked, call)
    except FileRefused as error:
        refused = error if isinstance(error, ExchangeRefused) else refuse(Refusal.NO_FIGURES, str(error))
        log.info("1C: %s", refused.kind.name, extra={"exchange": exchange.pk})
        sessions.failed(exchange, session, refused)
        return _text(protocol.failure(refused))


def _act(exchange: Exchange, session: ExchangeSession | None, asked: Asked, call: Call) -> Reply:
    if session is None:
        return _text(protocol.logged_in(_login(exchange, asked.kind, call.authorization)))
    match asked.act:
        case Act.LOGIN:
            return _text(protocol.logged_in(_login(exchange, asked.kind, call.authorization)))
        case Act.START:
            sessions.start(session, asked.version)
            return _text(protocol.ready(uploads.LIMITS, asked.version))
        case Act.FILE:
            _file(session, asked, call)
        case Act.IMPORT:
            return _text(imports.run(session, asked.name))
        case Act.ORDERS:
            return Reply(handover.give(session), XML.format(exchange.encoding))
        case Act.HANDED_OVER:
            handover.confirm(session)
        case Act.WHOLE:
            imports.finish(session)
        case Act.END:
            sessions.end(session)
    return _text(protocol.success())


def _login(exchange: Exchange, kind: Kind, authorization: str) -> str:
    minutes = accounts.locked_for(exchange)
    if minutes:
        raise refuse(Refusal.LOCKED, str(minutes))
    if not accounts.is_right(exchange, *_basic(authorization)):
        raise refuse(Refusal.PASSWORD)
    return sessions.begin(exchange, kind)


def _basic(authorization: str) -> tuple[str, str]:
    """User and password; both "" where the header holds none."""
    scheme, _blank, encoded = authorization.partition(" ")
    try:
        both = base64.b64decode(encoded.strip(), validate=True).decode("utf-8", "replace") if scheme.lower() == "basic" else ""
    except (binascii.Error, ValueError):
        both = ""
    user, _colon, password = both.partition(":")
    return user, password


def _file(session: ExchangeSession, asked: Asked, call: Call) -> None:
    if len(call.body) != call.announced:
        raise refuse(Refusal.CUT_BODY, f"{call.announced:,}")
    if not call.body:
        raise refuse(Refusal.EMPTY_BODY, asked.name)
    if len(call.body) > uploads.LIMITS.part:
        raise refuse(Refusal.TOO_LARGE, f"{uploads.LIMITS.part:,}")
    uploads.append(session, asked.name, call.body)
    if session.kind == Kind.SALE:
        _at_once(session, asked.name)


def _at_once(session: ExchangeSession, name: str) -> None:
    """Older bases send orders back and never ask for the import: a file is taken over as soon as it is complete."""
    file = ExchangeFile.objects.filter(session=session, name=name).first()
    if file is None or not name.lower().endswith(".xml"):
        return
    try:
        with uploads.opened(file) as path:
            packet = files.read(path)
    except ExchangeRefused as error:
        if error.kind is Refusal.NOT_XML:
            return
        raise
    returned.take(session, packet.orders)
    uploads.release(file, stage=ExchangeFile.Stage.DONE)


def _text(reply: str) -> Reply:
    return Reply(reply.encode())

"""``mode=import``: a file that was sent is read to its end, then its goods, figures or orders are taken over.

It may be asked for again at any moment: after a lost reply, after the hub was killed, or by a 1C that did not want to wait. What was done
is not done twice: figures go by the digest of the file, goods and orders are set, not added.
"""

from __future__ import annotations

import time

from stallkeeper.sync.exchange import figures, goods, returned, uploads
from stallkeeper.sync.models import ExchangeFile, ExchangeSession
from stallkit.sources.commerceml import files
from stallkit.sources.commerceml import session as protocol
from stallkit.sources.commerceml.packets import Packet
from stallkit.sources.commerceml.session import Kind

Stage = ExchangeFile.Stage
MANY = 20_000
"""Rows from which on 1C is told of the progress in between, so that it does not give up waiting."""
PAUSE = 0.5
"""Seconds after which 1C is told that a file is still being worked on; it asks again at once."""
UNNUMBERED = "offers.xml"
"""Bases that send this send one. Others cut their list into numbered files, and none of them is the whole."""


def run(session: ExchangeSession, name: str) -> str:
    """The reply to the call. ExchangeRefused says why the file cannot be used."""
    file = uploads.find(session, name)
    if file.stage == Stage.DONE:
        return protocol.success()
    if not uploads.claim(file):
        time.sleep(PAUSE)
        return protocol.progress("Файл ещё обрабатывается.")
    try:
        with uploads.opened(file) as path:
            packet = files.read(path)
        stage = _work(session, file, packet)
    except Exception:
        uploads.release(file)
        raise
    uploads.release(file, stage=stage, whole=packet.whole and packet.figures)
    return protocol.success() if stage == Stage.DONE else protocol.progress("Товары приняты, загружаются остатки.")


def _work(session: ExchangeSession, file: ExchangeFile, packet: Packet) -> ExchangeFile.Stage:
    """As much as can be done in one call; the stage that the file is in afterwards."""
    if session.kind == Kind.SALE:
        returned.take(session, packet.orders)
        return Stage.DONE
    if file.stage == Stage.SENT:
        goods.learn(session.exchange, packet.goods)
        goods.learn(session.exchange, [offer.good for offer in packet.offers], catalogue=False)
        goods.learn_places(session.exchange, packet)
        if len(packet.offers) > MANY:
            return Stage.GOODS
    if packet.figures:
        at = figures.as_of(session.exchange, session, packet)
        timed = "" if packet.formed_at else f":{session.pk}"
        reference = f"1c:{uploads.digest_of(file)[:40]}{timed}"
        figures.take(session, [packet], at, reference=reference, whole=packet.whole and file.name == UNNUMBERED, name=file.name)
    return Stage.DONE


def finish(session: ExchangeSession) -> None:
    """``mode=deactivate``: 1C has sent its whole list, however many files that were. What is in none of them is gone, if a person has
    chosen that for the source; files that only list changes say nothing of that."""
    listed = list(session.files.filter(whole=True, stage=Stage.DONE).order_by("pk"))
    if not listed or not figures.missing_means_zero(session.exchange):
        return
    packets = []
    for file in listed:
        with uploads.opened(file) as path:
            packets.append(files.read(path))
    at = figures.as_of(session.exchange, session, packets[0])
    digest = uploads.digest_of(listed[0])[:30]
    figures.take(
        session, packets, at, reference=f"1c-whole:{session.pk}:{digest}", whole=True, name=", ".join(file.name for file in listed)
    )

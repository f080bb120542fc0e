"""The vault for personal data: sealed, with a purpose and the day it goes (C27). Orders are complete without it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from stallkeeper.core import audit, crash, secret_queries
from stallkeeper.core.copy import array
from stallkeeper.core.models import PersonalData
from stallkeeper.core.secret_queries import PersonalRow
from stallkeeper.core.secrets import Sealer
from stallkeeper.core.sql import hot_cursor
from stallkeeper.core.tenancy import Passage, across_organisations
from stallkeeper.core.use_case import UseCase

PAGE = 10_000
LEAST = 2
"""Letters of a word that a person is found by."""
WORD = re.compile(r"[\w.+-]+@[\w.-]+|\w+")
"""An e-mail address, or letters and digits."""


@dataclass(frozen=True, slots=True)
class PersonalText:
    """Personal data of one subject (``order``, 17), kept for one purpose (``delivery``) until ``delete_after``; ``text`` is opaque.

    ``words`` (see ``words_of``): what the subject can be found by.
    """

    subject_type: str
    subject_id: int
    purpose: str
    text: str
    delete_after: datetime
    words: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, int, str]:
        return self.subject_type, self.subject_id, self.purpose


def store_many(uc: UseCase, texts: Iterable[PersonalText], sealer: Sealer | None = None) -> int:
    """Seal and keep them in two statements; the same subject and purpose again replaces. Returns how many rows were written.

    ``sealer``: one that the caller has already, which saves reading the keys.
    """
    rows = sealed(texts, sealer or Sealer(uc.organisation_id))
    if rows:
        with hot_cursor() as cursor:
            secret_queries.upsert_personal(cursor, uc.organisation_id, rows)
            secret_queries.set_personal_words(cursor, uc.organisation_id, rows)
    return len(rows)


def sealed(texts: Iterable[PersonalText], sealer: Sealer) -> list[PersonalRow]:
    """Rows of the vault, one per subject and purpose, for a statement that keeps them along with something else."""
    newest = {text.key: text for text in texts}
    return [
        (*key, *sealer.seal(_context(*key), text.text.encode()), text.delete_after, array(sealer.blind(text.words)))
        for key, text in sorted(newest.items())
    ]


def words_of(text: str) -> list[str]:
    """The words of a name as they are compared: no capitals, no accents, two letters at least; an e-mail address is one word."""
    folded = text.casefold()
    if not folded.isascii():
        folded = "".join(sign for sign in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(sign))
    return [word for word in WORD.findall(folded) if len(word) >= LEAST]


def find(uc: UseCase, subject_type: str, text: str, most: int) -> list[int]:
    """Subjects that hold every word of the text (whole words, see ``words_of``), up to ``most``, the newest first.

    Audited with what was found, never with what was asked for: that is personal data itself.
    """
    sealer = Sealer(uc.organisation_id)
    asked = [sealer.blind_by_every_key(word) for word in dict.fromkeys(words_of(text))]
    with connection.cursor() as cursor:
        found = secret_queries.find_personal(cursor, uc.organisation_id, subject_type, asked, most) if asked else []
    audit.record(uc, "search.personal_data", subject_type, "", words=len(asked), found=found)
    return found


def read(
    uc: UseCase, subject_type: str, subject_ids: Collection[int], purposes: Collection[str] | None = None, reason: str = ""
) -> dict[tuple[int, str], str]:
    """Texts by (subject id, purpose); what was forgotten or never came is absent. Every read of something is audited with its reason."""
    rows = PersonalData.objects.filter(organisation_id=uc.organisation_id, subject_type=subject_type, subject_id__in=list(subject_ids))
    if purposes is not None:
        rows = rows.filter(purpose__in=list(purposes))
    sealer = Sealer(uc.organisation_id)
    texts = {
        (row.subject_id, row.purpose): sealer.open(
            _context(row.subject_type, row.subject_id, row.purpose), row.key_version, bytes(row.ciphertext)
        ).decode()
        for row in rows.order_by("subject_id", "purpose")
    }
    for subject_id in dict.fromkeys(subject for subject, _purpose in texts):
        found = [purpose for subject, purpose in texts if subject == subject_id]
        audit.record(uc, "read.personal_data", subject_type, subject_id, purposes=found, reason=reason)
    return texts


def forget(uc: UseCase, subject_type: str, subject_ids: Collection[int], reason: str) -> int:
    """Delete now, whatever the end date (a person asked for it). Returns how many rows went."""
    with connection.cursor() as cursor:
        gone = secret_queries.forget_subjects(cursor, uc.organisation_id, subject_type, subject_ids)
    for subject_id in sorted(set(subject_ids)):
        audit.record(uc, "forget.personal_data", subject_type, subject_id, reason=reason)
    return gone


def forget_due(at: datetime) -> int:
    """Delete everything whose end date has passed, of all organisations, in transactions of 10,000 rows; how many went."""
    total = 0
    while True:
        with across_organisations(Passage.HOUSEKEEPING), crash.committing("day.forget"), connection.cursor() as cursor:
            gone = secret_queries.forget_personal(cursor, at, PAGE)
        total += gone
        if gone < PAGE:
            return total


def _context(subject_type: str, subject_id: int, purpose: str) -> str:
    return f"core_personaldata:{subject_type}:{subject_id}:{purpose}"

"""Two who write the same buyer at once leave behind only the words of the one that stays (ADR 0068)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from stallkeeper.core import personal
from stallkeeper.core.models import PersonalData, PersonalWord
from stallkeeper.core.personal import PersonalText
from stallkeeper.core.use_case import UseCase
from tests.races.explorer import Race, explore
from tests.races.locks.acting import within
from tests.shop import NOON, Shop


def two_names_of_one_buyer(known: str = "Ada Old") -> Race:
    """Each takes back the words of the name that was there. Whoever reads them before he has the row leaves some behind."""
    shop = Shop.open()

    def kept(uc: UseCase, name: str) -> object:
        personal.store_many(uc, [PersonalText("order", 1, "delivery", name, NOON + timedelta(days=9), tuple(personal.words_of(name)))])
        return personal.read(uc, "order", [1])

    def keep(name: str):
        return within(shop, lambda uc: kept(uc, name))

    if known:
        keep(known)()

    def broken() -> str:
        with shop.scope():
            wanted = set(PersonalData.objects.get().words)
            found = set(PersonalWord.objects.values_list("word", flat=True))
        return "" if wanted == found else f"{len(found - wanted)} words lead to nobody, {len(wanted - found)} are missing"

    return Race(keep("Ada Lovelace"), keep("Ada Byron"), broken)


@pytest.mark.parametrize("known", ["Ada Old", ""])
def test_a_word_leads_to_a_buyer_or_is_gone(shared_race_db, known: str) -> None:
    """Words that are taken back in the statement that takes the row are those of its beginning: whoever came between left his behind."""
    found = explore(lambda: two_names_of_one_buyer(known), shared_race_db, preemptions=1)
    assert (found.broken, found.schedule) == ("", ())
    assert found.schedules > 2

"""Texts of sources on screens in another language: one in which every text that a translator would be given stands in ⟦ ⟧ (ADR 0062)."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from django.conf import settings as conf
from django.test import Client
from django.test.utils import override_settings
from django.urls import reverse

from stallkeeper.core.use_case import use_case
from stallkeeper.stock import sources as stock
from tests.db.backoffice.test_sources import TERMS, client, market  # noqa: F401 - fixtures
from tests.db.sources.conftest import Feed, feed, server  # noqa: F401 - fixtures
from tests.said import LANGUAGE, write_language


@pytest.fixture
def shown(client: Client, tmp_path: Path):  # noqa: F811
    """What a screen shows to somebody who reads LANGUAGE, without tags and runs of blanks."""
    write_language(tmp_path)
    with override_settings(LANGUAGES=[*conf.LANGUAGES, (LANGUAGE, "Bracketed")], LOCALE_PATHS=[tmp_path]):

        def get(name: str, *arguments: int | str, data: dict[str, object] | None = None, language: str = LANGUAGE) -> str:
            address, head = reverse(f"backoffice:{name}", args=arguments), {"Accept-Language": language}
            answer = client.get(address, headers=head) if data is None else client.post(address, data, headers=head, follow=True)
            return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())))

        yield get


def test_what_sources_say_is_said_in_the_language_of_whoever_looks(feed: Feed, shown) -> None:  # noqa: F811
    """Kinds, settings and modes; errors on the spot; what a worker wrote down in English: why a source fails, why a run stopped, rows."""
    offered = shown("sources")
    assert "⟦File at a web address⟧" in offered
    assert "⟦1C (CommerceML)⟧" in offered
    form = shown("add_source", "url")
    for words in (
        "⟦Value of the header⟧",
        "⟦If the server asks for one (basic authentication).⟧",
        "⟦the moment of fetching⟧",
        "⟦lists differences⟧",
    ):
        assert words in form
    refused = shown("add_source", "api", data={"name": "x", "location": feed.shop.place.pk, **TERMS, "mode": "deltas", "basis": "net"})
    assert "⟦basis: differences are of what lies there; they cannot have our orders taken off⟧" in refused

    at = feed.source.pk
    feed.server.status = 404
    feed.run()
    assert "⟦there is no file at this address (HTTP 404)⟧" in shown("source", at)
    assert "there is no file at this address (HTTP 404)" in shown("source", at, language="en")
    assert "⟦there" not in shown("source", at, language="en")
    assert "⟦there is no file at this address (HTTP 404)⟧" in shown("look_at_source", at, data={})

    feed.server.status = 200
    feed.serve(b"sku,qty\n" + "".join(f"{sku},0\n" for sku in feed.units).encode() + b"SKU-99,1\nSKU-1,many\n")
    feed.due()
    feed.run()
    stopped = shown("source_run", at, feed.last().pk)
    for words in (
        "⟦12 of 12 articles in stock would go to zero.⟧",
        "⟦Nothing was changed. Look at the figures; then let them through, or drop them.⟧",
        "⟦'many' is not a number; write it like 12.⟧",
    ):
        assert words in stopped
    with use_case("set.source", organisation_id=feed.shop.organisation.pk, actor="user:1") as uc:
        stock.let_through(uc, feed.last().pk)
    feed.run()
    assert feed.figures() == [0] * 12
    assert "⟦'many' is not a number; write it like 12.⟧" in shown("source_run", at, feed.last().pk), "rows that waited"

    feed.serve(b'sku,qty\n"SKU-1,5\n')
    feed.due()
    feed.run()
    assert "⟦Row 2 of the file is broken: a quotation mark is opened and not closed" in shown("source_run", at, feed.last().pk)
    assert "⟦Row 2 of the file is broken" in shown("sources")

"""One id leads from the platform's callback over the run to the order, to the cut on the other stall, and to its acceptance."""

from __future__ import annotations

import io
import json
import logging

import pytest
from django.conf import settings
from django.test import Client

from stallkeeper.channels import lanes_queries
from stallkeeper.channels.models import Lane, LaneStep
from stallkeeper.core.logs import Formatter
from stallkeeper.sync import wake
from stallkit.adapters.dummy.adapter import sign
from stallkit.adapters.dummy.emulator import CALLBACK_SECRET


@pytest.fixture
def log_lines():
    """Everything that is logged, as production writes it: a function that returns the lines so far."""
    sink = io.StringIO()
    handler = logging.StreamHandler(sink)
    handler.setFormatter(Formatter("JSON"))
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield lambda: [json.loads(line) for line in sink.getvalue().splitlines()]
    root.removeHandler(handler)
    root.setLevel(before)


def trading(town, firm):
    """Two stalls that show the same five mugs, all settled, and no order due to be read for an hour."""
    unit = firm.unit("MUG")
    town.stock(firm, unit, 5)
    first, second = (town.stall(firm, platform, goods={"MUG": 5}) for platform in ("dummy", "emag"))
    town.work(60)
    with firm.scope():
        LaneStep.objects.filter(step="orders").update(not_before=town.clock.at.replace(hour=23))
        Lane.objects.update(not_before=town.clock.at.replace(hour=23), asked_by=[])
    return first, second


def browser() -> Client:
    settings.STATIC_ROOT.mkdir(exist_ok=True)
    return Client()


def call_back(stall) -> str:
    """A signed callback of the platform; the id that its answer carries."""
    body = json.dumps({"topic": "order", "order_id": "1"}).encode()
    signature = {"HTTP_X_DUMMY_SIGNATURE": sign(CALLBACK_SECRET, body)}
    answer = browser().post(f"/hints/{stall.account.hint_token}/", body, content_type="application/json", **signature)
    assert answer.status_code == 204
    return str(answer["X-Request-ID"])


def test_grep_for_the_id_of_a_callback_tells_the_whole_story(town, firm, log_lines):
    first, second = trading(town, firm)
    before = len(log_lines())
    order = first.emulator.place_order([("MUG", 2)])
    request_id = call_back(first)
    town.work(5)
    story = [line for line in log_lines()[before:] if request_id in line.get("correlation", [])]
    told = [(line["event"], line.get("connection")) for line in story]
    wanted = [
        ("callback", first.connection_id),
        ("request", None),
        ("orders taken in", first.connection_id),
        ("run ended", first.connection_id),
        ("sent", second.connection_id),
        ("answered", second.connection_id),
        ("run ended", second.connection_id),
    ]
    assert [each for each in told if each in wanted] == wanted, told
    entered = next(line for line in story if line["event"] == "orders taken in")
    assert entered["orders"] == [order]
    cut = next(line for line in story if line["event"] == "sent" and line["connection"] == second.connection_id)
    assert (cut["cuts"], cut["items"], cut["step"]) == (1, ["MUG=3"], "quantities")
    assert cut["run"] != entered["run"]
    assert all(line["organisation"] == firm.organisation.pk for line in story if "run" in line)


def test_callbacks_that_merge_into_one_run_are_all_named_by_it(town, firm, log_lines):
    first, _second = trading(town, firm)
    first.emulator.place_order([("MUG", 1)])
    ids = [call_back(first) for _ in range(3)]
    before = len(log_lines())
    town.work(2)
    runs = [line for line in log_lines()[before:] if line["event"] == "orders taken in"]
    assert len(runs) == 1
    assert runs[0]["correlation"][1:] == ids


def test_an_order_that_was_polled_leads_to_the_cut_by_the_name_of_its_run(town, firm, log_lines):
    first, second = trading(town, firm)
    before = len(log_lines())
    first.emulator.place_order([("MUG", 1)])
    with firm.scope():
        wake.look_now(first.connection_id, "orders", "trade")
    town.work(5)
    lines = log_lines()[before:]
    run = next(line["run"] for line in lines if line["event"] == "orders taken in")
    assert any(line["event"] == "sent" and line["connection"] == second.connection_id for line in lines if run in line["correlation"])


def test_a_lane_remembers_the_first_who_asked_and_forgets_them_when_it_begins(town, firm):
    first, _second = trading(town, firm)
    ids = [call_back(first) for _ in range(lanes_queries.MOST_ASKED_BY + 3)]
    with firm.scope():
        lane = Lane.objects.get(subject_id=first.connection_id, kind="trade")
        assert lane.asked_by == ids[: lanes_queries.MOST_ASKED_BY]
        town.work(2)
        lane.refresh_from_db()
        assert lane.asked_by == []


def test_secrets_of_the_callback_s_address_stand_in_no_line(town, firm, log_lines):
    first, _second = trading(town, firm)
    token = first.account.hint_token
    call_back(first)
    assert browser().get(f"/hints/{token}x/").status_code == 404
    text = json.dumps(log_lines())
    assert "hints/" in text
    assert token not in text

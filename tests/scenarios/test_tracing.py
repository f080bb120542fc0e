"""Traces: spans with the ids of the log when they are on; nothing loaded and nothing made when they are off."""

from __future__ import annotations

import subprocess
import sys

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from stallkeeper.core import correlation, tracing
from stallkeeper.core.use_case import use_case


@pytest.fixture
def spans():
    """Every trace is kept: a function that returns the spans that have ended."""
    exporter = InMemorySpanExporter()
    provider = tracing.start_with(SimpleSpanProcessor(exporter), 1.0, "test")
    yield exporter.get_finished_spans
    tracing.stop(provider)


def test_a_run_is_a_trace_of_its_steps_calls_and_use_cases(town, firm, spans):
    stall = town.stall(firm, "dummy", goods={"MUG": 5})
    town.work(10)
    before = len(spans())
    stall.emulator.place_order([("MUG", 1)])
    town.work(120)
    found = spans()[before:]
    names = {span.name for span in found}
    assert {"run trade", "step orders", "call pull_orders", "use case sync.accept_orders", "call acknowledge"} <= names
    call = next(span for span in found if span.name == "call acknowledge")
    run = next(span for span in found if span.name == "run trade" and span.context.trace_id == call.context.trace_id)
    assert call.attributes["stallkeeper.platform"] == "dummy"
    assert call.attributes["stallkeeper.connection"] == stall.connection_id
    assert call.attributes["stallkeeper.step"] == "commands"
    assert call.attributes["stallkeeper.correlation"] == run.attributes["stallkeeper.correlation"]
    assert call.attributes["stallkeeper.correlation"][0] == call.attributes["stallkeeper.run"]


def test_an_error_is_named_without_its_text(firm, spans):
    with pytest.raises(ValueError, match="canary"), use_case("test.fails", organisation_id=firm.organisation.pk):
        raise ValueError("canary of a buyer")
    (span,) = [span for span in spans() if span.name == "use case test.fails"]
    assert (span.status.is_ok, span.status.description) == (False, "ValueError")
    assert "canary" not in span.to_json()


def test_what_is_sampled_out_is_not_sent(firm):
    exporter = InMemorySpanExporter()
    provider = tracing.start_with(SimpleSpanProcessor(exporter), 0.0, "test")
    try:
        with correlation.born(), tracing.span("request"), use_case("test.nothing", organisation_id=firm.organisation.pk):
            pass
        assert exporter.get_finished_spans() == ()
    finally:
        tracing.stop(provider)


def test_a_process_that_makes_no_traces_and_serves_no_figures_loads_neither_library():
    """The command line, and workers without settings for it: start-up time and memory."""
    program = """
import sys, django
django.setup()
import stallkeeper.sync.tasks, stallkeeper.sync.worker, stallkeeper.api.requests
loaded = {name.split(".")[0] for name in sys.modules}
sys.exit(" ".join(loaded & {"opentelemetry", "prometheus_client", "structlog"}) or 0)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr.strip()) == (0, "")

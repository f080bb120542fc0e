"""OpenTelemetry traces: requests, runs, steps, use cases, calls to platforms. Off unless STALLKEEPER_TRACES says where they go.

While they are off nothing of OpenTelemetry is loaded and a span is one look at an empty list. A run is a trace of its own, because it may
serve many requests: the attribute ``correlation`` leads from one to the other, as in the log. No header goes out to platforms, and no
texts of exceptions stand in spans: they may hold personal data.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING

from stallkeeper.core import logs

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
    from opentelemetry.trace import Tracer

_tracers: list[Tracer] = []


@contextmanager
def span(name: str, **attributes: str | int) -> Iterator[None]:
    """What happens inside, as a span with these attributes and all fields that the log lines carry."""
    if not _tracers:
        yield
        return
    from opentelemetry.trace import StatusCode

    found = {f"stallkeeper.{key}": value for key, value in {**_plain(logs.fields()), **attributes}.items()}
    with _tracers[-1].start_as_current_span(name, attributes=found, record_exception=False, set_status_on_exception=False) as current:
        try:
            yield
        except BaseException as error:
            current.set_status(StatusCode.ERROR, type(error).__name__)
            raise


def _plain(fields: Mapping[str, object]) -> dict[str, str | int | list[str]]:
    return {key: value if isinstance(value, str | int | list) else str(value) for key, value in fields.items()}


def start(endpoint: str, sample: float, service: str) -> TracerProvider:
    """Send spans of this process to ``endpoint`` (OTLP over HTTP), ``sample`` of the traces. Once per process, after it has forked."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    return start_with(BatchSpanProcessor(OTLPSpanExporter(f"{endpoint}/v1/traces", timeout=5)), sample, service)


def start_with(processor: SpanProcessor, sample: float, service: str) -> TracerProvider:
    """The same with any processor (tests)."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

    resource = Resource.create({"service.name": service, "service.version": version("stallkeeper")})
    provider = TracerProvider(ParentBased(TraceIdRatioBased(sample)), resource)
    provider.add_span_processor(processor)
    _tracers.append(provider.get_tracer("stallkeeper"))
    return provider


def stop(provider: TracerProvider) -> None:
    """Send what waits, and make no more spans."""
    _tracers.clear()
    provider.shutdown()

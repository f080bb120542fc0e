"""Chapter conduct: what holds for every call of every capability, and chapter manifest: what an adapter says about itself."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from unittest import mock
from urllib.parse import quote

from stallkit import protocols
from stallkit.errors import AdapterError, SlowDown
from stallkit.http import Exchange
from stallkit.manifest import Capability
from stallkit.testing.contract.bench import Bench
from stallkit.testing.contract.cases import CASES, NotApplicable, case, declared_skip
from stallkit.testing.contract.operations import OPERATIONS, REST, Call, Operation
from stallkit.testing.emulator import Fault

TOO_MANY = {420, 429}
"""By which platforms say that a limit is used up."""
PROTOCOLS: dict[Capability, type] = {
    Capability.PROBE: protocols.Probe,
    Capability.READ_OFFERS: protocols.OfferReader,
    Capability.READ_STATES: protocols.StateReader,
    Capability.PULL_ORDERS: protocols.OrderPuller,
    Capability.READ_ORDER: protocols.OrderReader,
    Capability.ACKNOWLEDGE: protocols.Acknowledger,
    Capability.WRITE_STOCK: protocols.StockWriter,
    Capability.BULK_STOCK: protocols.BulkStockWriter,
    Capability.WRITE_PRICES: protocols.PriceWriter,
    Capability.BULK_PRICES: protocols.BulkPriceWriter,
    Capability.RESOLVE_TICKET: protocols.TicketResolver,
    Capability.CONFIRM_SHIPMENT: protocols.ShipmentConfirmer,
    Capability.CANCEL_LINES: protocols.LineCanceller,
    Capability.HINTS: protocols.HintReader,
    Capability.READ_WAREHOUSES: protocols.WarehouseReader,
    Capability.READ_LABELS: protocols.LabelReader,
    Capability.READ_RETURNS: protocols.ReturnReader,
}


def declared(bench: Bench) -> Iterator[tuple[Operation, Bench]]:
    """Each operation that the manifest declares, on a bench of its own."""
    for operation in OPERATIONS:
        bulk = Capability.BULK_STOCK if operation.capability is Capability.RESOLVE_TICKET else operation.capability
        if bench.has(operation.capability) and bench.has(bulk):
            stage = Bench(bench.subject)
            try:
                yield operation, stage
            finally:
                stage.close()


def outcome_of(call: Call, stage: Bench) -> object | AdapterError:
    """What the call answers, or the adapter error that it raises."""
    try:
        return call(stage.adapter)
    except AdapterError as error:
        return error


# --- conduct ------------------------------------------------------------------------------------------------------------------------------


@case("conduct.building_calls_nothing")
def building_calls_nothing(bench: Bench) -> None:
    """Building an adapter makes no call and reads no environment."""
    with mock.patch.dict("os.environ", {}, clear=True):
        bench.fresh()
    assert not bench.wire.steps, "the constructor called the platform"


@case("conduct.every_call_spends")
def every_call_spends(bench: Bench) -> None:
    """Every wire call spends from a bucket that the manifest declares, before it goes out."""
    for operation, stage in declared(bench):
        call = operation.prepare(stage)
        stage.clock.advance(REST)
        call(stage.adapter)
        spent, made = len(stage.pacer.spent), len(stage.wire.steps)
        assert spent >= made, f"{operation.name}: {made} wire calls, {spent} spent"
        undeclared = {limit.bucket for limit in stage.pacer.spent if limit not in stage.manifest.limits}
        assert not undeclared, f"{operation.name}: buckets {undeclared} are not as the manifest declares them"


@case("conduct.refusals_are_charged")
def refusals_are_charged(bench: Bench) -> None:
    """Where the platform charges refusals more than answers, so does our own budget."""
    dear = {limit.bucket: limit.refusal_cost - 1 for limit in bench.manifest.limits if limit.refusal_cost > 1}
    if not dear:
        raise NotApplicable("a refused call costs no more than any other")
    for operation, stage in declared(bench):
        call = operation.prepare(stage)
        stage.clock.advance(REST)
        stage.pacer.charged.clear()
        spent = len(stage.pacer.spent)
        stage.emulator.fail_next(Fault.IP_BLOCKED)
        outcome_of(call, stage)
        bucket = stage.pacer.spent[spent].bucket
        told = [(limit.bucket, cost) for limit, cost in stage.pacer.charged]
        assert told == ([(bucket, dear[bucket])] if bucket in dear else []), f"{operation.name}: a refusal was charged as {told}"


@case("conduct.spent_budget_stops_calls")
def spent_budget_stops_calls(bench: Bench) -> None:
    """When the budget is spent, SlowDown comes from us and no call goes out."""
    for operation, stage in declared(bench):
        call = operation.prepare(stage)
        for limit in stage.manifest.limits:
            stage.pacer.block(limit, 3_600)
        made = len(stage.wire.steps)
        answer = outcome_of(call, stage)
        assert isinstance(answer, SlowDown), f"{operation.name} answered {answer!r} on a spent budget"
        assert len(stage.wire.steps) == made, f"{operation.name} called the platform on a spent budget"


@case("conduct.never_sleeps")
def never_sleeps(bench: Bench) -> None:
    """No call sleeps, also when the platform asks us to wait."""
    for operation, stage in declared(bench):
        call = operation.prepare(stage)
        stage.emulator.fail_next(Fault.RATE_LIMIT)
        stage.clock.advance(REST)
        with no_sleep(operation.name):
            outcome_of(call, stage)
            stage.clock.advance(3_600)
            outcome_of(call, stage)


@contextmanager
def no_sleep(name: str) -> Iterator[None]:
    def refuse(seconds: float) -> None:
        raise AssertionError(f"{name} sleeps for {seconds} s; waiting belongs to the caller")

    with mock.patch.object(time, "sleep", refuse):
        yield


@case("conduct.stays_within_limits")
def stays_within_limits(bench: Bench) -> None:
    """A long morning's work stays within every declared limit: the emulator never has to say 429."""
    for operation, stage in declared(bench):
        call = operation.prepare(stage)
        for _ in range(30):
            outcome_of(lambda _, run=call, on=stage: on.patiently(lambda: run(on.adapter)), stage)  # type: ignore[misc]
        told = [made for made in stage.emulator.calls if made.status in TOO_MANY]
        assert not told, f"{operation.name}: the emulator answered {told[0].status} to {told[0].method} {told[0].path}"


@case("conduct.no_secret_leaves")
def no_secret_leaves(bench: Bench) -> None:
    """No secret, in any spelling, is in a recorded exchange or in the text of an error, whatever goes wrong."""
    for operation, _ in declared(bench):
        for fault in (None, *LEAKY):
            stage = Bench(bench.subject)
            told = one_run(operation, stage, fault)
            stage.close()
            tokens = [value for value in stage.emulator.secrets() if value]
            for secret in spellings([*stage.subject.secrets(), *tokens], stage.subject.config):
                assert secret not in told, f"{operation.name} with {fault}: the text of an error holds a secret"
                for exchange in stage.exchanges:
                    assert secret not in everything(exchange), f"{operation.name}: the recording of {exchange.method} {exchange.url} leaks"


LEAKY = (Fault.REVOKED, Fault.IP_BLOCKED, Fault.SERVER_ERROR, Fault.HTML, Fault.DROP_BEFORE, Fault.CUT_JSON)


def one_run(operation: Operation, stage: Bench, fault: Fault | None) -> str:
    """Run once, with the fault from the adapter's first call on; the text of the error, if there was one."""
    call = operation.prepare(stage)
    stage.clock.advance(REST)
    stage.adapter = stage.fresh()
    if fault:
        stage.emulator.fail_next(fault)
    try:
        call(stage.adapter)
    except AdapterError as error:
        return f"{error} {error.detail} {error.args} {error!r}"
    return ""


def everything(exchange: Exchange) -> str:
    """All texts of a recorded exchange."""
    bodies = (exchange.request_body + b"\n" + exchange.reply_body).decode("utf-8", "replace")
    return f"{exchange.url}\n{dict(exchange.request_headers)}\n{dict(exchange.reply_headers)}\n{exchange.error}\n{bodies}"


def spellings(secrets: list[str], config: object) -> set[str]:
    """The secrets as they are, quoted for URLs, and as basic authentication would spell them with any setting as the user."""
    found = set(secrets) | {quote(secret, safe="") for secret in secrets}
    users = list(config.values()) if isinstance(config, dict) else []
    for secret in secrets:
        found |= {base64.b64encode(f"{user}:{secret}".encode()).decode() for user in users}
    return found


# --- manifest -----------------------------------------------------------------------------------------------------------------------------


@case("manifest.capabilities_are_methods")
def capabilities_are_methods(bench: Bench) -> None:
    """The adapter has the methods of the capabilities that it declares, and no others."""
    for capability, protocol in PROTOCOLS.items():
        for name in [name for name in vars(protocol) if not name.startswith("_")]:
            has = callable(getattr(bench.adapter, name, None))
            assert has == bench.has(capability), f"{capability} is {'' if bench.has(capability) else 'not '}declared, {name} is " + (
                "there" if has else "missing"
            )
    assert bench.adapter.MANIFEST is bench.manifest or bench.manifest == bench.adapter.MANIFEST


@case("manifest.is_sound")
def manifest_is_sound(bench: Bench) -> None:
    """Names are unique, limits and batches positive, sites and hosts agree, currencies are ISO codes, limits name their source."""
    manifest = bench.manifest
    assert manifest.platform == bench.subject.platform
    names = [setting.name for setting in manifest.settings]
    assert len(names) == len(set(names)), "a setting is declared twice"
    assert all(setting.choices for setting in manifest.settings if setting.kind == "choice"), "a choice without choices"
    buckets = [limit.bucket for limit in manifest.limits]
    assert buckets, "no limit is declared"
    assert len(buckets) == len(set(buckets)), "a bucket is declared twice"
    for limit in manifest.limits:
        assert limit.capacity > 0, f"{limit.bucket}: capacity {limit.capacity}"
        assert limit.per > timedelta(0), f"{limit.bucket}: per {limit.per}"
        assert limit.source, f"{limit.bucket}: the source of the limit is missing"
    assert min(manifest.stock_batch, manifest.bulk_batch, manifest.read_batch) >= 1
    assert manifest.hosts, "no host is declared"
    assert not manifest.sites or {code for code, _ in manifest.sites} == {code for code, _ in manifest.hosts}, "sites and hosts differ"
    assert all(len(code) == 3 and code.isupper() for code in manifest.currencies), f"currencies {manifest.currencies}"
    assert manifest.currencies, "no currency is declared"


@case("manifest.config_fits")
def config_fits(bench: Bench) -> None:
    """The settings of the test are those of the manifest."""
    names = {setting.name for setting in bench.manifest.settings}
    required = {setting.name for setting in bench.manifest.settings if setting.required and not setting.default}
    given = set(bench.subject.config)
    assert given <= names, f"settings that the manifest does not declare: {given - names}"
    assert required <= given, f"required settings without a value: {required - given}"


@case("manifest.skips_name_cases")
def skips_name_cases(bench: Bench) -> None:
    """Each declared skip names a case of the suite, and gives a reason."""
    for pattern, reason in bench.manifest.skips:
        assert reason.strip(), f"the skip of {pattern} gives no reason"
        assert any(declared_skip(bench.manifest, case_id) == reason for case_id in CASES), f"no case is called {pattern}"

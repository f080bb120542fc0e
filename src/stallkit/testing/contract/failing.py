"""Every capability, failing in every way. Which of the six errors is right follows from the shop, not from the adapter's word:

a rehearsal without faults shows which wire calls of the operation change the shop. A call that does is a write: when its reply is lost,
spoiled or a 5xx, only OutcomeUnknown is true (Unintelligible too where the reply came and made no sense). A call that does not is a read.
The fault is planned for each wire call of the operation in turn, so a token call or a read before a write is tried as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from stallkit.errors import AdapterError, NeedsReconnect, OutcomeUnknown, SlowDown, TryLater, Unintelligible
from stallkit.manifest import Capability
from stallkit.testing.contract.bench import Bench, Step
from stallkit.testing.contract.cases import CHAPTERS, CannotShow, Case, add_case, wrongly
from stallkit.testing.contract.operations import OPERATIONS, REST, Call, Operation
from stallkit.testing.emulator import Fault

MOST_CALLS = 6


@dataclass(slots=True)
class Trial:
    """One operation on its own bench, with a fault planned for one of its wire calls."""

    bench: Bench
    operation: Operation
    steps: list[Step]
    number: int
    call: Call
    first: int

    @property
    def step(self) -> Step:
        """The rehearsed call that the fault hits."""
        return self.steps[self.number]

    @property
    def changed_before(self) -> bool:
        return any(step.changed for step in self.steps[: self.number])

    def __str__(self) -> str:
        return f"{self.operation.name}, wire call {self.number + 1} of {len(self.steps)} ({self.step.method} {self.step.path})"

    def plan(self, fault: Fault, times: int = 1) -> None:
        self.bench.emulator.fail_next(fault, times, after=self.number)

    def run(self) -> object | AdapterError:
        """The operation's answer, or the adapter error that it raised; anything else fails the case."""
        try:
            return self.call(self.bench.adapter)
        except AdapterError as error:
            return error
        except Exception as error:
            raise AssertionError(f"{self}: crashed with {type(error).__name__}: {error}") from error

    def made(self) -> list[Step]:
        """The wire calls that the operation has made so far."""
        return self.bench.wire.steps[self.first :]

    def suffered(self) -> bool:
        """Whether the fault really hit a call."""
        return any(call.fault for call in self.bench.emulator.calls)

    def not_repeated(self) -> None:
        """The faulted call went out once: retrying is the caller's business."""
        same = [step for step in self.made() if (step.method, step.path) == (self.step.method, self.step.path)]
        planned = [step for step in self.steps if (step.method, step.path) == (self.step.method, self.step.path)]
        assert len(same) <= len(planned), f"{self}: the call went out {len(same)} times"


def trials(bench: Bench, operation: Operation, *, warm: bool = False) -> Iterator[Trial]:
    """A fresh bench for each wire call that the operation makes. A warm adapter has made a call before, so it holds a token if it needs
    one; a cold one may have to get it, and then that call is tried too."""
    rehearsal = Bench(bench.subject)
    try:
        steps = rehearse(rehearsal, operation, warm=warm)
    finally:
        rehearsal.close()
    for number in range(len(steps)):
        stage = Bench(bench.subject)
        try:
            call = prepare(stage, operation, warm=warm)
            yield Trial(stage, operation, steps, number, call, len(stage.wire.steps))
        finally:
            stage.close()


def prepare(bench: Bench, operation: Operation, *, warm: bool) -> Call:
    call = operation.prepare(bench)
    bench.clock.advance(REST)
    if warm:
        bench.adapter.probe()
        bench.clock.advance(REST)
    return call


def rehearse(bench: Bench, operation: Operation, *, warm: bool) -> list[Step]:
    """The wire calls of the operation when all goes well."""
    call = prepare(bench, operation, warm=warm)
    first = len(bench.wire.steps)
    bench.wire.watch_state = True
    call(bench.adapter)
    steps = bench.wire.steps[first:]
    assert 0 < len(steps) <= MOST_CALLS, f"{operation.name} makes {len(steps)} wire calls"
    if operation.writes and not any(step.changed for step in steps):
        raise CannotShow(f"{operation.name} changed nothing that Emulator.state() tells of")
    return steps


# --- what must come of each fault ---------------------------------------------------------------------------------------------------------


def rate_limit(trial: Trial) -> None:
    """429 with Retry-After is SlowDown, the budget is blocked, and nothing goes out on it before the time is over. Where an earlier wire
    call of the same write took effect, OutcomeUnknown is as good: what is left can be known from a look only."""
    slow_down(trial, Fault.RATE_LIMIT)


def rate_limit_silent(trial: Trial) -> None:
    """429 without Retry-After is SlowDown with a waiting time of our own."""
    slow_down(trial, Fault.RATE_LIMIT_SILENT)


def slow_down(trial: Trial, fault: Fault) -> None:
    trial.plan(fault)
    error = trial.run()
    expect(trial, error, SlowDown, *([OutcomeUnknown] if trial.changed_before else []))
    trial.not_repeated()
    if isinstance(error, SlowDown):
        asked = trial.bench.exchanges[-1].reply_headers.get("retry-after", "")
        assert error.retry_after >= 1, f"{trial}: retry_after is {error.retry_after}"
        assert not asked.isdigit() or error.retry_after >= int(asked), f"{trial}: Retry-After {asked}, yet retry_after {error.retry_after}"
    before = len(trial.bench.wire.steps)
    again = trial.run()
    early = [step for step in trial.bench.wire.steps[before:] if (step.method, step.path) == (trial.step.method, trial.step.path)]
    assert not early, f"{trial}: called again before the waiting time was over"
    if not isinstance(error, SlowDown):
        return
    assert isinstance(again, SlowDown), f"{trial}: the next call answered {again}, expected SlowDown from our own budget"
    trial.bench.clock.advance(error.retry_after + 1)
    later = trial.run()
    assert not isinstance(later, SlowDown), f"{trial}: still SlowDown after the waiting time"


def server_error(trial: Trial) -> None:
    """A 5xx is TryLater on a read and OutcomeUnknown on a write, and is not retried."""
    lost(trial, Fault.SERVER_ERROR)


def server_error_after(trial: Trial) -> None:
    """A 5xx although the write took effect is OutcomeUnknown."""
    lost(trial, Fault.SERVER_ERROR_AFTER)


def dropped_before(trial: Trial) -> None:
    """A connection that closes without a reply is TryLater on a read and OutcomeUnknown on a write, and is not retried."""
    lost(trial, Fault.DROP_BEFORE)


def dropped_after(trial: Trial) -> None:
    """A connection that closes after the write took effect is OutcomeUnknown, and the write is not repeated."""
    lost(trial, Fault.DROP_AFTER)


def lost(trial: Trial, fault: Fault) -> None:
    trial.plan(fault)
    error = trial.run()
    if not trial.operation.writes:
        expect(trial, error, TryLater)
    elif trial.step.changed:
        expect(trial, error, OutcomeUnknown)
    else:
        expect(trial, error, TryLater, OutcomeUnknown)
    trial.not_repeated()


def html(trial: Trial) -> None:
    """A page of HTML is Unintelligible; after a write OutcomeUnknown is as good: the engine looks before it repeats."""
    trial.plan(Fault.HTML)
    error = trial.run()
    if trial.operation.writes:
        expect(trial, error, OutcomeUnknown, Unintelligible, *later_if_5xx(trial))
    else:
        expect(trial, error, Unintelligible, *later_if_5xx(trial))
    trial.not_repeated()


def later_if_5xx(trial: Trial) -> tuple[type[AdapterError], ...]:
    """A platform whose HTML comes with a 5xx has said so by the status; before any write that is TryLater."""
    status = trial.bench.exchanges[-1].status or 0
    return (TryLater,) if status >= 500 and not trial.step.changed else ()


def cut_json(trial: Trial) -> None:
    """JSON that ends in the middle is Unintelligible; after a write OutcomeUnknown is as good. A reply that nobody needs may be ignored."""
    trial.plan(Fault.CUT_JSON)
    error = trial.run()
    if not trial.step.reply:
        return
    if not trial.operation.writes:
        expect(trial, error, Unintelligible)
    elif isinstance(error, AdapterError):
        expect(trial, error, OutcomeUnknown, Unintelligible)
    trial.not_repeated()


def token_expired(trial: Trial) -> None:
    """An access token that died early is renewed without a word, and the call succeeds."""
    if gives_token(trial):
        return
    trial.plan(Fault.TOKEN_EXPIRED)
    answer = trial.run()
    assert not isinstance(answer, AdapterError), f"{trial}: {wrongly(answer)}"
    assert len(trial.made()) > len(trial.steps), f"{trial}: no token was renewed"
    assert len(trial.made()) <= len(trial.steps) + 2, f"{trial}: {len(trial.made())} calls to renew one token"


def gives_token(trial: Trial) -> bool:
    """Whether the call is the one that gets an access token: it needs none."""
    return "token" in trial.step.path or any(token.encode() in trial.step.reply for token in trial.bench.emulator.secrets())


def revoked(trial: Trial) -> None:
    """Access that was withdrawn is NeedsReconnect, after few calls."""
    shut_out(trial, Fault.REVOKED)


def address_blocked(trial: Trial) -> None:
    """An address that is not allowed is NeedsReconnect, after few calls."""
    shut_out(trial, Fault.IP_BLOCKED)


def shut_out(trial: Trial, fault: Fault) -> None:
    trial.plan(fault, times=20)
    expect(trial, trial.run(), NeedsReconnect)
    assert len(trial.made()) <= trial.number + 3, f"{trial}: {len(trial.made())} calls against a closed door"


def expect(trial: Trial, answer: object, *wanted: type[AdapterError]) -> None:
    """The answer is one of the wanted errors, and the fault really happened."""
    if not trial.suffered():
        raise AssertionError(f"{trial}: the planned fault hit no call, the operation answered {answer}")
    names = " or ".join(kind.__name__ for kind in wanted)
    told = wrongly(answer) if isinstance(answer, BaseException) else repr(answer)
    assert isinstance(answer, wanted), f"{trial}: expected {names}, got {told}"
    assert isinstance(answer, AdapterError)
    assert answer.detail, f"{trial}: the error says nothing"


READS_AND_WRITES: tuple[Callable[[Trial], None], ...] = (
    rate_limit,
    rate_limit_silent,
    server_error,
    dropped_before,
    dropped_after,
    html,
    cut_json,
    token_expired,
    revoked,
    address_blocked,
)


def failing_case(capability: Capability, check: Callable[[Trial], None]) -> Case:
    """The case that lets every operation of a capability suffer one fault."""

    def run(bench: Bench) -> None:
        for operation in OPERATIONS:
            if operation.capability is capability:
                for trial in trials(bench, operation, warm=check is token_expired):
                    check(trial)

    needs = [capability]
    if capability is Capability.RESOLVE_TICKET:
        needs.append(Capability.BULK_STOCK)
    if check is token_expired and capability is not Capability.PROBE:
        needs.append(Capability.PROBE)
    return Case(f"{CHAPTERS[capability]}.{check.__name__}", tuple(needs), run, " ".join((check.__doc__ or "").split()))


def add_failing_cases() -> None:
    for capability in CHAPTERS:
        operations = [operation for operation in OPERATIONS if operation.capability is capability]
        if not operations:
            continue
        for check in READS_AND_WRITES:
            add_case(failing_case(capability, check))
        if any(operation.writes for operation in operations):
            add_case(failing_case(capability, server_error_after))


add_failing_cases()

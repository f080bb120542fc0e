"""Chapter labels: what is printed and stuck on parcels."""

from __future__ import annotations

from stallkit.manifest import Capability
from stallkit.testing.contract.bench import Bench
from stallkit.testing.contract.cases import case
from stallkit.testing.contract.fulfilling import ready_order
from stallkit.types import Label, NotNow, Rejected

LABELS = Capability.READ_LABELS


@case("labels.can_be_printed", LABELS)
def labels_can_be_printed(bench: Bench) -> None:
    """An acknowledged order has labels that are not empty and say what they are; asked for again they are the same."""
    order_id = ready_order(bench)
    answer = bench.patiently(lambda: bench.adapter.read_labels([order_id]))[order_id]
    assert isinstance(answer, tuple), f"answered with {answer}"
    assert answer, "there is no label"
    for label in answer:
        assert isinstance(label, Label)
        assert label.body, "a label is empty"
        assert "/" in label.media_type, f"media type {label.media_type!r}"
    assert bench.patiently(lambda: bench.fresh().read_labels([order_id]))[order_id] == answer


@case("labels.every_order_is_answered", LABELS)
def labels_every_order_is_answered(bench: Bench) -> None:
    """An order that can have no label spares the others, and says why."""
    good = ready_order(bench)
    gone = bench.order(("CUP-RED", 1))
    assert bench.emulator.buyer_cancels(gone)
    bench.clock.advance(5)
    answers = bench.patiently(lambda: bench.adapter.read_labels([good, gone]))
    assert set(answers) == {good, gone}
    assert isinstance(answers[good], tuple), f"the good order was answered with {answers[good]}"
    refused = answers[gone]
    assert isinstance(refused, Rejected), f"a cancelled order was answered with {refused}"
    assert refused.code or refused.message, "refused without a word"


@case("labels.none", LABELS)
def labels_none(bench: Bench) -> None:
    """No orders are no labels, and no call."""
    before = len(bench.wire.steps)
    assert bench.adapter.read_labels([]) == {}
    assert len(bench.wire.steps) == before


@case("labels.change_nothing", LABELS)
def labels_change_nothing(bench: Bench) -> None:
    """Asking for labels changes neither figures nor orders."""
    order_id = ready_order(bench)
    before = repr((bench.emulator.offers, bench.emulator.orders))
    answers = bench.patiently(lambda: bench.adapter.read_labels([order_id]))
    assert not isinstance(answers[order_id], NotNow)
    assert repr((bench.emulator.offers, bench.emulator.orders)) == before

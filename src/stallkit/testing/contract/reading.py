"""Chapters probe, offers and states: what an adapter reads besides orders."""

from __future__ import annotations

from decimal import Decimal

from stallkit.errors import NeedsReconnect
from stallkit.manifest import Capability
from stallkit.testing.contract.bench import Bench, each_once
from stallkit.testing.contract.cases import NotApplicable, case
from stallkit.testing.contract.spoil import Kept, deletions, poisons, try_spoiled
from stallkit.types import AccountInfo, Money, OfferRef, OfferState, OfferStatus, RemoteOffer

PROBE, OFFERS, STATES = Capability.PROBE, Capability.READ_OFFERS, Capability.READ_STATES


# --- probe --------------------------------------------------------------------------------------------------------------------------------


@case("probe.tells_the_account", PROBE)
def probe_tells_the_account(bench: Bench) -> None:
    """A probe names the account, so that connecting the same one twice can be seen."""
    info = bench.patiently(bench.adapter.probe)
    assert isinstance(info, AccountInfo)
    assert info.account_id, "account_id is empty"
    assert bench.patiently(bench.fresh().probe).account_id == info.account_id, "two probes of one account tell different ids"


@case("probe.wrong_credentials", PROBE)
def probe_wrong_credentials(bench: Bench) -> None:
    """Any wrong secret that the platform checks at a call means NeedsReconnect."""
    checked = 0
    for setting in bench.manifest.settings:
        if setting.kind != "secret" or not setting.required:
            continue
        checked += 1
        try:
            told = bench.patiently(bench.fresh(**{setting.name: "wrong-on-purpose"}).probe)
        except NeedsReconnect:
            continue
        raise AssertionError(f"with a wrong {setting.name} the probe told {told}")
    assert checked, "the manifest declares no required setting of kind secret"


@case("probe.changes_nothing", PROBE)
def probe_changes_nothing(bench: Bench) -> None:
    """A probe is read-only (first contact)."""
    bench.stock(CUP_RED=5)
    bench.order(("CUP-RED", 1))
    before = bench.emulator.state()
    bench.patiently(bench.adapter.probe)
    assert bench.emulator.state() == before, "the probe changed the shop"


# --- offers -------------------------------------------------------------------------------------------------------------------------------


@case("offers.all_pages_once", OFFERS)
def offers_all_pages_once(bench: Bench) -> None:
    """Every offer comes exactly once over more than three pages."""
    count = bench.emulator.offers_per_page * 3 + 2
    bench.stock_many(count)
    found: list[str] = []
    cursor, pages = "", 0
    while True:
        page = bench.patiently(lambda at=cursor: bench.adapter.read_offers(at))  # type: ignore[misc]
        found += [offer.ref.sku for offer in page.items]
        cursor, pages = page.cursor, pages + 1
        if page.done:
            break
        assert pages < count, "read_offers does not come to an end"
    assert pages > 3, f"only {pages} pages for {count} offers: set the emulator's offers_per_page to what it really gives"
    each_once(found, list(bench.emulator.offers), "offers")


@case("offers.cursor_survives_restart", OFFERS)
def offers_cursor_survives_restart(bench: Bench) -> None:
    """The cursor is all that a new process needs to go on."""
    bench.stock_many(bench.emulator.offers_per_page + 2)
    first = bench.patiently(lambda: bench.adapter.read_offers(""))
    assert not first.done
    second = bench.patiently(lambda: bench.fresh().read_offers(first.cursor))
    each_once([offer.ref.sku for offer in (*first.items, *second.items)], list(bench.emulator.offers), "offers")


@case("offers.empty_account", OFFERS)
def offers_empty_account(bench: Bench) -> None:
    """An account without offers is an empty page, not an error."""
    page = bench.patiently(lambda: bench.adapter.read_offers(""))
    assert (page.items, page.parked, page.done) == ((), (), True)


@case("offers.facts_are_typed", OFFERS)
def offers_facts_are_typed(bench: Bench) -> None:
    """Title, GTINs, quantity and price arrive in our types, exactly."""
    bench.stock(CUP_RED=5, CUP_BLUE=0)
    offers = bench.offers()
    red, shop = offers["CUP-RED"], bench.emulator.offers["CUP-RED"]
    assert red.title == shop.title
    assert red.status is OfferStatus.LIVE
    assert red.gtins in {(shop.gtin,), ()}, f"gtins {red.gtins}, the shop has {shop.gtin}"
    assert red.quantity in {5, None}, f"quantity {red.quantity}, the shop shows 5"
    assert offers["CUP-BLUE"].quantity in {0, None}
    if red.price is not None:
        check_money(red.price, bench)
        assert red.price.amount == shop.price


@case("offers.gtin_is_told", OFFERS)
def offers_gtin_is_told(bench: Bench) -> None:
    """The barcode that the platform shows is the evidence for linking (S4.15)."""
    bench.stock(CUP_RED=5)
    assert bench.offers()["CUP-RED"].gtins == (bench.emulator.offers["CUP-RED"].gtin,)


@case("offers.paused_is_not_live", OFFERS)
def offers_paused_is_not_live(bench: Bench) -> None:
    """An offer that buyers cannot see is listed, and not as live."""
    bench.stock(CUP_RED=5, CUP_BLUE=5)
    bench.emulator.offers["CUP-RED"].live = False
    offers = bench.offers()
    assert "CUP-RED" in offers, "the paused offer is missing"
    assert offers["CUP-RED"].status is not OfferStatus.LIVE
    assert offers["CUP-BLUE"].status is OfferStatus.LIVE


@case("offers.strange_value_spares_the_others", OFFERS)
def offers_strange_value(bench: Bench) -> None:
    """A word or number that no document lists, anywhere in one offer, does not crash the page nor hide the other offers."""
    bench.stock(CUP_RED=5, CUP_BLUE=7)
    for spoiled in poisons(read_all, bench, "CUP-RED"):
        result = try_spoiled(read_all, bench, spoiled)
        if isinstance(result, Kept):
            assert "CUP-BLUE" in result.facts, f"{spoiled}: the other offer is gone"
        else:
            assert not spoiled.same_type, f"{spoiled}: the whole page was lost ({result})"


@case("offers.missing_is_not_zero", OFFERS)
def offers_missing_is_not_zero(bench: Bench) -> None:
    """A field that is missing leaves the value unknown or is an error; it never becomes another number."""
    bench.stock(CUP_RED=5)
    whole = try_spoiled(read_all, bench, None)
    assert isinstance(whole, Kept)
    for spoiled in deletions(read_all, bench, "CUP-RED"):
        result = try_spoiled(read_all, bench, spoiled)
        if isinstance(result, Kept):
            for true, told in zip(whole.facts["CUP-RED"], result.facts.get("CUP-RED", (None, None)), strict=True):
                assert told in {true, None}, f"{spoiled}: {true} became {told}"


def read_all(bench: Bench) -> Kept:
    """(quantity, price) of every offer on the first page, by SKU; parked ones are not facts."""
    page = bench.fresh().read_offers("")
    return Kept({offer.ref.sku: facts(offer) for offer in page.items}, len(page.parked))


def facts(offer: RemoteOffer | OfferState) -> tuple[object, ...]:
    return offer.quantity, offer.price


def check_money(money: Money, bench: Bench) -> None:
    """Exact, with a currency that the manifest declares."""
    assert isinstance(money.amount, Decimal), f"{money.amount!r} is a {type(money.amount).__name__}, not a Decimal"
    exponent = money.amount.as_tuple().exponent
    assert isinstance(exponent, int), f"{money.amount} is not a number"
    assert exponent >= -4, f"{money.amount} has more than four decimals: was it a float?"
    assert money.currency in bench.manifest.currencies, f"currency {money.currency!r} is not one that the manifest declares"


# --- states -------------------------------------------------------------------------------------------------------------------------------


def read_state(bench: Bench, ref: OfferRef) -> OfferState | None:
    states = bench.patiently(lambda: bench.adapter.read_states([ref], bench.subject.warehouse))
    assert set(states) == {ref}, f"asked for {ref}, got {list(states)}"
    return states[ref]


@case("states.equal_the_shop", STATES)
def states_equal_the_shop(bench: Bench) -> None:
    """What is observed is what the shop shows, zero included."""
    bench.stock(CUP_RED=5, CUP_BLUE=0)
    for ref in bench.refs("CUP-RED", "CUP-BLUE"):
        state = read_state(bench, ref)
        assert state is not None
        assert state.quantity == bench.emulator.quantity_of(ref.sku), f"{ref.sku}: observed {state.quantity}"
        if state.price is not None:
            check_money(state.price, bench)
            assert state.price.amount == bench.emulator.price_of(ref.sku)


@case("states.follow_an_edit", STATES)
def states_follow_an_edit(bench: Bench) -> None:
    """A number typed into the platform's own screen is seen at the next read."""
    bench.stock(CUP_RED=5)
    (ref,) = bench.refs("CUP-RED")
    read_state(bench, ref)
    bench.emulator.edit_quantity("CUP-RED", 2)
    bench.clock.advance(5)
    state = read_state(bench, ref)
    assert state is not None
    assert state.quantity == 2


@case("states.unknown_ref_is_none", STATES)
def states_unknown_ref_is_none(bench: Bench) -> None:
    """An offer that the platform does not have is None, and the others are still answered."""
    bench.stock(CUP_RED=5, CUP_BLUE=3)
    red, gone = bench.refs("CUP-RED", "CUP-BLUE")
    bench.emulator.remove_offer("CUP-BLUE")
    refs = [red, gone] if bench.manifest.read_batch > 1 else [gone]
    states = bench.patiently(lambda: bench.adapter.read_states(refs, bench.subject.warehouse))
    assert set(states) == set(refs), f"asked for {refs}, got {list(states)}"
    assert states[gone] is None, f"the offer is not there, yet {states[gone]} was told"
    if red in states:
        state = states[red]
        assert state is not None
        assert state.quantity == 5


@case("states.full_batch", STATES)
def states_full_batch(bench: Bench) -> None:
    """A batch of the declared size is answered whole."""
    size = bench.manifest.read_batch
    bench.stock_many(size)
    refs = bench.refs(*bench.emulator.offers)
    states = bench.patiently(lambda: bench.adapter.read_states(refs, bench.subject.warehouse))
    assert set(states) == set(refs), f"{len(set(refs) - set(states))} of {size} refs were not answered"
    wrong = [ref.sku for ref in refs if (state := states[ref]) is None or state.quantity != bench.emulator.quantity_of(ref.sku)]
    assert not wrong, f"differ from the shop: {', '.join(wrong[:5])}"


@case("states.too_many_is_value_error", STATES)
def states_too_many(bench: Bench) -> None:
    """More than the declared batch is the caller's mistake: ValueError before any call."""
    refs = [OfferRef(f"S-{number}", str(number + 1)) for number in range(bench.manifest.read_batch + 1)]
    must_be_value_error(bench, lambda: bench.adapter.read_states(refs, bench.subject.warehouse))


@case("states.missing_is_not_zero", STATES)
def states_missing_is_not_zero(bench: Bench) -> None:
    """A field that is missing leaves the quantity unknown or is an error; it never becomes another number."""
    bench.stock(CUP_RED=5)
    (ref,) = bench.refs("CUP-RED")

    def read(on: Bench) -> Kept:
        state = on.fresh().read_states([ref], bench.subject.warehouse)[ref]
        return Kept({ref.sku: facts(state)} if state else {}, 0)

    whole = try_spoiled(read, bench, None)
    assert isinstance(whole, Kept)
    for spoiled in deletions(read, bench, "CUP-RED"):
        result = try_spoiled(read, bench, spoiled)
        if isinstance(result, Kept):
            assert "CUP-RED" in result.facts or spoiled.field in IDENTITY, f"{spoiled}: the offer counts as gone"
            for true, told in zip(whole.facts["CUP-RED"], result.facts.get("CUP-RED", (None, None)), strict=True):
                assert told in {true, None}, f"{spoiled}: {true} became {told}"


IDENTITY = {"sku", "id", "offer_id", "part_number"}
"""Fields by which a reply is matched to the question: without them no answer for the ref can be found."""


def must_be_value_error(bench: Bench, call: object) -> None:
    """The call raises ValueError and makes no wire call."""
    before = len(bench.wire.steps)
    try:
        call()  # type: ignore[operator]
    except ValueError:
        assert len(bench.wire.steps) == before, "the platform was called before the batch was refused"
        return
    raise AssertionError("an oversized batch was not refused with ValueError")


def more_than_one(size: int, what: str) -> None:
    if size < 2:
        raise NotApplicable(f"{what} takes one item at a time")

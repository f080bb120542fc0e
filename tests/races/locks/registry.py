"""All locks of all apps."""

from __future__ import annotations

from tests.races.locks import Pair, Proof, Proved, catalog, channels, core, guard, orders, stock, sync, velocity

REGISTRY: dict[str, Proof] = {
    **core.LOCKS,
    **catalog.LOCKS,
    **stock.LOCKS,
    **channels.LOCKS,
    **guard.LOCKS,
    **velocity.LOCKS,
    **orders.LOCKS,
    **sync.LOCKS,
}


def table() -> str:
    """The table of docs/locks.md."""
    rows = [f"| `{site}` | {proof.protects} | {_how(proof)} |" for site, proof in sorted(REGISTRY.items())]
    return "\n".join(["| lock | protects | shown by |", "| --- | --- | --- |", *rows])


def _how(proof: Proof) -> str:
    match proof:
        case Pair():
            return "a pair" if proof.how.value == "unlock" else f"a pair ({proof.how.value})"
        case Proved():
            return f"`{proof.test}`"
    return f"belt: {proof.because}"

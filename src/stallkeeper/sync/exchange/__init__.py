"""The hub's side of the exchange with 1C: who may call, what comes in, what goes out (ADR 0059)."""

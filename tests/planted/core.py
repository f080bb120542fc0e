"""Bugs in the walls, the audit trail, the notifications and the use case itself."""

from tests.planted.plant import bug

bug(
    "audit chain broken",
    "Entries are not chained to the one before.",
    "17",
    "stallkeeper.core.audit:write_entries",
    ("digest = _digest(digest, uc.organisation_id, row)", 'digest = _digest(b"", uc.organisation_id, row)'),
)
bug(
    "audit entries lost",
    "The first entry of a use case, mostly the only one, is not written.",
    "17 error",
    "stallkeeper.core.audit:write_entries",
    ("        for entry in entries:\n", "        for entry in entries[1:]:\n"),
)
bug(
    "wake-ups lost",
    "What a use case has left to be sent waits for its turn.",
    "10 late",
    "stallkeeper.sync.wake:wake_marked",
    ("    if connections:\n", "    if connections and not uc.organisation_id:\n"),
)
bug(
    "notification of a lost account missing",
    "An account must be connected again, and nobody is told.",
    "10",
    "stallkeeper.sync.runner:needs_reconnect",
    ('        notify.raise_(uc, f"connection:{account.pk}:needs_reconnect", Severity.ERROR, title, why)\n', ""),
)
bug(
    "secret in an error text",
    "What we sent is written into the record of the call, keys and all.",
    "16",
    "stallkit.http:hide",
    ("        hidden = hidden.replace(secret, HIDDEN)\n", "        hidden = hidden.replace(secret, secret)\n"),
)
bug(
    "wall between organisations open",
    "Inside the scope of one organisation everybody's rows are seen.",
    "14",
    "stallkeeper.core.scope:organisation_scope",
    ("_current.set(int(organisation_id))", "_current.set(list(Passage)[0])"),
)
bug(
    "personal data forgotten too early",
    "Addresses of orders that are still open are deleted.",
    "7 12 15",
    "stallkeeper.core.secret_queries:forget_personal",
    ("delete_after <= %s ORDER BY", "delete_after <= %s + interval '10 years' ORDER BY"),
)

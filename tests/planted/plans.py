"""Bugs in plans of what is sent."""

from tests.planted.plant import bug

PLANS = "stallkeeper.channels.plans"

bug(
    "stale plan applied",
    "What the plan says has moved since somebody looked at it, and it is sent all the same.",
    "21",
    "stallkeeper.channels.plan_stale:still_says",
    ("if worked.fingerprint == then.fingerprint:", "if True:"),
)
bug(
    "plan applied twice",
    "The button is pressed twice, and the plan is put in force a second time.",
    "21",
    f"{PLANS}:apply",
    ("if plan.state == SendPlan.State.APPLIED:", "if False:"),
    ("if plan.state != SendPlan.State.OPEN:", "if plan.state not in {SendPlan.State.OPEN, SendPlan.State.APPLIED}:"),
)
bug(
    "plan applied from another page",
    "The page shows another plan than the one that it applies.",
    "21",
    f"{PLANS}:apply",
    ("if plan is None or plan.fingerprint != fingerprint:", "if plan is None:"),
)
bug(
    "replaced plan applied",
    "Somebody has saved another plan since, and the old one is put in force beside it.",
    "21",
    f"{PLANS}:apply",
    ("if plan.state != SendPlan.State.OPEN:", "if False:"),
)
bug(
    "undoing puts nothing back",
    "The plan that undoes a send proposes the rules of that send again.",
    "21",
    f"{PLANS}:_put_back",
    ("{name: was[name] for name in change.rules}", "dict(change.rules)"),
)

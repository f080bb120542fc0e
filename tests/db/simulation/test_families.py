"""The model's rule of sub-channels, broken by hand like the others in ``test_broken.py``."""

from __future__ import annotations

from stallkeeper.channels import inheritance, rules
from stallkeeper.channels.models import Channel
from stallkeeper.core.use_case import use_case
from tests.db.simulation.conftest import Watched


def family(watched: Watched) -> tuple[Channel, Channel]:
    """A second channel of a platform, which has the rules of the first."""
    main = watched.stalls["dummy"].channel
    with watched.shop.scope():
        sub = Channel.objects.create(
            organisation=watched.shop.organisation,
            connection_id=main.connection_id,
            code="SUB",
            name="Sub",
            currency=main.currency,
            created_at=main.created_at,
        )
    with use_case("channel.parent", organisation_id=watched.shop.organisation.pk, actor="user:1") as uc:
        inheritance.attach(uc, sub.pk, main.pk)
    assert watched.truth.after_commit("a channel got a main one") == []
    return main, sub


def test_a_sub_channel_that_differs_and_does_not_say_so_is_seen(watched: Watched) -> None:
    main, sub = family(watched)
    with use_case("channel.rules", organisation_id=watched.shop.organisation.pk, actor="user:1") as uc:
        rules.save(uc, main.pk, zero_limit=7)
    assert watched.truth.after_commit("the main channel's limit changed") == []
    watched.sql("UPDATE channels_channel SET zero_limit = 9 WHERE id = %(sub)s", sub=sub.pk)
    assert f"zero_limit of channel {sub.pk} is 9, that of its main channel 7" in watched.broken("22")


def test_a_main_channel_has_none_above_it(watched: Watched) -> None:
    main, _sub = family(watched)
    watched.sql("UPDATE channels_channel SET parent_id = %(main)s WHERE id = %(main)s", main=main.pk)
    assert "which has those of another one" in watched.broken("22")

"""Commands that keep the installation: check, backup, restore, rotate-keys, users, migrate."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stallkeeper.ops import boot, terminal
from stallkeeper.ops.terminal import Refusal, json_option

if TYPE_CHECKING:
    from stallkeeper.core.models import User

ROLES = ["owner", "operations", "warehouse", "accountant", "read_only"]


@click.command()
@click.option("--organisation", "slug", metavar="NAME", help="Only this organisation; all if not given.")
@click.option("--calm", is_flag=True, help="Nothing is in flight now: also verify what holds only when all work is done.")
@json_option
@click.pass_context
def check(ctx: click.Context, slug: str | None, calm: bool, as_json: bool) -> None:
    """Add the ledger up again and verify every rule that must hold at rest. Changes nothing.

    Exit status 1 and a list if anything is wrong. Safe while everything runs: it reads one moment of the database.

    \b
    Examples:
      stallkeeper check
      stallkeeper check --calm --json
    """
    boot.start()
    from stallkeeper.core.models import Organisation
    from stallkeeper.ops.check import check as verify

    chosen = [boot.organisation(slug)] if slug else list(Organisation.objects.order_by("slug"))
    with terminal.progress("Checking") as tick:
        reports = [verify(one.pk, calm=calm, tick=tick) for one in chosen]
    results = [result for report in reports for result in report]
    if as_json:
        terminal.print_json([result.as_json() for result in results])
    else:
        for result in results:
            terminal.echo(f"{'fine ' if not result.broken else 'WRONG'}  {result.title} ({result.looked_at:,} looked at)")
            for problem in result.problems:
                terminal.echo(f"       {problem}")
    ctx.exit(1 if any(result.broken for result in results) else 0)


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--yes", is_flag=True, help="Overwrite the file if it is there.")
def backup(file: Path, yes: bool) -> None:
    """Write the embedded database to FILE while everything runs.

    The keys that open its secrets and personal data are not in it: keep a copy of keyring.json in another place.

    \b
    Example:
      stallkeeper backup stallkeeper-2026-03-02.dump
    """
    from stallkeeper import embedded, env
    from stallkeeper.core import backups, clock

    refuse_own_server(
        "pg_dump --format=custom --no-owner --file=stallkeeper.dump, as a role that passes row-level security (see the guide)"
    )
    if file.exists():
        terminal.agreed(f"{file} is there already. Overwrite it?", yes)
    part, begun = file.with_name(file.name + ".part"), clock.now()
    with embedded.running(embedded.cluster_folder(env.home())) as cluster:
        try:
            cluster.dump(part)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    part.replace(file)
    backups.note(env.home(), begun)
    terminal.echo(
        f"{file}: {file.stat().st_size:,} bytes. It opens only with the keys in {env.load().keyring}; keep a copy of those elsewhere."
    )


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask.")
def restore(file: Path, yes: bool) -> None:
    """Replace the embedded database by the backup in FILE. If the file cannot be read, nothing changes.

    Stop 'stallkeeper run' first. The copy is in quarantine: it reads orders and sends nothing until you allow it again (stallkeeper
    channel --company on). Then everything is read back before it is sent, and commands that waited are looked up first.
    """
    from stallkeeper import embedded, env
    from stallkeeper.ops import restoring

    refuse_own_server('pg_restore --clean --if-exists --no-owner --dbname="$DATABASE_URL" stallkeeper.dump')
    with embedded.running(embedded.cluster_folder(env.home())) as cluster:
        restoring.refuse_while_in_use(cluster.url)
        terminal.agreed(f"Replace the whole database by {file}?", yes)
        cluster.restore(file)
        os.environ["DATABASE_URL"] = cluster.url
        boot.start(migrate=True)  # notices that this is a copy
    terminal.echo(
        "Restored. Sending is off for every company, and every offer will be read back before anything is sent.\n"
        "Next: stallkeeper check, stallkeeper run, stallkeeper quarantine; when the numbers are right: stallkeeper channel --company on"
    )


@click.command()
@click.option("--begin", is_flag=True, help="This database is a copy that was restored with other tools: send nothing from it.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def quarantine(begin: bool, yes: bool, as_json: bool) -> None:
    """Show what a restored copy still has to read before it may be released.

    A copy notices by itself that it lies in another database than before. One that was restored over the same database does not: say so
    with --begin. To release it: stallkeeper channel --company on

    \b
    Examples:
      stallkeeper quarantine
      stallkeeper quarantine --begin
    """
    boot.start()
    from stallkeeper.ops import restoring, views

    if begin:
        terminal.agreed("Switch sending off for every company, and read every offer back afterwards?", yes)
        restoring.quarantine(f"said by {boot.actor()}")
    columns = {
        "organisation": "Organisation", "since": "In quarantine since (UTC)", "account": "Account", "state": "State",
        "orders_read": "Orders read since", "waiting": "Commands to look up",
    }  # fmt: skip
    terminal.show(views.quarantine(), columns, as_json=as_json, empty="No organisation is in quarantine.")


def refuse_own_server(instead: str) -> None:
    """Backup and restore are for the embedded database; others have their own tools."""
    if os.environ.get("DATABASE_URL"):
        raise Refusal(f"DATABASE_URL names your own server: use its tools, for instance: {instead}")


@click.command("rotate-keys")
@click.option("--data-keys", is_flag=True, help="Also make new data keys and encrypt secrets and personal data anew.")
@click.option("--keep-old", is_flag=True, help="Keep old keys in the keyring, for backups made until now.")
@json_option
def rotate_keys(data_keys: bool, keep_old: bool, as_json: bool) -> None:
    """Encrypt under a new key while everything runs. Safe to interrupt and to repeat."""
    boot.start()
    from stallkeeper.core import secrets

    done = secrets.rotate(data_keys=data_keys, keep_old=keep_old, actor=boot.actor())
    if as_json:
        terminal.print_json({name: getattr(done, name) for name in ("key", "rewrapped", "new_data_keys", "resealed", "dropped")})
        return
    terminal.echo(
        f"Key {done.key} is in use: {done.rewrapped} data keys wrapped, {done.new_data_keys} new ones, {done.resealed} rows sealed anew."
    )
    if done.dropped:
        terminal.echo(f"Dropped from the keyring: {', '.join(done.dropped)}. Backups from before need the keyring of that time.")


@click.group()
def users() -> None:
    """People who may sign in."""


@users.command("add")
@click.argument("email")
@click.option("--role", type=click.Choice(ROLES), default="operations", show_default=True, help="What the person may do.")
@click.option("--name", default="", help="The person's name.")
@click.option("--organisation", "slug", metavar="NAME", help="Short name of the organisation; not needed if there is only one.")
@click.option("--hours", type=click.FloatRange(0.1, 24 * 14), default=24.0, show_default=True, help="How long the link works.")
def add_user(email: str, role: str, name: str, slug: str | None, hours: float) -> None:
    """Let EMAIL sign in; prints a link that works once.

    \b
    Example:
      stallkeeper users add mia@example.com --role warehouse
    """
    boot.start()
    from stallkeeper.core.models import Organisation, Role
    from stallkeeper.ops import first

    where = boot.organisation(slug) if slug or Organisation.objects.exists() else first.organisation("My shop", "shop")
    user = first.add_user(where, email, Role(role), name)
    terminal.echo(f"{user.email} may sign in to {where.name} as {role}, with this link, once, within {hours:g} hours:")
    terminal.echo(first.sign_in_address(user, hours))


@users.command("link")
@click.argument("email")
@click.option("--hours", type=click.FloatRange(0.1, 24 * 14), default=24.0, show_default=True, help="How long the link works.")
def link_user(email: str, hours: float) -> None:
    """A new one-time sign-in link for EMAIL."""
    boot.start()
    from stallkeeper.ops import first

    terminal.echo(first.sign_in_address(known_user(email), hours))


def known_user(email: str) -> User:
    """The person with this address; refuses if there is none."""
    from stallkeeper.core.models import User

    user = User.objects.filter(email=email.strip().lower()).first()
    if user is None:
        raise Refusal(f"There is no user {email}. Add one with: stallkeeper users add {email}")
    return user


@users.command("unlock")
@click.argument("email")
def unlock_user(email: str) -> None:
    """Let EMAIL try passwords again at once, after too many wrong ones."""
    boot.start()
    from stallkeeper.core import sign_in_limits

    counted = sign_in_limits.unlock(known_user(email), boot.actor())
    terminal.echo(f"{email}: {counted} failed attempts forgotten." if counted else f"{email}: there were no failed attempts.")


@users.command("one-step")
@click.argument("email")
@click.option("--yes", is_flag=True, help="Do not ask.")
def one_step(email: str, yes: bool) -> None:
    """Switch two-step sign-in off for EMAIL, who lost the telephone and the recovery codes. Ends all sessions of that person.

    \b
    Example:
      stallkeeper users one-step mia@example.com
    """
    boot.start()
    from stallkeeper.core import own_account, second_factor, sessions

    user = known_user(email)
    terminal.agreed(f"Are you sure that it is {user.email} who asks? The password, or a link, is enough then.", yes)
    with own_account.account_act(user, boot.actor(), "reset.second_factor"):
        was_on = second_factor.turn_off(user)
        sessions.end(sessions.sessions_of(user))
    terminal.echo(f"{user.email} signs in in one step now." if was_on else f"{user.email} had no second step.")


@users.command("list")
@json_option
def list_users(as_json: bool) -> None:
    """Everybody who may sign in."""
    boot.start()
    from stallkeeper.ops import first

    columns = {"email": "E-mail", "name": "Name", "organisation": "Organisation", "role": "Role", "active": "Active"}
    terminal.show(first.members(), columns, as_json=as_json, empty="Nobody yet: stallkeeper users add you@example.com --role owner")


@click.command()
def migrate() -> None:
    """Bring the database up to this release. 'stallkeeper run' does it by itself; stop all workers first."""
    boot.start(migrate=True)
    terminal.echo("The database is up to date.")

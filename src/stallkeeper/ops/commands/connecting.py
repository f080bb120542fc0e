"""Commands that set channels up: connect, link, channel."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from stallkeeper.ops import boot, terminal
from stallkeeper.ops.terminal import Refusal, json_option

if TYPE_CHECKING:
    from stallkeeper.channels.connect import Settings
    from stallkeeper.channels.models import Channel
    from stallkeeper.core.models import Organisation
    from stallkeeper.ops.sending import Meant
    from stallkit.manifest import Manifest, Setting

SECRET_VARIABLES = "STALLKEEPER_SET_"  # noqa: S105 - the beginning of variable names


@click.command()
@click.argument("platform")
@click.option("--name", help="How you call the account; the platform's name if not given.")
@click.option("--channel", "code", metavar="CODE", help="One to three letters or digits for the channel on it; made up if not given.")
@click.option("--currency", help="Currency of the channel; the platform's if it has one only.")
@click.option("--set", "given", multiple=True, metavar="NAME=VALUE", help="A setting; may be repeated. What is missing is asked for.")
@click.option("--base-url", default="", help="Another address than the platform's: test systems and proxies.")
@click.option("--warehouse", default="", metavar="NO", help="The platform's own warehouse that the channel is for, where it has several.")
@click.option("--another", is_flag=True, help="Make another channel on the account with this --name instead.")
@click.option("--reconnect", is_flag=True, help="Renew the credentials of the account with this --name instead.")
@json_option
@boot.for_organisation
def connect(
    organisation: Organisation, platform: str, name: str | None, code: str | None, currency: str | None, given: tuple[str, ...],
    base_url: str, warehouse: str, another: bool, reconnect: bool, as_json: bool,
) -> None:  # fmt: skip
    """Connect an account of PLATFORM (emag, walmart, …): ask it who it is, and store what opened it, encrypted.

    The first contact only reads. Nothing is sent, and no order is taken, before you switch it on with 'stallkeeper channel'.

    Secrets are asked for without showing them. For scripts: --set client_id=… and, so that the secret stands in no list of
    processes, the variable STALLKEEPER_SET_<NAME>, for instance STALLKEEPER_SET_CLIENT_SECRET.

    \b
    Examples:
      stallkeeper connect emag
      stallkeeper connect walmart --channel WM --set client_id=abc
      stallkeeper connect emag --reconnect --name "eMAG Marketplace"
      stallkeeper connect wildberries --another --name Wildberries --warehouse 507 --channel WE
    """
    from stallkeeper.channels import connect as connecting
    from stallkeeper.ops import connections

    if another:
        _another(organisation, platform, name, code, currency, warehouse, as_json=as_json)
        return
    manifest = connecting.manifest(platform) if reconnect else connecting.to_connect(platform)
    settings = ask_settings(manifest, parse_settings(given), test_system=bool(base_url))
    name = name or manifest.title
    if reconnect:
        done = connections.reconnect(organisation.pk, platform, name, settings, boot.actor())
    else:
        done = connections.connect(organisation.pk, platform, name, code, currency, settings, base_url, boot.actor(), warehouse)
    if as_json:
        terminal.print_json(done.as_json())
        return
    terminal.echo(f"{name}: connected to {done.account.name or done.account.account_id} ({done.account.account_id}).")
    for warning in done.account.warnings:
        terminal.echo(f"Note: {warning}", err=True)
    if not reconnect:
        terminal.echo(f"Channel {done.code} is made, with everything off. Next: stallkeeper link {done.code}")


def _another(
    organisation: Organisation, platform: str, name: str | None, code: str | None, currency: str | None, warehouse: str, *, as_json: bool
) -> None:
    """One more channel on an account that is connected."""
    from stallkeeper.channels import connect as connecting
    from stallkeeper.channels.models import Connection
    from stallkeeper.ops import connections

    declared = connecting.manifest(platform)
    account = Connection.objects.filter(platform=platform, name=name or declared.title).first()
    if account is None:
        raise Refusal(f"There is no account {name or declared.title!r} on {platform}; name one with --name.")
    money = (currency or (declared.currencies[0] if len(declared.currencies) == 1 else "")).upper()
    if money not in declared.currencies:
        raise Refusal(f"Say which currency the channel sells in: --currency {'|'.join(declared.currencies)}.")
    made = connections.add_channel(organisation.pk, account, code, account.name, money, warehouse, boot.actor())
    if as_json:
        terminal.print_json({"connection": account.pk, "channel": made.code, "warehouse": made.warehouse})
        return
    terminal.echo(f"Channel {made.code} is made, with everything off. Next: stallkeeper link {made.code}")


def parse_settings(given: tuple[str, ...]) -> dict[str, str]:
    """NAME=VALUE pairs and STALLKEEPER_SET_… variables; Refusal for what is neither."""
    values = {key.removeprefix(SECRET_VARIABLES).lower(): value for key, value in os.environ.items() if key.startswith(SECRET_VARIABLES)}
    for text in given:
        name, sign, value = text.partition("=")
        if not sign or not name:
            raise Refusal(f"--set {text}: write it as NAME=VALUE.")
        values[name.strip()] = value
    return values


def ask_settings(manifest: Manifest, values: dict[str, str], *, test_system: bool) -> Settings:
    """The manifest's settings: as given, else asked for at the terminal, else their defaults. ``test_system`` allows limits_scale."""
    from stallkeeper.channels import connect as connecting
    from stallkeeper.sync.adapters import SCALE

    scale = times_the_platforms(values.pop(SCALE)) if test_system and SCALE in values else None
    for setting in manifest.settings:
        if setting.name not in values and sys.stdin.isatty():
            values[setting.name] = ask(setting)
    settings = connecting.check_settings(manifest, values)
    if scale is not None:
        settings.shown[SCALE] = str(scale)
    return settings


def times_the_platforms(text: str) -> float:
    """How many times the platform's time the limits of a test system take; Refusal if it is not a number above zero."""
    try:
        scale = float(text)
    except ValueError:
        scale = 0.0
    if not 0.0 < scale < float("inf"):
        raise Refusal(f"--set limits_scale={text}: write a number above 0, for instance 0.1 for limits that are ten times faster.")
    return scale


def ask(setting: Setting) -> str:
    """Ask for one setting; secrets are not shown while they are typed."""
    from stallkit.manifest import SettingKind

    if setting.help:
        click.secho(setting.help, dim=True)
    hidden = setting.kind is SettingKind.SECRET
    kind = click.Choice([code for code, _ in setting.choices]) if setting.choices else None
    default = setting.default or (None if setting.required else "")
    return str(click.prompt(setting.label, default=default, hide_input=hidden, type=kind, show_default=bool(setting.default)))


@click.command()
@click.argument("channel")
@click.option("--read", is_flag=True, help="Read the channel's offers now (the workers do it regularly).")
@click.option("--confirm", is_flag=True, help="Link every listing that exactly one product fits.")
@click.option("--create", is_flag=True, help="Make products of the listings that nothing fits, and link them.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@boot.for_organisation
def link(organisation: Organisation, channel: str, read: bool, confirm: bool, create: bool, yes: bool, as_json: bool) -> None:
    """Show what CHANNEL lists and which product each listing is.

    Products are searched by SKU, then barcode, then additional codes, then the channel's own id. What several products fit is
    never linked by itself: choose among them in the back office. Linking sends nothing and overwrites nothing.

    \b
    Examples:
      stallkeeper link EM --read             counts: certain, ambiguous, new, linked
      stallkeeper link EM --confirm          link the certain ones
    """
    from stallkeeper.ops import connections, views

    chosen = views.channel_by_code(channel)
    if read:
        with terminal.progress("Reading offers") as tick:
            connections.read_offers(organisation.pk, chosen, boot.actor(), tick)
    found = connections.propose(organisation.pk, chosen, boot.actor())
    if confirm:
        terminal.agreed(f"Link {found.certain} listings?", yes)
        found = connections.confirm(organisation.pk, chosen, boot.actor())
    if create:
        terminal.agreed(f"Make {found.new} products from listings?", yes)
        found = connections.create_products(organisation.pk, chosen, boot.actor())
    row = {name: getattr(found, name) for name in ("certain", "ambiguous", "new", "linked", "excluded")}
    terminal.show([{"channel": chosen.code, **row}], {"channel": "Channel", **{name: name.title() for name in row}}, as_json=as_json)


SWITCH = click.Choice(["on", "off"])


@click.command()
@click.argument("code", required=False)
@click.option(
    "--cutover", type=click.Choice(["include", "exclude"]), help="Do the stock figures include units of orders already open there?"
)
@click.option("--orders", type=SWITCH, help="Take orders.")
@click.option("--stock", type=SWITCH, help="Send stock.")
@click.option("--without-orders", is_flag=True, help="With --stock on: stock is meant to be sent although no orders are taken.")
@click.option("--prices", type=SWITCH, help="Send prices.")
@click.option("--acknowledge", type=SWITCH, help="Tell the channel that an order is reserved.")
@click.option("--writes", type=SWITCH, help="Allow writing to the account at all.")
@click.option("--company", type=SWITCH, help="Allow sending for the whole company.")
@click.option(
    "--rule", "rules", multiple=True, metavar="NAME=VALUE", help="A rule, for instance buffer=2, share=50, zero_at=1, mark_up=12.5."
)
@click.option("--main", metavar="CODE", help="Make it a sub-channel of this one, or with --main none a channel by itself. No figure moves.")
@click.option(
    "--follow", multiple=True, metavar="NAME", help="Of a sub-channel: a rule, or locations, to have from its main channel again."
)
@click.option("--release", is_flag=True, help="Let what the channel was stopped by pass: you have looked at it.")
@click.option("--locations", metavar="CODES", help="Places whose stock counts, comma-separated.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--sure", is_flag=True, help="With --yes: what other rules send beyond the channel's limits is meant.")
@click.option("--let-sales-go-on", "lower", is_flag=True, help="A figure that is lower by the time you answer is fine.")
@json_option
@boot.for_organisation
def channel(
    organisation: Organisation, code: str | None, release: bool, yes: bool, sure: bool, lower: bool, as_json: bool, **options: object
) -> None:
    """Show the channels, or turn switches and change rules of the one with this CODE.

    Everything is off at first. A channel sends stock when its own switch, its account's and the company's are on; before
    anything is sent, you see how many offers would change and how many would go to zero. Other rules, and switching on what
    sends, are a plan: what you saw is what is sent, and "stallkeeper plan --undo" plans to take it back. Switching off is
    done at once, before anything is asked.

    \b
    Examples:
      stallkeeper channel
      stallkeeper channel EM --cutover include --orders on
      stallkeeper channel EM --rule buffer=1 --rule share=80 --locations MAIN,SHOP
      stallkeeper channel EM2 --main EM
      stallkeeper channel EM --stock on --writes on --company on
    """
    from stallkeeper.ops import connections, sending, views

    wanted = {name: value for name, value in options.items() if value not in (None, (), False)}
    if wanted and not code and set(wanted) != {"company"}:
        raise Refusal("Name the channel that you want to change, for instance: stallkeeper channel EM --orders on")
    chosen = views.channel_by_code(code) if wanted and code else None
    if wanted:
        _change(organisation, chosen, wanted, sending.Meant(yes, sure, lower, "without_orders" in wanted))
    if release:
        stopped = views.channel_by_code(code or "")
        terminal.agreed(f"{stopped.name}: {stopped.stop_reason or 'is not stopped'}. Let it pass?", yes)
        connections.release(organisation.pk, stopped, boot.actor())
    columns = {
        "code": "Code", "name": "Name", "account": "Account", "orders": "Orders", "stock": "Stock", "prices": "Prices",
        "cutover": "Cutover", "main": "Main", "rules": "Rules", "silent": "Stock is not sent because",
    }  # fmt: skip
    terminal.show(views.channels(organisation.pk, code), columns, as_json=as_json, empty="No channel yet: stallkeeper connect PLATFORM")


def _change(organisation: Organisation, channel: Channel | None, wanted: dict[str, object], meant: Meant) -> None:
    """Off at once; then the plan of rules and of what is switched on, with what has to come before it."""
    from stallkeeper.channels.proposals import Proposal
    from stallkeeper.ops import connections, sending

    actor = boot.actor()
    if "off" in (wanted.get(name) for name in connections.SENDING):
        stopped = connections.stop(organisation.pk, channel, wanted, actor)
        terminal.echo(f"Off: {', '.join(stopped)}.", err=True)
    proposal = sending.refused_plainly(lambda: connections.proposed(organisation, channel, wanted))

    def first() -> None:
        if channel is not None and wanted.keys() & set(connections.FIRST):
            connections.change(organisation.pk, channel, wanted, actor)

    if proposal == Proposal():
        first()
    else:
        sending.decide(organisation.pk, proposal, actor, meant, before=first)

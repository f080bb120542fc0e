"""The command ``stallkeeper``. This module only lists the commands; each is loaded when it is called, so that ``--help`` is quick."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version

import click

COMMANDS = "stallkeeper.ops.commands."
SECTIONS: dict[str, dict[str, tuple[str, str]]] = {
    "Start": {
        "demo": ("demo:demo", "A shop with two emulated channels, trading before your eyes."),
        "run": ("serve:run", "Everything: database, web server, worker. Prints where to sign in."),
        "worker": ("serve:worker", "One more worker, on this or any other machine."),
        "web": ("serve:web_server", "The web server alone, on this or any other machine."),
    },
    "Set up": {
        "import": ("importing:import_", "Read products or stock from a spreadsheet."),
        "connect": ("connecting:connect", "Connect an account of a marketplace; everything stays switched off."),
        "link": ("connecting:link", "Show what a channel lists, and link what fits exactly one product."),
        "channel": ("connecting:channel", "Show or turn the switches and rules of channels."),
        "exchange": ("exchanging:exchange", "Exchange with 1C: the address it calls, its password."),
        "location": ("stocktaking:location", "Places where stock lies: list, make, change."),
        "sources": ("sourcing:sources", "Where places get their numbers from: list, add, map, run, let through."),
        "users": ("keeping:users", "People who may sign in."),
        "keys": ("programs:keys", "Keys of programs that use the API: list, make, end."),
    },
    "Every day": {
        "orders": ("trading:orders", "List orders."),
        "ship": ("trading:ship", "Goods of an order have left: tell the channel."),
        "cancel": ("trading:cancel", "Cancel an order or lines of it; stock comes back everywhere."),
        "not-left": ("trading:not_left", "Goods have not left after all: the channel took the shipment back."),
        "retry": ("trading:retry", "Tell the channel again what it refused about an order."),
        "offers": ("trading:offers", "List offers: intended, believed and observed quantity."),
        "explain": ("trading:explain", "Every step that leads to the quantity of a SKU, now or at a past moment."),
        "exposure": ("trading:exposure", "What channels showed beyond what was there, how long, at what cost."),
        "case": ("trading:case", "How a unit came to be sold twice: latency, whose, or a bug."),
        "adjust": ("stocktaking:adjust", "Put right what is on hand of a SKU."),
        "hold": ("stocktaking:hold", "Keep units back by hand; list or lift holds."),
        "rules": ("ruling:rules", "Rules that categories and products have of their own on a channel."),
        "plan": ("sending:plan", "What other rules or switches would send where; saved, so that exactly that can be sent."),
        "send": ("sending:send", "Send a saved plan, or stock by hand; what has become of it."),
        "reserves": ("balancing:reserves", "What is reserved from what channels show, before its order; let units go."),
        "balancer": ("balancing:balancer", "Reserve what channels show: switch, start, stop, what must be right first."),
        "guard": ("guarding:guard", "Guarded mode: of which SKUs, or of how few units, channels share what is there."),
        "price": ("pricing:price", "Show or set the base price of a SKU."),
        "count": ("stocktaking:count", "Enter a stock-taking from a spreadsheet."),
        "resync": ("trading:resync", "Read all stock and prices back and send what differs."),
        "lanes": ("trading:lanes", "Transfer status: what ran when, what is due, what failed."),
    },
    "Keep": {
        "check": ("keeping:check", "Add the ledger up again and verify what must always hold."),
        "backup": ("keeping:backup", "Write the database (not its keys) to a file."),
        "restore": ("keeping:restore", "Replace the database by a backup."),
        "quarantine": ("keeping:quarantine", "What a restored copy still has to read before it may be released."),
        "rotate-keys": ("keeping:rotate_keys", "Encrypt under new keys while everything runs."),
        "health": ("watching:health", "Whether it can do its work now; exit status for containers."),
        "simulate": ("simulating:simulate", "Trading days with everything that can go wrong, judged after every commit."),
        "migrate": ("keeping:migrate", "Bring your own database up to this release."),
    },
}
HIDDEN = {"drill": "drill:drill", "rush": "rush:rush"}
"""For those who work on Stallkeeper (docs/drills.md)."""
SHOWN = {name: place for section in SECTIONS.values() for name, (place, _) in section.items()}
PLACES = SHOWN | HIDDEN


class LazyGroup(click.Group):
    """A group that knows its commands by name and loads one only when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(SHOWN)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in PLACES:
            return None
        module, _, name = PLACES[cmd_name].partition(":")
        command: click.Command = getattr(import_module(COMMANDS + module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        for title, commands in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name, text) for name, (_, text) in commands.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(version("stallkeeper"), prog_name="stallkeeper")
@click.option("--debug", is_flag=True, help="Show where in the program an error came from.")
def cli(debug: bool) -> None:
    """Keep every stall of a seller true to one stock pool.

    \b
    First steps:
      stallkeeper run                                    start, and sign in with the link it prints
      stallkeeper import products products.xlsx          your catalogue
      stallkeeper import stock stock.csv --dry-run       what a stock file would change
      stallkeeper connect emag                           an account; nothing is sent yet
      stallkeeper explain MUG-RED                        why a channel shows the number it shows

    No marketplace at hand? `stallkeeper demo` brings two of its own.
    """
    if debug:
        os.environ["STALLKEEPER_TRACEBACK"] = "1"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and end the process: 0 fine; 1 the answer is no, or it could not be done; 2 wrong usage; 130 interrupted."""
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command; errors become one line on standard error. Returns the exit code."""
    try:
        _read_files()
        code = cli.main(args=arguments, prog_name="stallkeeper", standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("Interrupted.", err=True)
        return 130
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except BrokenPipeError:  # the reader (head, less) had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if os.environ.get("STALLKEEPER_TRACEBACK"):
            raise
        click.echo(f"Error: {one_line(error)}", err=True)
        return 1
    return code if isinstance(code, int) else 0


def _read_files() -> None:
    """Secrets that files hold; nothing is loaded where there are none."""
    if any(name.endswith("_FILE") for name in os.environ):
        from stallkeeper import env

        env.read_files(os.environ)


def one_line(error: Exception) -> str:
    """What went wrong, for people. Our own errors say it themselves; others are named, with the way to learn more."""
    from stallkeeper.core.controls import visible

    text = visible(" ".join(str(error).split()))
    if type(error).__module__.split(".")[0] in {"stallkeeper", "stallkit"}:
        return text
    if type(error).__module__.startswith(("django.db", "psycopg")):
        return f"the database says: {text}"
    return f"{type(error).__name__}: {text or 'no further words'} (stallkeeper --debug … shows where)"


if __name__ == "__main__":
    main()

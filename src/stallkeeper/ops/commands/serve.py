"""Commands that stay: run, web and worker."""

from __future__ import annotations

import contextlib
import os

import click

from stallkeeper import env
from stallkeeper.ops import boot


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 for all.")
@click.option("--port", type=click.IntRange(0, 65_535), help="Port; 8000 or the next free one if not given, 0 for any free one.")
@click.option("--workers", type=click.IntRange(0, 64), default=1, show_default=True, help="Worker processes; 0 if they run elsewhere.")
@click.option("--web", type=click.IntRange(1, 64), default=1, show_default=True, help="Web server processes, all on the same port.")
def run(host: str, port: int | None, workers: int, web: int) -> None:
    """Start everything: database, web server and worker; prints the address and a one-time sign-in link.

    Without DATABASE_URL the embedded database is used, in the data folder (STALLKEEPER_HOME). Ctrl-C ends everything; a process
    that dies is started again.

    \b
    Examples:
      stallkeeper run
      stallkeeper run --host 0.0.0.0 --port 80
      DATABASE_URL=postgresql://… stallkeeper run --workers 4 --web 2
    """
    from stallkeeper.ops import revival, serving

    port = serving.choose_port(host, port)
    os.environ.setdefault("STALLKEEPER_BASE_URL", serving.base_url(host, port))
    keep = contextlib.nullcontext() if os.environ.get("DATABASE_URL") else revival.looked_after(env.home())
    boot.start(quiet=False, migrate=True)
    from stallkeeper.ops import first

    user = first.set_up()
    with keep, serving.everything(host, port, workers, web=web) as supervisor:
        if not serving.wait_until_up(supervisor, host, port):
            raise boot.BootError("The web server did not start; its messages stand above.")
        click.echo(f"Stallkeeper runs at {os.environ['STALLKEEPER_BASE_URL']}")
        click.echo(f"Sign in, once, as {user.email}: {first.sign_in_address(user, base_url=os.environ['STALLKEEPER_BASE_URL'])}")
        click.echo("Ctrl-C ends it.")
        supervisor.wait()
    click.echo("Stopped.")


@click.command()
@click.option("--threads", type=click.IntRange(1, 64), default=8, show_default=True, help="Accounts that are worked on at once.")
def worker(threads: int) -> None:
    """One more worker, on this or any other machine with the same DATABASE_URL and keyring.

    Any number of workers share the accounts among themselves; the others take over from one that dies. Half of the threads are kept free
    of work that takes long, so give it two at least. It needs a direct connection to PostgreSQL, not a pooler in transaction mode.
    """
    from stallkeeper.ops.supervisor import leash

    leash()
    boot.start(quiet=False)
    from stallkeeper.sync import worker as working

    working.main(threads)


@click.command("web")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 for all.")
@click.option("--port", type=click.IntRange(1, 65_535), default=8000, show_default=True, help="Port to listen on.")
@click.option("--processes", type=click.IntRange(1, 64), default=1, show_default=True, help="Server processes, all on this port.")
def web_server(host: str, port: int, processes: int) -> None:
    """The web server alone, on this or any other machine with the same DATABASE_URL, keyring and STALLKEEPER_SECRET_KEY.

    Put a load balancer before several; any of them can answer any request. Workers run elsewhere (stallkeeper worker). STALLKEEPER_BASE_URL
    must be the address that people and platforms use.
    """
    boot.start(quiet=False)
    from django.conf import settings

    from stallkeeper.embedded_host import make_home
    from stallkeeper.ops import serving, web

    serving.choose_port(host, port)
    make_home(settings.STATIC_ROOT)
    web.serve(host, port, processes)

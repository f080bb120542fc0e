"""The command ``health``."""

from __future__ import annotations

import os

import click

from stallkeeper.ops.terminal import json_option, print_json


@click.command()
@json_option
@click.pass_context
def health(ctx: click.Context, as_json: bool) -> None:
    """Whether this installation can do its work now: database, schema, worker, room on the disk.

    Exit status 1 if anything is wrong. Starts nothing and changes nothing, so it fits a container's health check. The web server says
    the same at /health/ready, and at /health/live that it answers at all.

    \b
    Examples:
      stallkeeper health
      stallkeeper health --json
    """
    os.environ.setdefault("STALLKEEPER_LOG_LEVEL", "WARNING")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stallkeeper.settings")
    import django

    django.setup()
    from stallkeeper.sync.health import look

    checks = look()
    if as_json:
        print_json({check.name: check.reason or "fine" for check in checks})
    else:
        for check in checks:
            click.echo(f"{'WRONG' if check.reason else 'fine '}  {check.name}{': ' * bool(check.reason)}{check.reason}")
    ctx.exit(1 if any(check.reason for check in checks) else 0)

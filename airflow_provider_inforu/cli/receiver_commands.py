"""``airflow inforu receiver`` and ``prune``: run the receiver, and remove old notifications."""

from __future__ import annotations

import datetime as dt
import signal
from typing import TYPE_CHECKING

from airflow_provider_inforu.capi.errors import InforuError
from airflow_provider_inforu.cli.cli_errors import (
    CommandError,
    UsageError,
    echo,
    handle_cli_errors,
    print_json,
)
from airflow_provider_inforu.cli.terminal import bar, only_warnings

if TYPE_CHECKING:
    from argparse import Namespace

    from airflow_provider_inforu.receiver.database import Database

_END = {signal.SIGINT, signal.SIGTERM}
_MIGRATIONS = "alembic.runtime.migration"
"""This logger writes two lines of its setup with every use."""
_LOOK_SECONDS = 1.0
"""How often the command checks that the server still runs."""


@handle_cli_errors("the receiver cannot run")
def serve(args: Namespace) -> None:
    """Run the receiver until SIGINT or SIGTERM.

    :param args: host, port.
    """
    from airflow_provider_inforu.receiver import create_app
    from airflow_provider_inforu.receiver.from_airflow import read_receiver_settings
    from airflow_provider_inforu.receiver.server import ReceiverServer

    # Blocked before any thread exists, so that only sigtimedwait receives the signals.
    signal.pthread_sigmask(signal.SIG_BLOCK, _END)
    settings = read_receiver_settings()
    make_ready(settings.database)  # before the server starts, so that an error ends the command
    server = ReceiverServer(create_app(settings), args.host, args.port)
    try:
        server.start()
    except TimeoutError as error:
        raise CommandError(f"{error}. The log above shows the reason") from None
    except (OSError, OverflowError) as error:
        raise CommandError(
            f"cannot listen on {args.host} port {args.port}: {error}. Choose another --port or --host"
        ) from None
    echo(
        f"Inforu receiver: {server.url}\n"
        f"Inforu pushes to {server.url}{settings.prefix}/v1/CONNECTION/notifications?secret=SECRET,\n"
        "or to the address of a proxy before it. Press Ctrl+C to stop."
    )
    while signal.sigtimedwait(_END, _LOOK_SECONDS) is None:
        if not server.is_alive:
            raise CommandError("the receiver has stopped unexpectedly. The log above shows the reason")
    server.close()


@handle_cli_errors("old notifications cannot be removed")
def prune(args: Namespace) -> None:
    """Remove old notifications.

    :param args: older_than in days, dry_run, output.
    """
    from airflow_provider_inforu.receiver.from_airflow import read_database

    days = _days_kept(args.older_than)
    before = dt.datetime.now(dt.UTC) - dt.timedelta(days=days)
    database = read_database()
    make_ready(database)
    counts = _count_or_remove(database, before, dry_run=args.dry_run)
    database.close()
    if args.output == "json":
        print_json({"before": before.isoformat(), "dry_run": args.dry_run, "rows": counts})
        return
    echo(
        f"{'Would remove' if args.dry_run else 'Removed'} rows received before "
        f"{before:%Y-%m-%d %H:%M} UTC, {days} days ago:"
    )
    for table, rows in counts.items():
        echo(f"  {table}: {rows} rows")


def make_ready(database: Database) -> None:
    """Open the database of notifications, and create or upgrade its tables if it is configured so.

    :param database: The database.
    :raises CommandError: The database cannot be used, or its tables are not ready.
    """
    try:
        with only_warnings(_MIGRATIONS):
            _ = database.engine
    except InforuError:
        raise
    except Exception as error:  # a database driver may raise any exception
        raise CommandError(
            f"the database of notifications cannot be used ({type(error).__name__}: {error}). Check the "
            "database, and [inforu] receiver_database"
        ) from None


def _days_kept(wanted: int | None) -> int:
    from airflow_provider_inforu._compat import conf
    from airflow_provider_inforu.receiver.pruning import RETENTION_DAYS, SHORTEST_DAYS

    days: int = (
        conf.getint("inforu", "receiver_retention_days", fallback=RETENTION_DAYS)
        if wanted is None
        else wanted
    )
    if not SHORTEST_DAYS <= days <= 36_500:
        raise UsageError(
            f"the age must be {SHORTEST_DAYS} to 36500 days, not {days}: nothing was removed. A sensor may "
            f"wait seven days for the calls of a send. Set --older-than to {SHORTEST_DAYS} or more"
        )
    return days


def _count_or_remove(database: Database, before: dt.datetime, *, dry_run: bool) -> dict[str, int]:
    from airflow_provider_inforu.receiver.pruning import count_old
    from airflow_provider_inforu.receiver.pruning import prune as prune_store

    old = count_old(database, before)
    if dry_run:
        return old
    removed, total = 0, sum(old.values())
    with bar("Old rows") as show:
        show(removed, total)

        def count(more: int) -> None:
            nonlocal removed
            removed += more
            show(removed, total)

        return prune_store(database, before, count)

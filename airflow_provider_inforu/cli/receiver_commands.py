"""``airflow inforu receiver`` and ``prune``: the receiver on its own, and its store without what is old."""

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
"""Its two lines about how it works come with every use, and are no news."""
_LOOK_SECONDS = 1.0
"""How often it is seen whether the server still runs."""


@handle_cli_errors("the receiver cannot run")
def serve(args: Namespace) -> None:
    """Serve until SIGINT or SIGTERM.

    :param args: host, port.
    """
    from airflow_provider_inforu.receiver import create_app
    from airflow_provider_inforu.receiver.from_airflow import read_receiver_settings
    from airflow_provider_inforu.receiver.server import ReceiverServer

    # Blocked before any thread exists, so that the signals wait for sigwait and reach no thread.
    signal.pthread_sigmask(signal.SIG_BLOCK, _END)
    settings = read_receiver_settings()
    make_ready(settings.database)  # here, where an error still ends the command
    server = ReceiverServer(create_app(settings), args.host, args.port)
    try:
        server.start()
    except TimeoutError as error:
        raise CommandError(f"{error}: the log above says why") from None
    except (OSError, OverflowError) as error:
        raise CommandError(f"cannot listen on {args.host} port {args.port}: {error}") from None
    echo(
        f"Inforu receiver: {server.url}\n"
        f"Inforu pushes to {server.url}{settings.prefix}/v1/CONNECTION/notifications?secret=SECRET,\n"
        "or to the address of a proxy before it. Ctrl+C ends it."
    )
    while signal.sigtimedwait(_END, _LOOK_SECONDS) is None:
        if not server.is_alive:
            raise CommandError("the receiver has stopped by itself: the log above says why")
    server.close()


@handle_cli_errors("old notifications cannot be removed")
def prune(args: Namespace) -> None:
    """Remove notifications that were received long ago.

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
        f"{'Would remove' if args.dry_run else 'Removed'} what was received before "
        f"{before:%Y-%m-%d %H:%M} UTC, {days} days ago:"
    )
    for table, rows in counts.items():
        echo(f"  {table}: {rows} rows")


def make_ready(database: Database) -> None:
    """Open the database of notifications, and make or upgrade its tables where that is its way.

    :param database: The database.
    :raises CommandError: It cannot be used.
    """
    try:
        with only_warnings(_MIGRATIONS):
            _ = database.engine
    except InforuError:
        raise
    except Exception as error:  # a database raises whatever it likes
        raise CommandError(
            f"the database of notifications cannot be used ({type(error).__name__}: {error})"
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
            f"notifications are kept for {SHORTEST_DAYS} to 36500 days, not {days}: a sensor waits seven "
            "days by default for the calls of a send; nothing was removed"
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

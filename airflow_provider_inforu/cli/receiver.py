"""``airflow inforu receiver`` and ``prune``: the receiver on its own, and its store without what is old."""

from __future__ import annotations

import datetime as dt
import signal
from typing import TYPE_CHECKING

from airflow_provider_inforu.cli.errors import CommandError, UsageError, ends_with_one_line, say

if TYPE_CHECKING:
    from argparse import Namespace

_END = {signal.SIGINT, signal.SIGTERM}
_FAILED = "the database of notifications cannot be used"


@ends_with_one_line(_FAILED)
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
    _ = settings.database.engine  # made ready here, where an error still ends the command
    server = ReceiverServer(create_app(settings), args.host, args.port)
    try:
        server.start()
    except (OSError, OverflowError) as error:
        raise CommandError(f"cannot listen on {args.host} port {args.port}: {error}") from None
    say(
        f"Inforu receiver: {server.url}\n"
        f"Inforu pushes to {server.url}{settings.prefix}/v1/CONNECTION/notifications?secret=SECRET,\n"
        "or to the address of a proxy before it. Ctrl+C ends it."
    )
    signal.sigwait(_END)
    server.close()


@ends_with_one_line(_FAILED)
def prune(args: Namespace) -> None:
    """Remove notifications that were received long ago.

    :param args: older_than in days, dry_run.
    """
    from airflow.providers.common.compat.sdk import conf

    from airflow_provider_inforu.receiver.from_airflow import read_database
    from airflow_provider_inforu.receiver.pruning import RETENTION_DAYS, SHORTEST_DAYS, count_old
    from airflow_provider_inforu.receiver.pruning import prune as prune_store

    days = args.older_than
    if days is None:
        days = conf.getint("inforu", "receiver_retention_days", fallback=RETENTION_DAYS)
    if not SHORTEST_DAYS <= days <= 36_500:
        raise UsageError(
            f"notifications are kept for {SHORTEST_DAYS} to 36500 days, not {days}: a sensor waits seven "
            "days by default for the calls of a send; nothing was removed"
        )
    before = dt.datetime.now(dt.UTC) - dt.timedelta(days=days)
    database = read_database()
    counts = (count_old if args.dry_run else prune_store)(database, before)
    database.close()
    say(
        f"{'Would remove' if args.dry_run else 'Removed'} what was received before "
        f"{before:%Y-%m-%d %H:%M} UTC, {days} days ago:"
    )
    for table, rows in counts.items():
        say(f"  {table}: {rows} rows")

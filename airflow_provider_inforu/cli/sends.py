"""``airflow inforu sends show`` and ``resolve``: what they print, ask, and end with."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, cast

from airflow_provider_inforu.cli.errors import CommandError, UsageError, ends_with_one_line, say
from airflow_provider_inforu.cli.settle import choose_batches, read_or_refuse, settle
from airflow_provider_inforu.cli.stores import store_of
from airflow_provider_inforu.cli.summary import batch_rows, header_rows, list_batches, numbers_in, summarise
from airflow_provider_inforu.sending.batch_state import BatchState

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Mapping

    from airflow_provider_inforu.cli.settle import Choice
    from airflow_provider_inforu.sending.batch_state import BatchRecord

WHO = "The log of the task names the people by key; the ledger knows neither keys nor phones."
MEANING = {
    "accept": "taken as called. Nobody in them will be called again",
    "resend": "to be sent again. Whoever was called already will be called TWICE",
}


@ends_with_one_line("the ledger cannot be read or written")
def show(args: Namespace) -> None:
    """Print what became of the batches of a send.

    :param args: dag_id, run_id, task_id, map_index, url, output.
    """
    summary = summarise(*read_or_refuse(store_of(args)))
    if args.output == "json":
        say(json.dumps(summary, ensure_ascii=False, indent=2))
        return
    _print_table(header_rows(summary))
    if rows := batch_rows(summary):
        _print_table(rows)
        say(WHO)
    if summary["in_doubt"]:
        say(
            "In doubt: while the task runs, the answer may still come. Otherwise look at the campaign in the "
            "Inforu portal,\nthen: airflow inforu sends resolve … --accept | --resend"
        )


@ends_with_one_line("the ledger cannot be read or written")
def resolve(args: Namespace) -> None:
    """Settle batches in doubt, as taken for called or to be sent again.

    :param args: dag_id, run_id, task_id, map_index, url, choice, batches, yes.
    """
    if args.choice is None:
        raise UsageError("say --accept (they were called) or --resend (call them again)")
    store = store_of(args)
    header, records = read_or_refuse(store)
    numbers = choose_batches(records, args.batches)
    if not numbers:
        say(f"send {header.send_id}: no batch is in doubt, so there is nothing to settle.")
        return
    _confirm(f"send {header.send_id}: {list_batches(numbers)}: {MEANING[args.choice]}.", yes=args.yes)
    stored = settle(store, cast("Choice", args.choice), numbers)
    done = "taken as called" if args.choice == "accept" else "will be sent again by the next try"
    say(f"send {header.send_id}: {list_batches(numbers)}: {done}.")
    say(_what_next(args, stored))


def _what_next(args: Namespace, records: Mapping[int, BatchRecord]) -> str:
    if left := numbers_in(records, BatchState.SUBMITTING):
        return f"Still in doubt: {list_batches(left)}. Settle them too before you clear the task."
    clear = f"Now clear the task {args.task_id} of the run {args.run_id}: it goes on, and calls nobody twice."
    if args.choice == "resend":
        clear = f"Now clear the task {args.task_id} of the run {args.run_id}: it calls them."
    if rejected := numbers_in(records, BatchState.REJECTED):
        clear += f" It will still fail because of what was rejected: {list_batches(rejected)}."
    return clear


def _confirm(question: str, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(f"{question} Nothing was changed: there is no terminal to ask, so say --yes")
    say(question)
    sys.stdout.write("Write it down? [y/N] ")
    sys.stdout.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise CommandError("nothing was changed")


def _print_table(rows: list[dict[str, str]]) -> None:
    from airflow.cli.simple_table import AirflowConsole
    from rich.markup import escape

    # The vendor's words may hold what rich takes for markup.
    AirflowConsole().print_as_table([{name: escape(text) for name, text in row.items()} for row in rows])

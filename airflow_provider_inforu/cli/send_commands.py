"""``airflow inforu sends show`` and ``resolve``: what they print, ask, and end with."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from airflow_provider_inforu.cli.cli_errors import (
    UnprintedError,
    UsageError,
    echo,
    handle_cli_errors,
    print_json,
)
from airflow_provider_inforu.cli.stores import RestStateStore, find_store
from airflow_provider_inforu.cli.summary_tables import batch_rows, header_rows
from airflow_provider_inforu.cli.terminal import confirm, print_table
from airflow_provider_inforu.ledger.batch_state import BatchState
from airflow_provider_inforu.ledger.ledger_summary import list_batches, numbers_in, summarise
from airflow_provider_inforu.ledger.settling import choose_batches, read_or_refuse, settle

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Mapping

    from airflow_provider_inforu.ledger.batch_state import BatchRecord
    from airflow_provider_inforu.ledger.decisions import Choice
    from airflow_provider_inforu.ledger.object_storage_store import ObjectStorageStore

WHO = (
    "People are numbered in the order in which they are called; skipped rows have no number. The log and\n"
    "the report of the task name them by key in this order. The ledger holds neither keys nor phones."
)
MEANING = {
    "accept": "taken as called. Nobody in them will be called again",
    "resend": "to be sent again. Whoever was called already will be called TWICE",
}


@handle_cli_errors("the ledger cannot be read or written")
def show(args: Namespace) -> None:
    """Print what became of the batches of a send.

    :param args: dag_id, run_id, task_id, map_index, url, output.
    """
    summary = summarise(*read_or_refuse(find_store(args)))
    if args.output == "json":
        print_json(summary)
        return
    print_table(header_rows(summary))
    if rows := batch_rows(summary):
        print_table(rows)
        echo(WHO)
    if summary["in_doubt"]:
        echo(
            "In doubt: while the task runs, the answer may still come. Otherwise look at "
            f"{_name_campaigns(summary['campaign_ids'])} in the Inforu\nportal, then: airflow inforu sends "
            "resolve … --accept | --resend"
        )


def _name_campaigns(campaign_ids: list[int]) -> str:
    if not campaign_ids:
        return "the campaign"
    return f"campaign{'s' if len(campaign_ids) > 1 else ''} {', '.join(map(str, campaign_ids))}"


@handle_cli_errors("the ledger cannot be read or written")
def resolve(args: Namespace) -> None:
    """Settle batches in doubt, as taken for called or to be sent again.

    :param args: dag_id, run_id, task_id, map_index, url, choice, batches, campaign_id, yes.
    """
    if args.choice is None:
        raise UsageError("say --accept (they were called) or --resend (call them again)")
    if args.campaign_id is not None and args.choice != "accept":
        raise UsageError("--campaign-id goes with --accept: it names the campaign that has the calls")
    store = find_store(args)
    _check_has_ended(store)
    header, records = read_or_refuse(store)
    numbers = choose_batches(records, args.batches)
    if not numbers:
        echo(f"send {header.send_id}: no batch is in doubt, so there is nothing to settle.")
        return
    confirm(
        f"send {header.send_id}: {list_batches(numbers)}: {MEANING[args.choice]}.",
        ask="Write it down?",
        otherwise="nothing was changed",
        yes=args.yes,
    )
    _check_has_ended(store)  # again: it may take long until somebody answers
    stored = settle(store, records, cast("Choice", args.choice), numbers, args.campaign_id)
    done = "taken as called" if args.choice == "accept" else "will be sent again by the next try"
    try:
        echo(f"send {header.send_id}: {list_batches(numbers)}: {done}.\n{_what_next(args, stored)}")
    except UnprintedError as error:
        raise UnprintedError(f"{list_batches(numbers)}: {done}. It is written down, but {error}") from None


def _check_has_ended(store: RestStateStore | ObjectStorageStore) -> None:
    # Nothing in object storage tells whether the task runs.
    if isinstance(store, RestStateStore):
        store.check_has_ended()


def _what_next(args: Namespace, records: Mapping[int, BatchRecord]) -> str:
    if left := numbers_in(records, BatchState.SUBMITTING):
        return f"Still in doubt: {list_batches(left)}. Settle them too before you clear the task."
    clear = f"Now clear the task {args.task_id} of the run {args.run_id}: it goes on, and calls nobody twice."
    if args.choice == "resend":
        clear = f"Now clear the task {args.task_id} of the run {args.run_id}: it calls them."
    if rejected := numbers_in(records, BatchState.REJECTED):
        clear += f" It will still fail because of what was rejected: {list_batches(rejected)}."
    return clear

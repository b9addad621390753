"""``airflow inforu sends show`` and ``resolve``: show the ledger of a send, and decide about its batches."""

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
    "People are numbered in the order in which they are called. Skipped rows have no number. The log and\n"
    "the report of the task list their keys in this order. The ledger contains neither keys nor phones."
)
MEANING = {
    "accept": "counted as called. Their people will not be called again",
    "resend": "to be sent again. People who were already called will be called TWICE",
}


@handle_cli_errors("the ledger cannot be read or written")
def show(args: Namespace) -> None:
    """Print the state of the batches of a send.

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
            "In doubt: while the task runs, the reply may still arrive. If the task has ended, check\n"
            f"{_name_campaigns(summary['campaign_ids'])} in the Inforu portal. Then run: "
            "airflow inforu sends resolve … --accept | --resend"
        )


def _name_campaigns(campaign_ids: list[int]) -> str:
    if not campaign_ids:
        return "the campaign"
    return f"campaign{'s' if len(campaign_ids) > 1 else ''} {', '.join(map(str, campaign_ids))}"


@handle_cli_errors("the ledger cannot be read or written")
def resolve(args: Namespace) -> None:
    """Decide about batches in doubt: their people were called, or are called again.

    :param args: dag_id, run_id, task_id, map_index, url, choice, batches, campaign_id, yes.
    """
    if args.choice is None:
        raise UsageError(
            "--accept or --resend is missing: nothing was changed. Use --accept if the people were called, "
            "--resend to call them again"
        )
    if args.campaign_id is not None and args.choice != "accept":
        raise UsageError(
            "--campaign-id needs --accept: nothing was changed. It names the campaign that has the calls"
        )
    store = find_store(args)
    _check_has_ended(store)
    header, records = read_or_refuse(store)
    numbers = choose_batches(records, args.batches)
    if not numbers:
        echo(f"send {header.send_id}: no batch is in doubt, so nothing was changed.")
        return
    confirm(
        f"send {header.send_id}: {list_batches(numbers)}: {MEANING[args.choice]}.",
        ask="Store this decision?",
        otherwise="nothing was changed",
        yes=args.yes,
    )
    _check_has_ended(store)  # again, because the user may take long to answer
    stored = settle(store, records, cast("Choice", args.choice), numbers, args.campaign_id)
    done = "counted as called" if args.choice == "accept" else "will be sent again by the next try"
    try:
        echo(f"send {header.send_id}: {list_batches(numbers)}: {done}.\n{_what_next(args, stored)}")
    except UnprintedError as error:
        raise UnprintedError(
            f"{list_batches(numbers)}: {done}. The decision is stored, but {error}"
        ) from None


def _check_has_ended(store: RestStateStore | ObjectStorageStore) -> None:
    # Object storage does not record whether the task runs.
    if isinstance(store, RestStateStore):
        store.check_has_ended()


def _what_next(args: Namespace, records: Mapping[int, BatchRecord]) -> str:
    if left := numbers_in(records, BatchState.SUBMITTING):
        return f"Still in doubt: {list_batches(left)}. Decide about them too before you clear the task."
    next_step = (
        f"Now clear the task {args.task_id} of the run {args.run_id}: it continues, and calls nobody twice."
    )
    if args.choice == "resend":
        next_step = f"Now clear the task {args.task_id} of the run {args.run_id}: it calls these people."
    if rejected := numbers_in(records, BatchState.REJECTED):
        next_step += f" It will still fail, because Inforu rejected {list_batches(rejected)}."
    return next_step

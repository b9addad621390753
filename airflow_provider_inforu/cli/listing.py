"""``airflow inforu sends list``: the task instances that have a ledger, with its summary."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from airflow_provider_inforu.cli.cli_errors import AnsweredError, echo, handle_cli_errors, print_json
from airflow_provider_inforu.cli.ledger_locations import iter_ledgers
from airflow_provider_inforu.cli.terminal import bar, print_table
from airflow_provider_inforu.ledger.ledger_errors import LedgerError
from airflow_provider_inforu.ledger.ledger_reader import read_ledger
from airflow_provider_inforu.ledger.ledger_summary import summarise

if TYPE_CHECKING:
    from argparse import Namespace

    from airflow_provider_inforu.cli.ledger_locations import LedgerLocation


@handle_cli_errors("the ledgers cannot be read")
def list_sends(args: Namespace) -> None:
    """Print the sends of a DAG, the latest run first.

    :param args: dag_id, run_id, task_id, limit, url, output.
    """
    sends, is_cut = _find(args)
    if args.output == "json":
        print_json(sends)
    elif sends:
        print_table(_rows(sends, with_dag=args.dag_id is None))
        echo("Each cell shows the number of people, and the number of batches in brackets.")
    else:
        echo("No matching task instance has a ledger.")
    if is_cut:
        sys.stderr.write("There may be more sends. To list them, raise --limit.\n")
    if damaged := sum("error" in send for send in sends):
        raise AnsweredError(
            f"{damaged} of these ledgers cannot be read. `airflow inforu sends show` shows the reason"
        )


def _find(args: Namespace) -> tuple[list[dict[str, Any]], bool]:
    sends: list[dict[str, Any]] = []
    with bar("Task instances") as show:
        for looked_at, place in enumerate(iter_ledgers(args)):
            show(looked_at, place.total)
            if len(sends) == args.limit:
                return sends, True
            if send := _read(place):
                sends.append(send)
    return sends, False


def _read(place: LedgerLocation) -> dict[str, Any] | None:
    try:
        found = read_ledger(place.store)
    except LedgerError as error:
        return {**place.names, "error": str(error)}
    return None if found is None else {**place.names, **summarise(*found)}


def _rows(sends: list[dict[str, Any]], *, with_dag: bool) -> list[dict[str, object]]:
    """Return the rows of a table, without the columns that have no information."""
    hidden = set() if with_dag else {"dag_id"}
    if all(send["map_index"] == -1 for send in sends):
        hidden.add("map_index")
    if not any(send.get("state") for send in sends):
        hidden.add("state")
    return [
        {name.replace("_", " "): value for name, value in _row(send).items() if name not in hidden}
        for send in sends
    ]


def _row(send: dict[str, Any]) -> dict[str, object]:
    states = ("accepted", "rejected", "in_doubt", "not_sent")
    return {
        "dag_id": send["dag_id"],
        "run_id": send["run_id"],
        "task_id": send["task_id"],
        "map_index": send["map_index"],
        "state": send.get("state") or "",
        "send": send.get("send_id", "cannot be read"),
        "attempts": send.get("attempts", "?"),
        "people (batches)": f"{send['recipients']} ({send['requests']})" if "requests" in send else "?",
        **{
            state: f"{send['people'][state]} ({send['batches'][state]})" if "people" in send else "?"
            for state in states
        },
    }

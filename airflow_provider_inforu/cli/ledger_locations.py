"""The task instances that may have a ledger, in Airflow or in object storage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_inforu.cli.api import NotFoundError
from airflow_provider_inforu.cli.cli_errors import CommandError, UsageError
from airflow_provider_inforu.cli.stores import RestStateStore, api_at
from airflow_provider_inforu.ledger.object_storage_store import ObjectStorageStore, iter_folders

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator

    from airflow_provider_inforu.cli.api import AirflowApi
    from airflow_provider_inforu.ledger.ledger_reader import ReadableStore

PAGE = 100
"""The maximum page size of Airflow's API by default."""


class LedgerLocation(NamedTuple):
    """A task instance that may have a ledger.

    :ivar names: dag_id, run_id, task_id and map_index. If Airflow's API was read, also its state.
    :ivar store: The store of the ledger.
    :ivar total: The number of all matching task instances; None if unknown.
    """

    names: dict[str, Any]
    store: ReadableStore
    total: int | None


def iter_ledgers(args: Namespace) -> Iterator[LedgerLocation]:
    """Yield the task instances that match a command's arguments, the latest run first.

    :param args: dag_id, run_id, task_id, url.
    :raises UsageError: dag_id is missing, and ledger_path is not set.
    :raises CommandError: Airflow cannot be reached, or does not know the DAG or run.
    """
    from airflow_provider_inforu._compat import conf

    if path := conf.get("inforu", "ledger_path", fallback=""):
        return _in_object_storage(path, args)
    if args.dag_id is None:
        raise UsageError(
            "DAG_ID is missing. Name a DAG, for example `airflow inforu sends list reminders`. Airflow lists "
            "task instances for one DAG at a time. To list the sends of all DAGs, keep the ledgers in object "
            "storage ([inforu] ledger_path)"
        )
    return _in_airflow(api_at(args.url), args)


def _in_object_storage(path: str, args: Namespace) -> Iterator[LedgerLocation]:
    for dag_id, run_id, task_id, index in iter_folders(path, (args.dag_id, args.run_id, args.task_id, None)):
        if index.lstrip("-").isdecimal():
            names = {"dag_id": dag_id, "run_id": run_id, "task_id": task_id, "map_index": int(index)}
            yield LedgerLocation(names, ObjectStorageStore(path, (dag_id, run_id, task_id, index)), None)


def _in_airflow(api: AirflowApi, args: Namespace) -> Iterator[LedgerLocation]:
    path = ["dags", args.dag_id, "dagRuns", args.run_id or "~", "taskInstances"]
    wanted = {"task_id": args.task_id} if args.task_id else {}
    offset, total = 0, 1
    while offset < total:
        params = {"limit": PAGE, "offset": offset, "order_by": "-run_after", **wanted}
        try:
            answer = api.request("GET", path, params=params)
        except NotFoundError as error:
            raise CommandError(
                f"Airflow does not know the DAG or run: {error}. Check DAG_ID and --run-id"
            ) from None
        try:
            page, total = answer["task_instances"], int(answer["total_entries"])
            places = [_location(api, one, total) for one in page]
        except (TypeError, KeyError, ValueError):
            raise CommandError("Airflow's reply is not a list of task instances. Check --url") from None
        yield from places
        if not places:
            return
        offset += len(places)


def _location(api: AirflowApi, instance: dict[str, Any], total: int) -> LedgerLocation:
    dag_id, run_id, task_id = instance["dag_id"], instance["dag_run_id"], instance["task_id"]
    index = instance["map_index"]
    names = {"dag_id": dag_id, "run_id": run_id, "task_id": task_id, "map_index": index}
    store = RestStateStore(api, dag_id, run_id, task_id, index, try_number=int(instance["try_number"]))
    return LedgerLocation({**names, "state": instance["state"]}, store, total)

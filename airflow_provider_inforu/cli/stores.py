"""The stores of ledgers, as commands read and write them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from airflow_provider_inforu.cli.api import AirflowApi, NotFoundError
from airflow_provider_inforu.cli.cli_errors import CommandError
from airflow_provider_inforu.ledger.object_storage_store import ObjectStorageStore
from airflow_provider_inforu.ledger.settling import FINISHED
from airflow_provider_inforu.ledger.task_state_store import latest_of_tries, parse

if TYPE_CHECKING:
    from argparse import Namespace


class RestStateStore:
    """A ledger in Airflow's task state, accessed through the public REST API.

    The API accepts writes even while the task runs. So this store writes only decisions, which name their
    attempt, and never the documents that an attempt writes itself.

    :param api: The client of Airflow's API.
    :param dag_id: The ID of the DAG.
    :param run_id: The ID of the DAG run.
    :param task_id: The ID of the task.
    :param map_index: The index of a mapped task; -1 (default) for an unmapped task.
    :param try_number: The number of the last try; None (default) reads it from Airflow.
    """

    def __init__(
        self,
        api: AirflowApi,
        dag_id: str,
        run_id: str,
        task_id: str,
        map_index: int = -1,
        try_number: int | None = None,
    ) -> None:
        self._api = api
        self._path = ["dags", dag_id, "dagRuns", run_id, "taskInstances", task_id]
        self._map_index = map_index
        self._try_number = try_number

    def check_has_ended(self) -> None:
        """Check that the task has ended: a request in flight only looks like a batch in doubt.

        :raises CommandError: The task runs or may run soon, or the task instance does not exist.
        """
        state = self._instance()["state"]
        if state not in FINISHED:
            raise CommandError(
                f"the task is {state or 'about to be scheduled'}: nothing was changed. "
                "Wait until the task has ended. If it waits for a retry, you can mark it as failed"
            )

    def latest(self) -> str | None:
        """Return the name of the latest attempt; None if the task instance has no ledger."""
        last = self._instance()["try_number"] if self._try_number is None else self._try_number
        return latest_of_tries(self.get, last)

    def check_exists(self) -> None:
        """Check that the task instance exists.

        :raises CommandError: The task instance does not exist, or Airflow cannot be reached.
        """
        self._instance()

    def get(self, key: str) -> Any:  # noqa: ANN401 - a JSON value
        """Return a value; None only if Airflow confirms that it is missing.

        :raises CommandError: Airflow cannot be reached, or has no task state.
        :raises LedgerError: The value is damaged.
        """
        try:
            answer = self._api.request("GET", self._key(key), params={"map_index": self._map_index})
        except NotFoundError as error:
            # Before Airflow 3.3, the whole route is missing, and the response does not name the key.
            if repr(key) in str(error):
                return None
            raise CommandError(
                f"Airflow has no task state, which needs version 3.3 or later ({error}). If tasks keep the "
                "ledger in [inforu] ledger_path, set the same ledger_path for this command"
            ) from None
        if not isinstance(answer, dict) or "value" not in answer:
            raise CommandError("the ledger cannot be read: Airflow's reply has no value. Check --url")
        return parse(answer["value"], key)

    def put(self, key: str, value: Any) -> None:  # noqa: ANN401 - a JSON value
        """Write a value that never expires.

        :raises CommandError: The value was not written.
        """
        body = {"value": json.dumps(value), "expires_at": None}
        try:
            self._api.request("PUT", self._key(key), params={"map_index": self._map_index}, body=body)
        except NotFoundError as error:
            raise CommandError(f"the ledger cannot be written: {error}") from None

    def _instance(self) -> dict[str, Any]:
        mapped = [str(self._map_index)] if self._map_index >= 0 else []
        try:
            instance = self._api.request("GET", [*self._path, *mapped])
        except NotFoundError as error:
            raise CommandError(
                f"the task instance was not found: {error}. Check DAG_ID, RUN_ID, TASK_ID and --map-index"
            ) from None
        if isinstance(instance, dict) and "state" in instance and isinstance(instance.get("try_number"), int):
            return instance
        raise CommandError("Airflow's reply about the task instance has no state or try. Check --url")

    def _key(self, key: str) -> list[str]:
        return [*self._path, "state-store", key]


def find_store(args: Namespace) -> RestStateStore | ObjectStorageStore:
    """Return the ledger's store for the task instance in a command's arguments.

    :param args: dag_id, run_id, task_id, map_index, url.
    :raises CommandError: The task instance does not exist, or Airflow cannot be reached.
    """
    from airflow_provider_inforu._compat import conf

    if path := conf.get("inforu", "ledger_path", fallback=""):
        return ObjectStorageStore(path, (args.dag_id, args.run_id, args.task_id, str(args.map_index)))
    store = RestStateStore(api_at(args.url), args.dag_id, args.run_id, args.task_id, args.map_index)
    store.check_exists()
    return store


def api_at(url: str | None) -> AirflowApi:
    """Return a client of Airflow's API.

    :param url: The address of Airflow; None uses ``[api] base_url``, else ``http://localhost:8080``.
    :raises CommandError: The address is invalid.
    """
    from airflow_provider_inforu._compat import conf

    return AirflowApi(url or conf.get("api", "base_url", fallback="") or "http://localhost:8080")

"""Where a command finds the ledger of a task instance."""

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
    """A ledger in Airflow's task state, read from outside through the public REST API.

    Airflow takes writes from outside whatever the task does. So only decisions are written this way, which
    name the attempt that they are about, and never what attempts write themselves.

    :param api: Airflow.
    :param dag_id: With the others, names the task instance.
    :param run_id: The DAG run.
    :param task_id: The task.
    :param map_index: -1 where the task is not mapped.
    :param try_number: Its last try, where that is known; None asks Airflow.
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
        """Make sure that the task does not run: what is in the air then only looks as if it were in doubt.

        :raises CommandError: It runs, or may soon, or there is no such task instance.
        """
        state = self._instance()["state"]
        if state not in FINISHED:
            raise CommandError(
                f"the task is {state or 'about to be scheduled'}: nothing was changed. "
                "Wait until it has ended; one that waits for a retry can be marked as failed"
            )

    def latest(self) -> str | None:
        """Return the name of the attempt that began last; None where there is no ledger."""
        last = self._instance()["try_number"] if self._try_number is None else self._try_number
        return latest_of_tries(self.get, last)

    def check_exists(self) -> None:
        """Raise CommandError when there is no such task instance."""
        self._instance()

    def get(self, key: str) -> Any:  # noqa: ANN401 - a JSON value
        """Return a value, or None where there is none.

        :raises CommandError: It cannot be asked for; that is never "none".
        :raises LedgerError: It cannot be read.
        """
        try:
            answer = self._api.request("GET", self._key(key), params={"map_index": self._map_index})
        except NotFoundError as error:
            # Below Airflow 3.3 the whole route is missing; only this answer names the key.
            if repr(key) in str(error):
                return None
            raise CommandError(
                f"Airflow has no task state to read ({error}); it has from 3.3 on. Where the ledger is kept "
                "below [inforu] ledger_path, set it here too"
            ) from None
        if not isinstance(answer, dict) or "value" not in answer:
            raise CommandError("the ledger cannot be read: Airflow's answer holds no value")
        return parse(answer["value"], key)

    def put(self, key: str, value: Any) -> None:  # noqa: ANN401 - a JSON value
        """Write a value that never expires.

        :raises CommandError: It was not written.
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
            raise CommandError(f"no such task instance: {error}") from None
        if isinstance(instance, dict) and "state" in instance and isinstance(instance.get("try_number"), int):
            return instance
        raise CommandError("Airflow's answer about the task instance holds no state or no try")

    def _key(self, key: str) -> list[str]:
        return [*self._path, "state-store", key]


def find_store(args: Namespace) -> RestStateStore | ObjectStorageStore:
    """Return where the ledger of the task instance is kept that a command names.

    :param args: The command's arguments.
    :raises CommandError: There is no such task instance, or Airflow cannot be asked.
    """
    from airflow_provider_inforu._compat import conf

    if path := conf.get("inforu", "ledger_path", fallback=""):
        return ObjectStorageStore(path, (args.dag_id, args.run_id, args.task_id, str(args.map_index)))
    store = RestStateStore(api_at(args.url), args.dag_id, args.run_id, args.task_id, args.map_index)
    store.check_exists()
    return store


def api_at(url: str | None) -> AirflowApi:
    """Return Airflow's API.

    :param url: Its address; None for the one that the configuration names.
    :raises CommandError: It is no address.
    """
    from airflow_provider_inforu._compat import conf

    return AirflowApi(url or conf.get("api", "base_url", fallback="") or "http://localhost:8080")

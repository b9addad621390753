"""A small client of Airflow's REST API: what the demo and the tests ask of a running Airflow."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import requests

from demo.processes import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TIMEOUT_SECONDS = 60.0
POLL_SECONDS = 0.3
ENDED_RUNS = frozenset({"success", "failed"})

TaskInstances = list[dict[str, Any]]


class AirflowApi:
    """The REST API of an Airflow whose users are all admins."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = requests.Session()
        # A proxy of the environment has no business with this machine's own ports.
        self._session.trust_env = False

    def health(self) -> dict[str, Any]:
        """Return what Airflow says about its components."""
        answer = self._session.get(f"{self.url}/api/v2/monitor/health", timeout=TIMEOUT_SECONDS)
        answer.raise_for_status()
        return dict(answer.json())

    def load_task_api(self) -> None:
        """Return when the API that tasks talk to is loaded."""
        self._session.get(f"{self.url}/execution/health", timeout=PATIENCE_SECONDS).raise_for_status()

    def wait_for_dag(self, dag_id: str) -> None:
        """Return when the DAG was read; raise with Airflow's import errors when it is not in time."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._request("GET", f"dags/{dag_id}").ok:
            errors = self.import_errors()
            if errors or time.monotonic() > deadline:
                raise RuntimeError("\n".join([f"Airflow has no DAG {dag_id}", *errors]))
            time.sleep(POLL_SECONDS)

    def unpause(self, dag_id: str) -> None:
        """Let the DAG run."""
        self._json("PATCH", f"dags/{dag_id}", json={"is_paused": False})

    def trigger(self, dag_id: str, conf: Mapping[str, Any] | None = None) -> str:
        """Start a run with these params; return its id."""
        body = {"logical_date": None, "conf": dict(conf or {})}
        return str(self._json("POST", f"dags/{dag_id}/dagRuns", json=body)["dag_run_id"])

    def wait_for_run(
        self,
        dag_id: str,
        run_id: str,
        watch: Callable[[TaskInstances], None] | None = None,
        poll_seconds: float = POLL_SECONDS,
    ) -> str:
        """Return the state that the run ended in; `watch` sees its task instances meanwhile."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            state = str(self._json("GET", f"dags/{dag_id}/dagRuns/{run_id}")["state"])
            if watch:
                watch(self.task_instances(dag_id, run_id))
            if state in ENDED_RUNS:
                return state
            if time.monotonic() > deadline:
                raise RuntimeError(f"run {run_id} of {dag_id} is still {state} after {PATIENCE_SECONDS:g} s")
            time.sleep(poll_seconds)

    def clear(self, dag_id: str, run_id: str, task_id: str) -> None:
        """Let a task of a run start again."""
        body = {"dry_run": False, "only_failed": False, "dag_run_id": run_id, "task_ids": [task_id]}
        self._json("POST", f"dags/{dag_id}/clearTaskInstances", json=body)

    def clear_task_state(self, dag_id: str, run_id: str, task_id: str) -> None:
        """Delete all that a task keeps in Airflow's task state, as the button in the UI does."""
        path = f"{_task_path(dag_id, run_id, task_id)}/state-store"
        self._request("DELETE", path).raise_for_status()

    def task_instances(self, dag_id: str, run_id: str) -> TaskInstances:
        """Return the task instances of a run."""
        return list(self._json("GET", f"dags/{dag_id}/dagRuns/{run_id}/taskInstances")["task_instances"])

    def task_instance(self, dag_id: str, run_id: str, task_id: str) -> dict[str, Any]:
        """Return one task instance, with its rendered fields."""
        return self._json("GET", f"{_task_path(dag_id, run_id, task_id)}")

    def tries(self, dag_id: str, run_id: str, task_id: str) -> TaskInstances:
        """Return every try of a task instance, the first one first."""
        return list(self._json("GET", f"{_task_path(dag_id, run_id, task_id)}/tries")["task_instances"])

    def log(self, dag_id: str, run_id: str, task_id: str, try_number: int, map_index: int = -1) -> str:
        """Return the log of one try, as Airflow shows it; of a mapped task's, by its index."""
        path = f"{_task_path(dag_id, run_id, task_id)}/logs/{try_number}"
        params = {"map_index": str(map_index)}
        return self._request("GET", path, params=params, accept="application/x-ndjson").text

    def links(self, dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> dict[str, str | None]:
        """Return the address of each extra link of a task instance; of a mapped task's, by its index."""
        path = f"{_task_path(dag_id, run_id, task_id)}/links"
        return dict(self._json("GET", path, params={"map_index": str(map_index)})["extra_links"])

    def page(self, address: str) -> str:
        """Return the HTML at an address of this Airflow."""
        answer = self._request("GET", address, accept="text/html")
        answer.raise_for_status()
        return answer.text

    def xcom(
        self, dag_id: str, run_id: str, task_id: str, key: str = "return_value", map_index: int = -1
    ) -> object:
        """Return the value that a task pushed; of a mapped task, by its index."""
        path = f"{_task_path(dag_id, run_id, task_id)}/xcomEntries/{key}"
        params = {"deserialize": "false", "map_index": str(map_index)}
        return self._json("GET", path, params=params)["value"]

    def xcoms(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Return every XCom of a run: task, key and value."""
        entries = self._json("GET", f"dags/{dag_id}/dagRuns/{run_id}/taskInstances/~/xcomEntries")
        names = [(entry["task_id"], entry["key"]) for entry in entries["xcom_entries"]]
        return [
            {"task_id": task_id, "key": key, "value": self.xcom(dag_id, run_id, task_id, key)}
            for task_id, key in names
        ]

    def providers(self) -> list[str]:
        """Return the names of the providers that Airflow found."""
        return [one["package_name"] for one in self._json("GET", "providers")["providers"]]

    def plugins(self) -> list[dict[str, Any]]:
        """Return what each plugin offers."""
        return list(self._json("GET", "plugins")["plugins"])

    def connection_types(self) -> list[dict[str, Any]]:
        """Return what the form of connections shows for each type."""
        return list(self._request("GET", "/ui/connections/hook_meta").json())

    def import_errors(self) -> list[str]:
        """Return why DAG files could not be read."""
        return [one["stack_trace"] for one in self._json("GET", "importErrors")["import_errors"]]

    def test_connection(self, connection: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the Test button would answer for this connection: `status` and `message`."""
        return self._json("POST", "connections/test", json=dict(connection))

    def save_connection(self, connection: Mapping[str, object]) -> None:
        """Save a new connection."""
        self._json("POST", "connections", json=connection)

    def save_variable(self, key: str, value: str) -> None:
        """Save a new Variable."""
        self._json("POST", "variables", json={"key": key, "value": value})

    def has_variable(self, key: str) -> bool:
        """Say whether there is such a Variable."""
        return self._request("GET", f"variables/{key}").ok

    def is_asked(self, dag_id: str, run_id: str, task_id: str) -> bool:
        """Say whether a task waits for a person to decide."""
        return bool(self.task_instance(dag_id, run_id, task_id)["state"] == "awaiting_input")

    def decide(self, dag_id: str, run_id: str, task_id: str, options: list[str]) -> None:
        """Decide as the person for whom a task waits."""
        path = f"{_task_path(dag_id, run_id, task_id)}/-1/hitlDetails"
        self._json("PATCH", path, json={"chosen_options": options, "params_input": {}})

    def _json(
        self,
        method: str,
        path: str,
        *,
        json: Mapping[str, object] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        answer = self._request(method, path, json=json, params=params)
        if not answer.ok:
            raise RuntimeError(f"{method} {path}: HTTP {answer.status_code}: {answer.text[:500]}")
        return dict(answer.json())

    def _request(
        self,
        method: str,
        path: str,
        *,
        json: Mapping[str, object] | None = None,
        params: Mapping[str, str] | None = None,
        accept: str = "application/json",
    ) -> requests.Response:
        if "Authorization" not in self._session.headers:
            self._log_in()
        return self._session.request(
            method,
            urljoin(f"{self.url}/api/v2/", path),
            json=json,
            params=params,
            headers={"Accept": accept},
            timeout=TIMEOUT_SECONDS,
        )

    def _log_in(self) -> None:
        answer = self._session.get(f"{self.url}/auth/token", timeout=TIMEOUT_SECONDS)
        answer.raise_for_status()
        self._session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"


def _task_path(dag_id: str, run_id: str, task_id: str) -> str:
    return f"dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}"

"""What the integration tests stand on: a real Airflow beside a sandbox, and the words to use them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from demo.airflow_stack import AirflowStack
    from demo.receiver import StackReceiver
    from demo.sandbox_process import SandboxProcess


ON_SQLITE = pytest.mark.parametrize("ground", ["sqlite"], indirect=True)
"""Mark of tests that do not depend on Airflow's database: they run beside those on PostgreSQL."""
NEVER = 86_400
"""A `notification_delay` for which the sandbox keeps notifications back, until it is told another one."""


@dataclass(frozen=True)
class Run:
    """One run of a DAG that has ended."""

    dag_id: str
    run_id: str
    state: str


@dataclass(frozen=True)
class Ground:
    """A healthy Airflow whose `inforu_default` leads to a running sandbox, which pushes to its receiver."""

    airflow: AirflowStack
    sandbox: SandboxProcess
    receiver: StackReceiver | None = None

    def run(self, dag_id: str, **params: object) -> Run:
        """Run a DAG to its end."""
        api = self.airflow.api
        api.wait_for_dag(dag_id)
        api.unpause(dag_id)
        run_id = api.trigger(dag_id, params)
        run = Run(dag_id, run_id, api.wait_for_run(dag_id, run_id))
        if run.state != "success":
            print(self._describe(run))
        return run

    def manifest(self, run: Run, task_id: str = "call") -> dict[str, Any]:
        """Return what the sending task pushed."""
        manifest = self.airflow.api.xcom(run.dag_id, run.run_id, task_id)
        assert isinstance(manifest, dict)
        return manifest

    def task(self, run: Run, task_id: str = "call") -> dict[str, Any]:
        """Return a task instance, with its rendered fields."""
        return self.airflow.api.task_instance(run.dag_id, run.run_id, task_id)

    def tasks(self, run: Run) -> list[dict[str, Any]]:
        """Return the task instances of a run."""
        return self.airflow.api.task_instances(run.dag_id, run.run_id)

    def _describe(self, run: Run) -> str:
        """Return what a failure of a test needs: the states, and the end of each log of a failed task."""
        tasks = self.tasks(run)
        parts = [f"{run.dag_id} ended as {run.state}: {[(one['task_id'], one['state']) for one in tasks]}"]
        for one in tasks:
            if one["state"] == "failed":
                name = (run.dag_id, run.run_id, one["task_id"], one["try_number"], one["map_index"])
                parts.append(f"the log of {one['task_id']}:\n{self.airflow.api.log(*name)[-4000:]}")
        return "\n".join(parts)

    def task_logs(self, run: Run) -> dict[str, str]:
        """Return the log of every try of every task."""
        api = self.airflow.api
        return {
            f"the log of {task['task_id']}, try {one['try_number']}": api.log(
                run.dag_id, run.run_id, task["task_id"], one["try_number"]
            )
            for task in api.task_instances(run.dag_id, run.run_id)
            for one in api.tries(run.dag_id, run.run_id, task["task_id"])
        }


def skip_unless_required(what: str, reason: str) -> None:
    """Skip the test, or fail it where INFORU_TESTS_REQUIRE says that this machine has `what`."""
    if what in os.environ.get("INFORU_TESTS_REQUIRE", "").split(","):
        pytest.fail(f"INFORU_TESTS_REQUIRE names {what}: {reason}")
    pytest.skip(reason)

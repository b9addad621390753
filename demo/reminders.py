"""The demo's story: run the reminders, wait for the calls to end, and say what happens meanwhile."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from demo.outcomes import Outcome, outcomes_of
from demo.processes import wait_until

if TYPE_CHECKING:
    from demo.airflow_api import AirflowApi, TaskInstances
    from demo.sandbox_process import SandboxProcess

DAG_ID = "appointment_reminders"
CALL_TASK = "call"
DAG_SECONDS = 60.0
RUN_SECONDS = 120.0
CALLS_SECONDS = 60.0


class DemoError(RuntimeError):
    """The demo did not end as it should; the message says why."""


class Progress:
    """Prints what happens, as it happens, with the seconds since the start."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._states: dict[str, str] = {}

    def say(self, line: str) -> None:
        """Print a line."""
        print(f"[{time.monotonic() - self._started:5.1f} s] {line}", flush=True)

    def task_states(self, instances: TaskInstances) -> None:
        """Print the tasks whose state is new."""
        for instance in instances:
            task_id, state = instance["task_id"], instance["state"]
            if state and self._states.get(task_id) != state:
                self._states[task_id] = state
                self.say(f"  {task_id}: {state}")


def run_dag(api: AirflowApi, progress: Progress) -> str:
    """Run the DAG to its end and return the id of its send."""
    api.wait_for_dag(DAG_ID, DAG_SECONDS)
    api.unpause(DAG_ID)
    run_id = api.trigger(DAG_ID)
    progress.say(f"{DAG_ID} was triggered")
    state = api.wait_for_run(DAG_ID, run_id, RUN_SECONDS, progress.task_states)
    if state != "success":
        failed = [one["task_id"] for one in api.task_instances(DAG_ID, run_id) if one["state"] == "failed"]
        reasons = [
            reason for task_id in failed for reason in failure_reasons(api.log(DAG_ID, run_id, task_id, 1))
        ]
        raise DemoError("\n".join([f"the run ended as {state}; failed tasks: {', '.join(failed)}", *reasons]))
    manifest = api.xcom(DAG_ID, run_id, CALL_TASK)
    if not isinstance(manifest, dict):
        raise DemoError(f"the task {CALL_TASK} pushed no manifest")
    return str(manifest["send_id"])


def wait_for_outcomes(sandbox: SandboxProcess, send_id: str, progress: Progress) -> list[Outcome]:
    """Wait until every call of the send has ended; return the outcomes."""
    progress.say("waiting until the calls have ended")
    wait_until(lambda: all(one.status for one in outcomes_of(sandbox.calls(), send_id)), CALLS_SECONDS)
    outcomes = outcomes_of(sandbox.calls(), send_id)
    if open_keys := [outcome.key for outcome in outcomes if not outcome.status]:
        raise DemoError(f"no outcome after {CALLS_SECONDS:g} s for {', '.join(open_keys)}")
    if not outcomes:
        raise DemoError("the sandbox recorded no call")
    return outcomes


def failure_reasons(log: str) -> list[str]:
    """Pick what went wrong from a task's log."""
    entries = [json.loads(line) for line in log.splitlines()]
    details = [detail for entry in entries for detail in entry.get("error_detail") or []]
    return [f"{detail['exc_type']}: {detail['exc_value']}" for detail in details]

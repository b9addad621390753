"""The demo's story: run the reminders, say what happens meanwhile, and read how the calls ended."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from demo.outcomes import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_inforu.outcomes.receiver_client import ReceiverClient
    from demo.airflow_api import AirflowApi, TaskInstances
    from demo.sandbox_process import SandboxProcess

DAG_ID = "appointment_reminders"
CALL_TASKS = ("call", "call_again")
MINUTES_BETWEEN_CALLS = 0.05


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


def run_dag(api: AirflowApi, progress: Progress) -> list[str]:
    """Run the DAG to its end and return the ids of its sends."""
    api.wait_for_dag(DAG_ID)
    api.unpause(DAG_ID)
    run_id = api.trigger(DAG_ID, {"minutes_between_calls": MINUTES_BETWEEN_CALLS})
    progress.say(f"{DAG_ID} was triggered")
    state = api.wait_for_run(DAG_ID, run_id, progress.task_states)
    if state != "success":
        failed = [one["task_id"] for one in api.task_instances(DAG_ID, run_id) if one["state"] == "failed"]
        reasons = [
            reason for task_id in failed for reason in failure_reasons(api.log(DAG_ID, run_id, task_id, 1))
        ]
        raise DemoError("\n".join([f"the run ended as {state}; failed tasks: {', '.join(failed)}", *reasons]))
    tasks = {one["task_id"]: one["state"] for one in api.task_instances(DAG_ID, run_id)}
    return [_send_of(api, run_id, task_id) for task_id in CALL_TASKS if tasks[task_id] == "success"]


def _send_of(api: AirflowApi, run_id: str, task_id: str) -> str:
    manifest = api.xcom(DAG_ID, run_id, task_id)
    if not isinstance(manifest, dict):
        raise DemoError(f"the task {task_id} pushed no manifest")
    return str(manifest["send_id"])


def read_outcomes(sandbox: SandboxProcess, receiver: ReceiverClient, sends: Sequence[str]) -> list[Outcome]:
    """Return how the calls of the first send ended, and of the second, as the receiver heard it."""
    first, *later = [{call.key: call for call in receiver.iter_calls(send_id)} for send_id in sends]
    again = later[0] if later else {}
    prefix = f"{sends[0]}-"
    called = {
        call["message_id"].removeprefix(prefix): call["text"]
        for call in sandbox.calls()
        if call["message_id"].startswith(prefix)
    }
    if missing := sorted(called.keys() - first.keys()):
        raise DemoError(f"the receiver heard of no outcome for {', '.join(missing)}")
    if not called:
        raise DemoError("the sandbox recorded no call")
    return [Outcome(key, text, first[key], again.get(key)) for key, text in sorted(called.items())]


def failure_reasons(log: str) -> list[str]:
    """Pick what went wrong from a task's log."""
    entries = [json.loads(line) for line in log.splitlines()]
    details = [detail for entry in entries for detail in entry.get("error_detail") or []]
    return [f"{detail['exc_type']}: {detail['exc_value']}" for detail in details]

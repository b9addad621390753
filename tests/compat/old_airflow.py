"""An earlier Airflow beside a sandbox, and the words to use them."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from demo.processes import PATIENCE_SECONDS
from tests.integration.ground import Ground, Run

if TYPE_CHECKING:
    from demo.airflow_stack import AirflowStack
    from demo.receiver import StackReceiver
    from demo.sandbox_process import SandboxProcess

PROJECT = Path(__file__).resolve().parents[2]
EXAMPLES = PROJECT / "example_dags"
NEED_NEWER = {"alerts": "3.2"}
"""The examples that import what Airflow has only from this version on."""
TEXT_TO_SPEECH = "Voice/Message/Send"
STATUS = "Voice/Message/Status"
LEDGER_VARIABLE = "AIRFLOW__INFORU__LEDGER_PATH"


@dataclass(frozen=True)
class OldAirflow:
    """A healthy Airflow of an earlier version whose `inforu_default` leads to a running sandbox.

    It has a receiver, to which nobody pushes by itself, and a ledger below an object-storage path.
    """

    version: str
    stack: AirflowStack
    sandbox: SandboxProcess
    receiver: StackReceiver

    @property
    def has_commands_of_providers(self) -> bool:
        """Whether it reads the `cli` key of provider infos."""
        return self.version >= "3.2"

    @property
    def has_page(self) -> bool:
        """Whether its pages show the page of calls."""
        return self.version >= "3.1"

    @property
    def ground(self) -> Ground:
        """The same, with the words of the integration tests."""
        return Ground(self.stack, self.sandbox, self.receiver)

    def run(self, dag_id: str) -> Run:
        """Run a DAG to its end."""
        return self.ground.run(dag_id)

    def clear(self, run: Run) -> Run:
        """Clear the sending task, and let the run come to its end again."""
        before = len(self.tries(run))
        self.stack.api.clear(run.dag_id, run.run_id, "call")
        state = self.stack.api.wait_for_run(run.dag_id, run.run_id)
        assert len(self.tries(run)) == before + 1
        return Run(run.dag_id, run.run_id, state)

    def tries(self, run: Run) -> list[str]:
        """Return how each try of the sending task ended."""
        return [one["state"] for one in self.stack.api.tries(run.dag_id, run.run_id, "call")]

    def log(self, run: Run, try_number: int, task_id: str = "call") -> str:
        """Return what one try of a task logged."""
        return self.stack.api.log(run.dag_id, run.run_id, task_id, try_number)

    def logs(self, run: Run) -> str:
        """Return the log of every try of every task, to show why a run failed."""
        return "\n".join(f"{name}:\n{log}" for name, log in self.ground.task_logs(run).items())

    def result(self, run: Run, task_id: str) -> dict[str, Any]:
        """Return what a task pushed."""
        return self.ground.manifest(run, task_id)

    def manifest(self, run: Run) -> dict[str, Any]:
        """Return what the sending task pushed."""
        return self.result(run, "call")

    def fail_second_request(self, kind: str, **options: object) -> None:
        """Let the second request to come meet this fault."""
        # The first one is answered as always.
        self.sandbox.inject("slow", seconds=0.0, function=TEXT_TO_SPEECH)
        self.sandbox.inject(kind, function=TEXT_TO_SPEECH, **options)

    def called(self) -> Counter[str]:
        """Return how often each phone was called by text-to-speech."""
        # The example with a campaign has a schedule, so it may call at any time.
        return Counter(call["phone"] for call in self.sandbox.calls() if call["function"] == TEXT_TO_SPEECH)

    def calls_of(self, run: Run) -> int:
        """Return how many calls a run's send made."""
        send_id = self.manifest(run)["send_id"]
        return sum(call["message_id"].startswith(send_id) for call in self.sandbox.calls())

    def api_server_log(self) -> str:
        """Return what the API server logged until now."""
        return (self.stack.settings.home / "api-server.log").read_text("utf-8")

    def show_send(self, run: Run) -> dict[str, Any]:
        """Return what `airflow inforu sends show` prints of the sending task, with this version's Airflow."""
        done = subprocess.run(
            [
                *(str(self.stack.settings.python), "-m", "airflow", "inforu", "sends", "show"),
                *(run.dag_id, run.run_id, "call", "--output", "json"),
            ],
            env=self.stack.environment,
            cwd=self.stack.settings.home,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return dict(json.loads(done.stdout))

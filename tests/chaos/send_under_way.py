"""A send on a real Airflow: start it, wait until it phones, find its processes, clear it, see it end."""

import contextlib

import psutil

from demo.processes import wait_until
from tests.chaos.account import WRONGS, account, attempts_in_order_of_calls
from tests.chaos.remote_ledger import RemoteLedger
from tests.integration.ground import Run

DAG_ID, TASK_ID = "chaos_send", "call"
WORKER_TITLE = "airflow worker -- LocalExecutor"


def family_of(worker):
    """Return a worker and what is below it; nothing for a process that is no worker or has just ended."""
    with contextlib.suppress(psutil.Error):
        if " ".join(worker.cmdline()).startswith(WORKER_TITLE):
            return [worker, *worker.children(recursive=True)]
    return []


class SendUnderWay:
    """One run of the DAG, whose task phones people now."""

    def __init__(self, ground, people):
        self.people = people
        self._ground = ground
        self._api = ground.airflow.api
        self._api.wait_for_dag(DAG_ID)
        self._api.unpause(DAG_ID)
        self._run_id = self._api.trigger(DAG_ID, {"people": people})

    def called(self):
        return len(self._ground.sandbox.calls())

    def wait_until_called(self, people):
        assert wait_until(lambda: self.called() >= people), self._api.task_instances(DAG_ID, self._run_id)
        assert self.called() < self.people, "the send was over before anything could go wrong"

    def worker(self):
        """Return the process that supervises the task, and the task's own below it."""
        pid = self._api.task_instance(DAG_ID, self._run_id, TASK_ID)["pid"]
        scheduler = psutil.Process(self._ground.airflow.component("scheduler").pid)
        families = [family_of(child) for child in scheduler.children()]
        # Beside it, an attempt of an earlier send may still be ending.
        (own,) = [family for family in families if pid in {process.pid for process in family}]
        return own

    def clear(self):
        self._api.clear(DAG_ID, self._run_id, TASK_ID)

    def end(self):
        """Wait for the end, compare what everybody says, and return the counts."""
        state = self._api.wait_for_run(DAG_ID, self._run_id)
        run = Run(DAG_ID, self._run_id, state)
        calls = self._ground.sandbox.calls()
        ledger = RemoteLedger.of(self._api, DAG_ID, self._run_id, TASK_ID)
        last_try = self._ground.task(run, TASK_ID)["try_number"]
        count = account(calls, ledger, self._api.log(DAG_ID, self._run_id, TASK_ID, last_try))
        print(f"\nthe run ended as {state} in try {last_try}: {dict(count)}")
        self._check(run, count)
        attempts = attempts_in_order_of_calls(calls, ledger)
        assert attempts == sorted(attempts), "an attempt phoned after a later one had"
        return count

    def _check(self, run, count):
        assert {wrong: count[wrong] for wrong in WRONGS} == dict.fromkeys(WRONGS, 0)
        assert count["people"] == self.people
        manifest = self._ground.manifest(run, TASK_ID)
        assert (manifest["recipients"], manifest["skipped"]) == (self.people, 0)
        said = {name: manifest[name.replace(" ", "_")] for name in ("accepted", "rejected", "in doubt")}
        assert said == {name: count[name] for name in said}
        assert sum(said.values()) == self.people
        assert run.state == ("failed" if said["in doubt"] else "success")

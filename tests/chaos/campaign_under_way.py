"""A campaign in shards on a real Airflow: start it, wait until all of its tasks phone, see it end."""

import datetime as dt
import time
from collections import Counter

import pytest

from demo.processes import PATIENCE_SECONDS, processes_in
from tests.chaos.account import WRONGS, account, attempts_in_order_of_calls
from tests.chaos.remote_ledger import RemoteLedger

DAG_ID, TASK_ID = "sharded_send", "call"
LOOK_SECONDS = 1.0
"""Seldom: to look takes of the sandbox and the API server, and makes requests late."""
MIDDLE = 0.8
"""So many of its people a task has called at most when its worker dies."""
COUNTS = ("accepted", "rejected", "in doubt")


class CampaignUnderWay:
    """One run of the DAG, whose mapped tasks phone people now."""

    def __init__(self, ground, *, shards, people):
        self.shards, self.people = shards, people
        self._sandbox, self._api = ground.sandbox, ground.airflow.api
        self._api.wait_for_dag(DAG_ID)
        self._api.unpause(DAG_ID)
        self._run_id = self._api.trigger(DAG_ID, {"shards": shards, "people": people})

    def wait_for_busy_worker(self, workers, tasks, people):
        """Wait until so many people were called, and return a worker whose tasks are all in the middle.

        A task that a worker has taken and not begun when it dies is missed by Airflow only after ten minutes.
        """
        looks = []
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)
            called = Counter(self._shard_of(call) for call in self._sandbox.calls())
            if called.total() < people:
                continue
            running = {task["pid"]: task["map_index"] for task in self._tasks() if task["state"] == "running"}
            for worker in workers:
                shards = [running[pid] for pid in processes_in(worker.sessions) if pid in running]
                shares = [called[shard] / self.people for shard in shards]
                looks.append((worker.name, called.total(), shares))
                if len(shares) == tasks and max(shares) <= MIDDLE:
                    return worker
        pytest.fail(f"no worker was busy: {looks}")

    def end(self):
        """Wait for the end, compare what everybody says, and return the counts of the whole campaign."""
        state = self._api.wait_for_run(DAG_ID, self._run_id, poll_seconds=2 * LOOK_SECONDS)
        calls = self._sandbox.calls()
        tasks = self._tasks()
        assert len(tasks) == self.shards
        shards = [self._account(task, calls) for task in tasks]
        total = sum(shards, Counter())
        total["tasks tried again"] = sum(task["try_number"] > 1 for task in tasks)
        # Two sends of one person would look right in each of them.
        total["called twice"] += sum(times > 1 for times in Counter(call["phone"] for call in calls).values())
        total["called under another send"] += len(calls) - total["calls of shards"]
        total["unaccounted"] = self.shards * self.people - sum(total[name] for name in COUNTS)
        print(f"\nthe run ended as {state}: {dict(total)}")
        self._check(total)
        return total

    def _shard_of(self, call):
        return int(call["phone"].removeprefix("05")) // self.people

    def _ledger(self, task):
        return RemoteLedger.of(self._api, DAG_ID, self._run_id, TASK_ID, task["map_index"])

    def _tasks(self):
        tasks = self._api.task_instances(DAG_ID, self._run_id)
        return [task for task in tasks if task["task_id"] == TASK_ID and task["map_index"] >= 0]

    def _account(self, task, calls):
        where = (DAG_ID, self._run_id, TASK_ID)
        index = task["map_index"]
        ledger = self._ledger(task)
        own = [call for call in calls if send_of(call) == ledger.header.send_id]
        count = account(own, ledger, self._api.log(*where, task["try_number"], index))
        count["calls of shards"] = len(own)
        assert count["people"] == self.people
        manifest = self._api.xcom(*where, map_index=index)
        assert [manifest[name.replace(" ", "_")] for name in COUNTS] == [count[name] for name in COUNTS]
        assert task["state"] == ("failed" if count["in doubt"] else "success")
        attempts = attempts_in_order_of_calls(own, ledger)
        assert attempts == sorted(attempts), "an attempt phoned after a later one had"
        return count

    def _check(self, total):
        wrongs = (*WRONGS, "unaccounted")
        assert {wrong: total[wrong] for wrong in wrongs} == dict.fromkeys(wrongs, 0)
        added_up = self._api.xcom(DAG_ID, self._run_id, "add_up")
        assert added_up == {
            "recipients": self.shards * self.people,
            "skipped": 0,
            **{name.replace(" ", "_"): total[name] for name in COUNTS},
        }


def send_of(call):
    return call["message_id"].rsplit("-", 1)[0]


def arrivals(sandbox):
    """Return the seconds at which requests arrived, however they were answered."""
    return [dt.datetime.fromisoformat(one["time"]).timestamp() for one in sandbox.requests()]

"""The ledger of a task, read through Airflow's public REST API."""

from airflow_provider_inforu.ledger.ledger_reader import read_ledger
from airflow_provider_inforu.ledger.task_state_store import latest_of_tries, parse

MOST_TRIES = 50


class RemoteLedger:
    """What a task wrote into its state, whatever became of the task.

    :ivar header: What the ledger says of its send.
    :ivar records: What it knows of each batch, by number.
    """

    def __init__(self, entries):
        self._entries = entries
        self.header, self.records = read_ledger(self)

    @classmethod
    def of(cls, api, dag_id, run_id, task_id, map_index=-1):
        path = f"dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/state-store"
        params = {"limit": "1000", "map_index": str(map_index)}
        answer = api._json("GET", path, params=params)
        assert len(answer["task_state_store"]) == answer["total_entries"]
        return cls({entry["key"]: entry["value"] for entry in answer["task_state_store"]})

    def latest(self):
        return latest_of_tries(self.get, MOST_TRIES)

    def get(self, key):
        return parse(self._entries[key], key) if key in self._entries else None

"""The ledger of a task, read through Airflow's public REST API."""

from airflow_provider_inforu.sending.batch_state import Event
from airflow_provider_inforu.sending.ledger import HEADER, read_ledger


class RemoteLedger:
    """What a task wrote into its state, whatever became of the task.

    :ivar header: What the ledger says of its send.
    :ivar records: What it knows of each batch, by number.
    """

    def __init__(self, entries):
        self._entries = entries
        self.header, self.records = read_ledger(self)

    @classmethod
    def of(cls, api, dag_id, run_id, task_id):
        path = f"dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/state-store"
        answer = api._json("GET", path, params={"limit": "1000"})
        assert len(answer["task_state_store"]) == answer["total_entries"]
        return cls({entry["key"]: entry["value"] for entry in answer["task_state_store"]})

    def get(self, key):
        return self._entries.get(key)

    def attempts(self):
        """Return which attempt wrote last, by the number of the batch, that it would send it."""
        writers = {}
        for attempt in range(1, self.header.attempts + 1):
            prefix = f"{HEADER}.{self.header.send_id}.{attempt}."
            for key, value in self._entries.items():
                if key.startswith(prefix):
                    writers |= {event[1]: attempt for event in value["events"] if event[0] == Event.SUBMIT}
        return writers

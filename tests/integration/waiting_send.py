"""A send on a real Airflow that waits for its calls: watch it wait, let its calls report, see it end."""

import datetime as dt
import re
import time
from collections import Counter

from airflow_provider_inforu.sandbox.clock import israel_time
from demo.processes import wait_until
from demo.receiver import CONNECTION_ID
from tests.integration.ground import Run
from tests.integration.traces import everything_in_database, everything_that_remains, secrets_of
from tests.receiver import Receiver, end_of_call

DAG_ID, TASK_ID = "waiting_send", "call"
REPEATS = 3
POOL = "pools/default_pool"
FIRED = "Trigger fired event"
LOOKS_AGAIN = "The trigger polls again"


class WaitingSend:
    """One run of the DAG, whose task has sent and waits in the triggerer. No call has reported.

    :param ground: The Airflow and the sandbox.
    :param receiver_database: The receiver's database.
    """

    def __init__(self, ground, receiver_database):
        self._ground = ground
        self._databases = (ground.airflow.settings.database_url, receiver_database)
        self._api = ground.airflow.api
        self._api.wait_for_dag(DAG_ID)
        self._api.unpause(DAG_ID)
        self._run_id = self._api.trigger(DAG_ID)
        assert wait_until(self.is_deferred), self._api.task_instances(DAG_ID, self._run_id)
        self.send_id = self._ground.manifest(Run(DAG_ID, self._run_id, "running"))["send_id"]
        assert wait_until(lambda: all(call["status"] for call in self.calls()))
        # The triggerer takes a while to begin; nothing else has asked for this send yet.
        assert wait_until(self._trigger_has_looked)

    @property
    def receiver(self):
        """The words to talk to the receiver."""
        return Receiver(
            self._ground.receiver.url, None, conn_id=CONNECTION_ID, secret=self._ground.receiver.secret
        )

    def calls(self):
        return self._ground.sandbox.calls()

    def state(self):
        return self._api.task_instance(DAG_ID, self._run_id, TASK_ID)["state"]

    def is_deferred(self):
        return self.state() == "deferred"

    def slots(self):
        """Return how many slots of the pool are taken, by the state of the tasks that take them."""
        pool = self._api._json("GET", POOL)
        return {name: pool[f"{name}_slots"] for name in ("deferred", "running", "queued", "scheduled")}

    def looks_again(self):
        """Return how often the trigger began to fail to look at the receiver."""
        return self._log_of_trigger().count(LOOKS_AGAIN)

    def push(self, count):
        """Push the notifications of the first calls, as the vendor would; return the answer."""
        return self.receiver.push([notification_of(call) for call in self.calls()[:count]])

    def report_some(self, count):
        """Let the first calls report."""
        answer = self.push(count)
        assert answer.json()["stored"] == count, answer.text

    def report_all(self):
        """Let the sandbox push everything, in the rhythm in which the calls ended."""
        first = min(dt.datetime.fromisoformat(call["ended_at"]).timestamp() for call in self.calls())
        self._ground.sandbox.change_settings(notification_delay=time.time() - first)

    def has_reported_all(self):
        pushes = self._ground.sandbox.pushes()
        return sum(push["notifications"] for push in pushes) == REPEATS * len(self.calls())

    def end(self):
        """Wait for the end, compare what everybody says, and search everything for phones and secrets."""
        run = Run(DAG_ID, self._run_id, self._api.wait_for_run(DAG_ID, self._run_id))
        assert run.state == "success"
        assert wait_until(self.has_reported_all)
        pushes = self._ground.sandbox.pushes()
        assert {push["http_status"] for push in pushes} == {200}
        self._check_summary(run)
        self._check_that_it_resumed_once()
        self._check_secrecy(run)
        print(f"\n{len(self.calls())} calls, {len(pushes)} pushes: {self._ground.manifest(run)['calls']}")

    def _check_summary(self, run):
        calls = self.calls()
        manifest = self._ground.manifest(run)
        summary = manifest["calls"]
        assert manifest["accepted"] == summary["calls"] == len(calls)
        assert (summary["send_id"], summary["complete"]) == (self.send_id, True)
        assert summary["by_status"] == dict(Counter(call["status"] for call in calls))
        assert summary["by_digit"] == dict(Counter(call["digit"] for call in calls if call["digit"]))
        results = {
            f"{self.send_id}-{one.key}": (one.status, one.digit or "", one.seconds)
            for one in self._ground.receiver.client().iter_calls(self.send_id)
        }
        recorded = {call["message_id"]: (call["status"], call["digit"], call["seconds"]) for call in calls}
        assert results == recorded
        assert len(recorded) == len(calls)
        feed = self.receiver.pages("notifications", "notifications")
        assert sum(one["send_id"] == self.send_id for one in feed) == len(calls), "a repeat was kept"

    def _check_that_it_resumed_once(self):
        assert self._log_of_trigger().count(FIRED) == 1
        query = {"dag_id": DAG_ID, "run_id": self._run_id, "task_id": TASK_ID, "limit": "1000"}
        log = self._api._json("GET", "eventLogs", params=query)["event_logs"]
        events = Counter(one["event"] for one in log)
        assert {name: events[name] for name in ("running", "deferred", "success")} == {
            "running": 2,
            "deferred": 1,
            "success": 1,
        }
        assert self._api.task_instance(DAG_ID, self._run_id, TASK_ID)["try_number"] == 1

    def _check_secrecy(self, run):
        places = everything_that_remains(self._ground, run)
        for url in self._databases:
            places |= everything_in_database(url)
        assert f"/inforu/v1/{CONNECTION_ID}/notifications" in places[str(self._api_server_log)]
        assert all(
            any(self.send_id in text for name, text in places.items() if one in name) for one in PLACES
        )
        phones = {call["phone"].removeprefix("0") for call in self.calls()}
        secrets = secrets_of(self._ground)
        found = [
            name
            for name, text in places.items()
            if not phones.isdisjoint(numbers_in(text)) or any(secret in text for secret in secrets)
        ]
        assert found == []

    def _trigger_has_looked(self):
        return f"sends/{self.send_id}" in self._api_server_log.read_text("utf-8")

    @property
    def _api_server_log(self):
        return self._ground.airflow.component("api-server").log_path

    def _log_of_trigger(self):
        files = self._ground.airflow.settings.home.rglob("*.log.trigger.*.log")
        return "".join(path.read_text("utf-8") for path in files if self._run_id in str(path))


PLACES = (
    "the log of call",
    "XCom return_value of call",
    ".log.trigger.",
    "table inforu_call",
    "table task_state_store",
)
"""Where a send leaves its id: so these were searched, and are what they seem."""


def notification_of(call):
    """Return what the vendor pushes at the end of a call that the sandbox recorded."""
    seconds = call["seconds"]
    return end_of_call(
        call["message_id"],
        phone=call["phone"],
        status=call["status"],
        digit=call["digit"],
        at=israel_time(dt.datetime.fromisoformat(call["ended_at"]).timestamp()),
        CampaignID=call["campaign_id"],
        ListeningDuration=f"{seconds // 60:02}:{seconds % 60:02}",
    )


def numbers_in(text):
    """Return the last nine digits of everything that could be a phone."""
    return {number[-9:] for number in re.findall(r"(?<!\d)\d{9,12}(?!\d)", text)}

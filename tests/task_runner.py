"""Runs a task through Airflow's real task runner with no database.

An in-memory stand-in for the Execution API answers the runner's HTTP requests, so a test sees what a bare
``execute()`` hides: rendering and the stored rendered fields, XComs cleared at the start of a try, the task
state store that survives a try, and the state that the try ends in.
"""

import datetime as dt
import json
import logging
import re
import sys
import uuid
from urllib.parse import unquote

import httpx


class TaskRunner:
    """One task instance: ``run`` runs a try of it, and what it left behind can be looked at.

    ``state_store``, ``xcoms`` and ``rendered`` are as Airflow keeps them, ``states`` what each try reported.
    ``stale`` makes the attempt one that Airflow has given up: its reads find nothing and its writes fail.
    Raising ``max_tries`` is what a clear of a finished task does. Connections come from the environment.
    A deferred task's trigger is ``trigger()``, and ``resume`` gives the task an event. ``first_look`` is when
    a task that was rescheduled was run for the first time.
    """

    def __init__(self, *, stale=False):
        self.stale = stale
        self.max_tries = 2
        self.state_store, self.xcoms, self.rendered = {}, {}, {}
        self.states = []
        self.first_look = None
        self.on_xcom = lambda _path: None
        self._next, self._last = {}, {}

    def trigger(self):
        """Return the trigger that the last try deferred to, as a triggerer makes it."""
        from airflow.models.trigger import Trigger
        from airflow.sdk._shared.module_loading import import_string
        from airflow.sdk.serde import deserialize

        deferral = self.states[-1]
        stored = Trigger.encrypt_kwargs(deserialize(deferral["trigger_kwargs"]))
        return import_string(deferral["classpath"])(**Trigger._decrypt_kwargs(stored))

    def resume(self, task, event=None, **next_kwargs):
        """Resume the deferred task with the payload of a trigger's event; return the state it ends in."""
        deferral = self.states[-1]
        kwargs = {**deferral["next_kwargs"], **({} if event is None else {"event": event}), **next_kwargs}
        return self.resume_at(task, deferral["next_method"], kwargs)

    def resume_at(self, task, method, kwargs):
        """Resume a task at a method."""
        self._next = {"next_method": method, "next_kwargs": kwargs}
        try:
            return self.run(task, **self._last)
        finally:
            self._next = {}

    def run(self, task, *, try_number=1, map_index=-1):
        """Run one try; return the state it ended in: success, failed, up_for_retry, deferred."""
        from airflow.sdk.api.datamodels._generated import TaskInstance

        self._last = {"try_number": try_number, "map_index": map_index}
        instance = TaskInstance(
            id=uuid.uuid4(),
            task_id=task.task_id,
            dag_id="dag",
            run_id="run",
            try_number=try_number,
            map_index=map_index,
            dag_version_id=uuid.uuid4(),
        )
        package = logging.getLogger("airflow_provider_inforu")
        # A task's own process writes these to its log; here they go where the test looks.
        handler = logging.StreamHandler(sys.stdout)
        package.addHandler(handler)
        try:
            return self._run(instance, task)
        finally:
            package.removeHandler(handler)

    def _run(self, instance, task):
        from airflow.sdk.api.client import Client
        from airflow.sdk.execution_time.supervisor import run_task_in_process

        client = Client(base_url=None, dry_run=True, token="", transport=httpx.MockTransport(self._answer))
        client.base_url = "http://execution-api/"
        return str(run_task_in_process(ti=instance, task=task, client=client).state.value)

    def _answer(self, request):
        path, method = request.url.path, request.method
        for pattern, answer in (
            (r"/run$", self._run_context),
            (r"task-reschedules/[^/]+/start_date$", self._first_look),
            (r"/state$", self._set_state),
            (r"/rtif$", self._set_rendered),
            (r"store/ti/[0-9a-f-]+/(.+)$", self._state),
            (r"xcoms/[^/]+/[^/]+/[^/]+/(.+)$", self._xcom),
        ):
            if found := re.search(pattern, path):
                return answer(method, request, *(unquote(part) for part in found.groups()))
        return _not_found(f"{method} {path}")

    def _run_context(self, _method, _request):
        now = dt.datetime.now(dt.UTC).isoformat()
        dag_run = {
            "dag_id": "dag",
            "run_id": "run",
            "run_type": "manual",
            "state": "running",
            "conf": {},
            "logical_date": None,
            "data_interval_start": None,
            "data_interval_end": None,
            "run_after": now,
            "start_date": now,
            "end_date": None,
            "clear_number": 0,
            "consumed_asset_events": [],
            "partition_key": None,
        }
        context = {"dag_run": dag_run, "max_tries": self.max_tries, "should_retry": True}
        context |= self._next
        if self.xcoms and not self._next:
            context["xcom_keys_to_clear"] = list(self.xcoms)
        if self.first_look:
            context["task_reschedule_count"] = 1
        return httpx.Response(200, json=context)

    def _first_look(self, _method, _request):
        return httpx.Response(200, json=self.first_look.isoformat())

    def _set_state(self, _method, request):
        self.states.append(json.loads(request.content))
        return httpx.Response(204)

    def _set_rendered(self, _method, request):
        self.rendered = json.loads(request.content)
        return httpx.Response(201, json={"message": "ok"})

    def _state(self, method, request, key):
        if self.stale:
            return _not_found("Task instance not found")
        if method == "PUT":
            self.state_store[key] = json.loads(request.content)["value"]
            return httpx.Response(204)
        if method == "DELETE":
            self.state_store.pop(key, None)
            return httpx.Response(204)
        if key in self.state_store:
            return httpx.Response(200, json={"value": self.state_store[key]})
        return _not_found(key)

    def _xcom(self, method, request, key):
        if method == "POST":
            self.xcoms[key] = json.loads(request.content)
            return httpx.Response(201, json={"message": "ok"})
        if method == "DELETE":
            self.xcoms.pop(key, None)
            return httpx.Response(200, json={"message": "ok"})
        self.on_xcom(request.url.path)
        name = key.removesuffix("/slice")
        if name in self.xcoms:
            value = self.xcoms[name]
            return httpx.Response(200, json={"key": key, "value": value} if name == key else [value])
        return _not_found(key)


def _not_found(message):
    return httpx.Response(404, json={"detail": {"reason": "not_found", "message": message}})

"""A small HTTP server that answers as Airflow 3.3's public API does, where the commands ask it.

The shapes are those of Airflow's `routes/public/task_state_store.py`, `routes/public/task_instances.py` and
of the simple auth manager's `routes/login.py`.
"""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit


class AirflowServer:
    """One task instance, `dag` / `run` / `call`, and `others`, which hold no ledger.

    `values` is its state store, `state` its state. `on_write` is called after each write. `answer` replaces
    every answer of the API by a status and a body.
    """

    def __init__(self):
        self.values, self.requests, self.expiries = {}, [], []
        self.state, self.try_number, self.map_index = "failed", 1, -1
        self.token, self.all_admins, self.login = "good-token", True, {"username": "u", "password": "p"}
        self.has_state_store = True
        self.answer = None
        self.others = []
        self.on_write = lambda: None

    def __enter__(self):
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def respond(self, method, target, authorization, body):
        """Return a status and a JSON value, or text."""
        path = urlsplit(target).path
        query = {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
        self.requests.append((method, unquote(path)))
        if path == "/auth/token":
            return self._log_in(method, body)
        if self.answer:
            return self.answer
        if authorization != f"Bearer {self.token}":
            return 401, {"detail": "Invalid JWT token"}
        if path in ("/api/v2/dags/dag/dagRuns/~/taskInstances", "/api/v2/dags/dag/dagRuns/run/taskInstances"):
            return self._instances(query)
        found = re.fullmatch(
            r"/api/v2/dags/dag/dagRuns/run/taskInstances/call(?:/(-?\d+))?(?:/state-store/(.+))?", path
        )
        if not found:
            return 404, {"detail": "The Task Instance with dag_id: ... was not found"}
        if found[2]:
            return self._value(method, unquote(found[2]), int(query.get("map_index", -1)), body)
        return self._instance(found[1])

    def _log_in(self, method, body):
        if method == "GET" and not self.all_admins:
            return 403, {"detail": "This method is only allowed if ``[core] simple_auth_manager_all_admins``"}
        if method == "POST" and body != self.login:
            return 401, {"detail": "Invalid credentials"}
        return 201, {"access_token": self.token}

    def _instances(self, query):
        found = [
            one
            for one in [*self.others, self._instance(str(self.map_index))[1]]
            if one["task_id"] == query.get("task_id", one["task_id"])
        ]
        start, size = int(query["offset"]), int(query["limit"])
        return 200, {"task_instances": found[start : start + size], "total_entries": len(found)}

    def _instance(self, index):
        if index is None and self.map_index != -1:
            return 404, {"detail": "Task instance is mapped, add the map_index value to the URL"}
        if index is not None and int(index) != self.map_index:
            return 404, {"detail": "The Mapped Task Instance with dag_id: ... was not found"}
        return 200, {
            "id": f"instance-{self.try_number}",
            "task_id": "call",
            "dag_id": "dag",
            "dag_run_id": "run",
            "map_index": self.map_index,
            "start_date": None,
            "try_number": self.try_number,
            "state": self.state,
        }

    def _value(self, method, key, map_index, body):
        if not self.has_state_store:
            return 404, {"detail": "Not Found"}
        if method == "GET":
            if key not in self.values or map_index != self.map_index:
                return 404, {"detail": f"Task state store key {key!r} not found"}
            now = "2026-01-01T00:00:00Z"
            return 200, {"key": key, "value": self.values[key], "updated_at": now, "expires_at": None}
        if len(json.dumps(body["value"])) > 65535:
            return 422, {"detail": [{"msg": "value exceeds max_value_storage_bytes"}]}
        self.values[key] = body["value"]
        self.expiries.append(body.get("expires_at", "default"))
        self.on_write()
        return 204, None

    def _handler(outer):  # noqa: N805 - the handler has a `self` of its own
        class Handler(BaseHTTPRequestHandler):
            def do(self):
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                status, answer = outer.respond(
                    self.command, self.path, self.headers.get("Authorization"), body
                )
                text = answer if isinstance(answer, str) else json.dumps(answer)
                data = b"" if answer is None else text.encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_PUT = do_POST = do  # noqa: N815 - names of the standard library

            def log_message(self, *_):
                pass

        return Handler

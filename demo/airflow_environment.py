"""The environment of an Airflow that shares nothing with any other Airflow on the machine."""

from __future__ import annotations

import base64
import os
import secrets
import socket
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

HOST = "127.0.0.1"


@dataclass(frozen=True)
class StackSettings:
    """What a stack is started with.

    `home` becomes its AIRFLOW_HOME. `connections` maps a connection id to its JSON or URI.
    `variables` are further environment variables of all its processes. Without `sql_alchemy_conn` the
    database is a SQLite file in the home folder. `python` is that of the installation that is started.
    """

    home: Path
    dags_folder: Path
    sql_alchemy_conn: str | None = None
    connections: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    python: Path = Path(sys.executable)

    @property
    def database_url(self) -> str:
        """The SQLAlchemy URL of the metadata database."""
        return self.sql_alchemy_conn or f"sqlite:///{self.home / 'airflow.db'}"


@dataclass(frozen=True)
class StackPorts:
    """The ports of one stack."""

    api: int
    worker_logs: int
    trigger_logs: int

    @classmethod
    def free(cls) -> StackPorts:
        """Three ports that nobody listens on now."""
        with ExitStack() as held:
            sockets = [held.enter_context(socket.create_server((HOST, 0))) for _ in range(3)]
            return cls(*(int(one.getsockname()[1]) for one in sockets))

    @property
    def api_url(self) -> str:
        """Where the API server and its pages are."""
        return f"http://{HOST}:{self.api}"


def stack_environment(settings: StackSettings, ports: StackPorts) -> dict[str, str]:
    """Return the environment of the stack's processes: the caller's, without its Airflow settings."""
    return {
        **_callers_environment(settings.python),
        "AIRFLOW_HOME": str(settings.home),
        **_core(settings),
        **_services(ports),
        **_pace(),
        **_patience(),
        **{f"AIRFLOW_CONN_{name.upper()}": value for name, value in settings.connections.items()},
        **settings.variables,
    }


def _callers_environment(python: Path) -> dict[str, str]:
    foreign = ("AIRFLOW_", "_AIRFLOW_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    bypass = ",".join(
        filter(None, [os.environ.get("NO_PROXY") or os.environ.get("no_proxy"), HOST, "localhost"])
    )
    tools = str(python.parent)
    return {
        **kept,
        "PATH": os.pathsep.join(filter(None, [tools, kept.get("PATH")])),
        "NO_PROXY": bypass,
        "no_proxy": bypass,
        "NO_COLOR": "1",
        "PYTHONUNBUFFERED": "1",
    }


def _core(settings: StackSettings) -> dict[str, str]:
    return {
        "AIRFLOW__CORE__DAGS_FOLDER": str(settings.dags_folder),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__CORE__FERNET_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_urlsafe(64),
        # The default asks the name server, which makes an offline machine wait.
        "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": settings.database_url,
        # `airflow db migrate` has just run: four more checks cost seconds.
        "AIRFLOW__DATABASE__CHECK_MIGRATIONS": "False",
    }


def _services(ports: StackPorts) -> dict[str, str]:
    return {
        "AIRFLOW__API__HOST": HOST,
        "AIRFLOW__API__PORT": str(ports.api),
        "AIRFLOW__API__BASE_URL": ports.api_url,
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{ports.api_url}/execution/",
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(ports.worker_logs),
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(ports.trigger_logs),
    }


def _pace() -> dict[str, str]:
    return {
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "2",
        "AIRFLOW__DAG_PROCESSOR__BUNDLE_REFRESH_CHECK_INTERVAL": "1",
        "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.3",
        # A finished task holds its slot until the next heartbeat.
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
    }


def _patience() -> dict[str, str]:
    """Return limits of time that a slow machine does not exceed while several Airflows start."""
    return {
        # A request that starts a task and times out is made again. The API server refuses the second one,
        # because the first one has started the task, and the task fails.
        "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "60",
        "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "120",
        "AIRFLOW__DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT": "180",
    }

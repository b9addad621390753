"""A real Airflow with all its components, as processes that end when it is stopped."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

import requests

from demo.airflow_api import AirflowApi
from demo.airflow_environment import StackPorts, StackSettings, stack_environment
from demo.processes import PATIENCE_SECONDS, POLL_SECONDS, Service, ServiceError, stop_services

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

COMPONENTS = ("api-server", "scheduler", "dag-processor", "triggerer")
# The component that each entry of Airflow's health page speaks of.
HEALTH_NAMES = {
    "metadatabase": "api-server",
    "scheduler": "scheduler",
    "dag_processor": "dag-processor",
    "triggerer": "triggerer",
}


class AirflowStack:
    """Airflow's API server, scheduler (LocalExecutor), DAG processor and triggerer.

    As a context manager it is healthy inside the block and gone after it. Every component writes to
    `<home>/<component>.log`.
    """

    def __init__(self, settings: StackSettings, ports: StackPorts | None = None) -> None:
        self.settings = settings
        self.ports = ports or StackPorts.free()
        self.environment = stack_environment(settings, self.ports)
        self.api = AirflowApi(self.ports.api_url)
        self._migrate = self._service("db-migrate", "db", "migrate")
        self._components = {name: self._service(name, name) for name in COMPONENTS}

    @property
    def url(self) -> str:
        """Where Airflow's pages are."""
        return self.ports.api_url

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Make the database, start the components, and return when all of them are healthy."""
        self.settings.home.mkdir(parents=True, exist_ok=True)
        try:
            self._migrate.start()
            self._migrate.finish()
            for component in self._components.values():
                component.start()
            self._become_healthy()
        except BaseException:
            self.stop()
            raise

    def component(self, name: str) -> Service:
        """Return one of COMPONENTS."""
        return self._components[name]

    def stop_component(self, name: str) -> None:
        """End a component and everything that it started."""
        stop_services([self._components[name]])

    def start_component(self, name: str) -> None:
        """Start a component again, on the same ports, and return when the stack is healthy."""
        self._components[name].start()
        self._become_healthy()

    def stop(self) -> None:
        """End every process of the stack; harmless when it is down already."""
        stop_services([self._migrate, *self._components.values()])

    def _service(self, name: str, *arguments: str) -> Service:
        return Service(
            name,
            [str(self.settings.python), "-m", "airflow", *arguments],
            log_path=self.settings.home / f"{name}.log",
            environment=self.environment,
            folder=self.settings.home,
        )

    def _become_healthy(self) -> None:
        self._wait_until_healthy(["api-server"])
        # The first request of a task makes the API server load its API for tasks, which takes
        # seconds: it does so now, while the other components still start.
        self.api.load_task_api()
        self._wait_until_healthy(COMPONENTS)

    def _wait_until_healthy(self, names: Sequence[str]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while missing := [name for name in self._unhealthy() if name in names]:
            for component in self._components.values():
                component.check_running()
            if time.monotonic() > deadline:
                failures = [str(self._components[name].failure("is not healthy")) for name in missing]
                raise ServiceError("\n".join(failures))
            time.sleep(POLL_SECONDS)

    def _unhealthy(self) -> list[str]:
        try:
            health = self.api.health()
        except requests.RequestException:
            return ["api-server"]
        return [name for key, name in HEALTH_NAMES.items() if health.get(key, {}).get("status") != "healthy"]

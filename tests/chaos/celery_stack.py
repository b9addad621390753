"""A real Airflow with CeleryExecutor: its tasks run in worker processes, fed by a Redis server."""

import os
import secrets
import signal
from contextlib import contextmanager
from dataclasses import replace
from urllib.parse import urlsplit

import redis

from demo.airflow_environment import StackPorts
from demo.airflow_stack import AirflowStack
from demo.processes import Service, processes_in, stop_services, wait_until
from tests.integration.ground import skip_unless_required

REDIS_URL = os.environ.get("INFORU_TEST_REDIS", "redis://127.0.0.1:6379/0")
DATABASE = 7
"""Of the Redis server: one that nothing else here uses."""


class Broker:
    """A part of a Redis server of our own, between the scheduler and the workers."""

    def __init__(self):
        self.url = urlsplit(REDIS_URL)._replace(path=f"/{DATABASE}").geturl()
        self.prefix = f"inforu-test-{secrets.token_hex(6)}:"
        self.server = redis.Redis.from_url(self.url, socket_connect_timeout=5)

    def forget(self, pattern):
        for key in self.server.scan_iter(pattern):
            self.server.delete(key)


@contextmanager
def new_broker():
    broker = Broker()
    try:
        broker.server.ping()
    except redis.RedisError:
        skip_unless_required("redis", f"no Redis server answers at {broker.url}")
    yield broker
    broker.forget(f"{broker.prefix}*")


class CeleryStack(AirflowStack):
    """The components of an Airflow, and worker processes beside them, each with a log of its own."""

    def __init__(self, settings, broker, *, workers, concurrency):
        variables = {
            **settings.variables,
            "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
            "AIRFLOW__CORE__PARALLELISM": "32",
            "AIRFLOW__CORE__MAX_ACTIVE_TASKS_PER_DAG": "32",
            "AIRFLOW__CELERY__BROKER_URL": broker.url,
            "AIRFLOW__CELERY__RESULT_BACKEND": f"db+{settings.database_url}",
            "AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__GLOBAL_KEYPREFIX": broker.prefix,
        }
        super().__init__(replace(settings, variables=variables))
        self.workers = [self._worker(f"worker-{number + 1}", concurrency) for number in range(workers)]

    def start(self):
        self.settings.home.mkdir(parents=True, exist_ok=True)
        try:
            first, *others = self.workers
            # It makes the tables of results, and two that make them at once get in each other's way.
            first.start()
            _wait_until_ready(first)
            for worker in others:
                worker.start()
            super().start()
            for worker in others:
                _wait_until_ready(worker)
        except BaseException:
            self.stop()
            raise

    def stop(self):
        stop_services(self.workers)
        super().stop()

    def kill(self, worker):
        """Kill a worker, its tasks and all else that it started, as a machine that goes down does."""
        for pid in processes_in(worker.sessions):
            os.kill(pid, signal.SIGKILL)
        worker.kill()
        assert wait_until(lambda: not processes_in(worker.sessions))

    def _worker(self, name, concurrency):
        return Service(
            name,
            [
                *(str(self.settings.python), "-m", "airflow", "celery", "worker"),
                *("--celery-hostname", name, "--concurrency", str(concurrency)),
                *("--without-mingle", "--without-gossip"),
            ],
            log_path=self.settings.home / f"{name}.log",
            environment={
                **self.environment,
                "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(StackPorts.free().worker_logs),
            },
            folder=self.settings.home,
        )


def _wait_until_ready(worker):
    def is_ready():
        worker.check_running()
        return f"{worker.name} ready" in worker.log_tail(1000)

    if not wait_until(is_ready):
        raise worker.failure("is not ready")

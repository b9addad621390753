"""How long Airflow's task state takes for one write of the size that a ledger writes."""

from __future__ import annotations

import time
from typing import Any

from airflow.sdk import dag, task

WRITES = 200
VALUE = "x" * 2048
"""A segment of the ledger grows to 4 KB."""


@dag(schedule=None)
def state_writes():
    @task
    def write(task_state_store: Any = None):
        times = []
        for number in range(WRITES):
            start = time.perf_counter()
            task_state_store.set(f"benchmark.{number % 4}", VALUE)
            times.append(time.perf_counter() - start)
        return sorted(times)[WRITES // 2] * 1000

    write()


state_writes()

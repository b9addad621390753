"""What a dry run and a report take of a machine, up to a million people, beside what holds them all.

Prints the time and asserts none of it. The memory is that over the same task with one person.
"""

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from tests.benchmarks.people_sources import DATABASES, FILES, PEOPLE, QUERY, database, write_file

ROOT = Path(__file__).parents[2]
SIZES = (10_000, 100_000, PEOPLE)
MOST_MEGABYTES = 100
HEAD = (
    "\n| from | people | ours: MB | µs a person | µs of CPU | all held: MB | µs a person | µs of CPU |"
    "\n|---|---|---|---|---|---|---|---|"
)


def run(module, folder, environment, **given):
    result = folder / "result"
    result.unlink(missing_ok=True)
    command = [
        sys.executable,
        "-m",
        f"tests.benchmarks.{module}",
        json.dumps({**given, "result": str(result)}),
    ]
    with (folder / "log").open("w") as log:
        subprocess.run(command, check=True, cwd=ROOT, env={**os.environ, **environment}, stdout=log)
    return json.loads(result.read_text())


class Measured:
    """What a task takes over what it takes with one person."""

    def __init__(self, task):
        task(1)  # it finds the disk cold
        self._task = task
        self._one = task(1)

    def of(self, count):
        """Return MB, µs a person and those of the CPU."""
        said, micro = self._task(count), 1e6 / count
        return (
            said["megabytes"] - self._one["megabytes"],
            (said["seconds"] - self._one["seconds"]) * micro,
            (said["cpu_seconds"] - self._one["cpu_seconds"]) * micro,
        )


def measure(name, task):
    print(HEAD)
    ours, peer = Measured(partial(task, "ours")), Measured(partial(task, "peer"))
    for count in SIZES:
        taken, held = ours.of(count), peer.of(count)
        cells = " | ".join(f"{mb:.0f} | {wall:.1f} | {cpu:.1f}" for mb, wall, cpu in (taken, held))
        print(f"| {name} | {count:,} | {cells} |", flush=True)
        assert taken[0] <= MOST_MEGABYTES


def dry_run(folder, environment, count, **given):
    said = run("dry_run_process", folder, environment, **given)
    assert said["state"] == "success", (folder / "log").read_text()[-5000:]
    assert (said["would_call"], said["would_request"]) == (count, -(-count // 100))
    return said


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", FILES)
def test_memory_does_not_grow_with_the_people_of_a_file(tmp_path, name):
    def task(way, count):
        folder = tmp_path / str(count)
        folder.mkdir(exist_ok=True)
        path = folder / name
        if not path.exists():
            write_file(path, count)
        return dry_run(tmp_path, {}, count, way=way, path=str(path))

    measure(name.removeprefix("people"), task)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", DATABASES)
def test_memory_does_not_grow_with_the_people_of_a_query(tmp_path, kind):
    def task(way, count):
        environment = {"AIRFLOW_CONN_PEOPLE_DB": connection}
        return dry_run(tmp_path, environment, count, way=way, sql=QUERY.format(count))

    with database(kind, tmp_path, PEOPLE) as connection:
        measure(f"SQL on {kind}", task)


@pytest.mark.timeout(1800)
def test_memory_does_not_grow_with_the_people_of_a_report(tmp_path):
    path = tmp_path / "report.csv"

    def task(way, count):
        said = run("report_process", tmp_path, {}, way=way, people=count, path=str(path))
        with path.open() as file:
            assert sum(1 for _ in file) == count + 1
        return said

    measure("the outcomes in a report", task)

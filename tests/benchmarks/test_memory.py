"""What a dry run takes of a machine, up to a million people, beside one that holds them all.

Prints the time and asserts none of it. The memory is that over the same task with one person.
"""

import json
import os
import subprocess
import sys
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


def run(folder, way, environment, **source):
    result = folder / "result"
    result.unlink(missing_ok=True)
    given = {"way": way, "result": str(result), **source}
    command = [sys.executable, "-m", "tests.benchmarks.dry_run_process", json.dumps(given)]
    with (folder / "log").open("w") as log:
        subprocess.run(command, check=True, cwd=ROOT, env={**os.environ, **environment}, stdout=log)
    said = json.loads(result.read_text())
    assert said["state"] == "success", (folder / "log").read_text()[-5000:]
    return said


class Measured:
    """One way to read the people of one source."""

    def __init__(self, folder, way, environment, source_of):
        self._run = lambda count: run(folder, way, environment, **source_of(count))
        self._one = self._run(1)

    def of(self, count):
        """Return MB, µs a person and those of the CPU, each over what the task takes with one person."""
        said = self._run(count)
        assert (said["would_call"], said["would_request"]) == (count, -(-count // 100))
        micro = 1e6 / count
        return (
            said["megabytes"] - self._one["megabytes"],
            (said["seconds"] - self._one["seconds"]) * micro,
            (said["cpu_seconds"] - self._one["cpu_seconds"]) * micro,
        )


def measure(name, folder, environment, source_of):
    print(HEAD)
    ours = Measured(folder, "ours", environment, source_of)
    peer = Measured(folder, "peer", environment, source_of)
    for count in SIZES:
        taken, held = ours.of(count), peer.of(count)
        cells = " | ".join(f"{mb:.0f} | {wall:.1f} | {cpu:.1f}" for mb, wall, cpu in (taken, held))
        print(f"| {name} | {count:,} | {cells} |", flush=True)
        assert taken[0] <= MOST_MEGABYTES


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", FILES)
def test_memory_does_not_grow_with_the_people_of_a_file(tmp_path, name):
    def file_of(count):
        folder = tmp_path / str(count)
        folder.mkdir(exist_ok=True)
        path = folder / name
        return {"path": str(path if path.exists() else write_file(path, count))}

    measure(name.removeprefix("people"), tmp_path, {}, file_of)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", DATABASES)
def test_memory_does_not_grow_with_the_people_of_a_query(tmp_path, kind):
    with database(kind, tmp_path, PEOPLE) as connection:
        environment = {"AIRFLOW_CONN_PEOPLE_DB": connection}
        measure(f"SQL on {kind}", tmp_path, environment, lambda count: {"sql": QUERY.format(count)})

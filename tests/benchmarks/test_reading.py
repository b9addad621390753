"""What it takes to read recipients from CSV, beside an earlier commit. Prints, asserts no time.

It needs a checkout of that commit with an environment of its own: INFORU_BENCHMARK_BASE=/path.
"""

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks.people_sources import PEOPLE, people, write_rows

ROOT = Path(__file__).parents[2]
PROCESS = Path(__file__).with_name("read_process.py")
SIZES = {10_000: 5, 100_000: 5, PEOPLE: 1}
"""How often each is read by each."""
SPELLINGS = {
    "0500000001": str,
    "050-000-0001": lambda phone: f"{phone[:3]}-{phone[3:6]}-{phone[6:]}",
    "+972500000001": lambda phone: f"+972{phone[1:]}",
    "972500000001": lambda phone: f"972{phone[1:]}",
}
MOST_MEGABYTES = 60
HEAD = (
    "\n| phones as | people | base: µs a person | ours | ratio | base: µs of CPU | ours | ratio "
    "| base: MB | ours |\n|---|---|---|---|---|---|---|---|---|---|"
)


def read(checkout, folder, count):
    result = folder / "result"
    result.unlink(missing_ok=True)
    given = {"path": str(folder / f"{count}.csv"), "warm_up": str(folder / "1.csv"), "result": str(result)}
    own = checkout / ".venv" / "bin" / "python"
    subprocess.run(
        [own if own.exists() else sys.executable, PROCESS, json.dumps(given)],
        check=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(checkout)},
        stdout=subprocess.DEVNULL,
    )
    said = json.loads(result.read_text())
    assert said["recipients"] == count
    return said


@pytest.fixture
def checkouts():
    base = os.environ.get("INFORU_BENCHMARK_BASE")
    if not base:
        pytest.skip("INFORU_BENCHMARK_BASE names no checkout")
    return {"base": Path(base), "ours": ROOT}


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_reading_beside_an_earlier_commit(tmp_path, checkouts, spelling):
    sizes = SIZES if spelling == next(iter(SPELLINGS)) else {100_000: 3}
    for count in (1, *sizes):
        rows = ({**row, "phone": SPELLINGS[spelling](row["phone"])} for row in people(count))
        write_rows(tmp_path / f"{count}.csv", rows)
    empty = {name: read(checkout, tmp_path, 1)["megabytes"] for name, checkout in checkouts.items()}
    print(HEAD)
    for count, rounds in sizes.items():
        said = {"base": [], "ours": []}
        for number in range(rounds):
            # The order changes, so that a machine that gets slower harms both.
            for name in ("base", "ours") if number % 2 else ("ours", "base"):
                said[name].append(read(checkouts[name], tmp_path, count))
        cells = []
        for field in ("seconds", "cpu_seconds"):
            base, ours = (
                statistics.median(one[field] for one in said[name]) * 1e6 / count for name in ("base", "ours")
            )
            cells += [f"{base:.1f}", f"{ours:.1f}", f"{ours / base:.2f}"]
        memory = {name: max(one["megabytes"] for one in said[name]) - empty[name] for name in said}
        cells += [f"{memory['base']:.0f}", f"{memory['ours']:.0f}"]
        print(f"| {spelling} | {count:,} | {' | '.join(cells)} |", flush=True)
        assert memory["ours"] <= MOST_MEGABYTES

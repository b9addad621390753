"""What the provider costs each DAG parse, beside one that every Airflow has. Prints, asserts no time."""

import statistics
import subprocess
import sys

ROUNDS = 7
STATEMENTS = {
    "get_provider_info(), no Airflow": (
        "pass",
        "from airflow_provider_inforu.get_provider_info import get_provider_info as g; g()",
    ),
    "our operators, over airflow.sdk": (
        "from airflow.sdk import BaseOperator, BaseHook, DAG",
        "import airflow_provider_inforu.operators.voice",
    ),
    "smtp's operators, over airflow.sdk (peer)": (
        "from airflow.sdk import BaseOperator, BaseHook, DAG",
        "import airflow.providers.smtp.operators.smtp",
    ),
}


def milliseconds(before, statement):
    code = f"import time; {before}; t = time.perf_counter(); {statement}; print(time.perf_counter() - t)"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return float(run.stdout.split()[-1]) * 1000


def test_import_times_beside_a_peer():
    times = {name: [] for name in STATEMENTS}
    for _ in range(ROUNDS):
        for name, statements in STATEMENTS.items():
            times[name].append(milliseconds(*statements))
    print(f"\n| what | median of {ROUNDS} (ms) | slowest (ms) |\n|---|---|---|")
    for name, rounds in times.items():
        print(f"| {name} | {statistics.median(rounds):.1f} | {max(rounds):.1f} |")
    assert all(len(rounds) == ROUNDS for rounds in times.values())

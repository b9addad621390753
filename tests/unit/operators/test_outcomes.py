"""The outcomes of calls wait on disk for the report."""

import datetime as dt
import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_inforu.outcomes.summary import CallResult
from airflow_provider_inforu.sending.outcome_store import Outcomes

MOST_MEGABYTES = 30
HOLD_OUTCOMES = """
import resource
from airflow_provider_inforu.sending.outcome_store import Outcomes
from airflow_provider_inforu.outcomes.summary import CallResult

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

def results():
    for number in range(100_000):
        yield CallResult(f"key-{number}", "Answered " * 200, 17, "1", 183, None)

before = peak()
outcomes = Outcomes(results())
for start in range(0, 100_000, 100):
    assert len(outcomes.of([f"key-{number}" for number in range(start, start + 100)])) == 100
print(peak() - before)
"""


def result(key, status="Answered", seconds=17, digit=None, ended_at=None):
    return CallResult(key, status, seconds, digit, 183, ended_at)


def test_an_outcome_is_found_by_its_key_and_shows_what_the_report_does():
    ended_at = dt.datetime(2026, 11, 24, 9, 30, tzinfo=dt.UTC)
    outcomes = Outcomes([result("a", "Answered", 17, "1", ended_at), result("b", None, None)])
    assert outcomes.of(["b", "a", "c"]) == {
        "a": {"outcome": "Answered", "seconds": 17, "digit": "1", "ended_at": "2026-11-24T09:30:00+00:00"},
        "b": {"outcome": None, "seconds": None, "digit": None, "ended_at": None},
    }


def test_of_two_results_of_a_call_the_later_one_counts():
    outcomes = Outcomes([result("a", "Busy"), result("b"), result("a", "Answered")])
    assert outcomes.of(["a"])["a"]["outcome"] == "Answered"


def test_nobody_has_an_outcome_where_no_call_has_ended():
    assert Outcomes().of(["a"]) == {}
    assert Outcomes([result("a")]).of([]) == {}


def test_any_number_of_people_may_be_asked_about_at_a_time():
    outcomes = Outcomes(result(f"k{number}", seconds=number) for number in range(0, 2500, 2))
    found = outcomes.of([f"k{number}" for number in range(2500)])
    assert {key: one["seconds"] for key, one in found.items()} == {f"k{n}": n for n in range(0, 2500, 2)}


# Half a character and NUL too: the receiver's answer is JSON, which can say anything.
ANY_TEXT = st.text(st.characters(exclude_categories=()))


@given(key=ANY_TEXT, status=st.none() | ANY_TEXT, seconds=st.none() | st.integers())
def test_whatever_the_receiver_says_comes_back(key, status, seconds):
    (found,) = Outcomes([result(key, status, seconds)]).of([key]).items()
    assert found == (key, {"outcome": status, "seconds": seconds, "digit": None, "ended_at": None})


def test_memory_does_not_grow_with_the_calls():
    """100,000 statuses of 1,800 characters would take some 180 MB."""
    grown = subprocess.run([sys.executable, "-c", HOLD_OUTCOMES], capture_output=True, text=True, check=True)
    assert int(grown.stdout) < MOST_MEGABYTES

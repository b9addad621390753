"""What the demo says: its table, and why it failed."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from demo import reminders
from demo.outcomes import Outcome, outcomes_of, print_table

if TYPE_CHECKING:
    from tests.integration.ground import Ground

pytestmark = pytest.mark.integration


def call(message_id: str, status: str | None, digit: str = "", seconds: int = 0) -> dict[str, object]:
    return {
        "message_id": message_id,
        "text": "שלום",
        "status": status,
        "digit": digit,
        "seconds": seconds,
    }


def test_outcomes_are_those_of_the_send_in_the_order_of_the_keys() -> None:
    calls = [
        call("s1-B", "Answered", digit="1", seconds=8),
        call("s1-A", "Busy"),
        call("s2-A", "Busy"),
        call("s1-C", None),
    ]

    assert [(one.key, one.words) for one in outcomes_of(calls, "s1")] == [
        ("A", "Busy"),
        ("B", "Answered (pressed 1, 8 s)"),
        ("C", "no outcome"),
    ]


def test_the_columns_of_the_table_stay_straight_under_hebrew_with_vowel_points() -> None:
    out = io.StringIO()

    print_table([Outcome("A", "שָׁלוֹם", "Busy", "", 0), Outcome("B", "שלום", "Busy", "", 0)], out)

    pointed, plain = out.getvalue().splitlines()[2:]
    # The three vowel points take no room in a terminal.
    assert pointed.index("Busy") == plain.index("Busy") + 3


@pytest.mark.parametrize("ground", ["sqlite"], indirect=True)
def test_the_demo_says_why_a_task_failed(fresh_ground: Ground) -> None:
    fresh_ground.sandbox.inject("status", function="Voice/Message/Send", status_id=-222)

    with pytest.raises(reminders.DemoError, match=r"failed tasks: call\n.*-222"):
        reminders.run_dag(fresh_ground.airflow.api, reminders.Progress())


@pytest.mark.parametrize("ground", ["sqlite"], indirect=True)
def test_the_demo_names_the_people_whose_call_never_ended(
    fresh_ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reminders, "CALLS_SECONDS", 0.0)
    fresh_ground.sandbox.change_settings(call_seconds=3600)
    progress = reminders.Progress()
    send_id = reminders.run_dag(fresh_ground.airflow.api, progress)

    with pytest.raises(reminders.DemoError, match="no outcome after 0 s for A-1001, A-1002"):
        reminders.wait_for_outcomes(fresh_ground.sandbox, send_id, progress)

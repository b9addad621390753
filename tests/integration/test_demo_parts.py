"""What the demo says: its table, and why it failed."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from airflow_provider_inforu.outcomes.receiver_client import ReceiverClient
from airflow_provider_inforu.outcomes.summary import CallResult
from demo import reminders
from demo.outcomes import Outcome, print_table
from tests.integration.ground import ON_SQLITE
from tests.receiver import end_of_call

if TYPE_CHECKING:
    from tests.integration.ground import Ground
    from tests.receiver import Receiver

pytestmark = pytest.mark.integration


SEND_ID = "0123456789abcdef"


def result(key: str, status: str, digit: str | None = None, seconds: int | None = None) -> CallResult:
    return CallResult(key, status, seconds, digit, 194, None)


def test_a_line_says_how_both_calls_ended() -> None:
    first, again = result("A", "NoAnswer"), result("A", "Answered", digit="1", seconds=8)

    assert Outcome("A", "שלום", first, again).cells == ("A", "שלום", "NoAnswer", "Answered (pressed 1, 8 s)")
    assert Outcome("A", "שלום", first).cells == ("A", "שלום", "NoAnswer", "")


def test_the_columns_of_the_table_stay_straight_under_hebrew_with_vowel_points() -> None:
    out = io.StringIO()

    busy = result("A", "Busy")
    print_table([Outcome("A", "שָׁלוֹם", busy), Outcome("B", "שלום", busy)], out)

    pointed, plain = out.getvalue().splitlines()[2:]
    # The three vowel points take no room in a terminal.
    assert pointed.index("Busy") == plain.index("Busy") + 3


@ON_SQLITE
def test_the_demo_says_why_a_task_failed(fresh_ground: Ground) -> None:
    fresh_ground.sandbox.inject("status", function="Voice/Message/Send", status_id=-222)

    with pytest.raises(reminders.DemoError, match=r"failed tasks: call\n.*-222"):
        reminders.run_dag(fresh_ground.airflow.api, reminders.Progress())


class Sandbox:
    """What the demo asks of a sandbox."""

    @staticmethod
    def calls() -> list[dict[str, str]]:
        return [{"message_id": f"{SEND_ID}-{key}", "text": "שלום"} for key in ("A-1", "A-2", "A-3")]


def test_the_demo_names_the_people_of_whose_call_the_receiver_heard_nothing(receiver: Receiver) -> None:
    receiver.push([end_of_call(f"{SEND_ID}-A-2")])
    client = ReceiverClient(receiver.url, receiver.conn_id, receiver.secret, 20.0)

    with pytest.raises(reminders.DemoError, match="heard of no outcome for A-1, A-3"):
        reminders.read_outcomes(Sandbox(), client, [SEND_ID])

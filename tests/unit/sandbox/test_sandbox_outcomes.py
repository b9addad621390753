"""How calls end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_inforu.sandbox.call_endings import BUSY, NO_ANSWER, choose_outcome


@pytest.mark.parametrize(
    ("phone", "outcome"),
    [
        ("0500000001", ("Answered", "")),
        ("0500000002", ("Answered", "1")),
        ("0500000003", (NO_ANSWER, "")),
        ("0500000004", (BUSY, "")),
        ("0500000006", ("Answered", "2")),
    ],
)
def test_a_magic_phone_decides_the_outcome(send, sandbox, phone, outcome):
    sandbox.update_settings(call_seconds=0)
    send(phone)
    [call] = sandbox.calls()
    assert (call["status"], call["digit"]) == outcome
    assert call["ended_at"] is not None


def test_a_call_that_never_reports_keeps_ringing_and_nobody_waits_for_it(send, sandbox):
    send("0500000005", "0500000001")
    sandbox.wait_until_calls_ended(timeout=20)
    assert [call["status"] for call in sandbox.calls()] == [None, "Answered"]
    assert sandbox.calls()[0]["ended_at"] is None


def test_a_call_has_no_outcome_while_it_rings(send, sandbox):
    sandbox.update_settings(call_seconds=60)
    send("0500000001")
    [call] = sandbox.calls()
    assert [call[name] for name in ("status", "digit", "seconds", "ended_at")] == [None] * 4
    with pytest.raises(TimeoutError, match="still ring"):
        sandbox.wait_until_calls_ended(timeout=0.05)


def test_the_same_seed_gives_the_same_outcomes_and_another_seed_others(send, sandbox):
    phones = [f"05012{number:04}9" for number in range(60)]

    def outcomes(seed: int) -> list[tuple[str, str, int]]:
        sandbox.reset()
        sandbox.update_settings(seed=seed, call_seconds=0)
        send(*phones)
        return [(call["status"], call["digit"], call["seconds"]) for call in sandbox.calls()]

    first = outcomes(7)
    assert first == outcomes(7)
    assert first != outcomes(8)
    assert {status for status, _, _ in first} == {"Answered", NO_ANSWER, BUSY}
    assert all(digit == "" and seconds == 0 for status, digit, seconds in first if status != "Answered")


@given(st.integers(), st.text(), st.text())
def test_chance_knows_an_outcome_for_anything(seed, phone, message_id):
    outcome = choose_outcome(seed, phone + "9", message_id)
    assert outcome is not None
    assert outcome == choose_outcome(seed, phone + "9", message_id)

"""When waiting for calls is over. Moments are made up; nothing here waits."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_inforu.capi.errors import (
    InforuAccountError,
    InforuConnectionError,
    InforuInputError,
    InforuOutcomeUnknownError,
    InforuRateLimitError,
)
from airflow_provider_inforu.outcomes.decision import (
    FAILURE_SECONDS,
    FAILURES_IN_A_ROW,
    SECRET_SECONDS,
    UNKNOWN_JOB_SECONDS,
    ClockReading,
    CompletionThreshold,
    CompletionTracker,
    Deadline,
    Decision,
    PollResult,
    Verdict,
)
from airflow_provider_inforu.outcomes.outcome_errors import ReceiverError, SecretRefusedError, is_transient
from airflow_provider_inforu.outcomes.summary import SendSummary

SEND = "0123456789abcdef"
NOON = ClockReading(wall=1_800_000_000.0, monotonic=500.0)
AWAY = ReceiverError("cannot reach the receiver", is_passing=True)
REFUSED = ReceiverError("set both to the same", is_passing=False)
SECRET_REFUSED = SecretRefusedError("another secret", is_passing=False)


def after(seconds):
    return ClockReading(NOON.wall + seconds, NOON.monotonic + seconds)


def wait_of(expected=10, complete_when=1.0, timeout=3600, **kwargs):
    return CompletionTracker(
        SEND, CompletionThreshold(expected, complete_when), Deadline(NOON.wall + timeout, NOON), **kwargs
    )


def ended(calls, unknown_jobs=0):
    return PollResult(SendSummary(SEND, calls), unknown_jobs)


@pytest.mark.parametrize(
    ("expected", "complete_when", "needed"),
    [
        (10, 1.0, 10),
        (10, 0.95, 10),
        (100, 0.07, 7),
        (3, 0.5, 2),
        (1, 0.001, 1),
        (0, 1.0, 0),
        (10**6, 0.9, 900_000),
    ],
)
def test_the_share_counts_as_it_is_written_and_is_rounded_up(expected, complete_when, needed):
    assert CompletionThreshold(expected, complete_when).needed == needed


@given(st.integers(0, 10**7), st.floats(0, 1, exclude_min=True))
def test_a_wait_never_needs_more_than_all_and_needs_somebody_where_there_is_one(expected, complete_when):
    needed = CompletionThreshold(expected, complete_when).needed
    assert min(1, expected) <= needed <= expected


def test_it_is_complete_when_as_many_have_ended_as_were_accepted():
    wait = wait_of(expected=10)
    assert wait.after_look(ended(9), after(1)).verdict is Verdict.WAIT
    decision = wait.after_look(ended(10), after(2))
    assert (decision.verdict, decision.summary.calls) == (Verdict.COMPLETE, 10)


def test_calls_of_people_in_doubt_that_ended_too_do_no_harm():
    assert wait_of(expected=10).after_look(ended(12), after(1)).verdict is Verdict.COMPLETE


def test_a_share_ends_the_wait_and_its_message_says_how_many_were_waited_for():
    decision = wait_of(expected=10, complete_when=0.5).after_look(ended(5), after(1))
    assert decision.verdict is Verdict.COMPLETE
    assert decision.message == f"send {SEND}: 5 of 10 calls have ended, and 5 are needed"


def test_where_nobody_was_called_it_is_complete_before_any_look():
    assert wait_of(expected=0).before_first_look().verdict is Verdict.COMPLETE
    assert wait_of(expected=1).before_first_look().verdict is Verdict.WAIT


def test_when_the_time_is_over_the_last_look_still_counts():
    assert wait_of(timeout=60).after_look(ended(10), after(61)).verdict is Verdict.COMPLETE


def test_when_the_time_is_over_the_message_says_what_to_do():
    decision = wait_of(timeout=60).after_look(ended(4), after(60))
    assert decision.verdict is Verdict.TIMEOUT
    assert all(part in decision.message for part in ("4 of 10 calls", "timeout", "complete_when"))


def test_a_clock_that_is_set_back_does_not_make_the_wait_longer():
    back = ClockReading(NOON.wall - 86_400, NOON.monotonic + 60)
    assert wait_of(timeout=60).after_look(ended(4), back).verdict is Verdict.TIMEOUT


def test_a_machine_that_slept_has_waited():
    slept = ClockReading(NOON.wall + 61, NOON.monotonic + 1)
    assert wait_of(timeout=60).after_look(ended(4), slept).verdict is Verdict.TIMEOUT


def test_a_restart_does_not_begin_the_time_anew():
    restarted = ClockReading(NOON.wall + 50, monotonic=3.0)
    deadline = Deadline(NOON.wall + 60, restarted)
    assert deadline.seconds_left(restarted) == 10
    assert deadline.is_over(ClockReading(restarted.wall + 10, restarted.monotonic + 10))


def test_a_failure_that_may_pass_is_waited_out():
    wait = wait_of()
    for number in range(FAILURES_IN_A_ROW - 1):
        assert wait.after_error(AWAY, after(number * 1000)).verdict is Verdict.WAIT
    assert wait.after_look(ended(10), after(3500)).verdict is Verdict.COMPLETE


def test_failures_in_a_row_over_minutes_end_the_wait_and_say_the_last_one():
    wait = wait_of()
    step = FAILURE_SECONDS / (FAILURES_IN_A_ROW - 1)
    decisions = [wait.after_error(AWAY, after(number * step)) for number in range(FAILURES_IN_A_ROW)]
    assert [one.verdict for one in decisions] == [Verdict.WAIT] * (FAILURES_IN_A_ROW - 1) + [Verdict.ERROR]
    assert f"{FAILURES_IN_A_ROW} times in a row, for 300 seconds: cannot reach" in decisions[-1].message
    assert "calls nobody" in decisions[-1].message


def test_many_failures_within_moments_are_waited_out():
    wait = wait_of()
    verdicts = {wait.after_error(AWAY, after(number)).verdict for number in range(FAILURES_IN_A_ROW * 3)}
    assert verdicts == {Verdict.WAIT}


def test_a_look_that_works_begins_the_count_of_failures_anew():
    wait = wait_of()
    for number in range(FAILURES_IN_A_ROW * 3):
        assert wait.after_error(AWAY, after(number * 200)).verdict is Verdict.WAIT
        assert wait.failures == 1
        assert wait.after_look(ended(3), after(number * 200 + 100)).verdict is Verdict.WAIT
        assert wait.failures == 0


def test_a_failure_that_cannot_pass_ends_the_wait_at_once():
    decision = wait_of().after_error(REFUSED, after(0))
    assert decision.verdict is Verdict.ERROR
    assert decision.message.endswith("; set both to the same")


def test_a_secret_that_is_refused_may_have_changed_until_both_sides_must_have_seen_it():
    wait = wait_of()
    assert wait.after_error(SECRET_REFUSED, after(0)).verdict is Verdict.WAIT
    assert wait.after_error(SECRET_REFUSED, after(SECRET_SECONDS - 1)).verdict is Verdict.WAIT
    assert wait.is_refused
    decision = wait.after_error(SECRET_REFUSED, after(SECRET_SECONDS))
    assert decision.verdict is Verdict.ERROR
    assert decision.message.endswith("; another secret")


@pytest.mark.parametrize("between", ["a look that works", "another failure"])
def test_a_secret_that_was_refused_long_ago_may_be_refused_again(between):
    wait = wait_of()
    wait.after_error(SECRET_REFUSED, after(0))
    if between == "another failure":
        wait.after_error(AWAY, after(SECRET_SECONDS / 2))
    else:
        wait.after_look(ended(1), after(SECRET_SECONDS / 2))
    assert not wait.is_refused
    assert wait.after_error(SECRET_REFUSED, after(SECRET_SECONDS)).verdict is Verdict.WAIT


def test_a_receiver_that_is_away_when_the_time_is_over_is_an_error_and_no_timeout():
    wait = wait_of(timeout=60)
    wait.after_look(ended(4), after(30))
    decision = wait.after_error(AWAY, after(60))
    assert decision.verdict is Verdict.ERROR
    assert "could not be read: cannot reach" in decision.message


def test_unknown_jobs_are_waited_for_and_then_named_by_number():
    wait = wait_of()
    assert wait.after_look(ended(5, unknown_jobs=2), after(UNKNOWN_JOB_SECONDS - 1)).verdict is Verdict.WAIT
    decision = wait.after_look(ended(5, unknown_jobs=2), after(UNKNOWN_JOB_SECONDS))
    assert decision.verdict is Verdict.ERROR
    assert "does not know 2 of the send's RequestTokens (-2014)" in decision.message


def test_unknown_jobs_do_not_matter_where_enough_calls_have_ended():
    wait = wait_of(complete_when=0.5)
    assert wait.after_look(ended(5, unknown_jobs=1), after(UNKNOWN_JOB_SECONDS)).verdict is Verdict.COMPLETE


def test_patience_with_unknown_jobs_counts_from_the_beginning_not_from_the_process():
    wait = wait_of(started=NOON.wall - UNKNOWN_JOB_SECONDS)
    assert wait.after_look(ended(0, unknown_jobs=1), after(0)).verdict is Verdict.ERROR


def api_error(kind):
    return kind(status_id=-1, http_status=400)


@pytest.mark.parametrize(
    ("error", "passing"),
    [
        (AWAY, True),
        (REFUSED, False),
        (InforuConnectionError("refused"), True),
        (InforuOutcomeUnknownError("no answer"), True),
        (api_error(InforuRateLimitError), True),
        (api_error(InforuAccountError), False),
        (InforuInputError("no status_function"), False),
    ],
)
def test_which_errors_may_pass(error, passing):
    assert is_transient(error) is passing


def test_a_decision_crosses_as_an_event_and_comes_back():
    decision = wait_of(timeout=60).after_look(ended(4), after(60)).explained("Nothing arrived.")
    event = json.loads(json.dumps(decision.to_event()))
    assert event["status"] == "timeout"
    assert event["message"].endswith("Nothing arrived")
    assert Decision.from_event(event) == decision


def test_an_event_of_a_triggerer_that_was_not_upgraded_yet_can_be_read():
    event = wait_of(timeout=60).after_look(ended(4), after(60)).to_event()
    for name in ("expected", "explanation", "deadline"):
        del event[name]
    decision = Decision.from_event(event)
    assert (decision.explanation, decision.deadline) == ("", None)


@pytest.mark.parametrize(
    "event", [None, [], "success", {}, {"status": "success"}, {"status": "no", "summary": {}}]
)
def test_what_is_no_event_is_refused(event):
    with pytest.raises(ValueError, match=r"."):
        Decision.from_event(event)

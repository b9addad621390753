import pytest

from airflow_provider_inforu.capi.errors import InforuConnectionError
from airflow_provider_inforu.capi.jobs import JobStatus
from airflow_provider_inforu.outcomes.decision import PollResult
from airflow_provider_inforu.outcomes.sources import Job, NotificationSource, StatusSource
from airflow_provider_inforu.outcomes.summary import SendSummary

SEND = "0123456789abcdef"
JOBS = [Job("t1", 100), Job("t2", 100), Job("t3", 20)]


class Account:
    """What a status function would say, and what it was asked."""

    def __init__(self, **states):
        self.states = dict.fromkeys(("t1", "t2", "t3"), JobStatus.IN_PROGRESS) | states
        self.asked = []

    def get_status(self, token):
        self.asked.append(token)
        if isinstance(self.states[token], Exception):
            raise self.states[token]
        return self.states[token]


def always():
    return True


def test_the_calls_of_finished_jobs_have_ended():
    account = Account(t2=JobStatus.FINISHED)
    source = StatusSource(SEND, JOBS, account.get_status, always)
    assert source.look() == PollResult(SendSummary(SEND, 100))
    assert account.asked == ["t1", "t2", "t3"]


def test_a_finished_job_is_not_asked_for_again():
    account = Account(t2=JobStatus.FINISHED)
    source = StatusSource(SEND, JOBS, account.get_status, always)
    source.look()
    account.states["t1"] = account.states["t3"] = JobStatus.FINISHED
    account.asked.clear()
    assert source.look() == PollResult(SendSummary(SEND, 220))
    assert account.asked == ["t1", "t3"]
    assert source.look() == PollResult(SendSummary(SEND, 220))
    assert account.asked == ["t1", "t3"]


def test_unknown_jobs_are_counted_anew_in_each_look():
    account = Account(t1=JobStatus.NOT_FOUND, t3=JobStatus.NOT_FOUND)
    source = StatusSource(SEND, JOBS, account.get_status, always)
    assert source.look().unknown_jobs == 2
    account.states["t1"] = JobStatus.IN_PROGRESS
    assert source.look().unknown_jobs == 1


def test_no_request_leaves_without_leave_and_a_look_that_was_cut_short_goes_on():
    account = Account(t1=JobStatus.FINISHED)
    leave = iter([True, False, False, True, True])
    source = StatusSource(SEND, JOBS, account.get_status, lambda: next(leave))
    assert source.look() is None
    assert source.look() is None
    assert account.asked == ["t1"]
    assert source.look() == PollResult(SendSummary(SEND, 100))
    assert account.asked == ["t1", "t2", "t3"]


def test_after_a_failure_the_look_goes_on_with_the_job_that_failed():
    account = Account(t1=JobStatus.FINISHED, t2=InforuConnectionError("refused"))
    source = StatusSource(SEND, JOBS, account.get_status, always)
    with pytest.raises(InforuConnectionError):
        source.look()
    account.states["t2"] = JobStatus.FINISHED
    account.asked.clear()
    assert source.look() == PollResult(SendSummary(SEND, 200))
    assert account.asked == ["t2", "t3"]


def test_a_look_at_the_receiver_is_its_summary():
    summary = SendSummary(SEND, 7, {"Answered": 7})
    source = NotificationSource(lambda: summary, lambda: "Nothing arrived.")
    assert (source.look(), source.explain()) == (PollResult(summary), "Nothing arrived.")


def test_a_receiver_that_cannot_say_why_calls_are_missing_says_nothing():
    def away():
        raise InforuConnectionError("away")

    assert NotificationSource(lambda: SendSummary(SEND), away).explain() == ""

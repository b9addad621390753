"""A send and the hours in which people may be called, through Airflow's real task runner."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_inforu.capi.errors import InforuInputError
from airflow_provider_inforu.sending import dispatch, dry_run, send_opener, send_runner
from tests.unit.operators.test_voice import existing, log_of, people, text_to_speech, without_state_store

pytestmark = pytest.mark.usefixtures("sandbox")

WINDOW = "sun-thu 09:00-20:00; fri 09:00-13:00"
THURSDAY = datetime(2026, 9, 3, tzinfo=ZoneInfo("Asia/Jerusalem"))


class Clock:
    """A clock that a test sets: it shows the hour, and late in the evening once ``is_late`` says so."""

    def __init__(self, monkeypatch):
        self.hour, self.looks, self.is_late = 12, 0, bool
        monkeypatch.setattr(send_opener, "now", self)
        monkeypatch.setattr(send_runner, "now", self)
        monkeypatch.setattr(dispatch, "now", self)

    def __call__(self):
        self.looks += 1
        return (THURSDAY + timedelta(hours=22 if self.is_late() else self.hour)).astimezone(UTC)


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


def test_an_open_window_changes_nothing(runner, sandbox, clock):
    assert runner.run(text_to_speech(people(250), sending_window=WINDOW)) == "success"
    assert len(sandbox.calls()) == 250
    assert clock.looks


def test_a_closed_window_waits_in_the_triggerer_before_the_rows_are_read(runner, sandbox, clock, capsys):
    clock.hour = 7
    task = text_to_speech([{"phone": "none of this is read"}], sending_window=WINDOW)
    assert runner.run(task) == "deferred"
    assert sandbox.requests() == []
    assert runner.state_store == {}
    trigger = runner.trigger()
    assert type(trigger).__name__ == "DateTimeTrigger"
    assert trigger.moment == THURSDAY + timedelta(hours=9)
    assert "closed until 2026-09-03 09:00 IDT, and nobody was called" in log_of(capsys)


@pytest.mark.parametrize("name", ["recipients", "suppress"])
def test_a_failed_template_of_rows_does_not_wait_for_the_window(runner, sandbox, clock, name):
    clock.hour = 7
    task = text_to_speech(people(3), sending_window=WINDOW)
    setattr(task, name, "{{ nope.x }}")
    assert runner.run(task) == "failed"
    assert sandbox.requests() == []


def test_it_sends_when_the_window_opens(runner, sandbox, clock):
    clock.hour = 7
    task = text_to_speech(people(3), sending_window="{{ '" + WINDOW + "' }}")
    runner.run(task)
    clock.hour = 9
    assert runner.resume(task) == "success"
    assert runner.xcoms["return_value"]["accepted"] == len(sandbox.calls()) == 3


def test_a_window_that_closes_in_the_middle_stops_the_send_and_the_rest_goes_on_when_it_opens(
    runner, sandbox, clock, capsys
):
    clock.is_late = lambda: len(sandbox.calls()) >= 200
    task = text_to_speech(people(1000), sending_window=WINDOW, max_in_flight=1)
    assert runner.run(task) == "deferred"
    assert len(sandbox.calls()) == 200
    assert "and the remaining recipients were not called" in log_of(capsys)
    # Airflow keeps these XComs when the task continues. A kill after that would leave old counts.
    assert "inforu_send_counts" not in runner.xcoms
    clock.is_late = bool
    assert runner.resume(task) == "success"
    phones = [call["phone"] for call in sandbox.calls()]
    assert len(phones) == len(set(phones)) == 1000
    assert runner.xcoms["return_value"]["accepted"] == 1000


def test_a_finished_send_needs_no_window(runner, sandbox, clock):
    task = existing(people(3), sending_window=WINDOW)
    runner.run(task)
    clock.hour = 22
    assert runner.run(task, try_number=2) == "success"
    assert len(sandbox.calls()) == 3


def test_a_send_to_everybody_again_reads_the_people_when_the_window_opens(runner, sandbox, clock):
    runner.run(text_to_speech(people(3), sending_window=WINDOW))
    runner.max_tries = 4  # as after a clear
    clock.hour = 7
    again = text_to_speech(people(4), sending_window=WINDOW, resend=True)
    assert runner.run(again) == "deferred"
    clock.hour = 9
    assert runner.resume(text_to_speech(people(5), sending_window=WINDOW, resend=True)) == "success"
    assert len(sandbox.calls()) == 8


def test_a_window_that_closes_while_rows_are_read_binds_nobody_to_these_rows(runner, sandbox, clock, caplog):
    clock.is_late = lambda: "recipients: 3 to call" in caplog.text
    caplog.set_level("INFO")
    assert runner.run(text_to_speech(people(3), sending_window=WINDOW)) == "deferred"
    assert runner.state_store == {}
    clock.is_late = bool
    assert runner.resume(text_to_speech(people(4), sending_window=WINDOW)) == "success"
    assert len(sandbox.calls()) == 4


@pytest.mark.parametrize(
    ("outside_window", "state"), [("skip", "failed"), ("fail", "failed"), ("wait", "deferred")]
)
def test_people_in_doubt_stay_in_doubt_until_the_window_opens_and_are_never_skipped(
    runner, sandbox, clock, outside_window, state, capsys
):
    sandbox.add_fault("accept_then_drop")
    options = {"sending_window": WINDOW, "outside_window": outside_window, "in_doubt": "resend"}
    assert runner.run(text_to_speech(people(3), **options)) == "up_for_retry"
    clock.hour = 22
    assert runner.run(text_to_speech(people(3), **options), try_number=2) == state
    assert "nobody was called" not in log_of(capsys)
    assert len(sandbox.calls()) == 3
    clock.hour = 12
    assert runner.run(text_to_speech(people(3), **options), try_number=3) == "success"
    assert len(sandbox.calls()) == 6  # as resend says


def test_outside_the_window_a_task_may_fail_without_a_retry(runner, sandbox, clock, capsys):
    clock.hour = 22
    task = text_to_speech(people(3), sending_window=WINDOW, outside_window="fail")
    assert runner.run(task) == "failed"
    assert sandbox.requests() == []
    assert "closed until 2026-09-04 09:00 IDT, and nobody was called. Clear the task" in log_of(capsys)


def test_a_dry_run_says_that_the_window_is_closed_and_does_not_wait(runner, clock, monkeypatch, capsys):
    monkeypatch.setattr(dry_run, "now", clock)
    clock.hour = 22
    assert runner.run(text_to_speech(people(3), sending_window=WINDOW, dry_run=True)) == "success"
    assert "dry run: the sending window is closed until 2026-09-04 09:00 IDT" in log_of(capsys)


def test_outside_the_window_a_task_may_be_skipped(runner, sandbox, clock, capsys):
    clock.hour = 22
    task = text_to_speech(people(3), sending_window=WINDOW, outside_window="skip")
    assert runner.run(task) == "skipped"
    assert sandbox.requests() == []
    assert "The task is skipped: the sending window is closed until 2026-09-04 09:00" in log_of(capsys)


def test_a_send_that_was_begun_is_never_skipped(runner, sandbox, clock, capsys):
    clock.is_late = lambda: len(sandbox.calls()) >= 200
    task = text_to_speech(people(1000), sending_window=WINDOW, outside_window="skip", max_in_flight=1)
    assert runner.run(task) == "failed"
    assert len(sandbox.calls()) == 200
    assert "and the remaining recipients were not called. Clear the task" in log_of(capsys)


def test_without_a_ledger_a_send_that_the_window_interrupts_fails_and_names_who_is_left(
    sandbox, clock, caplog
):
    clock.is_late = lambda: len(sandbox.calls()) >= 200
    task = text_to_speech(people(1000), sending_window=WINDOW, max_in_flight=1)
    with pytest.raises(
        AirflowFailException, match=r"keeps no state for tasks.*remaining recipients were not called"
    ):
        without_state_store(task, 1)
    assert len(sandbox.calls()) == 200
    assert "k1000" in caplog.text


@pytest.mark.parametrize(
    ("argument", "error"),
    [
        ({"sending_window": "sometimes"}, "sending_window cannot be read at 'sometimes'"),
        ({"sending_window": WINDOW, "timezone": "Asia/Nowhere"}, "timezone is unknown: 'Asia/Nowhere'"),
        ({"timezone": "Asia/Nowhere"}, "timezone is unknown: 'Asia/Nowhere'"),
        ({"outside_window": "ring"}, "`outside_window` must be one of wait, fail, skip"),
    ],
)
def test_a_window_that_cannot_be_read_is_an_error_when_the_dag_is_parsed(argument, error):
    with pytest.raises(InforuInputError, match=error):
        text_to_speech(people(3), **argument)


def test_a_window_of_a_template_that_cannot_be_read_is_an_error_before_anything_is_sent(
    runner, sandbox, capsys
):
    assert runner.run(text_to_speech(people(3), sending_window="{{ 'sometimes' }}")) == "failed"
    assert sandbox.requests() == []
    assert "sending_window cannot be read at 'sometimes'" in log_of(capsys)

"""Runs that fail, retry and stop: nobody is called twice, and no phone or secret is left anywhere."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from demo.processes import wait_until
from tests.integration.ground import NEVER
from tests.integration.traces import everything_that_remains, secrets_of

if TYPE_CHECKING:
    from tests.integration.ground import Ground, Run

pytestmark = pytest.mark.integration

DAG_ID = "careful_sends"
FUNCTION = "Voice/Message/Send"
# The nine digits that every spelling without separators holds, and the spelling of the DAG that has some.
PHONES = ["500000021", "500000022", "500000023", "050-000-0021"]
LOCAL_PHONES = ["0500000021", "0500000022", "0500000023"]


def assert_nothing_leaked(ground: Ground, run: Run) -> None:
    # The address of a push holds a secret, too.
    assert wait_until(lambda: bool(ground.sandbox.pushes()))
    assert {push["http_status"] for push in ground.sandbox.pushes()} == {200}
    places = everything_that_remains(ground, run)
    needles = [*PHONES, *secrets_of(ground)]
    found = [(place, needle) for place, text in places.items() for needle in needles if needle in text]
    assert found == []


def assert_logs_were_read(ground: Ground, run: Run, tries: int) -> None:
    logs = [text for name, text in ground.task_logs(run).items() if "log of call" in name]
    assert len(logs) == tries
    assert all("C-1" in log or "recipients" in log for log in logs)


def calls_by_phone(ground: Ground) -> Counter[str]:
    return Counter(call["phone"] for call in ground.sandbox.calls())


def test_a_send_that_was_refused_and_retried_calls_each_person_once_and_leaves_no_trace_of_them(
    fresh_ground: Ground,
) -> None:
    fresh_ground.sandbox.inject("status", function=FUNCTION, status_id=-2)

    run = fresh_ground.run(DAG_ID)

    assert run.state == "success"
    assert fresh_ground.task(run)["try_number"] == 2
    assert calls_by_phone(fresh_ground) == Counter(LOCAL_PHONES)
    assert_logs_were_read(fresh_ground, run, tries=2)
    assert_nothing_leaked(fresh_ground, run)


def test_a_send_calls_each_person_once_after_its_server_was_down(fresh_ground: Ground) -> None:
    fresh_ground.sandbox.inject("refuse", seconds=3)

    run = fresh_ground.run(DAG_ID)

    assert run.state == "success"
    assert calls_by_phone(fresh_ground) == Counter(LOCAL_PHONES)
    assert_nothing_leaked(fresh_ground, run)


def test_a_send_whose_answer_was_lost_fails_without_a_retry_and_leaves_no_trace_of_the_people(
    fresh_ground: Ground,
) -> None:
    fresh_ground.sandbox.inject("accept_then_drop", function=FUNCTION)
    # A call that reports its end in time settles the doubt.
    fresh_ground.sandbox.change_settings(notification_delay=NEVER)

    run = fresh_ground.run(DAG_ID)

    fresh_ground.sandbox.change_settings(notification_delay=0)

    assert run.state == "failed"
    assert fresh_ground.task(run)["try_number"] == 1
    assert calls_by_phone(fresh_ground) == Counter(LOCAL_PHONES)
    log = "".join(fresh_ground.task_logs(run).values())
    assert all(key in log for key in ("C-1", "C-2", "C-3"))
    assert "in doubt" in log
    assert_nothing_leaked(fresh_ground, run)

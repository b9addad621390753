"""The notifier against the sandbox, as Airflow calls it."""

import asyncio
import json
import logging
import os
import subprocess
import sys
import threading
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
from airflow.sdk import DAG
from airflow.serialization.serialized_objects import DagSerialization
from jinja2 import Undefined

from airflow_provider_inforu.capi.errors import InforuConnectionError, InforuInputError
from airflow_provider_inforu.hooks.inforu import InforuHook
from airflow_provider_inforu.notifications import alert_sender, alerting, voice
from airflow_provider_inforu.notifications.voice import InforuVoiceNotifier, send_inforu_voice_notification
from airflow_provider_inforu.triggers.shared import THREADS, in_thread
from tests.unit.notifications.conftest import task_context

PHONE = "050-000-0001"
DEADLINE = {
    "dag_run": {"dag_id": "daily_orders", "dag_run_id": "manual__1", "state": "running"},
    "deadline": {"id": "1", "deadline_time": "2026-11-24T08:00:00Z"},
}


@pytest.fixture(autouse=True)
def sandbox(connection, caplog, monkeypatch):
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(alert_sender, "PAUSES", (0.0, 0.0))
    return connection()


def said(caplog, *, of_level=logging.WARNING):
    return [
        one.getMessage()
        for one in caplog.records
        if one.levelno >= of_level and one.name.startswith("airflow_provider_inforu")
    ]


def the_text(sandbox):
    (call,) = sandbox.calls()
    return call["text"]


def call_synchronously(notifier, context):
    notifier(context)


def call_asynchronously(_, context, **kwargs):
    async def story():
        await InforuVoiceNotifier(**kwargs, context=context)

    asyncio.run(story())


def test_a_failed_task_calls_the_person_and_says_what_failed(sandbox, failed_task, caplog):
    InforuVoiceNotifier(phones=PHONE)(failed_task)
    (call,) = sandbox.calls()
    assert call["phone"] == "0500000001"
    assert call["text"] == "Alert from Airflow. The task load orders of the DAG daily orders has failed."
    assert "alert 'task failed daily_orders load_orders': calling 1 person (send_id " in caplog.text
    assert (
        "alert 'task failed daily_orders load_orders': Inforu accepted the calls to 1 person (send_id "
        in caplog.text
    )


def test_the_call_can_be_found_again_by_what_the_log_names(sandbox, failed_task, caplog):
    InforuVoiceNotifier(phones=[PHONE, "0500000002"])(failed_task)
    send_id = caplog.text.split("calling 2 people (send_id ")[1].split(")")[0]
    assert [call["message_id"] for call in sandbox.calls()] == [f"{send_id}-1", f"{send_id}-2"]


def test_many_people_are_one_request(sandbox, failed_task):
    InforuVoiceNotifier(phones=[f"05000000{number:02d}" for number in range(100)])(failed_task)
    assert len(sandbox.calls()) == 100
    assert len(sandbox.requests()) == 1


def test_the_message_is_a_template_of_the_context(sandbox, failed_task):
    InforuVoiceNotifier(phones=PHONE, message="{{ ti.task_id }} says {{ exception }}")(failed_task)
    assert the_text(sandbox) == "load_orders says boom"


def test_phones_are_a_template_too(sandbox, failed_task):
    failed_task["var"] = {"value": {"on_call": "0500000001, 050-0000002"}}
    InforuVoiceNotifier(phones="{{ var.value.on_call }}")(failed_task)
    assert [call["phone"] for call in sandbox.calls()] == ["0500000001", "0500000002"]


def test_a_deadline_finds_airflows_variables_though_its_context_has_none(sandbox, monkeypatch):
    monkeypatch.setenv("AIRFLOW_VAR_ON_CALL", PHONE)
    monkeypatch.setenv("AIRFLOW_VAR_ON_CALL_LIST", '["0500000002"]')
    for phones in ("{{ var.value.on_call }}", "{{ var.json.on_call_list }}"):
        call_asynchronously(None, dict(DEADLINE), phones=phones)
    assert [call["phone"] for call in sandbox.calls()] == ["0500000001", "0500000002"]


def test_a_notifier_that_is_used_twice_says_what_happened_each_time_and_leaves_the_context_alone(sandbox):
    notifier = InforuVoiceNotifier(phones=PHONE, message="{{ ti.task_id }}")
    for name in ("first", "second"):
        context = task_context("failed", task_id=name)
        before = set(context)
        notifier(context)
        assert set(context) == before
    assert [call["text"] for call in sandbox.calls()] == ["first", "second"]


def test_an_existing_campaign_is_heard_instead_of_a_text(sandbox, failed_task):
    InforuVoiceNotifier(phones=PHONE, campaign_id="{{ 180 + 3 }}")(failed_task)
    (call,) = sandbox.calls()
    assert (call["function"], call["campaign_id"], call["text"]) == ("Voice/Campaign/SendExisting", 183, None)


@pytest.mark.parametrize(("asked", "sent"), [({}, True), ({"ignore_possible_sending_time": None}, None)])
def test_an_alert_is_for_now_unless_the_user_says_otherwise(sandbox, failed_task, asked, sent):
    InforuVoiceNotifier(phones=PHONE, **asked)(failed_task)
    (request,) = sandbox.requests()
    assert request["body"]["Data"].get("IgnorePossibleSendingTime") is sent


def test_ten_failing_mapped_tasks_ring_once_and_nine_are_said_to_be_held_back(sandbox, caplog):
    notifiers = [InforuVoiceNotifier(phones=PHONE) for _ in range(10)]
    threads = [
        threading.Thread(target=notifier, args=[task_context("failed", map_index=number)])
        for number, notifier in enumerate(notifiers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(sandbox.calls()) == 1
    assert len([line for line in said(caplog) if "less than 900 seconds ago" in line]) == 9


def test_other_people_another_subject_and_another_connection_ring(sandbox, failed_task, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_OTHER", sandbox.connection_json())
    for kwargs in ({}, {"phones": "0500000002"}, {"subject": "x"}, {"inforu_conn_id": "other"}):
        for _ in range(2):
            InforuVoiceNotifier(**{"phones": PHONE, **kwargs})(failed_task)
    assert len(sandbox.calls()) == 4


def test_what_happened_counts_and_not_how_the_people_are_written(sandbox):
    InforuVoiceNotifier(phones=["0500000001", "0500000002"])(task_context("failed"))
    InforuVoiceNotifier(phones="050-000-0002, +972500000001")(task_context("failed"))
    assert len(sandbox.requests()) == 1
    InforuVoiceNotifier(phones=["0500000001", "0500000002"])(task_context("up_for_retry"))
    assert len(sandbox.requests()) == 2


@pytest.mark.parametrize(
    ("first", "second"),
    [("customer_1234567", "customer_7654321"), ("load of 20261124", "load of 20261125")],
)
def test_subjects_that_look_like_phones_are_not_one_subject(sandbox, failed_task, caplog, first, second):
    for subject in (first, second, first):
        InforuVoiceNotifier(phones=PHONE, subject=subject)(failed_task)
    assert len(sandbox.calls()) == 2
    (line,) = said(caplog)
    assert "because of the cool-down: another alert about '" in line
    assert first not in caplog.text


def test_a_retry_that_rang_does_not_hold_back_the_final_failure(sandbox):
    """As the DAG processor tells of lost tasks: with no state."""
    notifiers = {"on_retry_callback": InforuVoiceNotifier(phones=PHONE)}
    notifiers["on_failure_callback"] = InforuVoiceNotifier(phones=PHONE)
    for place in ("on_retry_callback", "on_retry_callback", "on_failure_callback"):
        context = task_context(None)
        vars(context["ti"].task).update(notifiers)
        notifiers[place](context)
    assert [call["text"] for call in sandbox.calls()] == [
        "Alert from Airflow. The task load orders of the DAG daily orders has failed and is tried again.",
        "Alert from Airflow. The task load orders of the DAG daily orders has failed.",
    ]


def test_without_a_cooldown_each_time_rings(sandbox, failed_task, cooldowns):
    for _ in range(2):
        InforuVoiceNotifier(phones=PHONE, cooldown=0)(failed_task)
    assert len(sandbox.calls()) == 2
    assert list(cooldowns.iterdir()) == []


def test_a_call_that_provably_did_not_leave_gives_the_cooldown_back(sandbox, failed_task, caplog):
    sandbox.add_fault("status", status_id=-13)
    InforuVoiceNotifier(phones=PHONE)(failed_task)
    assert sandbox.calls() == []
    assert "nobody was called: Inforu refused Voice/Message/Send" in said(caplog)[0]
    InforuVoiceNotifier(phones=PHONE)(failed_task)
    assert len(sandbox.calls()) == 1


def test_a_rate_limit_is_waited_for(sandbox, failed_task):
    sandbox.add_fault("rate_limit")
    InforuVoiceNotifier(phones=PHONE)(failed_task)
    assert len(sandbox.calls()) == 1


def test_after_an_answer_that_never_came_nobody_is_called_again(sandbox, failed_task, caplog):
    sandbox.add_fault("accept_then_drop")
    for _ in range(2):
        InforuVoiceNotifier(phones=PHONE)(failed_task)
    assert len(sandbox.calls()) == 1
    lost, held_back = said(caplog)
    assert "the calls to 1 person are in doubt" in lost
    assert "Nobody is called again" in lost
    assert "less than 900 seconds ago" in held_back


@pytest.mark.parametrize(
    ("kwargs", "line"),
    [
        (
            {"phones": []},
            "nobody was called: `phones` rendered to an empty value. Check the Variable",
        ),
        ({"phones": "{{ '' }}"}, "nobody was called: `phones` rendered to an empty value"),
        ({"phones": "{{ ti.nothing.at_all }}"}, "`phones` could not be rendered (UndefinedError"),
        ({"phones": 3.5}, "`phones` must be a list or a text, not float"),
        ({"phones": "+1 212 555 0100"}, "skipped person 1: the phone belongs to another country (+1)"),
        ({"inforu_conn_id": "nowhere"}, "the connection 'nowhere' is missing or could not be read"),
        ({"inforu_conn_id": "nowhere"}, "add it with `airflow connections add nowhere --conn-type inforu"),
    ],
)
@pytest.mark.parametrize("run", [call_synchronously, call_asynchronously])
def test_what_cannot_ring_is_one_line_in_the_log_and_no_exception(
    sandbox, failed_task, caplog, kwargs, line, run
):
    kwargs = {"phones": PHONE, **kwargs}
    if run is call_synchronously:
        InforuVoiceNotifier(**kwargs)(failed_task)
    else:
        run(None, failed_task, **kwargs)
    assert sandbox.requests() == []
    assert line in said(caplog)[0]
    assert "nobody was called" in said(caplog)[-1]
    assert all(one.startswith("alert 'task failed daily_orders load_orders': ") for one in said(caplog))
    assert "212 555" not in caplog.text


def test_a_vendor_that_is_away_is_an_error_in_the_log(monkeypatch, failed_task, caplog):
    monkeypatch.setenv(
        "AIRFLOW_CONN_INFORU_DEFAULT",
        '{"conn_type": "inforu", "host": "http://127.0.0.1:1", "login": "demo", "password": "0123456789"}',
    )
    InforuVoiceNotifier(phones=PHONE)(failed_task)
    (line,) = said(caplog)
    assert "nobody was called" in line
    assert "Check the fields API address and Proxy" in line


def test_the_others_are_called_when_one_phone_is_none(sandbox, failed_task, caplog):
    InforuVoiceNotifier(phones=["12", PHONE, "0500000001"])(failed_task)
    assert [call["phone"] for call in sandbox.calls()] == ["0500000001"]
    (line,) = said(caplog)
    assert "skipped person 1: the phone has too few digits" in line


@pytest.mark.parametrize("message", ["{{ ti.nothing.at_all }}", "{% if %}", "{{ 1 / 0 }}", "{{ '' }}"])
def test_a_message_that_fails_to_render_is_replaced_by_the_plain_sentence(
    sandbox, failed_task, caplog, message
):
    InforuVoiceNotifier(phones=PHONE, message=message)(failed_task)
    assert the_text(sandbox) == "Alert from Airflow. The task load orders of the DAG daily orders has failed."
    assert "`message`" in said(caplog)[0]
    assert "The default is used: 'Alert from Airflow" in said(caplog)[0]


@pytest.mark.parametrize("campaign_id", ["{{ nothing }}", "{{ '' }}", " ", "{{ none }}"])
def test_a_campaign_that_cannot_be_is_replaced_by_the_plain_sentence(
    sandbox, failed_task, caplog, campaign_id
):
    InforuVoiceNotifier(phones=PHONE, campaign_id=campaign_id)(failed_task)
    assert the_text(sandbox) == "Alert from Airflow. The task load orders of the DAG daily orders has failed."
    (line,) = said(caplog)
    assert "campaign_id" in line
    assert "reads a text instead" in line


def test_the_serialized_dag_of_dags_test_does_not_keep_anybody_from_being_called(sandbox, caplog):
    with DAG("daily_orders", template_undefined=Undefined) as dag:
        pass
    serialized = DagSerialization.from_dict(DagSerialization.to_dict(dag))
    assert not hasattr(serialized, "get_template_env")
    context = {"dag": serialized, "reason": "task_failure"}
    InforuVoiceNotifier(phones=PHONE, message="{{ dag.dag_id }} fails: {{ reason }}")(context)
    assert the_text(sandbox) == "daily_orders fails: task_failure"
    assert said(caplog) == []


def test_the_words_of_an_error_that_is_not_jinjas_stay_out_of_the_log(sandbox, failed_task, caplog):
    def fail():
        raise RuntimeError("s3cr3t")

    failed_task["fail"] = fail
    InforuVoiceNotifier(phones=PHONE, message="{{ fail() }}")(failed_task)
    assert "`message` could not be rendered (RuntimeError)" in said(caplog)[0]
    assert "s3cr3t" not in caplog.text
    assert len(sandbox.calls()) == 1


def test_a_phone_in_a_question_is_heard_and_not_logged(sandbox, caplog):
    context = task_context("running")
    notifier = InforuVoiceNotifier(phones=PHONE, message="{{ nothing }}")
    vars(context["ti"].task).update(notifiers=[notifier], subject="Call 050-000-0009?")
    notifier(context)
    assert the_text(sandbox).endswith("waits for a person to decide. Call 050-000-0009?")
    assert "Call [phone hidden]?" in said(caplog)[0]
    assert "000-0009" not in caplog.text


def test_a_deadlines_message_that_speaks_of_a_task_is_replaced_too(sandbox, caplog):
    call_asynchronously(None, dict(DEADLINE), phones=PHONE, message="{{ task_id }} is late")
    assert the_text(sandbox) == "Alert from Airflow. The DAG daily orders has missed its deadline."
    assert "`message` could not be rendered" in said(caplog)[0]


def test_a_text_too_long_to_be_heard_is_cut_at_a_sentence_and_the_log_says_so(sandbox, failed_task, caplog):
    InforuVoiceNotifier(phones=PHONE, message="All is lost. " * 100)(failed_task)
    text = the_text(sandbox)
    assert 500 < len(text) <= 600
    assert text.endswith("All is lost.")
    assert "the message is too long (1299 characters)" in said(caplog)[0]


def test_in_quiet_hours_nobody_is_called_and_no_cooldown_begins(sandbox, failed_task, caplog, monkeypatch):
    notifier = InforuVoiceNotifier(phones=PHONE, quiet_hours="22:00-07:00")
    night = SimpleNamespace(now=lambda zone: datetime(2026, 11, 24, 23, tzinfo=zone))
    with monkeypatch.context() as patch:
        patch.setattr(alert_sender, "datetime", night)
        notifier(failed_task)
    assert sandbox.calls() == []
    assert "these are quiet hours (22:00-07:00, Israel's time)" in said(caplog)[0]
    notifier.quiet_hours = None
    notifier(failed_task)
    assert len(sandbox.calls()) == 1


@pytest.mark.parametrize(
    ("kwargs", "error"),
    [
        ({"cooldown": -1}, "`cooldown` must be a timedelta or seconds"),
        ({"cooldown": timedelta(seconds=-1)}, "`cooldown` must be a timedelta or seconds"),
        ({"cooldown": "15 minutes"}, "`cooldown` must be a timedelta or seconds"),
        ({"quiet_hours": "22-7"}, "`quiet_hours` must be two times of day"),
        ({"language": "fr"}, "`language` must be one of en, he"),
        ({"message": "x", "campaign_id": 183}, "`message` and `campaign_id` are both set"),
        ({"cooldwn": 60}, "InforuVoiceNotifier has no argument 'cooldwn'. Did you mean 'cooldown'?"),
    ],
)
def test_arguments_that_cannot_be_are_an_error_where_a_dag_is_parsed_and_not_in_a_deadline(
    sandbox, caplog, kwargs, error
):
    with pytest.raises(InforuInputError, match=error):
        InforuVoiceNotifier(phones=PHONE, **kwargs)
    call_asynchronously(None, dict(DEADLINE), phones=PHONE, **kwargs)
    assert len(sandbox.calls()) == 1
    assert error in said(caplog)[0]
    assert said(caplog)[0].startswith("alert 'deadline missed daily_orders manual__1': ")


def test_without_phones_a_dag_does_not_parse_and_a_deadline_says_so(sandbox, caplog):
    with pytest.raises(InforuInputError, match="`phones` is missing"):
        InforuVoiceNotifier(message="x")
    call_asynchronously(None, dict(DEADLINE), phone=PHONE)
    assert "has no argument 'phone'" in said(caplog)[0]
    assert "`phones` is missing" in said(caplog)[1]
    assert "nobody was called" in said(caplog)[-1]
    assert sandbox.requests() == []


@pytest.mark.parametrize("context", [{}, None, {"ti": object()}, {"deadline": None, "dag_run": None}])
def test_whatever_the_context_lacks_the_phone_rings(sandbox, context):
    InforuVoiceNotifier(phones=PHONE).notify(context)
    assert "Airflow" in the_text(sandbox)


def test_a_cooldown_that_cannot_be_kept_rings_and_the_log_says_so_without_the_address(
    sandbox, failed_task, caplog, monkeypatch
):
    monkeypatch.setenv("AIRFLOW__INFORU__RATE_LIMIT_REDIS_URL", "redis://:s3cr3t@127.0.0.1:1/0")
    for _ in range(2):
        InforuVoiceNotifier(phones=PHONE)(failed_task)
    assert len(sandbox.calls()) == 2
    assert "the cool-down could not be stored (ConnectionError)" in said(caplog)[0]
    assert "s3cr3t" not in caplog.text


def test_a_context_that_cannot_be_read_rings_too(sandbox, caplog):
    class Broken:
        @property
        def state(self):
            raise RuntimeError("Airflow was asked and did not answer")

    InforuVoiceNotifier(phones=PHONE)({"ti": Broken()})
    assert the_text(sandbox) == "Alert from Airflow. Please look at it."
    assert "event could not be read from the context (RuntimeError)" in said(caplog)[0]


def test_an_error_that_nobody_foresaw_stays_inside_and_its_words_outside_the_log(
    failed_task, caplog, monkeypatch
):
    def fail(*_):
        raise RuntimeError("0500000001")

    monkeypatch.setattr(alerting, "send_alert", fail)
    InforuVoiceNotifier(phones=PHONE)(failed_task)
    (line,) = said(caplog)
    assert "unexpected error (RuntimeError). It is unknown whether people were called" in line
    assert "0500000001" not in caplog.text


def test_a_cooldown_that_cannot_be_given_back_is_said(sandbox, failed_task, caplog, monkeypatch):
    class Away:
        def take(self, *_):
            return self.fail

        def fail(self):
            raise OSError

    monkeypatch.setattr(alert_sender, "new_cooldown", Away)
    sandbox.add_fault("status", status_id=-13)
    InforuVoiceNotifier(phones=PHONE)(failed_task)
    assert "the cool-down could not be released (OSError)" in said(caplog)[-1]


def test_no_phone_reaches_the_log(failed_task, caplog):
    caplog.set_level(logging.DEBUG)
    for _ in range(2):
        InforuVoiceNotifier(phones=["0500000001", "05000"], subject="call 0500000001")(failed_task)
    logged = "".join(said(caplog, of_level=logging.DEBUG))
    assert "[phone hidden]" in logged
    assert "50000" not in logged


def test_an_alert_waits_for_an_answer_no_longer_than_it_can(
    connection, sandbox, failed_task, caplog, monkeypatch
):
    connection(timeout=300)
    monkeypatch.setattr(alert_sender, "ANSWER_SECONDS", 1)
    sandbox.update_settings(latency=5.0)
    InforuVoiceNotifier(phones=PHONE)(failed_task)
    assert "the calls to 1 person are in doubt" in said(caplog)[0]
    assert "timed out" in said(caplog)[0]


@pytest.mark.parametrize(("takes", "attempts"), [(0.0, 3), (10.0, 2), (20.0, 1)])
def test_an_alert_is_sent_again_only_where_a_whole_attempt_still_has_time(
    failed_task, caplog, monkeypatch, takes, attempts
):
    now, asked = [0.0], []

    def sleep(seconds):
        now[0] += seconds

    def refuse(self, *_, **__):
        asked.append(self.settings.timeout)
        now[0] += takes
        raise InforuConnectionError("cannot reach it")

    monkeypatch.setattr(alert_sender, "PAUSES", (2.0, 4.0))
    monkeypatch.setattr(alert_sender, "time", SimpleNamespace(monotonic=lambda: now[0], sleep=sleep))
    monkeypatch.setattr(InforuHook, "send_text_to_speech", refuse)
    InforuVoiceNotifier(phones=PHONE)(failed_task)
    assert len(asked) == attempts
    assert set(asked) == {alert_sender.ANSWER_SECONDS}
    assert "nobody was called: cannot reach it" in said(caplog)[-1]


def test_whoever_is_called_is_in_the_log_before_the_request(failed_task, caplog, monkeypatch):
    def die(*_, **__):
        raise SystemExit

    monkeypatch.setattr(InforuHook, "send_text_to_speech", die)
    with pytest.raises(SystemExit):
        InforuVoiceNotifier(phones=PHONE)(failed_task)
    assert "calling 1 person (send_id " in said(caplog, of_level=logging.INFO)[-1]


@pytest.fixture
def slow_vendor(monkeypatch):
    """A vendor who answers when the test says so."""
    answers, answered = threading.Event(), []
    monkeypatch.setattr(alerting, "send_alert", lambda *_: answered.append(answers.wait(20)))
    yield answers
    assert answered
    assert all(answered)


def test_the_event_loop_goes_on_while_the_vendor_is_slow(slow_vendor):
    async def story():
        # Only a loop that goes on comes to let the vendor answer.
        asyncio.get_running_loop().call_later(0.2, slow_vendor.set)
        await InforuVoiceNotifier(phones=PHONE, context=dict(DEADLINE))

    asyncio.run(story())


def test_alerts_that_wait_for_a_slow_vendor_hold_up_no_trigger_and_the_other_way_round(slow_vendor):
    def alert():
        return asyncio.ensure_future(_await(InforuVoiceNotifier(phones=PHONE, context=dict(DEADLINE))))

    async def story():
        alerts = [alert() for _ in range(2 * voice.THREADS)]
        await asyncio.sleep(0.1)
        assert await asyncio.wait_for(in_thread(int), 20) == 0
        slow_vendor.set()
        await asyncio.gather(*alerts)
        receiver = threading.Event()
        triggers = [asyncio.ensure_future(in_thread(receiver.wait, 30)) for _ in range(2 * THREADS)]
        try:
            await asyncio.wait_for(alert(), 20)
            assert not any(trigger.done() for trigger in triggers)
        finally:
            receiver.set()
        await asyncio.gather(*triggers)

    asyncio.run(story())


async def _await(awaitable):
    await awaitable


def test_the_other_name_is_the_same():
    assert send_inforu_voice_notification is InforuVoiceNotifier


COLD = """
import asyncio, json, sys, threading
import airflow.jobs.triggerer_job_runner, airflow.triggers.callback

class Watch:
    seen = []
    def find_spec(self, name, path=None, target=None):
        if threading.current_thread() is threading.main_thread():
            self.seen.append(name)

async def ring():
    from airflow.triggers.callback import import_string
    notifier = import_string("airflow_provider_inforu.notifications.voice.InforuVoiceNotifier")
    Watch.parsed, Watch.seen = Watch.seen, []
    context = {"deadline": {}, "dag_run": {"dag_id": "dag", "dag_run_id": "run"}}
    await notifier(phones="0500000001", context=context, quiet_hours=None, cooldown=0)

sys.meta_path.insert(0, Watch())
asyncio.run(ring())
print(json.dumps([Watch.parsed, Watch.seen]))
"""


def test_an_alert_of_a_deadline_imports_what_calls_in_a_thread_and_not_on_the_event_loop(sandbox):
    done = subprocess.run(
        [sys.executable, "-c", COLD], capture_output=True, text=True, check=True, timeout=120, env=os.environ
    )
    parsed, on_loop = json.loads(done.stdout.splitlines()[-1])
    assert len(sandbox.calls()) == 1
    # Airflow imports the notifier itself on the loop, so it imports little.
    assert not {
        name for name in parsed if name.endswith((".alert_sender", ".alerting", ".hooks.inforu", ".client"))
    }
    assert on_loop == []

"""The manifest names the connection that sent, so that the next task can ask the same receiver."""

import asyncio

import pytest
from airflow.sdk import DAG

from airflow_provider_inforu.operators.voice import InforuSendTextToSpeechOperator

CONN_ID = "inforu_sales"
PEOPLE = [{"id": f"k{number}", "phone": f"05{number + 1000:08}"} for number in (1, 2)]


@pytest.fixture(autouse=True)
def sandbox(monkeypatch, inforu_sandbox, receiver):
    """A sandbox that only one connection reaches, and that pushes to the receiver of this connection."""
    receiver.conn_id = CONN_ID
    receiver.secrets[CONN_ID] = receiver.secret
    inforu_sandbox.update_settings(
        requests_per_second=0, call_seconds=0.05, notification_url=receiver.push_url
    )
    monkeypatch.setenv(
        f"AIRFLOW_CONN_{CONN_ID.upper()}",
        inforu_sandbox.connection_json(
            requests_per_second=0, receiver_url=receiver.url, notification_secret=receiver.secret
        ),
    )
    monkeypatch.delenv("AIRFLOW_CONN_INFORU_DEFAULT", raising=False)
    return inforu_sandbox


def call(recipients=PEOPLE, **options):
    with DAG("dag"):
        return InforuSendTextToSpeechOperator(
            task_id="call",
            recipients=recipients,
            key_field="id",
            message="hello",
            inforu_conn_id=CONN_ID,
            retries=2,
            poll_interval=0.1,
            **options,
        )


def named_connection(runner):
    return runner.xcoms["return_value"]["inforu_conn_id"]


@pytest.mark.parametrize(
    ("recipients", "options", "called"),
    [(PEOPLE, {}, 2), ([], {}, 0), (PEOPLE, {"dry_run": True}, 0), (PEOPLE, {"suppress": ["k1", "k2"]}, 0)],
    ids=["a send", "an empty list", "a dry run", "everybody suppressed"],
)
def test_the_manifest_names_the_connection_of_the_send(runner, sandbox, recipients, options, called):
    assert runner.run(call(recipients, **options)) == "success"
    assert named_connection(runner) == CONN_ID
    assert len(sandbox.calls()) == called


def test_a_template_that_names_the_connection_is_rendered_in_the_manifest(runner):
    task = call()
    task.inforu_conn_id = "{{ 'inforu_' ~ 'sales' }}"
    assert runner.run(task) == "success"
    assert named_connection(runner) == CONN_ID


def test_a_task_that_goes_on_after_its_wait_names_the_connection(runner, sandbox):
    task = call(wait_for_calls=True, deferrable=True)
    assert runner.run(task) == "deferred"
    assert named_connection(runner) == CONN_ID
    runner.xcoms.clear()

    async def read_event():
        return await anext(event.payload async for event in runner.trigger().run())

    assert runner.resume(task, asyncio.run(read_event())) == "success"
    assert named_connection(runner) == CONN_ID
    assert runner.xcoms["return_value"]["calls"]["calls"] == len(sandbox.calls()) == 2


def test_a_cleared_task_that_calls_nobody_names_the_connection(runner, sandbox):
    assert runner.run(call()) == "success"
    runner.xcoms.clear()
    runner.max_tries += 2
    assert runner.run(call(), try_number=2) == "success"
    assert runner.xcoms["return_value"]["already_sent_at"]
    assert named_connection(runner) == CONN_ID
    assert len(sandbox.calls()) == 2


def test_a_failed_send_names_the_connection_too(runner, sandbox):
    sandbox.add_fault("drop")
    assert runner.run(call()) == "failed"
    assert runner.xcoms["return_value"]["in_doubt"] == 2
    assert named_connection(runner) == CONN_ID

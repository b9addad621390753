"""What may ring a phone, each in a DAG of its own, and the same while the vendor is away."""

import time
from datetime import timedelta

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import DAG, AsyncCallback, DeadlineAlert, DeadlineReference, SyncCallback, task

from airflow_provider_inforu.notifications.voice import InforuVoiceNotifier

ON_CALL = "{{ var.value.on_call_phones }}"
AWAY = {"phones": "0500000001", "inforu_conn_id": "vendor_is_away"}
LATE_SECONDS = 20


@task
def fail():
    raise RuntimeError("as it was told to")


@task
def take_long():
    time.sleep(LATE_SECONDS)


def ask(notifier):
    HITLOperator(task_id="decide", subject="Go on?", options=["Yes", "No"], notifiers=notifier)


def deadline(callback):
    return DeadlineAlert(DeadlineReference.DAGRUN_QUEUED_AT, timedelta(seconds=1), callback)


with DAG("alert_task", schedule=None):
    fail.override(on_failure_callback=InforuVoiceNotifier(phones=ON_CALL))()

with DAG("alert_mapped", schedule=None, max_active_tasks=4):

    @task(on_failure_callback=InforuVoiceNotifier(phones=ON_CALL))
    def fail_one(number):
        raise RuntimeError(number)

    fail_one.expand(number=list(range(10)))

with DAG("alert_dag", schedule=None, on_failure_callback=InforuVoiceNotifier(phones=ON_CALL, language="he")):
    fail()

with DAG(
    "alert_deadline",
    schedule=None,
    deadline=deadline(AsyncCallback(InforuVoiceNotifier, kwargs={"phones": ON_CALL, "cooldown": 600})),
):
    take_long()

with DAG(
    "alert_deadline_in_executor",
    schedule=None,
    # Airflow 3.3 lets such a callback read neither Variables nor connections from its database.
    deadline=deadline(SyncCallback(InforuVoiceNotifier, kwargs={"phones": ["0500000001"]})),
):
    take_long()

with DAG("alert_decision", schedule=None):
    ask(InforuVoiceNotifier(phones=ON_CALL))

with DAG("away_failing", schedule=None, on_failure_callback=InforuVoiceNotifier(**AWAY)):
    fail.override(on_failure_callback=InforuVoiceNotifier(**AWAY))()

with DAG("away_succeeding", schedule=None, on_success_callback=InforuVoiceNotifier(**AWAY)):

    @task(on_success_callback=InforuVoiceNotifier(**AWAY))
    def succeed():
        pass

    succeed()

with DAG("away_decision", schedule=None):
    ask(InforuVoiceNotifier(**AWAY))

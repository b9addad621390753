"""The link "Inforu calls" of tasks."""

from unittest.mock import Mock

import pytest
from airflow.sdk import DAG, task
from airflow.sdk.types import TaskInstanceKey

from airflow_provider_inforu import _compat, calls_page
from airflow_provider_inforu.capi.errors import InforuError
from airflow_provider_inforu.get_provider_info import get_provider_info
from airflow_provider_inforu.links import InforuCallsLink, InforuDagCallsLink, push_link
from airflow_provider_inforu.operators.voice import (
    InforuSendExistingCampaignOperator,
    InforuSendTextToSpeechOperator,
)
from airflow_provider_inforu.sending.send_opener import SendOpener
from airflow_provider_inforu.sensors.voice import InforuVoiceJobSensor
from airflow_provider_inforu.transfers.sql_to_voice import (
    SqlToInforuCampaignOperator,
    SqlToInforuVoiceOperator,
)

SENDERS = [
    InforuSendTextToSpeechOperator,
    InforuSendExistingCampaignOperator,
    SqlToInforuVoiceOperator,
    SqlToInforuCampaignOperator,
]
TASK = TaskInstanceKey(dag_id="dag", run_id="manual/1+2", task_id="call", try_number=1, map_index=3)
ADDRESS = "/inforu-calls/dags/dag/send?run_id=run&task_id=call&map_index=-1"


def call(**arguments):
    with DAG("dag"):
        return InforuSendTextToSpeechOperator(
            task_id="call", recipients=["0500000001"], message="hello", retries=0, **arguments
        )


@pytest.mark.parametrize("operator", SENDERS)
def test_each_operator_that_sends_has_the_link(operator):
    assert [type(one) for one in operator.operator_extra_links] == [InforuCallsLink]


def test_the_decorated_function_and_the_sensor_have_a_link():
    @task.inforu_text_to_speech(message="hello")
    def call_people():
        return []

    with DAG("dag"):
        called = call_people()
    assert [type(one) for one in called.operator.operator_extra_links] == [InforuCallsLink]
    assert [type(one) for one in InforuVoiceJobSensor.operator_extra_links] == [InforuDagCallsLink]


def test_airflow_stores_the_link_of_mapped_tasks_with_the_dag():
    from airflow.serialization.serialized_objects import DagSerialization

    with DAG("dag") as dag:
        InforuSendTextToSpeechOperator.partial(task_id="call", message="hello").expand(recipients=[["1"]])
    stored = DagSerialization.deserialize_dag(DagSerialization.to_dict(dag)["dag"]).get_task("call")
    assert stored.extra_links == ["Inforu calls"]


def test_the_provider_registers_the_links():
    names = [f"{one.__module__}.{one.__name__}" for one in (InforuCallsLink, InforuDagCallsLink)]
    assert get_provider_info()["extra-links"] == names


def test_the_link_names_the_task_instance_below_the_base_path(monkeypatch):
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://example.org/airflow/")
    link = InforuCallsLink().get_link(None, ti_key=TASK)
    assert link == ("/airflow/inforu-calls/dags/dag/send?run_id=manual%2F1%2B2&task_id=call&map_index=3")
    assert InforuDagCallsLink().get_link(None, ti_key=TASK) == "/airflow/inforu-calls/?dag=dag"


@pytest.mark.parametrize("link", [InforuCallsLink(), InforuDagCallsLink()])
def test_without_the_page_there_is_no_link(link, monkeypatch):
    monkeypatch.setattr(_compat, "AIRFLOW_VERSION", (3, 1, 0))
    assert link.get_link(None, ti_key=TASK) == ""
    monkeypatch.setattr(_compat, "AIRFLOW_VERSION", (3, 1, 1))
    assert link.get_link(None, ti_key=TASK)
    monkeypatch.setenv("AIRFLOW__INFORU__UI_ENABLED", "False")
    assert link.get_link(None, ti_key=TASK) == ""
    monkeypatch.setenv("AIRFLOW__INFORU__UI_ENABLED", "maybe")
    assert link.get_link(None, ti_key=TASK) == ""


@pytest.mark.usefixtures("sandbox")
def test_the_link_is_there_before_the_send_begins(runner, monkeypatch):
    seen = {}

    def stop(*_):
        seen.update(runner.xcoms)
        raise InforuError("stopped")

    monkeypatch.setattr(SendOpener, "open", stop)
    assert runner.run(call()) == "up_for_retry"
    assert seen == {calls_page.XCOM_KEY: ADDRESS}


def test_a_failed_task_has_the_link(runner, sandbox):
    sandbox.add_fault("accept_then_drop")
    assert runner.run(call()) == "failed"
    assert runner.xcoms[calls_page.XCOM_KEY] == ADDRESS


@pytest.mark.usefixtures("sandbox")
def test_without_the_page_no_link_is_stored(runner, monkeypatch):
    monkeypatch.setenv("AIRFLOW__INFORU__UI_ENABLED", "False")
    assert runner.run(call()) == "success"
    assert not runner.xcoms.get(calls_page.XCOM_KEY)


def test_a_link_that_cannot_be_stored_stops_no_send():
    instance = Mock(dag_id="dag", run_id="run", task_id="call", map_index=-1)
    instance.xcom_push.side_effect = RuntimeError("no XCom backend")
    push_link(None, instance)
    instance.xcom_push.assert_called_once()

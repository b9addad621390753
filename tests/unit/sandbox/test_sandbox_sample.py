"""The sample of the page on the sandbox."""

from types import SimpleNamespace

from airflow.sdk import DAG

from airflow_provider_inforu.operators.voice import InforuSendTextToSpeechOperator


def test_a_rate_limit_is_waited_for(inforu_sandbox, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_INFORU_DEFAULT", inforu_sandbox.connection_json())
    inforu_sandbox.add_fault("rate_limit", retry_after=1)

    with DAG("reminders") as dag:
        InforuSendTextToSpeechOperator(task_id="call", recipients=["0500000001"], message="שלום")
    task = dag.get_task("call")
    context = {"ti": SimpleNamespace(try_number=1, max_tries=0, xcom_push=lambda **_: None)}
    task.render_template_fields(context)
    task.execute(context)

    inforu_sandbox.wait_until_calls_ended(timeout=10)
    assert [call["status"] for call in inforu_sandbox.calls()] == ["Answered"]

"""A send that waits for its calls in the triggerer."""

from __future__ import annotations

from airflow.sdk import dag, task

from airflow_provider_inforu.operators.voice import InforuSendTextToSpeechOperator

# Their phones are past the sandbox's magic numbers, one of which never reports an end.
FIRST, COUNT = 1000, 1000


@dag(schedule=None, catchup=False)
def waiting_send() -> None:
    @task(show_return_value_in_logs=False)
    def people() -> list[dict[str, str]]:
        return [{"id": f"k{number}", "phone": f"05{number:08}"} for number in range(FIRST, FIRST + COUNT)]

    InforuSendTextToSpeechOperator(
        task_id="call",
        recipients=people(),
        message="שלום",
        key_field="id",
        max_in_flight=1,
        wait_for_calls=True,
        deferrable=True,
        poll_interval=0.5,
        calls_timeout=240,
    )


waiting_send()

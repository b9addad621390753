"""A send of 5,000 people, whose task has one try."""

from __future__ import annotations

from airflow.sdk import dag, task

from airflow_provider_inforu.operators.voice import InforuSendTextToSpeechOperator

# Their phones are past the sandbox's magic numbers.
FIRST, PEOPLE = 1000, 5000
IN_FLIGHT = 2


@dag(schedule=None, catchup=False)
def large_send() -> None:
    @task(show_return_value_in_logs=False)
    def people() -> list[dict[str, str]]:
        return [{"id": f"k{number}", "phone": f"05{number:08}"} for number in range(FIRST, FIRST + PEOPLE)]

    InforuSendTextToSpeechOperator(
        task_id="call",
        recipients=people(),
        message="שלום",
        key_field="id",
        max_in_flight=IN_FLIGHT,
        retries=0,
    )


large_send()

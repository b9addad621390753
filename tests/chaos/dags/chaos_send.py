"""A send that lasts several seconds and is tried again soon: time enough to break something meanwhile."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import dag, task

from airflow_provider_inforu.operators.voice import InforuSendTextToSpeechOperator


@dag(schedule=None, catchup=False, params={"people": 3000})
def chaos_send() -> None:
    @task(show_return_value_in_logs=False)
    def people(params: dict[str, int]) -> list[dict[str, str]]:
        return [{"id": f"k{number}", "phone": f"05{number:08}"} for number in range(params["people"])]

    InforuSendTextToSpeechOperator(
        task_id="call",
        recipients=people(),
        message="שלום",
        key_field="id",
        max_in_flight=2,
        retries=20,
        retry_delay=timedelta(seconds=1),
    )


chaos_send()

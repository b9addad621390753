"""Sends that go wrong: what the tests look for phones and secrets in."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import dag, task

from airflow_provider_inforu.operators.voice import InforuSendTextToSpeechOperator

PEOPLE = [
    {"customer": "C-1", "phone": "050-000-0021"},
    {"customer": "C-2", "phone": "+972500000022"},
    {"customer": "C-3", "phone": "500000023"},
]


@dag(schedule=None, catchup=False)
def careful_sends() -> None:
    @task(show_return_value_in_logs=False)
    def people() -> list[dict[str, str]]:
        return PEOPLE

    InforuSendTextToSpeechOperator(
        task_id="call",
        recipients=people(),
        message="שלום {customer}",
        key_field="customer",
        retries=2,
        retry_delay=timedelta(seconds=1),
    )


careful_sends()

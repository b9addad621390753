"""A send whose first try fails before it begins: it cannot render the template of the message."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import dag

from airflow_provider_inforu.operators.voice import InforuSendTextToSpeechOperator

PEOPLE = [{"customer": f"C-{number}", "phone": f"05000000{number}"} for number in range(31, 34)]


@dag(schedule=None, catchup=False)
def late_sends() -> None:
    InforuSendTextToSpeechOperator(
        task_id="call",
        recipients=PEOPLE,
        message="Call number {{ 1 // (ti.try_number - 1) }}",
        key_field="customer",
        retries=2,
        retry_delay=timedelta(seconds=1),
    )


late_sends()

"""A send whose window is closed at first, and opens within a minute or so."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from airflow.sdk import dag, task

from airflow_provider_inforu.operators.voice import InforuSendTextToSpeechOperator

ZONE = "Asia/Kathmandu"
"""No other clock shows its hours: it is 5:45 ahead of UTC."""
SLOT = "one_slot"
"""A pool, which the test makes."""
PEOPLE = 250
SECONDS_TO_BEGIN = 20


@dag(schedule=None, catchup=False)
def opens_soon() -> None:
    @task
    def window() -> str:
        """Return half an hour that begins with a minute, in which the call has not begun yet."""
        now = datetime.now(ZoneInfo(ZONE))
        opens = now.replace(second=0, microsecond=0) + timedelta(minutes=1)
        if opens - now < timedelta(seconds=SECONDS_TO_BEGIN):
            opens += timedelta(minutes=1)
        return f"{opens:%H:%M}-{opens + timedelta(minutes=30):%H:%M}"

    @task(show_return_value_in_logs=False)
    def people() -> list[dict[str, str]]:
        return [{"id": f"k{number}", "phone": f"05{number:08}"} for number in range(1, PEOPLE + 1)]

    rows = people()
    opens = window()
    call = InforuSendTextToSpeechOperator(
        task_id="call",
        recipients=rows,
        message="שלום",
        key_field="id",
        sending_window="{{ ti.xcom_pull(task_ids='window') }}",
        timezone=ZONE,
        pool=SLOT,
    )
    # Last, so that little time goes by before the call.
    rows >> opens >> call


opens_soon()

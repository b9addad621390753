"""A send, and two sensors that wait for its calls: in the triggerer and in a worker."""

from __future__ import annotations

import os
from typing import Any

from airflow.sdk import dag

from airflow_provider_inforu.operators.voice import InforuSendExistingCampaignOperator
from airflow_provider_inforu.sensors.voice import InforuVoiceJobSensor


def remove_ledger(_context: Any) -> None:
    """Configure the process of this task alone."""
    del os.environ["AIRFLOW__INFORU__LEDGER_PATH"]


@dag(schedule=None, catchup=False)
def send_and_wait() -> None:
    call = InforuSendExistingCampaignOperator(
        task_id="call",
        campaign_id=183,
        recipients=["0500000001", "0500000002"],
        pre_execute=remove_ledger,
    )
    for task_id, source, deferrable in (
        ("wait_in_triggerer", "status_function", True),
        ("wait_in_worker", "notifications", False),
    ):
        InforuVoiceJobSensor(
            task_id=task_id,
            send=call.output,
            source=source,
            poke_interval=1,
            timeout=60,
            deferrable=deferrable,
        )


send_and_wait()

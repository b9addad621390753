"""One send with the ledger of this Airflow, and one with none."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

from airflow.sdk import dag

from airflow_provider_inforu.operators.voice import InforuSendTextToSpeechOperator

PEOPLE = 250


def remove_ledger(_context: Any) -> None:
    """Configure the process of this task alone."""
    del os.environ["AIRFLOW__INFORU__LEDGER_PATH"]


def send(pre_execute: Any = None) -> None:
    InforuSendTextToSpeechOperator(
        task_id="call",
        recipients=[{"id": f"k{number}", "phone": f"05{number:08}"} for number in range(1, PEOPLE + 1)],
        message="שלום",
        key_field="id",
        # The batches leave in order, so that a fault hits the one that is meant.
        max_in_flight=1,
        retries=2,
        retry_delay=timedelta(seconds=1),
        pre_execute=pre_execute,
    )


@dag(schedule=None, catchup=False)
def send_with_ledger() -> None:
    send()


@dag(schedule=None, catchup=False)
def send_without_ledger() -> None:
    send(pre_execute=remove_ledger)


send_with_ledger()
send_without_ledger()

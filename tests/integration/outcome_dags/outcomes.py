"""A send that is waited for, and a DAG that starts when outcomes arrive."""

from __future__ import annotations

from typing import Any

from airflow.sdk import Asset, AssetWatcher, dag, task

from airflow_provider_inforu.operators.voice import InforuSendTextToSpeechOperator
from airflow_provider_inforu.sensors.voice import InforuVoiceJobSensor
from airflow_provider_inforu.triggers.events import InforuCallEventTrigger

PEOPLE = [{"customer": f"C-{number}", "phone": f"05000000{number}"} for number in range(21, 29)]

outcomes = Asset(
    "outcomes", watchers=[AssetWatcher(name="inforu", trigger=InforuCallEventTrigger(poll_interval=1))]
)


@dag(schedule=None, catchup=False)
def waited_send() -> None:
    @task(show_return_value_in_logs=False)
    def people() -> list[dict[str, str]]:
        return PEOPLE

    call = InforuSendTextToSpeechOperator(
        task_id="call", recipients=people(), message="שלום {customer}", key_field="customer"
    )
    InforuVoiceJobSensor(task_id="calls", send=call.output, poke_interval=1, timeout=90, deferrable=True)


@dag(schedule=[outcomes], catchup=False)
def when_outcomes_arrive() -> None:
    @task
    def look(triggering_asset_events: Any = None) -> list[str]:
        payloads = [event.extra["payload"] for event in triggering_asset_events[outcomes]]
        return [call["key"] for payload in payloads for call in payload["calls"]]

    look()


waited_send()
when_outcomes_arrive()

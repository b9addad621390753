"""Start when calls have ended, and note who confirmed and who should be called by a person."""

from __future__ import annotations

# [START howto_call_events]
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, AssetWatcher, dag, task

from airflow_provider_inforu.triggers.events import InforuCallEventTrigger

if TYPE_CHECKING:
    from collections.abc import Mapping

ended_calls = Asset(
    "inforu_ended_calls",
    watchers=[AssetWatcher(name="inforu", trigger=InforuCallEventTrigger(poll_interval=5))],
)


@dag(schedule=[ended_calls], catchup=False, tags=["inforu", "example"])
def call_events() -> None:
    """Run whenever outcomes arrive, whichever DAG made the calls."""

    @task
    def sort_calls(triggering_asset_events: Mapping[Asset, Any]) -> dict[str, list[str]]:
        """Return keys by what is to be done; a real DAG writes them to its own system."""
        events = [event.extra["payload"] for event in triggering_asset_events[ended_calls]]
        calls = [call for event in events for call in event["calls"]]
        return {
            "confirmed": sorted({call["key"] for call in calls if call["digit"] == "1"}),
            "needs_a_person": sorted({call["key"] for call in calls if call["status"] != "Answered"}),
        }

    sort_calls()  # Airflow gives it its argument


call_events()
# [END howto_call_events]

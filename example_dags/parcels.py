"""Phone those who get a parcel, as a carrier's answer says: a function makes people of it."""

from __future__ import annotations

# [START howto_task_decorator]
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import dag, task

if TYPE_CHECKING:
    from collections.abc import Iterator

PARCELS = Path(__file__).parent / "data" / "parcels.json"
MESSAGE = "שלום {name}, חבילה {number:digits} תגיע ב{due:day}, {due:date}, אחרי {due:time}."


@dag(schedule=None, catchup=False, tags=["inforu", "example"])
def parcels() -> None:
    """Call everybody whose parcel has a time."""

    @task.inforu_text_to_speech(message=MESSAGE, key_field="number")
    def call() -> Iterator[dict[str, Any]]:
        """Yield who is to be called; a real DAG asks the carrier."""
        for parcel in json.loads(PARCELS.read_text(encoding="utf-8"))["parcels"]:
            if parcel["due"]:
                yield {**parcel["to"], "number": parcel["number"], "due": parcel["due"]}

    call()


parcels()
# [END howto_task_decorator]

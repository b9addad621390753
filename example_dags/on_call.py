"""Call one person after another until somebody takes it by pressing a key."""

from __future__ import annotations

# [START howto_escalation]
import csv
from pathlib import Path
from typing import Any

from airflow.sdk import Param, dag, task

from airflow_provider_inforu.sensors.voice import InforuVoiceJobSensor

ON_CALL = Path(__file__).parent / "data" / "on_call.csv"
PEOPLE = 3
SECONDS_TO_ANSWER = 120


@dag(
    schedule=None,
    catchup=False,
    params={"what": Param("The nightly load has failed", type="string", minLength=1)},
    tags=["inforu", "example"],
)
def on_call() -> None:
    """Stop at the person who presses 1, and fail when nobody does."""

    # It runs in the task that calls, so no phone is in Airflow's database. And it is about the night.
    @task.inforu_text_to_speech(key_field="name", ignore_possible_sending_time=True)
    def call_person(place: int, params: dict[str, str]) -> list[dict[str, str]]:
        """Return the person at a place of the rota, with what they will hear; nobody after its end."""
        with ON_CALL.open(encoding="utf-8", newline="") as file:
            people = list(csv.DictReader(file))[place - 1 : place]
        return [{**person, "message": f"{params['what']}. To take it, press 1."} for person in people]

    # A call that failed is one that nobody took: all_done.
    @task.short_circuit(trigger_rule="all_done")
    def nobody_took_it(summary: dict[str, Any] | None) -> bool:
        """Return whether the next person is to be called; all that follows is skipped if not."""
        return not (summary or {}).get("by_digit", {}).get("1")

    @task(retries=0)
    def give_up() -> None:
        """Let the run fail, so that it is seen."""
        raise RuntimeError("nobody who is on call took it")

    before = None
    for number in range(1, PEOPLE + 1):
        call = call_person.override(task_id=f"call_{number}")(number)
        wait = InforuVoiceJobSensor(
            task_id=f"wait_{number}",
            send=call,
            poke_interval=5,
            timeout=SECONDS_TO_ANSWER,
            on_timeout="succeed",
            deferrable=True,
        )
        if before is not None:
            before >> call
        before = nobody_took_it.override(task_id=f"nobody_took_it_{number}")(wait.output)
    before >> give_up()


on_call()
# [END howto_escalation]

"""Phone each person who has an appointment and tell them its day and time."""

from __future__ import annotations

# [START howto_text_to_speech]
import csv
from pathlib import Path

from airflow.sdk import dag, task

from airflow_provider_inforu.operators.voice import InforuSendTextToSpeechOperator

APPOINTMENTS = Path(__file__).parent / "data" / "appointments.csv"


@dag(schedule=None, catchup=False, tags=["inforu", "example"])
def appointment_reminders() -> None:
    """Read the appointments, call each person once, and report how many calls Inforu accepted."""

    # Airflow logs what a task returns, and these are people's phones.
    @task(show_return_value_in_logs=False)
    def read_appointments() -> list[dict[str, str]]:
        """Return a row for each person: the columns are the fields of the message."""
        with APPOINTMENTS.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    call = InforuSendTextToSpeechOperator(
        task_id="call",
        recipients=read_appointments(),
        message="שלום {name}, תזכורת לתור ביום {day} בשעה {time}. לאישור הקישו 1.",
        key_field="appointment_id",
        campaign_name="Appointment reminders",
    )

    @task
    def report(manifest: dict[str, int]) -> dict[str, int]:
        """Return how many people were called, and how many were not."""
        return {
            name: manifest[name] for name in ("recipients", "accepted", "rejected", "in_doubt", "skipped")
        }

    report(call.output)


appointment_reminders()
# [END howto_text_to_speech]

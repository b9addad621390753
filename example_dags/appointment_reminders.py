"""Remind people of appointments by phone, act on the key they press, and call again who did not answer."""

from __future__ import annotations

# [START howto_text_to_speech]
import csv
from pathlib import Path
from typing import Any

import pendulum
from airflow.providers.standard.sensors.date_time import DateTimeSensorAsync
from airflow.sdk import Param, dag, task

from airflow_provider_inforu.hooks.inforu import InforuHook
from airflow_provider_inforu.operators.voice import InforuSendTextToSpeechOperator

APPOINTMENTS = Path(__file__).parent / "data" / "appointments.csv"
MESSAGE = "שלום {name}, תזכורת לתור ביום {day} בשעה {time}. לאישור הקישו 1, לביטול הקישו 2."


@dag(
    schedule=None,
    catchup=False,
    params={"minutes_between_calls": Param(60, type="number", minimum=0)},
    tags=["inforu", "example"],
)
def appointment_reminders() -> None:
    """Call each person, wait for the answers, and call those who did not answer once more."""

    # Airflow logs what a task returns, and these are people's phones.
    @task(show_return_value_in_logs=False)
    def read_appointments() -> list[dict[str, str]]:
        """Return a row for each person: the columns are the fields of the message."""
        with APPOINTMENTS.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    appointments = read_appointments()
    call = InforuSendTextToSpeechOperator(
        task_id="call",
        recipients=appointments,
        message=MESSAGE,
        key_field="appointment_id",
        campaign_name="Appointment reminders",
        wait_for_calls=True,
        deferrable=True,
        poll_interval=5,
    )
    # [END howto_text_to_speech]

    # [START howto_branch_on_outcomes]
    @task
    def read_answers(manifest: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
        """Return the appointments by what their people did, and when to call again."""
        results = list(InforuHook(manifest["inforu_conn_id"]).iter_call_results(manifest["send_id"]))
        return {
            "confirmed": [one.key for one in results if one.digit == "1"],
            "cancelled": [one.key for one in results if one.digit == "2"],
            "unanswered": [one.key for one in results if one.status != "Answered"],
            "call_again_at": pendulum.now("UTC").add(minutes=params["minutes_between_calls"]).isoformat(),
        }

    @task.branch
    def decide(answers: dict[str, Any]) -> list[str]:
        """Return the tasks for which there is somebody."""
        tasks = {"cancelled": "free_the_times", "unanswered": "wait"}
        return [task_id for name, task_id in tasks.items() if answers[name]]

    @task
    def free_the_times(answers: dict[str, Any]) -> list[str]:
        """Return the appointments that others may have now; a real DAG tells its calendar."""
        return list(answers["cancelled"])

    @task(show_return_value_in_logs=False)
    def find_unanswered(rows: list[dict[str, str]], answers: dict[str, Any]) -> list[dict[str, str]]:
        """Return the rows of those who did not answer."""
        return [row for row in rows if row["appointment_id"] in answers["unanswered"]]

    answers = read_answers(call.output)
    wait = DateTimeSensorAsync(
        task_id="wait", target_time="{{ ti.xcom_pull(task_ids='read_answers')['call_again_at'] }}"
    )
    unanswered = find_unanswered(appointments, answers)
    call_again = InforuSendTextToSpeechOperator(
        task_id="call_again",
        recipients=unanswered,
        message=MESSAGE,
        key_field="appointment_id",
        campaign_name="Appointment reminders, second call",
        wait_for_calls=True,
        deferrable=True,
        poll_interval=5,
    )
    decide(answers) >> [wait, free_the_times(answers)]
    wait >> unanswered
    # [END howto_branch_on_outcomes]

    @task(trigger_rule="none_failed")
    def report(first: dict[str, Any], second: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return how many people were called, and how the calls ended."""
        return {
            "recipients": first["recipients"],
            "accepted": first["accepted"],
            "first_call": first["calls"]["by_status"],
            "second_call": second["calls"]["by_status"] if second else {},
        }

    report(call.output, call_again.output)


appointment_reminders()

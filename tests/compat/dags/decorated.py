"""A function whose people are called, and a send on a day that is not today."""

from __future__ import annotations

from typing import Any

import pendulum
from airflow.sdk import DAG, task

IN_TWO_DAYS = pendulum.now("Asia/Jerusalem").add(days=2).format("ddd").lower()

with DAG("decorated", schedule=None):

    @task
    def read() -> list[dict[str, Any]]:
        return [{"id": f"k{number}", "phone": f"05{number:08}"} for number in range(1, 4)]

    @task.inforu_text_to_speech(message="Hello {id}", key_field="id", sending_window="00:00-24:00")
    def call(rows):
        yield from rows

    @task.inforu_text_to_speech(
        message="Hello", sending_window=f"{IN_TWO_DAYS} 10:00-11:00", outside_window="skip"
    )
    def another_day(rows):
        return rows

    people = read()
    call(people)
    another_day(people)

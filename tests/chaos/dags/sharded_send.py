"""A campaign in shards, each of them a send of its own that is tried again soon."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import dag, task

from airflow_provider_inforu.operators.voice import InforuSendTextToSpeechOperator

if TYPE_CHECKING:
    from collections.abc import Iterable


@dag(schedule=None, catchup=False, params={"shards": 20, "people": 1000})
def sharded_send() -> None:
    @task
    def shards(params: dict[str, int]) -> list[int]:
        return [shard * params["people"] for shard in range(params["shards"])]

    # Not all people in one XCom: each task would read all of it, and keep the API server busy for a while.
    @task(show_return_value_in_logs=False)
    def people_of(first: int, params: dict[str, int]) -> list[dict[str, str]]:
        return [{"id": f"k{number}", "phone": f"05{first + number:08}"} for number in range(params["people"])]

    @task(trigger_rule="all_done")
    def add_up(manifests: Iterable[dict[str, Any]]) -> dict[str, int]:
        found = list(manifests)
        names = ("recipients", "accepted", "rejected", "in_doubt", "skipped")
        return {name: sum(one[name] for one in found) for name in names}

    call = InforuSendTextToSpeechOperator.partial(
        task_id="call",
        message="שלום",
        key_field="id",
        retries=5,
        retry_delay=timedelta(seconds=1),
    ).expand(recipients=people_of.expand(first=shards()))
    add_up(call.output)


sharded_send()

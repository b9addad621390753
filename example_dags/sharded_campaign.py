"""Call many people with many workers: in shards, each of them a send of its own, at one rate together."""

from __future__ import annotations

# [START howto_shards]
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import Param, dag, task

from airflow_provider_inforu.operators.voice import InforuSendTextToSpeechOperator

if TYPE_CHECKING:
    from collections.abc import Iterable

PEOPLE_IN_A_SHARD = 100


@dag(
    schedule=None,
    catchup=False,
    params={"last_customer": Param(250, type="integer", minimum=1)},
    tags=["inforu", "example"],
)
def sharded_campaign() -> None:
    """Split the people by their key, call every shard, and add up what became of them."""

    @task
    def split(params: dict[str, int]) -> list[dict[str, int]]:
        """Return ranges of keys: nobody is in two of them, and a later try returns the same ones."""
        last = params["last_customer"]
        return [
            {"first": first, "last": min(first + PEOPLE_IN_A_SHARD - 1, last)}
            for first in range(1, last + 1, PEOPLE_IN_A_SHARD)
        ]

    @task(show_return_value_in_logs=False)
    def read_people(first: int, last: int) -> list[dict[str, Any]]:
        """Return the people of a range; a real DAG asks its database, in the order of the keys."""
        return [{"customer_id": key, "phone": f"05{key:08}"} for key in range(first, last + 1)]

    # The shards are sent at the same time. Set `[inforu] rate_limit_redis_url`, so that they keep the
    # account's rate together; or give the task a pool with one slot, which sends one after another.
    call = InforuSendTextToSpeechOperator.partial(
        task_id="call",
        message="Our office is closed on Sunday.",
        key_field="customer_id",
        retries=3,
    ).expand(recipients=read_people.expand_kwargs(split()))

    # A shard whose people are in doubt fails, and has a manifest: all_done.
    @task(trigger_rule="all_done")
    def add_up(manifests: Iterable[dict[str, Any]]) -> dict[str, int]:
        """Return what became of everybody."""
        total = dict.fromkeys(("recipients", "accepted", "rejected", "in_doubt", "skipped"), 0)
        for manifest in manifests:
            for name in total:
                total[name] += manifest[name]
        return total

    # The last task decides how the run ends: it must not run where a shard failed.
    [call, add_up(call.output)] >> EmptyOperator(task_id="all_shards_are_sent")


sharded_campaign()
# [END howto_shards]

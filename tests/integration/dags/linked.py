"""Tasks that call, in each state from which a person follows the link "Inforu calls"."""

from __future__ import annotations

from airflow.sdk import dag

from airflow_provider_inforu.operators.voice import (
    InforuSendExistingCampaignOperator,
    InforuSendTextToSpeechOperator,
)

PHONES = ["0500000041", "0500000042"]
PEOPLE_OF_MAPPED = [["0500000051"], ["0500000052"], ["0500000053"]]


@dag(schedule=None, catchup=False)
def linked() -> None:
    for task_id, deferrable in (("running", False), ("deferred", True)):
        InforuSendTextToSpeechOperator(
            task_id=task_id,
            recipients=PHONES,
            message="שלום",
            wait_for_calls=True,
            deferrable=deferrable,
            poll_interval=1,
        )
    InforuSendExistingCampaignOperator(task_id="failed", campaign_id=183, recipients=PHONES)
    InforuSendTextToSpeechOperator.partial(task_id="mapped", message="שלום").expand(
        recipients=PEOPLE_OF_MAPPED
    )


linked()

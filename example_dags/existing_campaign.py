"""Send a campaign that was made in Inforu's portal to the people of the day."""

from __future__ import annotations

# [START howto_existing_campaign]
from datetime import timedelta

from airflow.sdk import Param, dag, task
from airflow.timetables.trigger import CronTriggerTimetable

from airflow_provider_inforu.operators.voice import InforuSendExistingCampaignOperator


@dag(
    # A DAG with a start_date makes up for the last 10:00 as soon as it is turned on, even at night. This
    # one waits for the next.
    schedule=CronTriggerTimetable(
        "0 10 * * *", timezone="Asia/Jerusalem", run_immediately=timedelta(minutes=5)
    ),
    catchup=False,
    params={"campaign_id": Param(183, type="integer", description="The campaign's number in the portal")},
    tags=["inforu", "example"],
)
def existing_campaign() -> None:
    """Call everyone who is due today, each once, with the recording of the campaign."""

    # Airflow logs what a task returns, and these are people's phones.
    @task(show_return_value_in_logs=False)
    def due_today() -> list[dict[str, str]]:
        """Return a row for each person; a real DAG asks its database."""
        return [
            {"customer_id": "C-17", "phone": "050-000-0001"},
            {"customer_id": "C-18", "phone": "0500000002"},
            {"customer_id": "C-19", "phone": "+972500000003"},
        ]

    InforuSendExistingCampaignOperator(
        task_id="call",
        campaign_id="{{ params.campaign_id }}",
        recipients=due_today(),
        key_field="customer_id",
    )


existing_campaign()
# [END howto_existing_campaign]

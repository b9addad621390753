"""Phone the person on call when a task fails, when a deadline is missed, and when a person has to decide."""

from __future__ import annotations

# [START howto_alerts]
from datetime import timedelta

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import AsyncCallback, DeadlineAlert, DeadlineReference, Param, dag, task

from airflow_provider_inforu.notifications.voice import InforuVoiceNotifier

# A Variable of Airflow with "0500000001, 0500000002": no phone is in a DAG file.
ON_CALL = "{{ var.value.on_call_phones }}"

# [START howto_deadline]
ONE_HOUR = DeadlineAlert(
    reference=DeadlineReference.DAGRUN_QUEUED_AT,
    interval=timedelta(hours=1),
    callback=AsyncCallback(InforuVoiceNotifier, kwargs={"phones": ON_CALL, "cooldown": 3600}),
)
# [END howto_deadline]


@dag(
    schedule=None,
    params={"fail": Param(default=False, type="boolean")},
    deadline=ONE_HOUR,
    tags=["inforu", "example"],
)
def alerts() -> None:
    """Load orders, and send them when a person has agreed."""

    @task(
        on_failure_callback=InforuVoiceNotifier(
            phones=ON_CALL, message="The orders were not loaded. {{ exception }}", quiet_hours="23:00-06:00"
        )
    )
    def load_orders(params: dict[str, bool]) -> None:
        """Fail where the run is to fail."""
        if params["fail"]:
            raise RuntimeError("The shop does not answer.")

    # [START howto_decision]
    approve = ApprovalOperator(
        task_id="approve",
        subject="May the orders be sent?",
        notifiers=InforuVoiceNotifier(phones=ON_CALL),
    )
    # [END howto_decision]
    load_orders() >> approve


alerts()
# [END howto_alerts]

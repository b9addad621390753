"""A task that fails, and with it its DAG: each calls somebody."""

from __future__ import annotations

from airflow.sdk import DAG, task

from airflow_provider_inforu.notifications.voice import InforuVoiceNotifier

with DAG("alert", schedule=None, on_failure_callback=InforuVoiceNotifier(phones="0500000002")):

    @task(on_failure_callback=InforuVoiceNotifier(phones="0500000001"))
    def fail():
        raise RuntimeError("as it was told to")

    fail()

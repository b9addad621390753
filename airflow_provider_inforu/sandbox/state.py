"""The data of the sandbox between two resets."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from airflow_provider_inforu.sandbox.account_limits import Quota, RateLimit
from airflow_provider_inforu.sandbox.call_book import CallLog
from airflow_provider_inforu.sandbox.call_notifications import PushLog
from airflow_provider_inforu.sandbox.campaigns import Campaigns
from airflow_provider_inforu.sandbox.faults import FaultQueue
from airflow_provider_inforu.sandbox.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_inforu.sandbox.sandbox_settings import Settings


class State:
    """The account's calls, campaigns and quota, the recorded requests, and the waiting faults."""

    def __init__(self, settings: Settings) -> None:
        self._changing = threading.Lock()
        self.settings = settings
        self.calls = CallLog()
        self.campaigns = Campaigns(settings.existing_campaigns)
        self.faults = FaultQueue()
        self.pushes = PushLog()
        self.quota = Quota(settings.quota)
        self.rate_limit = RateLimit()
        self.recorder = Recorder()

    def update_settings(self, changes: Mapping[str, Any]) -> Settings:
        """Change settings by name, and return all settings. A new ``quota`` also resets the remaining calls.

        :param changes: The new values by name.
        :raises ControlInputError: A name is unknown, or a value is invalid. Then nothing changes.
        """
        with self._changing:
            self.settings = self.settings.changed(changes)
            self.campaigns.add_existing(self.settings.existing_campaigns)
            if "quota" in changes:
                self.quota.fill(self.settings.quota)
            return self.settings


class Account:
    """The sandbox's only account, and its state.

    A reset replaces the state. An open request continues with the old state, so no data of one test can reach
    the next.
    """

    def __init__(self, username: str, token: str, settings: Settings) -> None:
        self.username = username
        self.token = token
        self._initial_settings = settings
        self.state = State(settings)

    def reset(self) -> None:
        """Delete all data, and restore the initial settings."""
        self.state = State(self._initial_settings)

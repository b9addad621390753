"""The settings of the sandbox, which can change while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from airflow_provider_inforu.sandbox.control_input import ControlModel, read_model

if TYPE_CHECKING:
    from collections.abc import Mapping

Seconds = Annotated[float, Field(ge=0, le=86_400)]


class Settings(ControlModel):
    """The settings of the sandbox. All times are in seconds."""

    seed: int = 1
    """The seed of the random outcomes. The same seed gives the same outcomes."""
    call_seconds: Seconds = 1.0
    """The time from the acceptance of a call to its end."""
    requests_per_second: int = Field(default=30, ge=0)
    """The maximum number of requests in any one second; 0 for no limit."""
    latency: Seconds = 0.0
    """The minimum time from a request to its response. The calls are accepted before."""
    quota: int | None = Field(default=5_000_000, ge=0)
    """The number of remaining calls; ``None`` for no limit."""
    existing_campaigns: tuple[int, ...] = Field(default=(183,), strict=False)
    """The campaigns that exist from the start. 183 is the guide's example."""
    notification_url: str | None = Field(default=None, pattern=r"^https?://[^\s/]+")
    """The URL for notifications of ended calls; ``None`` pushes nothing."""
    notification_batch_size: int = Field(default=100, ge=1, le=10_000)
    """The maximum number of notifications in one push."""
    notification_repeat: int = Field(default=1, ge=1, le=100)
    """How often each notification is pushed."""
    notification_delay: Seconds = 0.0
    """The time from the end of a call to its notification."""
    notification_reorder: bool = False
    """Whether notifications that are due together are shuffled."""
    notification_burst_seconds: Seconds = 0.0
    """Above 0: notifications are held back for this time, then pushed together over several connections."""

    def changed(self, changes: Mapping[str, Any]) -> Settings:
        """Return a copy of the settings with changes.

        :param changes: The new values by name.
        :raises ControlInputError: A name is unknown, or a value is invalid.
        """
        return read_model(Settings, {**self.model_dump(), **changes})

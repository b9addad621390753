"""What a user can set about the sandbox while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from airflow_provider_inforu.sandbox.control_input import ControlModel, read_model

if TYPE_CHECKING:
    from collections.abc import Mapping

Seconds = Annotated[float, Field(ge=0, le=86_400)]


class Settings(ControlModel):
    """How the sandbox behaves. All times are in seconds."""

    seed: int = 1
    """Decides the outcomes that are left to chance; the same seed gives the same outcomes."""
    call_seconds: Seconds = 1.0
    """How long after its acceptance a call ends."""
    requests_per_second: int = Field(default=30, ge=0)
    """Requests that the account may make in any one second; 0 for no limit."""
    latency: Seconds = 0.0
    """How long after its arrival a request is answered, at the earliest; its calls were accepted before."""
    quota: int | None = Field(default=5_000_000, ge=0)
    """Calls that the account may still place; ``None`` for no end."""
    existing_campaigns: tuple[int, ...] = Field(default=(183,), strict=False)
    """Campaigns that ``Voice/Campaign/SendExisting`` knows from the start; 183 is the guide's example."""
    notification_url: str | None = Field(default=None, pattern=r"^https?://[^\s/]+")
    """Where the end of each call is pushed to; ``None`` pushes nothing."""
    notification_batch_size: int = Field(default=100, ge=1, le=10_000)
    """Notifications in one push, at most."""
    notification_repeat: int = Field(default=1, ge=1, le=100)
    """How often each notification is pushed."""
    notification_delay: Seconds = 0.0
    """How late a notification is pushed, after the end of its call."""
    notification_reorder: bool = False
    """Whether the notifications that are due together are pushed in a shuffled order."""
    notification_burst_seconds: Seconds = 0.0
    """Above 0, notifications are held back this long, then pushed all at once over several connections."""

    def changed(self, changes: Mapping[str, Any]) -> Settings:
        """Return these settings with ``changes`` made.

        :raises ControlInputError: for an unknown name or a value that cannot be.
        """
        return read_model(Settings, {**self.model_dump(), **changes})

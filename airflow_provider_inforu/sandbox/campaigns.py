"""The campaigns of the sandbox's account."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

# The guide's answers show CampaignID 194.
_FIRST_NEW_ID = 194


@dataclass(slots=True)
class Campaign:
    """A campaign, with the number of its calls."""

    campaign_id: int
    name: str
    ref_id: str | None
    calls: int = 0


class Campaigns:
    """The campaigns by ID and by CampaignRefId. Safe to use from several threads."""

    def __init__(self, existing: Iterable[int]) -> None:
        self._lock = threading.Lock()
        self._by_id: dict[int, Campaign] = {}
        self._by_ref_id: dict[str, Campaign] = {}
        self._next_id = _FIRST_NEW_ID
        self.add_existing(existing)

    def add_existing(self, campaign_ids: Iterable[int]) -> None:
        """Add campaigns that no request created."""
        with self._lock:
            for campaign_id in campaign_ids:
                self._by_id.setdefault(campaign_id, Campaign(campaign_id, f"Campaign {campaign_id}", None))

    def get(self, campaign_id: int) -> Campaign | None:
        """Return a campaign, or ``None`` if its ID is unknown."""
        with self._lock:
            return self._by_id.get(campaign_id)

    def for_ref_id(self, ref_id: str, name: str) -> Campaign:
        """Return the campaign of a CampaignRefId. A new CampaignRefId creates a campaign (guide)."""
        with self._lock:
            campaign = self._by_ref_id.get(ref_id)
            if campaign is None:
                campaign = self._by_ref_id[ref_id] = self._create(name or ref_id, ref_id)
            return campaign

    def duplicate(self, original: Campaign, name: str) -> Campaign:
        """Copy a campaign under a new ID, as ``Duplicate`` requires (guide)."""
        with self._lock:
            return self._create(name or f"Copy of {original.name}", None)

    def count_calls(self, campaign: Campaign, calls: int) -> None:
        """Count accepted calls of a campaign."""
        with self._lock:
            campaign.calls += calls

    def as_json(self) -> list[dict[str, Any]]:
        """Return all campaigns in the form of the control API."""
        with self._lock:
            return [asdict(campaign) for campaign in self._by_id.values()]

    def _create(self, name: str, ref_id: str | None) -> Campaign:
        while self._next_id in self._by_id:
            self._next_id += 1
        campaign = self._by_id[self._next_id] = Campaign(self._next_id, name, ref_id)
        return campaign

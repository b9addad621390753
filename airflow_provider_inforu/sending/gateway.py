"""What a send needs of a connection: the vendor's API and the receiver. `InforuHook` offers it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_inforu.capi.admin import Quota
    from airflow_provider_inforu.capi.client import InforuClient
    from airflow_provider_inforu.outcomes.summary import CallResult


class GatewaySettings(Protocol):
    """The settings of a connection."""

    @property
    def has_receiver(self) -> bool:
        """Whether the connection has a receiver."""


class VendorGateway(Protocol):
    """The vendor's API and the receiver of one connection."""

    inforu_conn_id: str

    @property
    def settings(self) -> GatewaySettings:
        """The settings of the connection."""

    def get_conn(self) -> InforuClient:
        """Return the client of the vendor's API. All threads of the send share it."""

    def get_quota(self) -> list[Quota]:
        """Return the remaining quota for voice calls."""

    def iter_call_results(self, send_id: str) -> Iterator[CallResult]:
        """Yield the outcome of each ended call of a send from the receiver."""

"""What a send needs of a connection: the vendor's API and the receiver. `InforuHook` offers it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from airflow_provider_inforu.capi.admin import Quota
    from airflow_provider_inforu.capi.voice import SendReceipt
    from airflow_provider_inforu.outcomes.summary import CallResult


class VendorGateway(Protocol):
    """The vendor's API and the receiver of one connection."""

    inforu_conn_id: str

    @property
    def has_receiver(self) -> bool:
        """Whether the connection has a receiver."""

    def get_conn(self) -> object:
        """Create the client now, so that the first requests are not delayed."""

    def prepare_send(self, function: str, data: Mapping[str, Any]) -> Callable[[], SendReceipt]:
        """Prepare a request that places calls, and return a function that sends it."""

    def get_quota(self) -> list[Quota]:
        """Return the remaining quota for voice calls."""

    def iter_call_results(self, send_id: str) -> Iterator[CallResult]:
        """Yield the outcome of each ended call of a send from the receiver."""

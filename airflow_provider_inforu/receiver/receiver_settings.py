"""What a receiver is built with."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from airflow_provider_inforu.capi.errors import InforuInputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_inforu.receiver.database import Database
    from airflow_provider_inforu.receiver.secrets import CredentialsOf

StorePhones = Literal["masked", "full", "none"]
"""What is stored of the phone in a notification: its last three digits, all of it, or nothing."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

PREFIX = "/inforu"
"""Under which a receiver of its own serves; in Airflow's API server the mount adds it."""

MAX_BODY_BYTES = 8 * 1024 * 1024
"""A body of 10,000 notifications takes about 3 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverSettings:
    """How a receiver works.

    :ivar database: Where notifications are stored.
    :ivar credentials_of: Returns the secrets of a connection.
    :ivar connections: The connections that exist; empty where that is not said.
    :ivar allowed_addresses: Networks that may push; empty is all.
    :ivar max_body_bytes: A larger push is refused.
    :ivar store_phones: What is stored of phones.
    :ivar prefix: What stands before ``/v1`` in the paths.
    :ivar retention_days: How long notifications are kept; None: nothing is removed.
    """

    database: Database
    credentials_of: CredentialsOf
    connections: tuple[str, ...] = ()
    allowed_addresses: tuple[Network, ...] = ()
    max_body_bytes: int = MAX_BODY_BYTES
    store_phones: StorePhones = "masked"
    prefix: str = PREFIX
    retention_days: int | None = None


def parse_networks(texts: Iterable[str], name: str) -> tuple[Network, ...]:
    """Return networks; a single address is one too.

    :param texts: Such as ``192.0.2.0/24`` and ``2001:db8::1``.
    :param name: The option that an error names.
    :raises InforuInputError: One of them is neither an address nor a network.
    """
    return tuple(_network(text.strip(), name) for text in texts if text.strip())


def _network(text: str, name: str) -> Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise InforuInputError(f"{name}: {error}; write addresses or networks such as 192.0.2.0/24") from None

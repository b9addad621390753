"""The settings of a receiver."""

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
"""The stored part of a phone: ``masked`` for the last three digits, ``full``, or ``none``."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

PREFIX = "/inforu"
"""The path prefix of a standalone receiver. In Airflow's API server, the mount adds it."""

MAX_BODY_BYTES = 8 * 1024 * 1024
"""A body of 10,000 notifications takes about 3 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverSettings:
    """The settings of a receiver.

    :ivar database: The database of notifications.
    :ivar credentials_of: Returns the secrets of a connection.
    :ivar connections: The allowed connections; empty (default) allows all.
    :ivar allowed_addresses: The networks that may push; empty (default) allows all.
    :ivar max_body_bytes: The maximum size of a push in bytes; default: 8 MiB.
    :ivar store_phones: The stored part of a phone: ``masked`` (default), ``full`` or ``none``.
    :ivar prefix: The part of the paths before ``/v1``; default: ``/inforu``.
    :ivar retention_days: How long notifications are kept, in days; None (default) keeps all.
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
    """Return the networks in a list of texts. A single address is a network, too.

    :param texts: Networks or addresses, such as ``192.0.2.0/24`` and ``2001:db8::1``.
    :param name: The name of the option, for the error.
    :raises InforuInputError: A text is neither an address nor a network.
    """
    return tuple(_network(text.strip(), name) for text in texts if text.strip())


def _network(text: str, name: str) -> Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise InforuInputError(
            f"{name} is invalid: {error}. Use addresses or networks such as 192.0.2.0/24"
        ) from None

"""Read and check a connection of type ``inforu``. Each error names the field."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote, urlsplit

from airflow_provider_inforu.capi.envelope import DEFAULT_BASE_URL, AuthLocation, basic_authorization
from airflow_provider_inforu.capi.errors import InforuError, InforuInputError
from airflow_provider_inforu.get_provider_info import CONNECTION_FIELDS, SHORTEST_SECRET
from airflow_provider_inforu.sending.advice import how_to_add

if TYPE_CHECKING:
    from airflow.sdk import Connection

CONN_TYPE = "inforu"
DEFAULT_CONN_ID = "inforu_default"

_SHORT_NUMBER = re.compile(r"[-+.\d]{1,6}")
_SECRETS = ("notification_secret", "notification_secret_previous", "read_secret")


@dataclass(frozen=True, slots=True)
class InforuSettings:
    """The checked settings of a connection of type ``inforu``. Their repr shows no secret.

    :ivar base_url: The scheme and host of Inforu's API.
    :ivar username: The user name.
    :ivar token: The API token.
    :ivar auth_location: Where a request contains the credentials: ``header`` or ``body``.
    :ivar timeout: Seconds to wait for a response.
    :ivar requests_per_second: The most requests of a send in a second; 0 for no limit.
    :ivar proxy: The address of a proxy, or None.
    :ivar notification_secret: The secret in Inforu's notifications, or None.
    :ivar notification_secret_previous: The earlier notification secret, which is still accepted, or None.
    :ivar read_secret: The secret for reading from the receiver. None: the notification secret is used.
    :ivar receiver_url: The address of the receiver, or None.
    :ivar status_function: The function of Inforu's API that returns the status of a RequestToken, or None.
    """

    base_url: str
    username: str
    token: str = field(repr=False)
    auth_location: AuthLocation
    timeout: int
    requests_per_second: int
    proxy: str | None = field(repr=False)
    notification_secret: str | None = field(repr=False)
    notification_secret_previous: str | None = field(repr=False)
    read_secret: str | None = field(repr=False)
    receiver_url: str | None
    status_function: str | None

    @property
    def has_receiver(self) -> bool:
        """Whether the connection has the address of a receiver and a secret to read from it."""
        return bool(self.receiver_url and self.receiver_secret)

    @property
    def receiver_secret(self) -> str | None:
        """The secret for reading from the receiver, or None."""
        return self.read_secret or self.notification_secret

    def secrets(self) -> list[str]:
        """Return all texts that logs must mask, including texts derived from secrets."""
        found = [self.token, _base64(self.username, self.token), self.notification_secret]
        found += [self.notification_secret_previous, self.read_secret]
        if self.proxy:
            proxy = urlsplit(self.proxy)
            user, password = unquote(proxy.username or ""), unquote(proxy.password or "")
            found += [proxy.password, password, _base64(user, password) if password else None]
        return [secret for secret in found if secret]


class ConnectionUnreadableError(InforuError):
    """Airflow could not read the connection. A later try may succeed."""


class ConnectionNotFoundError(ConnectionUnreadableError):
    """Airflow does not find the connection. Airflow also says so if a secrets backend does not answer."""


@contextmanager
def unreadable_named(conn_id: str) -> Iterator[None]:
    """Convert errors of Airflow's lookup to an error that names the connection. Other errors stay unchanged.

    :param conn_id: The ID of the connection.
    :raises ConnectionUnreadableError: Airflow could not read the connection.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, InforuError) and not isinstance(error, ConnectionNotFoundError):
            raise
        # Only the type of the error, because its text may contain the credentials of a secrets backend.
        raise ConnectionUnreadableError(
            f"the connection {conn_id!r} is missing or could not be read ({type(error).__name__}). Name "
            f"another connection, or {how_to_add(conn_id)}"
        ) from None


def read_settings(connection: Connection) -> InforuSettings:
    """Return the checked settings of a connection.

    :param connection: The connection.
    :raises InforuInputError: The connection is not of type ``inforu``, or one of its fields is invalid.
    """
    _check_type(connection)
    name = f"the connection {connection.conn_id!r}"
    username = _credential(connection.login, f"{name}: User name (login)")
    token = _credential(connection.password, f"{name}: API token (password)")
    extra = _read_extra(connection, name)
    if ":" in username:
        raise InforuInputError(
            f"{name}: User name (login) contains a colon, which Basic authentication does not allow"
        )
    return InforuSettings(
        base_url=_base_url(connection, name),
        username=username,
        token=token,
        auth_location=cast("AuthLocation", extra["auth_location"]),
        timeout=extra["timeout"],
        requests_per_second=extra["requests_per_second"],
        proxy=read_address(extra["proxy"], f"{name}: proxy", with_user=True) if extra["proxy"] else None,
        **{secret: _secret(extra[secret], f"{name}: {secret}") for secret in _SECRETS},
        receiver_url=(
            read_address(extra["receiver_url"], f"{name}: receiver_url", with_path=True)
            if extra["receiver_url"]
            else None
        ),
        status_function=(extra["status_function"] or "").strip().strip("/") or None,
    )


def _check_type(connection: Connection) -> None:
    """Refuse a connection of another service, because Inforu must not get its password."""
    if connection.conn_type == CONN_TYPE:
        return
    name = f"The connection {connection.conn_id!r}"
    if not connection.conn_type:
        raise InforuInputError(
            f"{name} has no type, so its password was not used. Set `conn_type` to {CONN_TYPE}"
        )
    raise InforuInputError(
        f"{name} is of type {connection.conn_type}, not {CONN_TYPE}, so its password was not used. Name a "
        f"connection of type {CONN_TYPE} in `inforu_conn_id`"
    )


def _credential(value: str | None, name: str) -> str:
    if not value:
        raise InforuInputError(f"{name} is missing")
    if value != value.strip():
        raise InforuInputError(f"{name} has spaces at its start or end")
    return value


def _secret(value: str | None, name: str) -> str | None:
    if value and len(value) < SHORTEST_SECRET:
        raise InforuInputError(
            f"{name} has fewer than {SHORTEST_SECRET} characters. Create a new secret, for example with "
            "`openssl rand -hex 24`, and give Inforu the same secret"
        )
    return value


def _base_url(connection: Connection, name: str) -> str:
    address = read_address(connection.host or DEFAULT_BASE_URL, f"{name}: API address (host)")
    parts = urlsplit(address)
    if not connection.port or connection.port == parts.port:
        return address
    if parts.port is not None:
        raise InforuInputError(
            f"{name}: API address (host) has port {parts.port}, but the field Port has {connection.port}. "
            "Remove one of the two ports"
        )
    return parts._replace(netloc=f"{parts.netloc}:{connection.port}").geturl()


def _read_extra(connection: Connection, name: str) -> dict[str, Any]:
    if connection.schema:
        raise InforuInputError(
            f"{name}: schema is not used. Clear it, and write https:// in the API address (host)"
        )
    try:
        extra = json.loads(connection.extra) if connection.extra else {}
    except ValueError:
        raise InforuInputError(f"{name}: extra is not JSON. Write a JSON object") from None
    if not isinstance(extra, Mapping):
        raise InforuInputError(f"{name}: extra is not a JSON object")
    for key in extra:
        if key not in CONNECTION_FIELDS:
            raise InforuInputError(
                f"{name}: extra has the unknown field {key!r}. Known fields are "
                f"{', '.join(CONNECTION_FIELDS)}"
            )
    return {
        key: _value(extra.get(key), spec["schema"], f"{name}: {key}")
        for key, spec in CONNECTION_FIELDS.items()
    }


def _value(value: object, schema: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401 - as the schema says
    """Return the checked value of a field. An empty field has its default."""
    if value is None or value == "":
        return schema.get("default")
    if "integer" in schema["type"]:
        return _integer(value, schema, name)
    if not isinstance(value, str):
        raise InforuInputError(f"{name} must be text, not {type(value).__name__}")
    if "enum" in schema and value not in schema["enum"]:
        raise InforuInputError(f"{name} must be one of {', '.join(schema['enum'])}")
    return value


def _integer(value: object, schema: Mapping[str, Any], name: str) -> int:
    # Another value may be a token in the wrong field.
    text = str(value)
    shown = repr(value) if _SHORT_NUMBER.fullmatch(text) else f"a value of {len(text)} characters"
    message = f"{name} must be a whole number from {schema['minimum']} to {schema['maximum']}, not {shown}"
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise InforuInputError(message)
    try:
        number = int(value)
    except ValueError:
        raise InforuInputError(message) from None
    if not schema["minimum"] <= number <= schema["maximum"]:
        raise InforuInputError(message)
    return number


def read_address(value: str, name: str, *, with_user: bool = False, with_path: bool = False) -> str:
    """Return an address without its trailing slash. Errors never show the address: it may contain a secret.

    :param value: The address.
    :param name: The name of the field, for the error.
    :param with_user: Whether the address may contain a user name and a password.
    :param with_path: Whether the address may contain a path.
    :raises InforuInputError: The address is invalid, or contains a part that is not allowed.
    """
    try:
        parts = urlsplit(value.strip())
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise InforuInputError(f"{name} must be an address with a scheme, such as {DEFAULT_BASE_URL}")
    if (parts.username or parts.password) and not with_user:
        raise InforuInputError(f"{name} must not contain a user name or a password")
    if parts.query or parts.fragment or (parts.path.strip("/") and not with_path):
        raise InforuInputError(f"{name} must end after the host, such as {DEFAULT_BASE_URL}")
    return value.strip().rstrip("/")


def _base64(username: str, password: str) -> str:
    return basic_authorization(username, password).removeprefix("Basic ")

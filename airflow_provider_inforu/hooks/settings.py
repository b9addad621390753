"""The one reader of a connection: what it says, checked, with an error that names the field."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote, urlsplit

from airflow_provider_inforu.capi.envelope import DEFAULT_BASE_URL, AuthLocation, basic_authorization
from airflow_provider_inforu.capi.errors import InforuError, InforuInputError
from airflow_provider_inforu.get_provider_info import CONNECTION_FIELDS, SHORTEST_SECRET
from airflow_provider_inforu.hooks.advice import how_to_add

if TYPE_CHECKING:
    from airflow.sdk import Connection

CONN_TYPE = "inforu"


_SECRETS = ("notification_secret", "notification_secret_previous", "read_secret")


@dataclass(frozen=True, slots=True)
class InforuSettings:
    """A connection of type ``inforu``, read and checked. Its repr shows no secret.

    :ivar base_url: Scheme and host of the API.
    :ivar username: The user name.
    :ivar token: The API token.
    :ivar auth_location: ``header`` or ``body``.
    :ivar timeout: Seconds to wait for an answer.
    :ivar requests_per_second: The most requests a send makes in a second; 0 is no limit.
    :ivar proxy: Address of a proxy, or None.
    :ivar notification_secret: The secret with which Inforu pushes, or None.
    :ivar notification_secret_previous: The push secret that it replaces, or None.
    :ivar read_secret: The secret that reads from the receiver, or None: the notification secret reads.
    :ivar receiver_url: Address of the receiver, or None.
    :ivar status_function: A function that answers for a RequestToken, or None.
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
        """Whether the connection names a receiver of notifications, and the secret to read from it."""
        return bool(self.receiver_url and self.receiver_secret)

    @property
    def receiver_secret(self) -> str | None:
        """The secret that reads from the receiver, or None."""
        return self.read_secret or self.notification_secret

    def secrets(self) -> list[str]:
        """Return every text that must not be seen, those derived from others too."""
        found = [self.token, _base64(self.username, self.token), self.notification_secret]
        found += [self.notification_secret_previous, self.read_secret]
        if self.proxy:
            proxy = urlsplit(self.proxy)
            user, password = unquote(proxy.username or ""), unquote(proxy.password or "")
            found += [proxy.password, password, _base64(user, password) if password else None]
        return [secret for secret in found if secret]


class ConnectionUnreadableError(InforuError):
    """Airflow could not say what the connection is.

    That may pass, and so may "there is none": Airflow says that also where a backend could not be asked.
    """


class ConnectionNotFoundError(ConnectionUnreadableError):
    """Airflow says that it has no such connection."""


@contextmanager
def unreadable_named(conn_id: str) -> Iterator[None]:
    """Name a connection that could not be read; what is wrong with one that could is left as it is.

    :param conn_id: The connection.
    :raises ConnectionUnreadableError: Airflow could not say what it is.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, InforuError) and not isinstance(error, ConnectionNotFoundError):
            raise
        # Its words may hold anything, also what a secrets backend was asked with.
        raise ConnectionUnreadableError(
            f"the connection {conn_id!r} does not exist or could not be read ({type(error).__name__}): name "
            f"another, or {how_to_add(conn_id)}"
        ) from None


def read_settings(connection: Connection) -> InforuSettings:
    """Read a connection.

    :param connection: A connection.
    :raises InforuInputError: It is not of type ``inforu``, or one of its fields is invalid.
    """
    _check_type(connection)
    name = f"the connection {connection.conn_id!r}"
    username = _credential(connection.login, f"{name}: User name (login)")
    token = _credential(connection.password, f"{name}: API token (password)")
    extra = _read_extra(connection, name)
    if ":" in username:
        raise InforuInputError(
            f"{name}: User name (login) has a colon, which Basic authentication cannot carry"
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
    """Refuse a connection of another service: its password must not go to the vendor."""
    if connection.conn_type == CONN_TYPE:
        return
    name = f"The connection {connection.conn_id!r}"
    if not connection.conn_type:
        raise InforuInputError(
            f"{name} has no type, so its password was not used. Set conn_type to {CONN_TYPE}"
        )
    raise InforuInputError(
        f"{name} is of type {connection.conn_type}, not {CONN_TYPE}, so its password was not used. Name a "
        f"connection of type {CONN_TYPE} in inforu_conn_id"
    )


def _credential(value: str | None, name: str) -> str:
    if not value:
        raise InforuInputError(f"{name} is missing")
    if value != value.strip():
        raise InforuInputError(f"{name} has white space around it")
    return value


def _secret(value: str | None, name: str) -> str | None:
    if value and len(value) < SHORTEST_SECRET:
        raise InforuInputError(
            f"{name} has fewer than {SHORTEST_SECRET} characters. Make a new one, for example with "
            "`openssl rand -hex 24`, and set the same at Inforu"
        )
    return value


def _base_url(connection: Connection, name: str) -> str:
    address = read_address(connection.host or DEFAULT_BASE_URL, f"{name}: API address (host)")
    parts = urlsplit(address)
    if not connection.port or connection.port == parts.port:
        return address
    if parts.port is not None:
        raise InforuInputError(f"{name}: API address says port {parts.port}, and Port says {connection.port}")
    return parts._replace(netloc=f"{parts.netloc}:{connection.port}").geturl()


def _read_extra(connection: Connection, name: str) -> dict[str, Any]:
    if connection.schema:
        raise InforuInputError(f"{name}: schema is not used; write https:// as part of the API address")
    try:
        extra = json.loads(connection.extra) if connection.extra else {}
    except ValueError:
        raise InforuInputError(f"{name}: extra is not JSON") from None
    if not isinstance(extra, Mapping):
        raise InforuInputError(f"{name}: extra is not a JSON object")
    for key in extra:
        if key not in CONNECTION_FIELDS:
            raise InforuInputError(
                f"{name}: extra has the unknown field {key!r}; known are {', '.join(CONNECTION_FIELDS)}"
            )
    return {
        key: _value(extra.get(key), spec["schema"], f"{name}: {key}")
        for key, spec in CONNECTION_FIELDS.items()
    }


def _value(value: object, schema: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401 - as the schema says
    """Return a field's value as its schema wants it; an empty field means its default."""
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
    message = f"{name} must be a whole number from {schema['minimum']} to {schema['maximum']}, not {value!r}"
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
    """Return an address without its trailing slash. An error never shows it: a secret may be part of it.

    :param value: The address.
    :param name: What an error calls it.
    :param with_user: Whether it may hold a user name and a password.
    :param with_path: Whether it may hold a path.
    :raises InforuInputError: It is not an address, or it has a part that it must not have.
    """
    try:
        parts = urlsplit(value.strip())
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise InforuInputError(f"{name} must be an address with a scheme, such as {DEFAULT_BASE_URL}")
    if (parts.username or parts.password) and not with_user:
        raise InforuInputError(f"{name} must have no user name and password in it")
    if parts.query or parts.fragment or (parts.path.strip("/") and not with_path):
        raise InforuInputError(f"{name} must end after the host, as {DEFAULT_BASE_URL} does")
    return value.strip().rstrip("/")


def _base64(username: str, password: str) -> str:
    return basic_authorization(username, password).removeprefix("Basic ")

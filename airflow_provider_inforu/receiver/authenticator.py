"""The authentication of pushes and reads."""

from __future__ import annotations

import hmac
import ipaddress
import logging
from collections import Counter
from typing import TYPE_CHECKING

import anyio
from fastapi import HTTPException

from airflow_provider_inforu.capi.redact import hide_phones
from airflow_provider_inforu.receiver.lookups import Lookups, TooManyStrangersError, is_possible_name
from airflow_provider_inforu.receiver.quiet_log import QuietLog
from airflow_provider_inforu.receiver.secrets import SecretUnavailableError, UnknownConnectionError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fastapi import Request

    from airflow_provider_inforu.receiver.credentials import Credentials
    from airflow_provider_inforu.receiver.receiver_settings import ReceiverSettings

log = logging.getLogger(__name__)

SECRET_PARAMETER = "secret"  # noqa: S105 - a name
SECRET_HEADER = "X-Inforu-Secret"  # noqa: S105 - a name
WRONG_SECRET_SECONDS = 1.0
"""The delay of the response to a wrong secret. A correct secret has no delay."""
MOST_WRONG_SECRETS = 50
"""The maximum number of delayed responses for one connection. Further wrong secrets get HTTP 429."""

_BEARER = "bearer "
_LONGEST_ADDRESS = 64
_NOT_LISTED = ""


class RequestAuthenticator:
    """Authenticates requests, and raises the HTTP error of a refused request.

    :param settings: The receiver's settings.
    """

    def __init__(self, settings: ReceiverSettings) -> None:
        self.lookups = Lookups(settings)
        self._networks = settings.allowed_addresses
        self._quiet = QuietLog(log)
        self._wrong: Counter[str] = Counter()

    def is_known(self, conn_id: str) -> bool:
        """Return whether the last lookup found the connection, or the connection is expected."""
        return self.lookups.is_known(conn_id)

    def check_address(self, request: Request) -> None:
        """Check that a push comes from an allowed network.

        :raises HTTPException: 403 if the address is not allowed.
        """
        host = request.client.host if request.client else ""
        if self._networks and not self._is_allowed(host):
            self._quiet.warning(
                "Refused a push from %r, because [inforu] receiver_allowed_addresses does not contain this "
                "address. The push was not stored. If it came from Inforu, add the address",
                host[:_LONGEST_ADDRESS],
            )
            raise HTTPException(403, "pushes from this address are not allowed")

    def _is_allowed(self, host: str) -> bool:
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None) or address
        return any(mapped in network for network in self._networks)

    async def check_push(self, request: Request, conn_id: str) -> str:
        """Authenticate a push and return the connection's current secret.

        :param request: The request, with the secret in a header or the query.
        :param conn_id: The ID of the connection.
        :raises HTTPException: 401 for a wrong or missing secret, 404 for an unknown connection.
            Code 429 for too many wrong secrets. Code 503 if the connection cannot be read or has no valid
            secret.
        """
        given = _secrets_in_headers(request) + _secrets_in_query(request)
        credentials = await self._find(given, conn_id)
        await self._compare(given, credentials.push, conn_id)
        return credentials.push[0]

    async def check_read(self, request: Request, conn_id: str) -> None:
        """Authenticate a read request.

        :param request: The request, with the secret in a header.
        :param conn_id: The ID of the connection.
        :raises HTTPException: The codes are those of :meth:`check_push`.
        """
        given = _secrets_in_headers(request)
        credentials = await self._find(given, conn_id)
        await self._compare(given, credentials.read, conn_id)

    async def _find(self, given: list[bytes], conn_id: str) -> Credentials:
        # Without a secret, the response is the same for all names, so it reveals no connection.
        if not given:
            raise _unauthorized("the secret is missing")
        if not self.lookups.is_listed(conn_id):
            self._quiet.warning(
                "Refused a request for the connection %s, because [inforu] receiver_connections does not "
                "list it. Add the connection there, or correct the address at Inforu",
                _show_name(conn_id),
            )
            await self._refuse(_NOT_LISTED)
        try:
            return await self.lookups.find(conn_id)
        except UnknownConnectionError:
            self._quiet.warning(
                "Refused a request for the connection %s: Airflow has no such connection of type inforu. Add "
                "it, or correct the address at Inforu",
                _show_name(conn_id),
            )
            raise HTTPException(404, "the receiver has no such connection of type inforu") from None
        except TooManyStrangersError:
            self._quiet.warning(
                "Refused a request: too many unknown connection names are being looked up. If this "
                "continues, list your connections in [inforu] receiver_connections"
            )
            raise _unavailable("too many connections are being looked up. Try again later") from None
        except SecretUnavailableError as error:
            self._quiet.error(
                "Refused a request: the connection %s cannot be read (%s). Check the connection, and "
                "Airflow's secrets backends and database",
                _show_name(conn_id),
                error,
            )
            raise _unavailable("the connection cannot be read now. Try again later") from None

    async def _compare(self, given: list[bytes], right: tuple[str, ...], conn_id: str) -> None:
        if not right:
            raise HTTPException(
                503,
                "the connection has no valid secret. Set notification_secret in the connection's extra, with "
                "at least 16 characters. If you use read_secret, it needs 16 characters too",
            )
        expected = [secret.encode("utf-8", "surrogatepass") for secret in right]
        # Compares all pairs, so that the duration reveals nothing.
        if sum(hmac.compare_digest(secret, other) for secret in given for other in expected) == 0:
            self._quiet.warning(
                "Refused a request for the connection %r: the secret is wrong. Set the secret in the address "
                "at Inforu to notification_secret of the connection",
                conn_id,
            )
            await self._refuse(conn_id)

    async def _refuse(self, conn_id: str) -> None:
        """Refuse a wrong secret after a delay."""
        if self._wrong[conn_id] >= MOST_WRONG_SECRETS:
            raise HTTPException(
                429, "too many requests with a wrong secret. Try again later", {"Retry-After": "1"}
            )
        self._wrong[conn_id] += 1
        try:
            await anyio.sleep(WRONG_SECRET_SECONDS)
        finally:
            self._wrong[conn_id] -= 1
        raise _unauthorized("the secret is wrong")


def _show_name(conn_id: str) -> str:
    """Return the form in which a log shows a name from a request."""
    return repr(hide_phones(conn_id)) if is_possible_name(conn_id) else "of an impossible name"


def _secrets_in_headers(request: Request) -> list[bytes]:
    headers = request.headers
    authorization = headers.get("Authorization", "")
    given = [headers.get(SECRET_HEADER, "").encode("latin-1")]
    if authorization.lower().startswith(_BEARER):
        given.append(authorization[len(_BEARER) :].strip().encode("latin-1"))
    return [secret for secret in given if secret]


def _secrets_in_query(request: Request) -> list[bytes]:
    given: Iterable[str] = request.query_params.getlist(SECRET_PARAMETER)
    secrets = [secret.encode() for secret in given if secret]
    if len(secrets) > 1:
        raise _unauthorized("the query has more than one secret. Send it once")
    return secrets


def _unauthorized(detail: str) -> HTTPException:
    return HTTPException(401, detail, {"WWW-Authenticate": "Bearer"})


def _unavailable(detail: str) -> HTTPException:
    return HTTPException(503, detail, {"Retry-After": "30"})

"""Who may push and who may read."""

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
"""How long the answer to a wrong secret takes. A right one is answered at once."""
MOST_WRONG_SECRETS = 50
"""Answers to wrong secrets of one connection that wait at a time. Further ones are refused with 429."""

_BEARER = "bearer "
_LONGEST_ADDRESS = 64
_NOT_LISTED = ""


class RequestAuthenticator:
    """Lets a request through, or raises what it is answered.

    :param settings: The receiver's.
    """

    def __init__(self, settings: ReceiverSettings) -> None:
        self.lookups = Lookups(settings)
        self._networks = settings.allowed_addresses
        self._quiet = QuietLog(log)
        self._wrong: Counter[str] = Counter()

    def is_known(self, conn_id: str) -> bool:
        """Return whether there was such a connection when it was last asked for, or one is expected."""
        return self.lookups.is_known(conn_id)

    def check_address(self, request: Request) -> None:
        """Let nobody push from outside the allowed networks.

        :raises HTTPException: 403.
        """
        host = request.client.host if request.client else ""
        if self._networks and not self._is_allowed(host):
            self._quiet.warning(
                "Refused a push from %r, which [inforu] receiver_allowed_addresses does not name",
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
        """Let a request push whose secret is right; return the connection's current secret.

        :param request: The request. The secret may also stand in its query.
        :param conn_id: The connection.
        :raises HTTPException: 401 wrong or missing secret, 404 no such connection, 429 too many wrong
            secrets, 503 the connection has no usable secret, or cannot be read.
        """
        given = _secrets_in_headers(request) + _secrets_in_query(request)
        credentials = await self._find(given, conn_id)
        await self._compare(given, credentials.push, conn_id)
        return credentials.push[0]

    async def check_read(self, request: Request, conn_id: str) -> None:
        """Let a request read whose secret is right.

        :param request: The request.
        :param conn_id: The connection.
        :raises HTTPException: As for :meth:`check_push`.
        """
        given = _secrets_in_headers(request)
        credentials = await self._find(given, conn_id)
        await self._compare(given, credentials.read, conn_id)

    async def _find(self, given: list[bytes], conn_id: str) -> Credentials:
        # Without any secret the answer is the same for all connections, and none is looked up.
        if not given:
            raise _unauthorized("the secret is missing")
        if not self.lookups.is_listed(conn_id):
            self._quiet.warning(
                "Refused a request for the connection %s, which [inforu] receiver_connections does not name",
                _show_name(conn_id),
            )
            await self._refuse(_NOT_LISTED)
        try:
            return await self.lookups.find(conn_id)
        except UnknownConnectionError:
            self._quiet.warning(
                "Refused a request for the connection %s: there is none of type inforu", _show_name(conn_id)
            )
            raise HTTPException(404, "there is no such connection of type inforu") from None
        except TooManyStrangersError:
            self._quiet.warning("Refused a request: too many unknown connections are being looked up")
            raise _unavailable("too many connections are being looked up; try again later") from None
        except SecretUnavailableError as error:
            self._quiet.error("The connection %s cannot be read: %s", _show_name(conn_id), error)
            raise _unavailable("the connection cannot be read now; try again later") from None

    async def _compare(self, given: list[bytes], right: tuple[str, ...], conn_id: str) -> None:
        if not right:
            raise HTTPException(
                503,
                "no usable secret is configured: set notification_secret in the connection's extra, with at "
                "least 16 characters, and read_secret likewise where it is used",
            )
        expected = [one.encode("utf-8", "surrogatepass") for one in right]
        # Compares all of them, so that the time tells nothing.
        if sum(hmac.compare_digest(one, other) for one in given for other in expected) == 0:
            self._quiet.warning("Refused a request for the connection %r: the secret is wrong", conn_id)
            await self._refuse(conn_id)

    async def _refuse(self, conn_id: str) -> None:
        """Answer a wrong secret slowly. The right one never gets here."""
        if self._wrong[conn_id] >= MOST_WRONG_SECRETS:
            raise HTTPException(429, "too many requests with a wrong secret", {"Retry-After": "1"})
        self._wrong[conn_id] += 1
        try:
            await anyio.sleep(WRONG_SECRET_SECONDS)
        finally:
            self._wrong[conn_id] -= 1
        raise _unauthorized("the secret is wrong")


def _show_name(conn_id: str) -> str:
    """Return how a log shows a name that may be a stranger's."""
    return repr(hide_phones(conn_id)) if is_possible_name(conn_id) else "of an impossible name"


def _secrets_in_headers(request: Request) -> list[bytes]:
    headers = request.headers
    authorization = headers.get("Authorization", "")
    given = [headers.get(SECRET_HEADER, "").encode("latin-1")]
    if authorization.lower().startswith(_BEARER):
        given.append(authorization[len(_BEARER) :].strip().encode("latin-1"))
    return [one for one in given if one]


def _secrets_in_query(request: Request) -> list[bytes]:
    given: Iterable[str] = request.query_params.getlist(SECRET_PARAMETER)
    found = [one.encode() for one in given if one]
    if len(found) > 1:
        raise _unauthorized("the secret is given more than once")
    return found


def _unauthorized(detail: str) -> HTTPException:
    return HTTPException(401, detail, {"WWW-Authenticate": "Bearer"})


def _unavailable(detail: str) -> HTTPException:
    return HTTPException(503, detail, {"Retry-After": "30"})

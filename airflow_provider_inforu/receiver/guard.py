"""Who may push and who may read."""

from __future__ import annotations

import hmac
import ipaddress
import logging
import re
from typing import TYPE_CHECKING

import anyio.to_thread
from fastapi import HTTPException

from airflow_provider_inforu.capi.redact import hide_phones
from airflow_provider_inforu.receiver.secrets import (
    RememberedSecrets,
    SecretUnavailableError,
    UnknownConnectionError,
)

if TYPE_CHECKING:
    from fastapi import Request

    from airflow_provider_inforu.receiver.settings import ReceiverSettings

log = logging.getLogger(__name__)

SECRET_PARAMETER = "secret"  # noqa: S105 - a name
SECRET_HEADER = "X-Inforu-Secret"  # noqa: S105 - a name
_BEARER = "bearer "
_CONN_ID = re.compile(r"[\w.:#!()\-]{1,250}")
_LOOKUPS = 2


class Guard:
    """Lets a request through, or raises what it is answered.

    :param settings: The receiver's.
    """

    def __init__(self, settings: ReceiverSettings) -> None:
        self._secrets = RememberedSecrets(settings.secret_of)
        self._networks = settings.allowed_addresses
        # Strangers may make us look up names: that must not take the threads of connections that there are.
        self._threads = anyio.CapacityLimiter(_LOOKUPS)
        self._threads_of_strangers = anyio.CapacityLimiter(_LOOKUPS)

    def check_address(self, request: Request) -> None:
        """Let nobody push from outside the allowed networks.

        :raises HTTPException: 403.
        """
        host = request.client.host if request.client else ""
        if self._networks and not self._is_allowed(host):
            log.warning(
                "Refused a push from %s, which [inforu] receiver_allowed_addresses does not name", host
            )
            raise HTTPException(403, "pushes from this address are not allowed")

    def _is_allowed(self, host: str) -> bool:
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None) or address
        return any(mapped in network for network in self._networks)

    async def check_secret(self, request: Request, conn_id: str, *, in_query: bool) -> str:
        """Return the secret of a connection to who knows it.

        Without any secret the answer is the same for all connections, and none is looked up.

        :param request: The request.
        :param conn_id: The connection.
        :param in_query: Whether the secret may also stand in the query.
        :raises HTTPException: 401 wrong or missing secret, 404 no such connection, 503 it has no secret.
        """
        given = _given_secrets(request, in_query=in_query)
        if not given:
            raise _unauthorized("the secret is missing")
        secret = await self._secret_of(conn_id)
        expected = secret.encode("utf-8", "surrogatepass")
        if sum(hmac.compare_digest(one, expected) for one in given) == 0:  # compares all of them
            log.warning("Refused a request for the connection %r: the secret is wrong", conn_id)
            raise _unauthorized("the secret is wrong")
        return secret

    def is_known(self, conn_id: str) -> bool:
        """Return whether there was such a connection when it was last asked for."""
        return self._secrets.is_known(conn_id)

    async def _secret_of(self, conn_id: str) -> str:
        try:
            secret = await self._look_up(conn_id)
        except UnknownConnectionError:
            log.warning(
                "Refused a request for the connection %s: there is none of type inforu", _shown(conn_id)
            )
            raise HTTPException(404, "there is no such connection of type inforu") from None
        except SecretUnavailableError as error:
            log.error("The connection %s cannot be read: %s", _shown(conn_id), error)  # noqa: TRY400
            raise HTTPException(
                503, "the connection cannot be read now; try again later", {"Retry-After": "30"}
            ) from None
        if not secret:
            log.error(
                "The connection %r has no notification_secret, or one with white space around it: set one "
                "in its extra",
                conn_id,
            )
            raise HTTPException(
                503,
                "no notification secret is configured: set notification_secret in the connection's extra, "
                "and the same in the address at Inforu",
            )
        return secret

    async def _look_up(self, conn_id: str) -> str | None:
        if not _CONN_ID.fullmatch(conn_id):
            raise UnknownConnectionError(conn_id)
        if self._secrets.is_remembered(conn_id):
            return self._secrets.get(conn_id)
        threads = self._threads if self._secrets.is_known(conn_id) else self._threads_of_strangers
        return await anyio.to_thread.run_sync(self._secrets.get, conn_id, limiter=threads)


def _shown(conn_id: str) -> str:
    """Return how a log shows a name that may be a stranger's."""
    return repr(hide_phones(conn_id)) if _CONN_ID.fullmatch(conn_id) else "of an impossible name"


def _given_secrets(request: Request, *, in_query: bool) -> list[bytes]:
    headers = request.headers
    authorization = headers.get("Authorization", "")
    given = [headers.get(SECRET_HEADER, "").encode("latin-1")]
    if authorization.lower().startswith(_BEARER):
        given.append(authorization[len(_BEARER) :].strip().encode("latin-1"))
    if in_query:
        given += [one.encode() for one in request.query_params.getlist(SECRET_PARAMETER)]
    return [one for one in given if one]


def _unauthorized(detail: str) -> HTTPException:
    return HTTPException(401, detail, {"WWW-Authenticate": "Bearer"})

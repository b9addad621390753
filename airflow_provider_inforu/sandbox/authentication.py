"""The vendor's two forms of authentication."""

from __future__ import annotations

import base64
import secrets
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from airflow_provider_inforu.sandbox.recorder import AuthLocation


class Authentication(NamedTuple):
    """Where a request has its credentials, and whether they are valid."""

    location: AuthLocation
    valid: bool


def authenticate(header: str | None, body: object, username: str, token: str) -> Authentication:
    """Check a request's credentials in its header or, without a header, in ``Auth`` of the body.

    :param header: The ``Authorization`` header, or None.
    :param body: The parsed JSON body of the request.
    :param username: The account's user name.
    :param token: The account's API token.
    """
    expected = f"{username}:{token}"
    if header is not None:
        return Authentication("header", _same(_decode_basic(header), expected))
    auth = body.get("Auth") if isinstance(body, dict) else None
    if auth is None:
        return Authentication("none", valid=False)
    given = f"{auth.get('Username')}:{auth.get('Token')}" if isinstance(auth, dict) else ""
    return Authentication("body", _same(given, expected))


def _decode_basic(header: str) -> str:
    scheme, _, credentials = header.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(credentials, validate=True).decode()
    except ValueError:
        return ""


def _same(given: str, expected: str) -> bool:
    return secrets.compare_digest(given.encode("utf-8", "replace"), expected.encode())

"""The vendor's two ways of authentication."""

from __future__ import annotations

import base64
import secrets
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from airflow_provider_inforu.sandbox.recorder import AuthLocation


class Authentication(NamedTuple):
    """How a request authenticates, and whether that is right."""

    location: AuthLocation
    valid: bool


def authenticate(header: str | None, body: object, username: str, token: str) -> Authentication:
    """Check a request's credentials: those of the header where there is one, else ``Auth`` in the body.

    :param header: The ``Authorization`` header.
    :param body: The request's JSON, read, or ``None``.
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

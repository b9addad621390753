"""The secrets of one connection: for pushing, for reading, and the problems of invalid ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_inforu.get_provider_info import SHORTEST_SECRET

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMES = ("notification_secret", "notification_secret_previous", "read_secret")


@dataclass(frozen=True, slots=True)
class Credentials:
    """The valid secrets of a connection. Its repr shows no secret.

    :ivar push: The secrets that authenticate pushes. The first one is the key of the digests.
    :ivar read: The secrets that authenticate reads.
    :ivar problems: The problems of the connection's fields, for the log.
    """

    push: tuple[str, ...] = field(default=(), repr=False)
    read: tuple[str, ...] = field(default=(), repr=False)
    problems: tuple[str, ...] = ()


def parse_credentials(extra: Mapping[str, Any]) -> Credentials:
    """Return the credentials in a connection's extra. Invalid secrets are ignored.

    If ``read_secret`` is set, only it authenticates reads. ``notification_secret_previous`` is valid only
    together with a valid ``notification_secret``.

    :param extra: The connection's extra.
    :raises ValueError: A secret is not text; the message names the field.
    """
    problems: list[str] = []
    current, previous, reader = (_read(extra, name, problems) for name in NAMES)
    if current is None and not extra.get(NAMES[0]):
        problems.insert(0, "it has no notification_secret")
    push = tuple(secret for secret in (current, previous) if secret) if current else ()
    if extra.get("read_secret"):
        return Credentials(push, (reader,) if reader else (), tuple(problems))
    return Credentials(push, push, tuple(problems))


def find_problem(secret: str) -> str | None:
    """Return the problem of a secret; None if it is valid.

    :param secret: The secret.
    """
    if secret != secret.strip():
        return "has white space around it, which headers and addresses lose"
    if len(secret) < SHORTEST_SECRET:
        return f"has fewer than {SHORTEST_SECRET} characters"
    return None


def _read(extra: Mapping[str, Any], name: str, problems: list[str]) -> str | None:
    secret = extra.get(name)
    if not secret:
        return None
    if not isinstance(secret, str):
        raise ValueError(f"its {name} is not text")  # noqa: TRY004 - one type for every unreadable extra
    problem = find_problem(secret)
    if problem:
        problems.append(f"its {name} {problem}")
        return None
    return secret

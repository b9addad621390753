"""The secrets of one connection: which of them push, which of them read, and why there are none."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_inforu.get_provider_info import SHORTEST_SECRET

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMES = ("notification_secret", "notification_secret_previous", "read_secret")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What opens the receiver for a connection. Its repr shows no secret.

    :ivar push: The secrets that push. The first one keys digests.
    :ivar read: The secrets that read.
    :ivar problems: What is wrong with the fields of the connection, for the log.
    """

    push: tuple[str, ...] = field(default=(), repr=False)
    read: tuple[str, ...] = field(default=(), repr=False)
    problems: tuple[str, ...] = ()


def parse_credentials(extra: Mapping[str, Any]) -> Credentials:
    """Return the credentials in a connection's extra. An unusable secret opens nothing.

    With a ``read_secret``, no other secret reads. ``notification_secret_previous`` holds only next to a
    usable ``notification_secret``.

    :param extra: The extra.
    :raises ValueError: A secret is not text; the words name the field.
    """
    problems: list[str] = []
    current, previous, reader = (_read(extra, name, problems) for name in NAMES)
    if current is None and not extra.get(NAMES[0]):
        problems.insert(0, "it has no notification_secret")
    push = tuple(one for one in (current, previous) if one) if current else ()
    if extra.get("read_secret"):
        return Credentials(push, (reader,) if reader else (), tuple(problems))
    return Credentials(push, push, tuple(problems))


def find_problem(secret: str) -> str | None:
    """Return what is wrong with a secret, or None.

    :param secret: The secret.
    """
    if secret != secret.strip():
        return "has white space around it, which neither a header nor an address keeps"
    if len(secret) < SHORTEST_SECRET:
        return f"has fewer than {SHORTEST_SECRET} characters"
    return None


def _read(extra: Mapping[str, Any], name: str, problems: list[str]) -> str | None:
    secret = extra.get(name)
    if not secret:
        return None
    if not isinstance(secret, str):
        raise ValueError(f"its {name} is not text")  # noqa: TRY004 - one type for all that cannot be read
    problem = find_problem(secret)
    if problem:
        problems.append(f"its {name} {problem}")
        return None
    return secret

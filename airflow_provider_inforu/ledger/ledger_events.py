"""The events of a ledger, and their JSON form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from airflow_provider_inforu.ledger.ledger_errors import LedgerError, describe_damage


@dataclass(frozen=True, slots=True)
class IntentLogged:
    """A request is about to leave.

    :ivar number: Number of the batch, from 1.
    :ivar digest: Digest of the batch's calls.
    """

    number: int
    digest: str


@dataclass(frozen=True, slots=True)
class ResendLogged:
    """A request for a batch in doubt is about to leave again. Its first request may have called everybody.

    :ivar number: Number of the batch, from 1.
    :ivar digest: Digest of the batch's calls.
    """

    number: int
    digest: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """The vendor accepted the batch, or a person decided that its recipients were called.

    :ivar number: Number of the batch, from 1.
    :ivar request_token: The vendor's receipt; None after a person's decision.
    :ivar campaign_id: The campaign of the calls; None if it is unknown.
    """

    number: int
    request_token: str | None
    campaign_id: int | None


@dataclass(frozen=True, slots=True)
class Rejected:
    """The vendor refused the batch for good.

    :ivar number: Number of the batch, from 1.
    :ivar reason: The vendor's reason.
    """

    number: int
    reason: str


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """The request proved to have called nobody.

    The batch may be sent again. If an earlier request for it is in doubt, the batch is in doubt again.

    :ivar number: Number of the batch, from 1.
    """

    number: int


LedgerEvent = IntentLogged | ResendLogged | Accepted | Rejected | Withdrawn


def encode(event: LedgerEvent) -> list[Any]:
    """Return the JSON form of an event: a letter, the batch's number and the other fields.

    :param event: The event. A ledger contains thousands, so the form is short.
    """
    match event:
        case IntentLogged(number, digest):
            return ["s", number, digest]
        case ResendLogged(number, digest):
            return ["t", number, digest]
        case Accepted(number, request_token, campaign_id):
            return ["a", number, request_token, campaign_id]
        case Rejected(number, reason):
            return ["r", number, reason]
        case Withdrawn(number):
            return ["w", number]


def decode(entry: object) -> LedgerEvent:
    """Return the event that a stored entry contains.

    :param entry: A JSON value from a ledger.
    :raises LedgerError: The entry is not an event.
    """
    match entry:
        case ["s", int(number), str(digest)]:
            return IntentLogged(number, digest)
        case ["t", int(number), str(digest)]:
            return ResendLogged(number, digest)
        case ["a", int(number), (str() | None) as request_token, (int() | None) as campaign_id]:
            return Accepted(number, request_token, campaign_id)
        case ["r", int(number), str(reason)]:
            return Rejected(number, reason)
        case ["w", int(number)]:
            return Withdrawn(number)
    raise LedgerError(describe_damage(f"the entry {entry!r} is not an event"))

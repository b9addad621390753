"""The outcomes of calls: fixed for magic phone numbers, random with a seed for others."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from airflow_provider_inforu.capi.notifications import ANSWERED

NO_ANSWER = "NoAnswer"
"""Assumed: the guide shows no Status for an unanswered call."""
BUSY = "Busy"
"""Assumed, like :data:`NO_ANSWER`."""


class Outcome(NamedTuple):
    """The outcome of a call."""

    status: str
    """The notification's Status."""
    digit: str
    """The pressed key, or empty."""
    seconds: int
    """The notification's ListeningDuration, in seconds."""


class MagicPhone(NamedTuple):
    """A phone number with a fixed outcome."""

    last_digits: str
    """The last digits of the number."""
    outcome: Outcome | None
    """``None``: the call never ends."""
    meaning: str
    """The description in the docs and on the page."""


MAGIC_PHONES = (
    MagicPhone("0001", Outcome(ANSWERED, "", 8), "answered, no key pressed"),
    MagicPhone("0002", Outcome(ANSWERED, "1", 8), "answered, key 1 pressed"),
    MagicPhone("0003", Outcome(NO_ANSWER, "", 0), "nobody answers"),
    MagicPhone("0004", Outcome(BUSY, "", 0), "busy"),
    MagicPhone("0005", None, "never reports an end"),
    MagicPhone("0006", Outcome(ANSWERED, "2", 8), "answered, key 2 pressed"),
)
_BY_LAST_DIGITS = {magic.last_digits: magic.outcome for magic in MAGIC_PHONES}

# Out of 100 calls: 72 answered, 20 not answered, 8 busy.
_ANSWERED_BELOW = 72
_NO_ANSWER_BELOW = 92
# Most people press no key, or the first choice.
_DIGITS = ("", "", "", "", "1", "1", "1", "2", "2", "9")


def choose_outcome(seed: int, phone: str, message_id: str) -> Outcome | None:
    """Return the outcome of a call, or ``None`` if it never ends.

    The same seed, phone and message ID give the same outcome.
    """
    last_digits = phone[-4:]
    if last_digits in _BY_LAST_DIGITS:
        return _BY_LAST_DIGITS[last_digits]
    name = f"{seed}|{phone}|{message_id}".encode("utf-8", "surrogatepass")
    chance, choice, listened, *_ = hashlib.blake2b(name, digest_size=8).digest()
    percent = chance * 100 // 256
    if percent < _ANSWERED_BELOW:
        return Outcome(ANSWERED, _DIGITS[choice % len(_DIGITS)], 3 + listened % 40)
    return Outcome(NO_ANSWER if percent < _NO_ANSWER_BELOW else BUSY, "", 0)

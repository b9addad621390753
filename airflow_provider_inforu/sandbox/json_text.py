"""JSON as the sandbox reads and writes it."""

from __future__ import annotations

import json
import math
from typing import NoReturn, cast


def read_json(body: bytes) -> object:
    """Read a JSON body.

    :raises ValueError: for anything that is not JSON; also for NaN, infinities and absurd nesting, which
        Python's reader alone would let through or break on.
    """
    try:
        return cast("object", json.loads(body, parse_constant=_refuse, parse_float=_finite))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def write_json(value: object) -> bytes:
    """Write JSON in ASCII, so that a lone surrogate that someone sent can be shown too."""
    return json.dumps(value).encode("ascii")


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError("a number out of range")
    return number

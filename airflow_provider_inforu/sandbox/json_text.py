"""Strict JSON input and ASCII JSON output."""

from __future__ import annotations

import json
import math
from typing import NoReturn, cast


def read_json(body: bytes) -> object:
    """Return the value of a JSON body.

    :param body: The bytes of the body.
    :raises ValueError: The body is not JSON, contains NaN or an infinity, or is nested too deeply.
    """
    try:
        return cast("object", json.loads(body, parse_constant=_refuse, parse_float=_finite))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def write_json(value: object) -> bytes:
    """Return a value as JSON in ASCII, which can represent lone surrogates."""
    return json.dumps(value).encode("ascii")


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError("a number is out of range")
    return number

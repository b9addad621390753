"""Formats values as spoken Hebrew: dates, days, times, money, and numbers digit by digit."""

from __future__ import annotations

import contextlib
from datetime import date, datetime, time
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from types import MappingProxyType
from typing import TYPE_CHECKING

import pendulum

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from zoneinfo import ZoneInfo

_AGORA = Decimal("0.01")
_MOST_MONEY = Decimal(10) ** 12


class FormatValueError(ValueError):
    """A value is invalid for its format. The message describes a valid value."""


def format_date(value: object, zone: ZoneInfo) -> str:
    """Return a date such as ``3 בספטמבר 2026``.

    :param value: A date, a datetime, or the ISO text of one. A datetime with a zone is converted to ``zone``.
    :param zone: Time zone of the recipients.
    :raises FormatValueError: The value is invalid.
    """
    return _format(_date(value, zone), "D [ב]MMMM YYYY")


def format_day(value: object, zone: ZoneInfo) -> str:
    """Return a day of the week such as ``יום חמישי``.

    :param value: A date, a datetime, or the ISO text of one. A datetime with a zone is converted to ``zone``.
    :param zone: Time zone of the recipients.
    :raises FormatValueError: The value is invalid.
    """
    return _format(_date(value, zone), "dddd")


def format_time(value: object, zone: ZoneInfo) -> str:
    """Return a time such as ``15:05``.

    :param value: A time, a datetime, or the ISO text of one. A datetime with a zone is converted to ``zone``.
    :param zone: Time zone of the recipients.
    :raises FormatValueError: The value is invalid.
    """
    moment = _parse(value) if isinstance(value, str) else value
    if isinstance(moment, datetime):
        moment = _local(moment, zone).time()
    if not isinstance(moment, time):
        raise FormatValueError("it must be a time, or ISO text of one such as 15:05")
    return f"{moment.hour}:{moment.minute:02}"


def format_money(value: object, _zone: ZoneInfo) -> str:
    """Return an amount such as ``120 שקלים ו-50 אגורות`` or ``שקל אחד``.

    :param value: Shekels from 0, as a number or as text such as ``120.50``. Half an agora is rounded up.
    :raises FormatValueError: The value is invalid.
    """
    amount = Decimal("NaN")
    if isinstance(value, int | float | Decimal | str) and not isinstance(value, bool):
        with contextlib.suppress(InvalidOperation):
            amount = Decimal(str(value).strip())
    if not (amount.is_finite() and 0 <= amount < _MOST_MONEY):
        raise FormatValueError("it must be shekels from 0, as a number such as 120.50")
    shekels, agorot = divmod(int(amount.quantize(_AGORA, ROUND_HALF_UP) * 100), 100)
    words = _counted(shekels, "שקל אחד", "שקלים") if shekels or not agorot else ""
    if not agorot:
        return words
    # Hebrew puts a hyphen before digits only: ו-50 אגורות, but ואגורה אחת.
    small = _counted(agorot, "אגורה אחת", "אגורות")
    return f"{words} {'ו' if agorot == 1 else 'ו-'}{small}" if words else small


def format_digits(value: object, _zone: ZoneInfo) -> str:
    """Return a code or a number digit by digit, such as ``4 7 1 1``.

    :param value: A whole number from 0, or text of digits, hyphens and spaces.
    :raises FormatValueError: The value is invalid.
    """
    text = "".join(str(value).replace("-", " ").split()) if not isinstance(value, bool | float) else ""
    if isinstance(value, float) and value.is_integer() and value >= 0:
        text = str(int(value))  # pandas reads a column of numbers with an empty cell as floats
    if not (text.isascii() and text.isdigit()) or (isinstance(value, int) and value < 0):
        raise FormatValueError("it must be digits, as text or a whole number")
    return " ".join(text)


FORMATS: Mapping[str, Callable[[object, ZoneInfo], str]] = MappingProxyType(
    {
        "date": format_date,
        "day": format_day,
        "time": format_time,
        "money": format_money,
        "digits": format_digits,
    }
)
"""The functions by the name of their format, which a placeholder has after its colon."""


def _counted(number: int, one: str, many: str) -> str:
    return one if number == 1 else f"{number} {many}"


def _format(day: date, pattern: str) -> str:
    return str(pendulum.date(day.year, day.month, day.day).format(pattern, locale="he"))


def _date(value: object, zone: ZoneInfo) -> date:
    moment = _parse(value) if isinstance(value, str) else value
    if isinstance(moment, datetime):
        return _local(moment, zone).date()
    if isinstance(moment, date):
        return moment
    raise FormatValueError("it must be a date, or ISO text of one such as 2026-09-03")


def _local(moment: datetime, zone: ZoneInfo) -> datetime:
    try:
        return moment if moment.tzinfo is None else moment.astimezone(zone)
    except OverflowError:
        raise FormatValueError("it must be a date and time between the years 1 and 9999") from None


def _parse(text: str) -> date | datetime | time | None:
    for kind in (date, datetime, time):
        with contextlib.suppress(ValueError):
            return kind.fromisoformat(text.strip())
    return None

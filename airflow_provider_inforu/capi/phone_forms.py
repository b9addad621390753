"""A regular expression for common spellings of phones, which need no slow check by `phonenumbers`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_FIRST_DIGITS = "23456789"
"""The digits after the zero. A 0 or 1 there begins a call abroad or a service number."""
_LAST_DIGITS = 7
"""The length of the subscriber's number, after the area or network code."""
_COUNTRY_CODE_BEGINS_WITH = "9"
"""A number without its zero that begins with 9 may begin with the country code."""

_GROUP = re.compile(r"\(\?:[^()]*\)")
_ABROAD = re.compile(r"0\(\?:(.*)\)")
_BEGINS_WITH_0_OR_1 = re.compile(r"[01](?![?*+{])")
_BEGINS_WITH_1_TO_9 = re.compile(r"(?:[1-9]|\[[1-9-]+\])(?![?*+{])")
_NOT_9 = re.compile(r"(?:[0-8]|\[(?:[0-8]|[0-7]-[1-8])+\])(?![?*+{])")
_FIXED_LENGTH = re.compile(r"(?:\d|\[[\d-]+\])\\d\{(\d+)\}")
_ANY_DIGIT = "\u0660"
"""A digit that only ``\\d`` matches: the explicit digits in a pattern are ASCII."""
_NEVER = re.compile(r"(?!)")


def make_known_forms(
    judge: Callable[[str], str | None],
    metadata: Any,  # noqa: ANN401 - the library has no types here
    lengths: Iterable[int],
) -> re.Pattern[str]:
    """Return a pattern for phones whose normalized form is a zero and the digits of the number.

    The spellings are ``0…``, ``+972…``, ``972…`` and a number without its zero, each with or without
    hyphens. The pattern matches nothing unless the metadata prove that first digit and length decide. Then
    the library checks each combination of first digit and length once.

    :param judge: Returns the library's normalized form of a phone; None for an invalid phone.
    :param metadata: The library's metadata of Israel.
    :param lengths: The valid numbers of digits, without the zero.
    """
    if not _is_judged_by_first_digit(metadata):
        return _NEVER
    numbers = [
        (first, length)
        for length in lengths
        for first in _FIRST_DIGITS
        if _is_local(judge, first + "0" * (length - 1)) and _is_local(judge, first + "9" * (length - 1))
    ]
    if not numbers:
        return _NEVER
    bare = [number for number in numbers if number[0] != _COUNTRY_CODE_BEGINS_WITH]
    general = metadata.general_desc.national_number_pattern
    no_plus = [number for number in numbers if _loses_country_code(general, *number)]
    spellings = (
        rf"(?:0|\+972-?){_join_beginnings(numbers)}|{_join_beginnings(bare)}|972-?{_join_beginnings(no_plus)}"
    )
    return re.compile(rf"(?:{spellings})-?[0-9]{{3}}-?[0-9]{{4}}")


def _join_beginnings(numbers: Iterable[tuple[str, int]]) -> str:
    beginnings = [f"{first}[0-9]{{{length - _LAST_DIGITS - 1}}}" for first, length in numbers]
    return f"(?:{'|'.join(beginnings)})" if beginnings else _NEVER.pattern


def _is_local(judge: Callable[[str], str | None], number: str) -> bool:
    spellings = [f"0{number}", f"+972{number}"]
    if number[0] != _COUNTRY_CODE_BEGINS_WITH:
        spellings.append(number)
    return all(judge(spelling) == f"0{number}" for spelling in spellings)


def _is_judged_by_first_digit(metadata: Any) -> bool:  # noqa: ANN401
    """Return whether the metadata distinguish these spellings by first digit and length only.

    The library removes the national prefix unless the number is valid only with it. It also looks for an
    international prefix at the beginning. Its other checks depend on the number of digits.
    """
    if metadata.national_prefix_for_parsing != "0" or metadata.national_prefix_transform_rule:
        return False
    abroad = _ABROAD.fullmatch(metadata.international_prefix or "")
    if abroad is None or not _all_begin(_BEGINS_WITH_0_OR_1, abroad[1]):
        return False
    return _all_begin(_BEGINS_WITH_1_TO_9, metadata.general_desc.national_number_pattern or "")


def _loses_country_code(general: str, first: str, length: int) -> bool:
    """Return whether a leading 972 is certainly the country code.

    This is true if every such number is valid in Israel, and invalid with the code in front.
    """
    if "^" in general or re.fullmatch(general, first + _ANY_DIGIT * (length - 1)) is None:
        return False
    for part in _flatten(general).split("|"):
        fixed = _FIXED_LENGTH.fullmatch(part)
        if not _NOT_9.match(part) and (fixed is None or int(fixed[1]) + 1 == len("972") + length):
            return False
    return True


def _all_begin(beginning: re.Pattern[str], pattern: str) -> bool:
    """Return whether each alternative of a pattern begins with a match. False if this is unclear."""
    pattern = _flatten(pattern)
    return not set("()") & set(pattern) and all(beginning.match(part) for part in pattern.split("|"))


def _flatten(pattern: str) -> str:
    """Return a pattern without the content of its groups, so that ``|`` separates its alternatives."""
    before = None
    while before != pattern:
        before, pattern = pattern, _GROUP.sub("~", pattern)
    return pattern

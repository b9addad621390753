"""The spellings of a phone whose normalised form is known without reading it with `phonenumbers`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_FIRST_DIGITS = "23456789"
"""After the zero. 0 and 1 begin a call abroad or a service number."""
_LAST_DIGITS = 7
"""The subscriber's number, after the area or the network."""
_COUNTRY_CODE_BEGINS_WITH = "9"
"""Without a zero, a number that begins with 9 may begin with the country code."""

_GROUP = re.compile(r"\(\?:[^()]*\)")
_ABROAD = re.compile(r"0\(\?:(.*)\)")
_BEGINS_WITH_0_OR_1 = re.compile(r"[01](?![?*+{])")
_BEGINS_WITH_1_TO_9 = re.compile(r"(?:[1-9]|\[[1-9-]+\])(?![?*+{])")
_NOT_9 = re.compile(r"(?:[0-8]|\[(?:[0-8]|[0-7]-[1-8])+\])(?![?*+{])")
_FIXED_LENGTH = re.compile(r"(?:\d|\[[\d-]+\])\\d\{(\d+)\}")
_ANY_DIGIT = "\u0660"
"""Only ``\\d`` of a pattern matches it: digits that are named are ASCII."""
_NEVER = re.compile(r"(?!)")


def make_known_forms(
    judge: Callable[[str], str | None],
    metadata: Any,  # noqa: ANN401 - the library has no types here
    lengths: Iterable[int],
) -> re.Pattern[str]:
    """Return what matches only phones of which the normalised form is a zero and the number's digits.

    The spellings are ``0…``, ``+972…``, ``972…`` and a number that lost its zero, each with or without
    hyphens. Where the metadata prove that the first digit and the length decide, the library is asked once
    for each. It matches nothing otherwise.

    :param judge: Returns the normalised form by the library; None for an invalid phone.
    :param metadata: The library's metadata of Israel.
    :param lengths: How many digits a number may have without its zero.
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
    """Return whether metadata tell numbers in these spellings apart by first digit and length only.

    The library removes the national prefix unless the number is one of the country's with it only, and looks
    for a call abroad at the beginning. Everything else it does with them depends on the number of digits.
    """
    if metadata.national_prefix_for_parsing != "0" or metadata.national_prefix_transform_rule:
        return False
    abroad = _ABROAD.fullmatch(metadata.international_prefix or "")
    if abroad is None or not _all_begin(_BEGINS_WITH_0_OR_1, abroad[1]):
        return False
    return _all_begin(_BEGINS_WITH_1_TO_9, metadata.general_desc.national_number_pattern or "")


def _loses_country_code(general: str, first: str, length: int) -> bool:
    """Return whether 972 in front of a number is certainly the country code.

    It is where each of these numbers is one of the country's, and none is with the code in front.
    """
    if "^" in general or re.fullmatch(general, first + _ANY_DIGIT * (length - 1)) is None:
        return False
    for part in _flatten(general).split("|"):
        fixed = _FIXED_LENGTH.fullmatch(part)
        if not _NOT_9.match(part) and (fixed is None or int(fixed[1]) + 1 == len("972") + length):
            return False
    return True


def _all_begin(beginning: re.Pattern[str], pattern: str) -> bool:
    """Return whether each alternative of a pattern certainly has a beginning. False where it is unclear."""
    pattern = _flatten(pattern)
    return not set("()") & set(pattern) and all(beginning.match(part) for part in pattern.split("|"))


def _flatten(pattern: str) -> str:
    """Return a pattern without what is in its groups, so that ``|`` separates its alternatives."""
    before = None
    while before != pattern:
        before, pattern = pattern, _GROUP.sub("~", pattern)
    return pattern

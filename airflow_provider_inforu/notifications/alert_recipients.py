"""The people to call: phones as users write them, checked, each once. People are named by their place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from airflow_provider_inforu.capi.errors import InforuInputError
from airflow_provider_inforu.capi.phones import InvalidPhoneError, normalize_phone
from airflow_provider_inforu.capi.voice import MAX_CALLS

# A template writes a list as Python does.
_BETWEEN = re.compile(r"[,;\n]")
_AROUND = " \t\r[](){}'\""


@dataclass(frozen=True, slots=True)
class People:
    """The people to call, and the people who are left out.

    :ivar phones: In local form, by the person's place in the list, from 1.
    :ivar left_out: The reason for each person who is left out; with no phone in it.
    """

    phones: dict[int, str] = field(repr=False)
    left_out: list[str]


def read_people(written: object) -> People:
    """Read phones: a list, or a text with commas, such as a Variable of Airflow's holds.

    :param written: The phones.
    :raises InforuInputError: It is neither.
    """
    phones: dict[int, str] = {}
    left_out = []
    for place, raw in enumerate(_listed(written), start=1):
        try:
            phone = normalize_phone(raw)
        except InvalidPhoneError as error:
            left_out.append(f"person {place}: {error}")
            continue
        if phone in phones.values():
            continue
        if len(phones) == MAX_CALLS:
            left_out.append(f"person {place}: an alert calls {MAX_CALLS} people at most")
            continue
        phones[place] = phone
    return People(phones, left_out)


def _listed(written: object) -> list[object]:
    if written is None:
        return []
    if isinstance(written, str):
        return [text for part in _BETWEEN.split(written) if (text := part.strip(_AROUND))]
    # A template that is rendered as a native object makes a number of a phone that stands alone.
    if isinstance(written, int) or (isinstance(written, float) and written.is_integer()):
        return [written]
    if not isinstance(written, Iterable) or isinstance(written, bytes | Mapping):
        raise InforuInputError(f"phones must be a list or a text, not {type(written).__name__}")
    return [phone for one in written for phone in (_listed(one) if isinstance(one, str) else [one])]

"""Read the phones of an alert. Logs identify a person by the position in the list, never by the phone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from airflow_provider_inforu.capi.errors import InforuInputError
from airflow_provider_inforu.capi.phones import InvalidPhoneError, normalize_phone
from airflow_provider_inforu.capi.voice import MAX_CALLS

# A template renders a list as Python text, with brackets and quotes.
_BETWEEN = re.compile(r"[,;\n]")
_AROUND = " \t\r[](){}'\""


@dataclass(frozen=True, slots=True)
class People:
    """The people to call, and the skipped people.

    :ivar phones: The phones in local form, by the person's position in the list, from 1.
    :ivar left_out: The position and the reason of each skipped person, without the phone.
    """

    phones: dict[int, str] = field(repr=False)
    left_out: list[str]


def read_people(written: object) -> People:
    """Return the people to call. Invalid phones are skipped, and equal phones are called once.

    :param written: A list of phones, or a text with commas, for example from an Airflow Variable.
    :raises InforuInputError: The value is neither a list nor a text.
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
            left_out.append(f"person {place}: an alert calls at most {MAX_CALLS} people")
            continue
        phones[place] = phone
    return People(phones, left_out)


def _listed(written: object) -> list[object]:
    if written is None:
        return []
    if isinstance(written, str):
        return [text for part in _BETWEEN.split(written) if (text := part.strip(_AROUND))]
    # A template that renders native objects turns a single phone into a number.
    if isinstance(written, int) or (isinstance(written, float) and written.is_integer()):
        return [written]
    if not isinstance(written, Iterable) or isinstance(written, bytes | Mapping):
        raise InforuInputError(f"`phones` must be a list or a text, not {type(written).__name__}")
    return [phone for one in written for phone in (_listed(one) if isinstance(one, str) else [one])]

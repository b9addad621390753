"""Explain a missing or unknown argument of an operator."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, cast

from airflow_provider_inforu._compat import AirflowFailException
from airflow_provider_inforu.capi.errors import NO_NEW_CALLS, InforuInputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_inforu.operators.hidden_rows import HidesRows

_OTHER_NAMES = {
    "text": "message",
    "phone": "recipients",
    "phones": "recipients",
    "people": "recipients",
    "conn_id": "inforu_conn_id",
}


class InvalidArgumentError(InforuInputError, AirflowFailException):
    """An argument of an operator is invalid. Airflow does not retry a mapped task with this error."""


class UnknownArgumentError(TypeError, AirflowFailException):
    """An operator has no such argument. Airflow does not retry a mapped task with this error."""


class Missing:
    """The default of a required argument. It allows a clearer error than Airflow's own."""

    def __repr__(self) -> str:
        """Return the text that a signature shows."""
        return "<required>"


MISSING: Any = Missing()
_HOW_TO_GIVE = {
    "recipients": "Pass the whole list: recipients=people(). Do not use .expand_kwargs() over people",
    "campaign_id": "Pass the ID of the campaign, such as campaign_id=183",
}


def check_given(name: str, value: object, others: Iterable[str]) -> None:
    """Check that a required argument is given.

    :param name: The name of the argument.
    :param value: Its value, or `MISSING`.
    :param others: The names of the other given arguments. One of them may be a misspelling of ``name``.
    :raises InvalidArgumentError: The argument is missing.
    """
    if value is not MISSING:
        return
    from difflib import get_close_matches

    near = get_close_matches(name, others, 1, cutoff=0.75)
    hint = f"Did you mean {name!r} instead of {near[0]!r}? " if near else ""
    raise InvalidArgumentError(f"`{name}` is missing. {NO_NEW_CALLS}. {hint}{_HOW_TO_GIVE[name]}")


def explain_unknown(operator: type, given: Iterable[str]) -> UnknownArgumentError | None:
    """Return an error that lists the unknown arguments; None if all are known.

    :param operator: The operator's class.
    :param given: The names of the given arguments.
    """
    from difflib import get_close_matches

    own: dict[str, None] = {}
    known = {"default_args", "params", "dag", "task_group"}
    for base in operator.__mro__:
        if init := base.__dict__.get("__init__"):
            names = [name for name in inspect.signature(init).parameters if name not in _NO_NAMES]
            known.update(names)
            if base.__module__.startswith("airflow_provider_inforu."):
                own.update(dict.fromkeys(names))
    unknown = [name for name in given if name not in known]
    if not unknown:
        return None
    if "recipients" not in cast("type[HidesRows]", operator).template_fields:
        own.pop("recipients", None)  # its recipients come from a query or a function
    name = unknown[0]
    near = [_OTHER_NAMES[name]] if name in _OTHER_NAMES else get_close_matches(name, own, 1)
    hint = f"Did you mean {near[0]!r}? " if near and near[0] in own else ""
    return UnknownArgumentError(
        f"{operator.__name__} has no argument {', '.join(map(repr, unknown))}. {hint}"
        f"Its arguments are {', '.join(own)}, and the arguments of every Airflow operator"
    )


_NO_NAMES = ("self", "args", "kwargs")

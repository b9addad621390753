"""Which arguments an operator was given: one is missing, or an operator does not have it."""

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
    """An argument of an operator is invalid. Airflow does not retry a mapped task that is built with it."""


class UnknownArgumentError(TypeError, AirflowFailException):
    """An operator has no such argument. Airflow does not retry a mapped task that is built with it."""


class Missing:
    """The default of an argument that must be given: Airflow's own error for it says too little."""

    def __repr__(self) -> str:
        """Return what a signature shows."""
        return "<required>"


MISSING: Any = Missing()
_HOW_TO_GIVE = {
    "recipients": "Pass the list of people: recipients=people(). Do not use .expand_kwargs() over people",
    "campaign_id": "Pass the ID of the campaign, such as campaign_id=183",
}


def check_given(name: str, value: object, others: Iterable[str]) -> None:
    """Refuse to go on without an argument that must be given.

    :param name: The argument.
    :param value: Its value, or `MISSING`.
    :param others: The names of other arguments that were given: one of them may be a misspelling.
    :raises InvalidArgumentError: The argument is missing.
    """
    if value is not MISSING:
        return
    from difflib import get_close_matches

    near = get_close_matches(name, others, 1, cutoff=0.75)
    hint = f"Did you mean {name!r} instead of {near[0]!r}? " if near else ""
    raise InvalidArgumentError(f"`{name}` is missing. {NO_NEW_CALLS}. {hint}{_HOW_TO_GIVE[name]}")


def explain_unknown(operator: type, given: Iterable[str]) -> UnknownArgumentError | None:
    """Return an error that names arguments which an operator does not have; None where it has all.

    :param operator: The operator's class.
    :param given: The names of the arguments that were given.
    """
    from difflib import get_close_matches

    own: dict[str, None] = {}
    known = {"default_args", "params", "dag", "task_group"}
    for one in operator.__mro__:
        if init := one.__dict__.get("__init__"):
            names = [name for name in inspect.signature(init).parameters if name not in _NO_NAMES]
            known.update(names)
            if one.__module__.startswith("airflow_provider_inforu."):
                own.update(dict.fromkeys(names))
    unknown = [name for name in given if name not in known]
    if not unknown:
        return None
    if "recipients" not in cast("type[HidesRows]", operator).template_fields:
        own.pop("recipients", None)  # Its people come from a query or a function.
    name = unknown[0]
    near = [_OTHER_NAMES[name]] if name in _OTHER_NAMES else get_close_matches(name, own, 1)
    hint = f"Did you mean {near[0]!r}? " if near and near[0] in own else ""
    return UnknownArgumentError(
        f"{operator.__name__} has no argument {', '.join(map(repr, unknown))}. {hint}"
        f"Its arguments are {', '.join(own)}, and those of every Airflow operator"
    )


_NO_NAMES = ("self", "args", "kwargs")

"""Reading what a user gives the sandbox: settings and faults, with errors in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

if TYPE_CHECKING:
    from collections.abc import Mapping

Model = TypeVar("Model", bound="ControlModel")


class ControlInputError(ValueError):
    """A setting or a fault that cannot be; its text names the field and says what is wrong with it."""


class ControlModel(BaseModel):
    """The base of what can be given: unknown names and other types are refused, never guessed at."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


def read_model(model: type[Model], values: Mapping[str, Any]) -> Model:
    """Check ``values`` against ``model``.

    :raises ControlInputError: naming every field that is wrong.
    """
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        raise ControlInputError(_in_words(error)) from None


def _in_words(error: ValidationError) -> str:
    parts = []
    for problem in error.errors():
        field = ".".join(str(step) for step in problem["loc"])
        unknown = problem["type"] == "extra_forbidden"
        message = "there is no such name" if unknown else problem["msg"].removeprefix("Value error, ")
        parts.append(f"{field}: {message}" if field else message)
    return "; ".join(parts)

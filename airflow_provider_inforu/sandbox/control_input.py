"""Validates the settings and faults that a user gives to the sandbox, with readable errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

if TYPE_CHECKING:
    from collections.abc import Mapping

Model = TypeVar("Model", bound="ControlModel")


class ControlInputError(ValueError):
    """A setting or a fault is invalid. The message names the field and the problem."""


class ControlModel(BaseModel):
    """The base class of settings and faults. It refuses unknown names, and never converts types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


def read_model(model: type[Model], values: Mapping[str, Any]) -> Model:
    """Validate values and return them as a model.

    :param model: The class of the model.
    :param values: The values by field name.
    :raises ControlInputError: A value is invalid; the message names every invalid field.
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
        message = "unknown name" if unknown else problem["msg"].removeprefix("Value error, ")
        parts.append(f"{field}: {message}" if field else message)
    return "; ".join(parts)

"""The fields of the connection form in Airflow 3.0 and 3.1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def new_widget(spec: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a field of wtforms
    """Return the form widget of an extra field.

    :param spec: The description of the field in the provider info.
    """
    from wtforms import IntegerField, PasswordField, StringField

    schema = spec["schema"]
    kind = IntegerField if "integer" in schema["type"] else StringField
    if schema.get("format") == "password":
        kind = PasswordField
    return kind(spec["label"], description=spec["description"], default=schema.get("default"))

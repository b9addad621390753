"""Render the templated fields of a notifier. A failed field gets its default and a log line."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Protocol, cast

from airflow_provider_inforu.capi.errors import InforuInputError
from airflow_provider_inforu.capi.redact import hide_phones
from airflow_provider_inforu.capi.voice import read_campaign_id

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

    import jinja2
    from airflow.sdk import DAG, Context

log = logging.getLogger(__name__)


class Templated(Protocol):
    """The part of a notifier that renders templates."""

    campaign_id: str | int | None

    def get_template_env(self, dag: DAG | None = None) -> jinja2.Environment:
        """Return the Jinja environment of the templates."""

    def render_template(self, content: Any, context: Context, jinja_env: jinja2.Environment) -> Any:  # noqa: ANN401
        """Return a rendered template."""


class Rendering:
    """Renders the fields of a notifier one by one. It does not change them, because callbacks may repeat.

    :param notifier: The notifier with the fields.
    :param context: The context of the callback.
    :param name: The name of the alert in the log.
    """

    def __init__(self, notifier: Templated, context: Mapping[str, Any], name: str) -> None:
        self._notifier = notifier
        self._context = cast("Context", _with_variables(context))
        self._dag = context.get("dag")
        self._name = name

    def value(self, field: str) -> Any:  # noqa: ANN401 - as the template says
        """Return a rendered field.

        :param field: The name of the field.
        :raises InforuInputError: The field cannot be rendered.
        """
        notifier = self._notifier
        try:
            environment = notifier.get_template_env(self._dag)
            return notifier.render_template(getattr(notifier, field), self._context, environment)
        except Exception as error:
            # Without the original error, because its traceback shows the template.
            raise InforuInputError(
                f"`{field}` could not be rendered ({_reason(error)}). Check the template and the Variables "
                "in it"
            ) from None

    def text(self, field: str, default: str) -> str:
        """Return a rendered field, or the default if the field is None, empty or cannot be rendered.

        :param field: The name of the field.
        :param default: The default.
        """
        if getattr(self._notifier, field) is None:
            return default
        try:
            value = self.value(field)
            text = "" if value is None else str(value)
            problem = "" if text.strip() else f"`{field}` rendered to an empty text"
        except InforuInputError as error:
            text, problem = default, str(error)
        if problem:
            log.error("alert %r: %s. The default is used: %r", self._name, problem, hide_phones(default))
            return default
        return text

    def campaign(self) -> str | None:
        """Return the campaign's ID; None if it is missing or invalid. Then the alert reads a text."""
        if self._notifier.campaign_id is None:
            return None
        try:
            return read_campaign_id(self.value("campaign_id"))
        except InforuInputError as error:
            problem = error
        log.error("alert %r: %s. The alert reads a text instead", self._name, problem)
        return None


def _reason(error: Exception) -> str:
    from jinja2 import TemplateError

    # Only Jinja's own text is safe to log. It names the undefined variable.
    detail = f": {hide_phones(str(error))}" if isinstance(error, TemplateError) else ""
    return f"{type(error).__name__}{detail}"


def _with_variables(values: Mapping[str, Any]) -> MutableMapping[str, Any]:
    """Return a copy of the context with access to Airflow's Variables. A deadline's context lacks it."""
    copy = dict(values.items())
    if "var" not in copy:
        from airflow.sdk.execution_time.context import VariableAccessor

        copy["var"] = {
            "value": VariableAccessor(deserialize_json=False),
            "json": VariableAccessor(deserialize_json=True),
        }
    return copy

"""The templated fields of a notifier, with one context: what fails is said, and replaced where it can."""

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
    """What renders templates: a notifier."""

    campaign_id: str | int | None

    def get_template_env(self, dag: DAG | None = None) -> jinja2.Environment:
        """Return the environment of the templates."""

    def render_template(self, content: Any, context: Context, jinja_env: jinja2.Environment) -> Any:  # noqa: ANN401
        """Return a template as rendered."""


class Rendering:
    """Renders fields one by one. The fields themselves stay as they are, for the next callback.

    :param notifier: Whose fields.
    :param context: Of the callback.
    :param name: What the log calls the alert.
    """

    def __init__(self, notifier: Templated, context: Mapping[str, Any], name: str) -> None:
        self._notifier = notifier
        self._context = cast("Context", _with_variables(context))
        self._dag = context.get("dag")
        self._name = name

    def value(self, field: str) -> Any:  # noqa: ANN401 - as the template says
        """Return a field as rendered.

        :param field: Its name.
        :raises InforuInputError: It cannot be rendered.
        """
        notifier = self._notifier
        try:
            environment = notifier.get_template_env(self._dag)
            return notifier.render_template(getattr(notifier, field), self._context, environment)
        except Exception as error:
            # Its traceback would show the template.
            raise InforuInputError(
                f"the {field} could not be rendered ({_reason(error)}): look at the template, and at the "
                "Variables that it reads"
            ) from None

    def text(self, field: str, default: str) -> str:
        """Return a field, or its default where it is None or empty, or cannot be rendered.

        :param field: Its name.
        :param default: The default.
        """
        if getattr(self._notifier, field) is None:
            return default
        try:
            value = self.value(field)
            text = "" if value is None else str(value)
            trouble = "" if text.strip() else f"the {field} is empty when rendered"
        except InforuInputError as error:
            text, trouble = default, str(error)
        if trouble:
            log.error("alert %r: %s; instead it is %r", self._name, trouble, hide_phones(default))
            return default
        return text

    def campaign(self) -> str | None:
        """Return the campaign's id; None if it is missing or invalid: then a text is heard."""
        if self._notifier.campaign_id is None:
            return None
        try:
            return read_campaign_id(self.value("campaign_id"))
        except InforuInputError as error:
            trouble = error
        log.error("alert %r: %s; instead a text is heard", self._name, trouble)
        return None


def _reason(error: Exception) -> str:
    from jinja2 import TemplateError

    # Jinja's words name what is missing. Those of others may hold anything.
    words = f": {hide_phones(str(error))}" if isinstance(error, TemplateError) else ""
    return f"{type(error).__name__}{words}"


def _with_variables(values: Mapping[str, Any]) -> MutableMapping[str, Any]:
    """Return a copy of the context in which templates find Airflow's Variables: a deadline's has none."""
    copy = dict(values.items())
    if "var" not in copy:
        from airflow.sdk.execution_time.context import VariableAccessor

        copy["var"] = {
            "value": VariableAccessor(deserialize_json=False),
            "json": VariableAccessor(deserialize_json=True),
        }
    return copy

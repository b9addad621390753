"""The rows of a task, out of sight."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import BaseOperator

from airflow_provider_inforu._compat import AirflowFailException
from airflow_provider_inforu.capi.errors import NO_NEW_CALLS
from airflow_provider_inforu.capi.redact import hide_phones
from airflow_provider_inforu.operators.send_evidence import keep_evidence
from airflow_provider_inforu.recipients.input_rows import RecipientsError

if TYPE_CHECKING:
    from airflow.sdk import Context


@contextmanager
def stating_no_new_calls() -> Iterator[None]:
    """Say in errors about recipients that no new calls were placed.

    :raises RecipientsError: The same error, with that sentence between the problem and the advice.
    """
    try:
        yield
    except RecipientsError as error:
        raise type(error)(f"{error.problem} {NO_NEW_CALLS}.", error.advice) from error.__cause__


class HiddenRows:
    """Rows that show their number only, so that no phone is stored or shown as a rendered field."""

    def __init__(self, rows: object) -> None:
        self.rows = rows

    def serialize(self) -> str:
        """Return what Airflow stores and shows."""
        if isinstance(self.rows, Collection) and not isinstance(self.rows, str | bytes | Mapping):
            return "<1 row>" if len(self.rows) == 1 else f"<{len(self.rows)} rows>"
        return f"<rows: {type(self.rows).__name__}>"

    __repr__ = serialize


class HiddenArguments(HiddenRows):
    """Arguments of a function, in which people may be. They show nothing."""

    def serialize(self) -> str:
        """Return what Airflow stores and shows."""
        return "<hidden: there may be people in it>"

    __repr__ = serialize


def unwrap_rows(value: object) -> Any:  # noqa: ANN401 - whatever the user gave
    """Return the rows of an argument, hidden or not."""
    return value.rows if isinstance(value, HiddenRows) else value


def without_recipients(template_fields: Iterable[str]) -> tuple[str, ...]:
    """Return the template fields of an operator that has its people from elsewhere."""
    return tuple(name for name in template_fields if name != "recipients")


@contextmanager
def _explaining_invalid_templates(name: str) -> Iterator[None]:
    """Fail the task without a retry where a template is invalid or has an unknown variable.

    :param name: The argument with the template.
    :raises AirflowFailException: The message says what to correct.
    """
    from jinja2 import TemplateSyntaxError, UndefinedError

    advice = "Correct the template."
    if name == "message":
        advice = "For a field of the row write {name} in single braces, or correct the template."
    try:
        yield
    except UndefinedError as error:
        problem = f"`{name}` has a Jinja variable that is not defined ({hide_phones(str(error))})."
    except TemplateSyntaxError as error:
        problem = f"`{name}` is not a valid Jinja template ({hide_phones(str(error.message))})."
    else:
        return
    raise AirflowFailException(f"{problem} {NO_NEW_CALLS}. {advice}")


class HidesRows(BaseOperator):
    """An operator whose arguments with people in them are rendered, and neither stored nor shown."""

    _hides: ClassVar[dict[str, type[HiddenRows]]] = {"recipients": HiddenRows, "suppress": HiddenRows}
    """The fields with people in them, and as what they are shown."""

    def _do_render_template_fields(
        self,
        parent: Any,  # noqa: ANN401 - as Airflow has it
        template_fields: Iterable[str],
        context: Context,
        jinja_env: Any,  # noqa: ANN401 - a jinja2.Environment
        seen_oids: set[int],
    ) -> None:
        # Mapped tasks are rendered through this method only, so it is the one place to hide the rows. And
        # Airflow would log them where a template in them is wrong.
        if parent is not self:
            super()._do_render_template_fields(parent, template_fields, context, jinja_env, seen_oids)
            return
        keep_evidence(context)
        others = [name for name in template_fields if name not in self._hides]
        for name in others:
            with _explaining_invalid_templates(name):
                super()._do_render_template_fields(parent, [name], context, jinja_env, seen_oids)
        for name, hidden in self._hides.items():
            value = getattr(self, name)
            if value is None or isinstance(value, HiddenRows):
                continue
            try:
                rows = self.render_template(value, context, jinja_env, seen_oids)
            except Exception as error:
                raise RecipientsError(
                    f"A template in `{name}` cannot be rendered ({type(error).__name__}). {NO_NEW_CALLS}.",
                    "Correct the template.",
                ) from None
            setattr(self, name, hidden(rows))

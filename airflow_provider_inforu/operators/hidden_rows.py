"""Hide the rows of a task: Airflow neither stores nor shows them as rendered fields."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import BaseOperator

from airflow_provider_inforu._compat import AirflowFailException
from airflow_provider_inforu.capi.errors import NO_NEW_CALLS
from airflow_provider_inforu.capi.redact import hide_phones
from airflow_provider_inforu.ledger.send_evidence import keep_evidence
from airflow_provider_inforu.recipients.input_rows import RecipientsError, SourceError

if TYPE_CHECKING:
    from airflow.sdk import Context


@contextmanager
def stating_no_new_calls() -> Iterator[None]:
    """Add "no new calls were placed" to errors about recipients.

    :raises RecipientsError: The error of the block, with this sentence between the problem and the advice.
    """
    try:
        yield
    except RecipientsError as error:
        raise type(error)(f"{error.problem} {NO_NEW_CALLS}.", error.advice) from error.__cause__


_QUOTED = re.compile(r"'([^']*)'")


class HiddenRows:
    """Rows of which Airflow stores and shows only the number."""

    def __init__(self, rows: object) -> None:
        self.rows = rows

    def serialize(self) -> str:
        """Return the text that Airflow stores and shows."""
        if isinstance(self.rows, Collection) and not isinstance(self.rows, str | bytes | Mapping):
            return "<1 row>" if len(self.rows) == 1 else f"<{len(self.rows)} rows>"
        return f"<rows: {type(self.rows).__name__}>"

    __repr__ = serialize


class HiddenArguments(HiddenRows):
    """Arguments of a function, which may contain people. Airflow stores and shows none of them."""

    def serialize(self) -> str:
        """Return the text that Airflow stores and shows."""
        return "<hidden: may contain people>"

    __repr__ = serialize


def unwrap_rows(value: object) -> Any:  # noqa: ANN401 - whatever the user gave
    """Return the rows of an argument, hidden or not.

    :param value: The argument.
    :raises RecipientsError: The template of the argument could not be rendered.
    """
    rows = value.rows if isinstance(value, HiddenRows) else value
    if isinstance(rows, RecipientsError):
        raise rows
    return rows


def without_recipients(template_fields: Iterable[str]) -> tuple[str, ...]:
    """Return template fields without ``recipients``, for an operator with another source of people."""
    return tuple(name for name in template_fields if name != "recipients")


@contextmanager
def _explaining_invalid_templates(name: str) -> Iterator[None]:
    """Fail the task without a retry if a template is invalid or has an undefined variable.

    :param name: The name of the argument with the template.
    :raises AirflowFailException: The template is invalid, or a variable is undefined.
    """
    from jinja2 import TemplateSyntaxError, UndefinedError

    advice = "Correct the template."
    if name == "message":
        advice = "For a field of the row, write {name} in single braces. Otherwise correct the template."
    try:
        yield
    except UndefinedError as error:
        problem = f"`{name}` has an undefined Jinja variable ({hide_phones(str(error))})."
    except TemplateSyntaxError as error:
        problem = f"`{name}` is not a valid Jinja template ({hide_phones(str(error.message))})."
    else:
        return
    raise AirflowFailException(f"{problem} {NO_NEW_CALLS}. {advice}") from None


class HidesRows(BaseOperator):
    """An operator that hides its template fields with people from Airflow's rendered fields."""

    _hides: ClassVar[dict[str, type[HiddenRows]]] = {"recipients": HiddenRows, "suppress": HiddenRows}
    """The fields with people in them, and the class that hides each."""

    def _check_hidden(self) -> None:
        """Fail the task if Airflow would store and show its rows.

        :raises AirflowFailException: A field with people in it is not hidden.
        """
        shown = [name for name in self._hides if not isinstance(getattr(self, name), HiddenRows | None)]
        if shown:
            raise AirflowFailException(
                f"{' and '.join(f'`{name}`' for name in shown)} would be visible in the task's rendered "
                f"fields. {NO_NEW_CALLS}. Render the task's fields before execute(), as Airflow does. If "
                "Airflow itself runs this task, its version is not supported: report it to the provider's "
                "project"
            )

    def _check_rendered(self) -> None:
        """Check that the templates of all rows could be rendered.

        :raises RecipientsError: A template is invalid, or its value could not be read.
        """
        with stating_no_new_calls():
            for name in self._hides:
                unwrap_rows(getattr(self, name))

    def _do_render_template_fields(
        self,
        parent: Any,  # noqa: ANN401 - as Airflow has it
        template_fields: Iterable[str],
        context: Context,
        jinja_env: Any,  # noqa: ANN401 - a jinja2.Environment
        seen_oids: set[int],
    ) -> None:
        # Airflow renders mapped tasks only through this method. And Airflow's own method would log the rows
        # if a template in them is invalid.
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
                # `unwrap_rows` raises it: a send that is complete needs no rows.
                rows = _explain_unrendered(name, value, error)
            setattr(self, name, hidden(rows))


def _explain_unrendered(name: str, template: object, error: Exception) -> RecipientsError:
    """Return the error of a template with rows in it. An invalid template fails again in each try."""
    from jinja2 import TemplateError, UndefinedError

    # The error may show a cell of a row, or a value, unless the name is a part of the template.
    *_, named = ["", *_QUOTED.findall(str(error))]
    is_own = isinstance(template, str) and named in template
    shown = hide_phones(str(error)) if is_own else type(error).__name__
    if isinstance(error, UndefinedError):
        problem = f"`{name}` has an undefined Jinja variable ({shown})."
    elif isinstance(error, TemplateError):
        problem = f"`{name}` is not a valid Jinja template ({shown})."
    else:
        problem = f"A template in `{name}` cannot be rendered ({type(error).__name__})."
        return SourceError(problem, "Correct the template.")
    return RecipientsError(problem, "Correct the template.")

"""``@task.inforu_text_to_speech``: a task that phones the people whose rows a function returns."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import get_current_context
from airflow.sdk.bases.decorator import DecoratedOperator, task_decorator_factory

from airflow_provider_inforu._compat import context_merge, determine_kwargs
from airflow_provider_inforu.operators.hidden_rows import (
    HiddenArguments,
    HiddenRows,
    unwrap_rows,
    without_recipients,
)
from airflow_provider_inforu.operators.voice import InforuSendTextToSpeechOperator
from airflow_provider_inforu.recipients.input_rows import StreamedRows

if TYPE_CHECKING:
    from airflow.sdk.bases.decorator import TaskDecorator


class _TextToSpeechDecoratedOperator(InforuSendTextToSpeechOperator, DecoratedOperator):
    """Phone each person in the rows that a function returns.

    :param python_callable: The function. A retry runs it again. If batches are unsent and the people changed,
        the retry stops.
    :param op_args: The positional arguments of the function. Templated, and hidden in Airflow's UI.
    :param op_kwargs: The named arguments of the function. Templated, and hidden in Airflow's UI.
    """

    custom_operator_name = "@task.inforu_text_to_speech"
    template_fields: Sequence[str] = (
        *DecoratedOperator.template_fields,
        *without_recipients(InforuSendTextToSpeechOperator.template_fields),
    )
    # Upstream tasks pass people as arguments.
    _hides: ClassVar = {
        "suppress": HiddenRows,
        "op_args": HiddenArguments,
        "op_kwargs": HiddenArguments,
    }

    def __init__(
        self,
        *,
        python_callable: Callable[..., Any],
        op_args: Collection[Any] | None = None,
        op_kwargs: Mapping[str, Any] | None = None,
        **kwargs: Any,  # noqa: ANN401 - to the operator
    ) -> None:
        super().__init__(
            python_callable=python_callable,
            op_args=op_args,
            op_kwargs=op_kwargs,
            recipients=[],  # `_source` calls the function instead
            **kwargs,
        )

    def _source(self) -> object:
        arguments = unwrap_rows(self.op_args)
        context = _context_with(unwrap_rows(self.op_kwargs))
        named = determine_kwargs(self.python_callable, arguments, context)
        rows: Any = self.python_callable(*arguments, **named)
        return StreamedRows(self.python_callable.__name__, rows) if isinstance(rows, Generator) else rows


def _context_with(named: Mapping[str, Any]) -> Any:  # noqa: ANN401 - Airflow's Context
    """Return the task's context, extended by the named arguments of a function."""
    context = get_current_context()
    context_merge(context, named)
    return context


def text_to_speech_task(
    python_callable: Callable[..., Any] | None = None,
    **kwargs: Any,  # noqa: ANN401 - to the operator
) -> TaskDecorator:
    """Turn a function that returns people into a task that phones each of them and reads a text aloud.

    In a DAG, write ``@task.inforu_text_to_speech(message=...)`` above the function. The decorator takes the
    arguments of `InforuSendTextToSpeechOperator`, except ``recipients``. The function returns a value that
    ``recipients`` accepts, or yields rows. The task returns the manifest.

    :param python_callable: The function below the decorator. Python passes it, not the DAG author.
    """
    return task_decorator_factory(
        python_callable=python_callable,
        decorated_operator_class=_TextToSpeechDecoratedOperator,
        **kwargs,
    )

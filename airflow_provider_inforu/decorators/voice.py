"""``@task.inforu_text_to_speech``: a function returns people, and its task phones them."""

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
    """Phone the people that a function returns.

    :param python_callable: The function. A retry calls it again, and stops if the people changed while
        some of them are left to call.
    :param op_args: Its positional arguments (templated, and not shown).
    :param op_kwargs: Its named arguments (templated, and not shown).
    """

    custom_operator_name = "@task.inforu_text_to_speech"
    template_fields: Sequence[str] = (
        *DecoratedOperator.template_fields,
        *without_recipients(InforuSendTextToSpeechOperator.template_fields),
    )
    # Upstream tasks hand people over as arguments.
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
        # What stands in for the people until the function is called.
        super().__init__(
            python_callable=python_callable, op_args=op_args, op_kwargs=op_kwargs, recipients=[], **kwargs
        )

    def _source(self) -> object:
        arguments = unwrap_rows(self.op_args)
        context = _context_with(unwrap_rows(self.op_kwargs))
        named = determine_kwargs(self.python_callable, arguments, context)
        rows: Any = self.python_callable(*arguments, **named)
        return StreamedRows(self.python_callable.__name__, rows) if isinstance(rows, Generator) else rows


def _context_with(named: Mapping[str, Any]) -> Any:  # noqa: ANN401 - Airflow's Context
    """Return the task's context with a function's named arguments in it."""
    context = get_current_context()
    context_merge(context, named)
    return context


def text_to_speech_task(
    python_callable: Callable[..., Any] | None = None,
    **kwargs: Any,  # noqa: ANN401 - to the operator
) -> TaskDecorator:
    """Make a task of a function that returns people. The task phones each of them and reads a text out.

    It is ``@task.inforu_text_to_speech(message=...)`` in a DAG, takes the arguments of
    `InforuSendTextToSpeechOperator` but for ``recipients``, and returns the manifest. The function returns
    what ``recipients`` takes, or yields rows.

    :param python_callable: The function below the decorator. Python passes it; a DAG file does not.
    """
    return task_decorator_factory(
        python_callable=python_callable,
        decorated_operator_class=_TextToSpeechDecoratedOperator,
        **kwargs,
    )

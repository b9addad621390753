"""@task.inforu_text_to_speech through Airflow's real task runner, against the sandbox."""

import pytest
from airflow.sdk import DAG, task

from tests.unit.operators.test_voice import log_of, people

pytestmark = pytest.mark.usefixtures("sandbox")


def task_of(function, *args, message="שלום {name}", **options):
    """Return the operator that a DAG would have."""
    with DAG("dag") as dag:
        task.inforu_text_to_speech(message=message, key_field="id", retries=2, **options)(function)(*args)
    return dag.tasks[0]


def test_the_people_whom_a_function_returns_are_called_once(runner, sandbox):
    def call():
        return people(3)

    operator = task_of(call)
    assert operator.task_id == "call"
    assert operator.operator_name == "@task.inforu_text_to_speech"
    assert runner.run(operator) == "success"
    assert runner.run(operator, try_number=2) == "success"
    assert [call["phone"] for call in sandbox.calls()] == [row["phone"] for row in people(3)]
    assert runner.xcoms["return_value"]["accepted"] == 3


def test_a_function_may_yield_people(runner, sandbox):
    def call():
        yield from people(120)

    assert runner.run(task_of(call)) == "success"
    assert len(sandbox.calls()) == 120


def test_a_function_takes_arguments_and_the_context(runner, sandbox):
    def call(rows, first, run_id=None, **context):
        assert context["ti"].task_id == "call"
        return [{**row, "name": run_id} for row in rows[:first]]

    assert runner.run(task_of(call, people(3), 2)) == "success"
    assert [call["text"] for call in sandbox.calls()] == ["שלום run", "שלום run"]


def test_neither_arguments_nor_people_are_shown(runner, capsys):
    def call(rows):
        return rows

    runner.run(task_of(call, people(3)))
    assert "0500000001" not in str(runner.rendered) + log_of(capsys)
    assert runner.rendered["op_args"] == "<hidden: may contain people>"


def test_a_function_that_fails_calls_nobody(runner, sandbox):
    def call():
        raise LookupError("no such table")

    assert runner.run(task_of(call)) == "up_for_retry"
    assert sandbox.requests() == []


def test_a_function_that_returns_no_rows_is_an_error_that_says_what_it_should(runner, sandbox, capsys):
    def call():
        return 5

    assert runner.run(task_of(call)) == "failed"
    assert "`recipients` must be a list of phones or of mappings, not int" in log_of(capsys)
    assert sandbox.requests() == []


def test_people_who_changed_between_two_tries_stop_a_send_that_is_not_done(runner, sandbox, capsys):
    counts = iter([250, 251])

    def call():
        return people(next(counts))

    sandbox.add_fault("loose_types")
    sandbox.add_fault("status", status_id=-13)
    assert runner.run(task_of(call, max_in_flight=1)) == "up_for_retry"
    assert runner.run(task_of(call), try_number=2) == "failed"
    assert "the recipients changed since the first try" in log_of(capsys)
    assert len(sandbox.calls()) == 100


def test_people_who_changed_after_they_were_called_are_no_failure(runner, sandbox, capsys):
    counts = iter([250, 251])

    def call():
        return people(next(counts))

    runner.run(task_of(call))
    assert runner.run(task_of(call), try_number=2) == "success"
    assert "rows were added: 250 before, 251 now" in log_of(capsys)
    assert len(sandbox.calls()) == 250


def test_a_mapped_function_calls_the_people_of_each_part(runner, sandbox):
    def call(rows):
        return rows

    with DAG("dag") as dag:
        decorated = task.inforu_text_to_speech(message="שלום {name}", key_field="id")(call)
        decorated.expand(rows=[people(2), people(3)])
    (mapped,) = dag.tasks
    operator = mapped.unmap({"op_kwargs": {"rows": people(2)}})
    assert runner.run(operator, map_index=0) == "success"
    assert len(sandbox.calls()) == 2

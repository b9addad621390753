import pytest

from tests.task_runner import TaskRunner


@pytest.fixture
def sandbox(connection, inforu_sandbox):
    inforu_sandbox.update_settings(requests_per_second=0)
    connection(requests_per_second=0)
    return inforu_sandbox


@pytest.fixture
def runner():
    return TaskRunner()

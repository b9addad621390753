import pytest

from airflow_provider_inforu.receiver import authenticator
from tests.integration.conftest import new_postgres_database
from tests.receiver import running_receiver

DATABASES = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


@pytest.fixture(autouse=True)
def no_delay_after_a_wrong_secret(monkeypatch):
    """Keep the tests fast; one of them looks at the delay itself."""
    monkeypatch.setattr(authenticator, "WRONG_SECRET_SECONDS", 0.0)


@pytest.fixture(params=DATABASES)
def database_url(request, tmp_path):
    """Return the URL of an empty database, on each kind that is tested."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'receiver.db'}"
        return
    with new_postgres_database() as url:
        yield url


@pytest.fixture
def any_receiver(database_url):
    """Run a receiver on each kind of database."""
    with running_receiver(database_url) as running:
        yield running


@pytest.fixture
def postgres_url():
    """Return the URL of an empty PostgreSQL database."""
    with new_postgres_database() as url:
        yield url

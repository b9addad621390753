import json
from types import SimpleNamespace

import airflow.configuration
import pytest
from airflow.secrets.environment_variables import EnvironmentVariablesBackend

from airflow_provider_inforu.capi.errors import InforuInputError
from airflow_provider_inforu.receiver import create_app
from airflow_provider_inforu.receiver.credentials import Credentials
from airflow_provider_inforu.receiver.from_airflow import (
    load_credentials,
    read_database,
    read_receiver_settings,
)
from airflow_provider_inforu.receiver.secrets import (
    SecretCache,
    SecretUnavailableError,
    UnknownConnectionError,
)
from airflow_provider_inforu.receiver.server import ReceiverServer
from tests.receiver import Receiver, end_of_call

SEND = "0123456789abcdef"


def get(secrets, name):
    """Return remembered credentials, or look them up."""
    found = secrets.recall(name)
    return secrets.look_up(name) if found is None else found


def named(secret):
    return Credentials(push=(secret,))


class BrokenBackend:
    def get_connection(self, conn_id):
        raise OSError(f"the vault is sealed, and so is {conn_id}")


@pytest.fixture
def backends(monkeypatch):
    """Let Airflow look for connections in these places only; first in the environment."""

    def use(*more):
        places = [EnvironmentVariablesBackend(), *more]
        monkeypatch.setattr(airflow.configuration, "ensure_secrets_loaded", lambda: places)

    use()
    return use


@pytest.fixture
def connection(monkeypatch):
    def connect(conn_type="inforu", **fields):
        monkeypatch.setenv("AIRFLOW_CONN_INFORU_DEFAULT", json.dumps({"conn_type": conn_type, **fields}))

    return connect


SODA = "soda-of-16-letters"
OLD = "old-soda-of-16-letters"
READER = "reader-of-16-letters"


@pytest.mark.usefixtures("backends")
def test_the_secret_is_all_that_a_receiver_needs_of_a_connection(connection):
    connection(extra={"notification_secret": SODA, "unknown": 1})
    assert load_credentials("inforu_default") == Credentials(push=(SODA,), read=(SODA,))


@pytest.mark.usefixtures("backends")
@pytest.mark.parametrize("secret", [None, "", "  ", f" {SODA}", f"{SODA}\n", "short", "x" * 15])
def test_a_secret_that_is_missing_short_or_has_white_space_around_it_opens_nothing(connection, secret):
    connection(extra={"notification_secret": secret, "notification_secret_previous": OLD})
    found = load_credentials("inforu_default")
    assert (found.push, found.read) == ((), ())
    assert "notification_secret" in " ".join(found.problems)
    assert not secret or not secret.strip() or secret.strip() not in " ".join(found.problems)


@pytest.mark.usefixtures("backends")
def test_during_a_rotation_two_secrets_hold(connection):
    connection(extra={"notification_secret": SODA, "notification_secret_previous": OLD})
    found = load_credentials("inforu_default")
    assert (found.push, found.read) == ((SODA, OLD), (SODA, OLD))


@pytest.mark.usefixtures("backends")
@pytest.mark.parametrize(("secret", "read"), [(READER, (READER,)), ("short", ())])
def test_with_a_read_secret_no_other_secret_reads(connection, secret, read):
    connection(extra={"notification_secret": SODA, "read_secret": secret})
    found = load_credentials("inforu_default")
    assert (found.push, found.read) == ((SODA,), read)
    assert bool(found.problems) == (not read)


@pytest.mark.usefixtures("backends")
def test_a_connection_of_another_type_is_as_unknown_as_none(connection):
    connection("http", extra={"notification_secret": SODA})
    for name in ("inforu_default", "nobody"):
        with pytest.raises(UnknownConnectionError):
            load_credentials(name)


@pytest.mark.usefixtures("backends")
@pytest.mark.parametrize("extra", ["[1]", "not json", {"notification_secret": 5}])
def test_an_extra_that_cannot_be_read_is_not_taken_for_none(connection, extra):
    connection(extra=extra)
    with pytest.raises(SecretUnavailableError):
        load_credentials("inforu_default")


@pytest.mark.parametrize("extra", ["[1]", "not json"])
def test_an_extra_that_a_backend_did_not_check_is_not_taken_for_none_either(backends, extra):
    class Unchecked:
        def get_connection(self, conn_id):
            return SimpleNamespace(conn_id=conn_id, conn_type="inforu", extra=extra)

    backends(Unchecked())
    with pytest.raises(SecretUnavailableError, match="not a JSON object"):
        load_credentials("inforu_default")


def test_where_connections_cannot_be_read_none_is_called_unknown(backends, connection):
    backends(BrokenBackend(), EnvironmentVariablesBackend())
    with pytest.raises(SecretUnavailableError, match="BrokenBackend failed with OSError"):
        load_credentials("nobody")
    connection(extra={"notification_secret": SODA})
    assert load_credentials("inforu_default").push == (SODA,)


def test_an_answer_is_remembered_for_a_short_time_only():
    now, asked, known = [0.0], [], {"a": "old"}

    def ask(name):
        asked.append(name)
        if name not in known:
            raise UnknownConnectionError(name)
        return named(known[name])

    secrets = SecretCache(ask, 30, clock=lambda: now[0])
    assert [get(secrets, "a") for _ in range(3)] == [named("old")] * 3
    for _ in range(3):
        with pytest.raises(UnknownConnectionError):
            get(secrets, "b")
    assert asked == ["a", "b"]
    known["a"] = known["b"] = "new"
    now[0] = 29.9
    assert get(secrets, "a") == named("old")
    now[0] = 30.0
    assert (get(secrets, "a"), get(secrets, "b")) == (named("new"), named("new"))


def test_strangers_cannot_fill_the_memory():
    asked = []

    def ask(name):
        asked.append(name)
        if name != "ours":
            raise UnknownConnectionError(name)
        return named(SODA)

    secrets = SecretCache(ask)
    get(secrets, "ours")
    for number in range(5000):
        with pytest.raises(UnknownConnectionError):
            get(secrets, str(number))
    assert len(secrets._unknown) <= 1000
    assert get(secrets, "ours") == named(SODA)
    assert asked.count("ours") == 1


def test_a_connection_that_was_removed_is_unknown_and_one_that_was_made_is_known():
    now, known = [0.0], {"a"}

    def ask(name):
        if name not in known:
            raise UnknownConnectionError(name)
        return named(name)

    secrets = SecretCache(ask, 30, clock=lambda: now[0])
    for there in ({"b"}, {"a"}):
        get(secrets, "b" if "b" in known else "a")
        known.clear()
        known.update(there)
        now[0] += 30
        for name in ("a", "b"):
            if name in there:
                assert get(secrets, name) == named(name)
            else:
                with pytest.raises(UnknownConnectionError):
                    get(secrets, name)
            assert secrets.is_known(name) == (name in there)


def test_that_a_secret_could_not_be_read_is_not_remembered():
    answers = [SecretUnavailableError("away"), named(SODA)]

    def ask(_):
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    secrets = SecretCache(ask)
    with pytest.raises(SecretUnavailableError):
        get(secrets, "a")
    assert get(secrets, "a") == named(SODA)


def test_the_options_are_read(monkeypatch, tmp_path):
    for name, value in {
        "DATABASE": f"sqlite:///{tmp_path / 'db'}",
        "ALLOWED_ADDRESSES": "192.0.2.0/24,2001:db8::1\n 198.51.100.7",
        "MAX_BODY_BYTES": "5000",
        "STORE_PHONES": "none",
        "CONNECTIONS": "inforu_default, inforu_second",
        "RETENTION_DAYS": "0",
    }.items():
        monkeypatch.setenv(f"AIRFLOW__INFORU__RECEIVER_{name}", value)
    settings = read_receiver_settings()
    assert [str(one) for one in settings.allowed_addresses] == [
        "192.0.2.0/24",
        "2001:db8::1/128",
        "198.51.100.7/32",
    ]
    assert (settings.max_body_bytes, settings.store_phones, settings.prefix) == (5000, "none", "/inforu")
    assert settings.connections == ("inforu_default", "inforu_second")
    assert settings.retention_days is None


def test_the_defaults_are_those_of_the_provider_info():
    settings = read_receiver_settings()
    assert settings.allowed_addresses == ()
    assert (settings.max_body_bytes, settings.store_phones) == (8 * 1024 * 1024, "masked")
    assert (settings.connections, settings.retention_days) == ((), 90)


@pytest.mark.parametrize("days", ["7", "-1", "36501"])
def test_a_retention_in_which_a_sensor_would_lose_its_calls_is_refused(monkeypatch, days):
    monkeypatch.setenv("AIRFLOW__INFORU__RECEIVER_RETENTION_DAYS", days)
    with pytest.raises(InforuInputError, match="receiver_retention_days must be 8 to 36500 days"):
        read_receiver_settings()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg2://inforu:p@ss:word-S3CR3T@db/inforu",
        "postgresql+psycopg2://inforu:S3CR3T@db:S3CR3T/inforu",
        "nonsense://inforu:S3CR3T@db/inforu",
    ],
)
def test_a_url_that_cannot_be_read_shows_nothing_of_its_password(monkeypatch, url):
    monkeypatch.setenv("AIRFLOW__INFORU__RECEIVER_DATABASE", url)
    with pytest.raises(InforuInputError, match=r"\[inforu\] receiver_database") as raised:
        read_receiver_settings()
    assert "S3CR3T" not in str(raised.value)


def test_a_network_with_host_bits_is_an_error_that_names_the_option(monkeypatch):
    monkeypatch.setenv("AIRFLOW__INFORU__RECEIVER_ALLOWED_ADDRESSES", "192.0.2.1/24")
    with pytest.raises(InforuInputError, match=r"\[inforu\] receiver_allowed_addresses.*192.0.2.1/24"):
        read_receiver_settings()


def test_without_a_database_of_its_own_it_is_airflows():
    from airflow import settings

    # Nobody has made the tables there.
    database = read_database()
    with pytest.raises(RuntimeError, match="external_db_managers"):
        _ = database.engine
    assert database._engine_of() is settings.engine


@pytest.mark.usefixtures("backends")
def test_the_factory_alone_makes_a_receiver_that_works(connection, monkeypatch, tmp_path):
    """As `uvicorn --factory airflow_provider_inforu.receiver:create_app` calls it."""
    monkeypatch.setenv("AIRFLOW__INFORU__RECEIVER_DATABASE", f"sqlite:///{tmp_path / 'db'}")
    connection(extra={"notification_secret": SODA})
    with ReceiverServer(create_app(), log_config=None) as server:
        receiver = Receiver(server.url, None, secret=SODA)
        assert receiver.push([end_of_call(f"{SEND}-1")]).status_code == 200
        assert receiver.summary(SEND)["calls"] == 1


def test_where_the_secret_cannot_be_read_the_vendor_is_asked_to_come_again(
    backends, monkeypatch, tmp_path, caplog
):
    monkeypatch.setenv("AIRFLOW__INFORU__RECEIVER_DATABASE", f"sqlite:///{tmp_path / 'db'}")
    backends(BrokenBackend())
    with ReceiverServer(create_app(), log_config=None) as server:
        answer = Receiver(server.url, None, conn_id="elsewhere").push([end_of_call(f"{SEND}-1")])
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
    assert "BrokenBackend failed with OSError" in caplog.text
    assert "sealed" not in caplog.text

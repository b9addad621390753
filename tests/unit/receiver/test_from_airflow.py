import json
from types import SimpleNamespace

import airflow.configuration
import pytest
from airflow.secrets.environment_variables import EnvironmentVariablesBackend

from airflow_provider_inforu.capi.errors import InforuInputError
from airflow_provider_inforu.receiver import create_app
from airflow_provider_inforu.receiver.from_airflow import read_database, read_receiver_settings, secret_of
from airflow_provider_inforu.receiver.secrets import (
    RememberedSecrets,
    SecretUnavailableError,
    UnknownConnectionError,
)
from airflow_provider_inforu.receiver.server import ReceiverServer
from tests.receiver import Receiver, end_of_call

SEND = "0123456789abcdef"


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


@pytest.mark.usefixtures("backends")
def test_the_secret_is_all_that_a_receiver_needs_of_a_connection(connection):
    connection(extra={"notification_secret": "soda", "unknown": 1})
    assert secret_of("inforu_default") == "soda"


@pytest.mark.usefixtures("backends")
@pytest.mark.parametrize("secret", [None, "", "  ", " soda", "soda\n"])
def test_a_secret_that_is_blank_or_has_white_space_around_it_is_none(connection, secret):
    connection(extra={"notification_secret": secret})
    assert secret_of("inforu_default") is None


@pytest.mark.usefixtures("backends")
def test_a_connection_may_have_no_secret(connection):
    connection(extra={})
    assert secret_of("inforu_default") is None


@pytest.mark.usefixtures("backends")
def test_a_connection_of_another_type_is_as_unknown_as_none(connection):
    connection("http", extra={"notification_secret": "soda"})
    for name in ("inforu_default", "nobody"):
        with pytest.raises(UnknownConnectionError):
            secret_of(name)


@pytest.mark.usefixtures("backends")
@pytest.mark.parametrize("extra", ["[1]", "not json", {"notification_secret": 5}])
def test_an_extra_that_cannot_be_read_is_not_taken_for_none(connection, extra):
    connection(extra=extra)
    with pytest.raises(SecretUnavailableError):
        secret_of("inforu_default")


@pytest.mark.parametrize("extra", ["[1]", "not json"])
def test_an_extra_that_a_backend_did_not_check_is_not_taken_for_none_either(backends, extra):
    class Unchecked:
        def get_connection(self, conn_id):
            return SimpleNamespace(conn_id=conn_id, conn_type="inforu", extra=extra)

    backends(Unchecked())
    with pytest.raises(SecretUnavailableError, match="not a JSON object"):
        secret_of("inforu_default")


def test_where_connections_cannot_be_read_none_is_called_unknown(backends, connection):
    backends(BrokenBackend(), EnvironmentVariablesBackend())
    with pytest.raises(SecretUnavailableError, match="BrokenBackend failed with OSError"):
        secret_of("nobody")
    connection(extra={"notification_secret": "soda"})
    assert secret_of("inforu_default") == "soda"


def test_an_answer_is_remembered_for_a_short_time_only():
    now, asked, known = [0.0], [], {"a": "old"}

    def ask(name):
        asked.append(name)
        if name not in known:
            raise UnknownConnectionError(name)
        return known[name]

    secrets = RememberedSecrets(ask, 30, clock=lambda: now[0])
    assert [secrets.get("a") for _ in range(3)] == ["old"] * 3
    for _ in range(3):
        with pytest.raises(UnknownConnectionError):
            secrets.get("b")
    assert asked == ["a", "b"]
    known["a"] = known["b"] = "new"
    now[0] = 29.9
    assert secrets.get("a") == "old"
    now[0] = 30.0
    assert (secrets.get("a"), secrets.get("b")) == ("new", "new")


def test_strangers_cannot_fill_the_memory():
    asked = []

    def ask(name):
        asked.append(name)
        if name != "ours":
            raise UnknownConnectionError(name)
        return "soda"

    secrets = RememberedSecrets(ask)
    secrets.get("ours")
    for number in range(5000):
        with pytest.raises(UnknownConnectionError):
            secrets.get(str(number))
    assert len(secrets._unknown) <= 1000
    assert secrets.get("ours") == "soda"
    assert asked.count("ours") == 1


def test_a_connection_that_was_removed_is_unknown_and_one_that_was_made_is_known():
    now, known = [0.0], {"a"}

    def ask(name):
        if name not in known:
            raise UnknownConnectionError(name)
        return name

    secrets = RememberedSecrets(ask, 30, clock=lambda: now[0])
    for there in ({"b"}, {"a"}):
        secrets.get("b" if "b" in known else "a")
        known.clear()
        known.update(there)
        now[0] += 30
        for name in ("a", "b"):
            if name in there:
                assert secrets.get(name) == name
            else:
                with pytest.raises(UnknownConnectionError):
                    secrets.get(name)
            assert secrets.is_known(name) == (name in there)


def test_that_a_secret_could_not_be_read_is_not_remembered():
    answers = [SecretUnavailableError("away"), "soda"]

    def ask(_):
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    secrets = RememberedSecrets(ask)
    with pytest.raises(SecretUnavailableError):
        secrets.get("a")
    assert secrets.get("a") == "soda"


def test_the_options_are_read(monkeypatch, tmp_path):
    for name, value in {
        "DATABASE": f"sqlite:///{tmp_path / 'db'}",
        "ALLOWED_ADDRESSES": "192.0.2.0/24,2001:db8::1\n 198.51.100.7",
        "MAX_BODY_BYTES": "5000",
        "STORE_PHONES": "none",
    }.items():
        monkeypatch.setenv(f"AIRFLOW__INFORU__RECEIVER_{name}", value)
    settings = read_receiver_settings()
    assert [str(one) for one in settings.allowed_addresses] == [
        "192.0.2.0/24",
        "2001:db8::1/128",
        "198.51.100.7/32",
    ]
    assert (settings.max_body_bytes, settings.store_phones, settings.prefix) == (5000, "none", "/inforu")


def test_the_defaults_are_those_of_the_provider_info():
    settings = read_receiver_settings()
    assert settings.allowed_addresses == ()
    assert (settings.max_body_bytes, settings.store_phones) == (8 * 1024 * 1024, "masked")


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
    connection(extra={"notification_secret": "soda-and-more"})
    with ReceiverServer(create_app(), log_config=None) as server:
        receiver = Receiver(server.url, None, secret="soda-and-more")
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

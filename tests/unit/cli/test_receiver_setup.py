"""`airflow inforu receiver setup`: what it stores, what it prints, and what it leaves alone."""

import json
import re

import pytest
import sqlalchemy as sa
from airflow import settings
from airflow.models.connection import Connection
from airflow.secrets.environment_variables import EnvironmentVariablesBackend
from airflow.secrets.metastore import MetastoreBackend
from sqlalchemy.orm import scoped_session, sessionmaker

from airflow_provider_inforu import _compat
from airflow_provider_inforu.cli.receiver_setup import make_address
from airflow_provider_inforu.receiver.credentials import parse_credentials
from airflow_provider_inforu.receiver.migrate import check_version

URL = "https://airflow.example.com"
GIVEN = ("receiver", "setup", "--url", URL)
OLD = "secret-of-before-the-setup"
FIELDS = {
    "conn_type": "inforu",
    "description": "calls of the clinic",
    "host": "https://capi.example",
    "login": "user",
    "password": "token-of-the-user",
    "port": 8443,
}


class Database:
    """Airflow's metadata database, with the table of connections and nothing else."""

    def __init__(self, path):
        self.engine = sa.create_engine(f"sqlite:///{path}")
        self.session = scoped_session(sessionmaker(self.engine))
        Connection.__table__.create(self.engine)

    def add(self, conn_id="inforu_default", extra=None, **fields):
        with self.session() as session:
            session.add(Connection(conn_id=conn_id, extra=json.dumps(extra or {}), **{**FIELDS, **fields}))
            session.commit()
        self.session.remove()

    def read(self, conn_id="inforu_default"):
        with self.session() as session:
            found = session.scalars(sa.select(Connection).where(Connection.conn_id == conn_id)).one()
            stored = {name: getattr(found, name) for name in FIELDS}
            return stored, json.loads(found.extra)

    def tables(self):
        return [name for name in sa.inspect(self.engine).get_table_names() if name.startswith("inforu")]


@pytest.fixture
def database(tmp_path, monkeypatch):
    database = Database(tmp_path / "airflow.db")
    monkeypatch.setattr(settings, "engine", database.engine)
    monkeypatch.setattr(settings, "Session", database.session)
    backends = [EnvironmentVariablesBackend(), MetastoreBackend()]
    monkeypatch.setattr("airflow.configuration.ensure_secrets_loaded", lambda: backends)
    for name in ("AIRFLOW_CONN_INFORU_DEFAULT", "AIRFLOW__API__BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    yield database
    database.engine.dispose()


def address_in(out):
    (address,) = re.findall("^https?://.*$", out, re.MULTILINE)
    return address


def test_one_command_makes_a_secret_the_tables_and_the_address_for_inforu(inforu, database):
    database.add(extra={"timeout": 7})
    code, out, err = inforu(*GIVEN)
    assert (code, err) == (0, "")
    stored, extra = database.read()
    assert stored == FIELDS
    secret = extra.pop("notification_secret")
    assert extra == {"timeout": 7, "receiver_url": URL}
    assert len(secret) >= 16
    assert address_in(out) == f"{URL}/inforu/v1/inforu_default/notifications?secret={secret}"
    assert out.count(secret) == 1
    assert "give it to Inforu only" in out
    check_version(database.engine)


def test_each_connection_gets_a_secret_of_its_own(inforu, database):
    database.add()
    database.add("inforu_sales")
    inforu(*GIVEN)
    out = inforu(*GIVEN, "--conn-id", "inforu_sales")[1]
    secrets = {database.read(name)[1]["notification_secret"] for name in ("inforu_default", "inforu_sales")}
    assert len(secrets) == 2
    assert "/v1/inforu_sales/notifications" in address_in(out)
    assert "airflow inforu check --conn-id inforu_sales" in out


def test_a_second_setup_keeps_the_secret_and_prints_the_same_address(inforu, database):
    database.add()
    first = inforu(*GIVEN)[1]
    before = database.read()
    code, out, _ = inforu("receiver", "setup")
    assert (code, address_in(out)) == (0, address_in(first))
    assert database.read() == before
    assert "so it was not changed" in out


def test_a_secret_of_the_user_is_kept(inforu, database):
    database.add(extra={"notification_secret": OLD + "+é", "receiver_url": "https://before.example/"})
    out = inforu("receiver", "setup")[1]
    assert database.read()[1] == {
        "notification_secret": OLD + "+é",
        "receiver_url": "https://before.example/",
    }
    assert address_in(out).startswith("https://before.example/inforu/v1/")
    assert address_in(out).endswith(f"?secret={OLD}%2B%C3%A9")


def test_a_rotation_keeps_the_old_secret_as_the_previous_one(inforu, database):
    database.add(
        extra={"notification_secret": OLD, "receiver_url": URL, "read_secret": "reads-outcomes-only"}
    )
    code, out, _ = inforu("receiver", "setup", "--rotate")
    extra = database.read()[1]
    assert code == 0
    assert extra["notification_secret_previous"] == OLD
    assert parse_credentials(extra).push == (extra["notification_secret"], OLD)
    assert extra["read_secret"] == "reads-outcomes-only"
    assert address_in(out).endswith(extra["notification_secret"])
    assert OLD not in out
    for said in (out, inforu("receiver", "setup")[1]):
        assert "empty notification_secret_previous" in said


def test_a_second_rotation_does_not_lose_the_secret_that_inforu_may_still_use(inforu, database):
    database.add(extra={"notification_secret": OLD, "receiver_url": URL})
    inforu("receiver", "setup", "--rotate")
    before = database.read()
    code, out, err = inforu("receiver", "setup", "--rotate")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "empty notification_secret_previous, then run the command again" in err
    assert database.read() == before


@pytest.mark.parametrize(
    ("secret", "problem"),
    [("short", "fewer than 16"), (f" {OLD}", "white space"), (12345678901234567890, "is not text")],
)
def test_a_secret_that_opens_nothing_is_replaced_only_on_request(inforu, database, secret, problem):
    database.add(extra={"notification_secret": secret})
    code, out, err = inforu(*GIVEN)
    assert (code, out, problem in err, "Replace it with --rotate" in err) == (1, "", True, True)
    assert database.read()[1] == {"notification_secret": secret}
    assert inforu(*GIVEN, "--rotate")[0] == 0
    extra = database.read()[1]
    assert set(extra) == {"notification_secret", "receiver_url"}
    assert len(parse_credentials(extra).push) == 1


@pytest.mark.parametrize(
    ("base_url", "problem"),
    [
        ("", "is not set"),
        ("http://localhost:8080", "names this machine only"),
        ("http://127.0.0.1:8080/airflow", "names this machine only"),
        ("http://[::1]:8080", "names this machine only"),
        ("http://0.0.0.0:8080", "names this machine only"),
    ],
)
def test_an_address_that_only_this_machine_reaches_is_asked_for(
    inforu, database, monkeypatch, base_url, problem
):
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", base_url)
    database.add()
    code, out, err = inforu("receiver", "setup")
    assert (code, out) == (2, "")
    assert f"[api] base_url {problem}. Nothing was changed" in err
    assert "--url https://airflow.example.com" in err
    assert database.read()[1] == {}
    assert database.tables() == []


def test_the_address_of_airflow_is_the_default(inforu, database, monkeypatch):
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://hosts.example/airflow/")
    database.add()
    out = inforu("receiver", "setup")[1]
    assert address_in(out).startswith("https://hosts.example/airflow/inforu/v1/inforu_default/")
    assert database.read()[1]["receiver_url"] == "https://hosts.example/airflow"


@pytest.mark.parametrize(
    "url", ["airflow.example.com", "https://user:pass@airflow.example.com", "https://a?b=c"]
)
def test_an_address_that_cannot_be_is_refused(inforu, database, url):
    database.add()
    code, out, err = inforu("receiver", "setup", "--url", url)
    assert (code, out, "--url is not an address of a receiver. Nothing was changed" in err) == (2, "", True)
    assert database.read()[1] == {}


def test_another_address_replaces_the_stored_one_and_keeps_the_secret(inforu, database):
    database.add(extra={"notification_secret": OLD, "receiver_url": "https://before.example"})
    assert inforu(*GIVEN)[0] == 0
    assert database.read()[1] == {"notification_secret": OLD, "receiver_url": URL}


class TestElsewhere:
    """A connection that is not in Airflow's database."""

    @pytest.fixture
    def variable(self, database, monkeypatch):  # noqa: ARG002 - it removes the variable of others
        def set_extra(**extra):
            value = json.dumps({**FIELDS, "extra": extra})
            monkeypatch.setenv("AIRFLOW_CONN_INFORU_DEFAULT", value)

        set_extra()
        return set_extra

    @pytest.mark.usefixtures("variable")
    def test_the_fields_to_set_are_printed_and_nothing_is_changed(self, inforu, database):
        database.add()  # Airflow prefers the variable
        code, out, err = inforu(*GIVEN)
        assert (code, err.count("\n")) == (1, 1)
        assert "is in the environment variable AIRFLOW_CONN_INFORU_DEFAULT" in out
        (secret,) = re.findall(r"^  notification_secret: (\w{16,}) ", out, re.MULTILINE)
        assert f"  receiver_url: {URL}\n" in out
        assert secret not in err
        assert "Nothing was changed" in err
        assert database.read()[1] == {}
        assert database.tables() == []

    def test_with_the_fields_set_the_tables_are_made_and_the_address_is_printed(
        self, inforu, database, variable
    ):
        variable(notification_secret=OLD, receiver_url=URL)
        code, out, _ = inforu("receiver", "setup")
        assert (code, address_in(out)) == (0, make_address(URL, "inforu_default", OLD))
        assert database.tables()

    def test_a_rotation_prints_the_new_secret_and_not_the_current_one(self, inforu, database, variable):
        variable(notification_secret=OLD, receiver_url=URL)
        code, out, err = inforu("receiver", "setup", "--rotate")
        assert code == 1
        assert "  notification_secret_previous: the current value of notification_secret\n" in out
        assert OLD not in out + err
        assert database.tables() == []

    def test_a_secrets_backend_is_named(self, inforu, monkeypatch):
        class Vault:
            def get_connection(self, conn_id):
                return Connection(conn_id=conn_id, **FIELDS)

        monkeypatch.setattr("airflow.configuration.ensure_secrets_loaded", lambda: [Vault()])
        code, out, err = inforu(*GIVEN)
        assert (code, "is in the secrets backend Vault" in out, "secrets backend Vault" in err) == (
            1,
            True,
            True,
        )


class TestNextSteps:
    """What the command says that it cannot do itself."""

    @pytest.fixture(autouse=True)
    def stored(self, database):
        database.add(extra={"notification_secret": OLD, "receiver_url": URL})

    def test_a_receiver_that_is_off_is_said_to_be_off(self, inforu):
        out = inforu("receiver", "setup")[1]
        assert "The receiver is off: [inforu] receiver_enabled is not set" in out
        assert "AIRFLOW__INFORU__RECEIVER_ENABLED=True" in out
        assert "airflow inforu check\n" in out
        assert "notification_secret_previous" not in out

    def test_a_receiver_that_is_on_is_not_turned_on_again(self, inforu, monkeypatch):
        monkeypatch.setenv("AIRFLOW__INFORU__RECEIVER_ENABLED", "True")
        out = inforu("receiver", "setup")[1]
        assert "[inforu] receiver_enabled is set" in out
        assert "RECEIVER_ENABLED=True" not in out

    @pytest.mark.parametrize(("allowed", "is_named"), [("inforu_sales", True), ("inforu_default", False)])
    def test_a_connection_that_the_receiver_refuses_is_named(self, inforu, monkeypatch, allowed, is_named):
        monkeypatch.setenv("AIRFLOW__INFORU__RECEIVER_CONNECTIONS", allowed)
        said = "Add inforu_default to [inforu] receiver_connections" in inforu("receiver", "setup")[1]
        assert said is is_named

    def test_a_new_secret_takes_a_moment_and_a_known_one_does_not(self, inforu):
        assert "Wait 30 seconds" not in inforu("receiver", "setup")[1]
        assert "Wait 30 seconds" in inforu("receiver", "setup", "--rotate")[1]

    def test_tables_that_airflow_does_not_upgrade_are_upgraded_by_this_command(self, inforu, monkeypatch):
        again = "Run this command again after each upgrade"
        assert again in inforu("receiver", "setup")[1]
        manager = "airflow_provider_inforu.receiver.db_manager.InforuDBManager"
        monkeypatch.setenv("AIRFLOW__DATABASE__EXTERNAL_DB_MANAGERS", manager)
        assert again not in inforu("receiver", "setup")[1]

    def test_a_database_of_its_own_gets_the_tables(self, inforu, database, monkeypatch, tmp_path):
        url = f"sqlite:///{tmp_path / 'receiver.db'}"
        monkeypatch.setenv("AIRFLOW__INFORU__RECEIVER_DATABASE", url)
        out = inforu("receiver", "setup")[1]
        assert "Tables: ready in the database of [inforu] receiver_database" in out
        assert database.tables() == []
        check_version(sa.create_engine(url))


def test_a_database_that_is_away_leaves_the_connection_as_it_is(inforu, database, monkeypatch):
    monkeypatch.setenv("AIRFLOW__INFORU__RECEIVER_DATABASE", "sqlite:////nowhere/at/all.db")
    database.add()
    code, out, err = inforu(*GIVEN)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "the database of notifications cannot be used (OperationalError" in err
    assert database.read()[1] == {}


def test_an_error_of_the_database_does_not_show_what_was_to_be_stored(inforu, database):
    database.add()

    @sa.event.listens_for(database.engine, "before_cursor_execute")
    def refuse(_connection, _cursor, statement, parameters, *_):
        if statement.startswith("UPDATE connection"):
            raise sa.exc.OperationalError(statement, parameters, Exception("disk is full"))

    code, out, err = inforu(*GIVEN)
    assert (code, err.count("\n")) == (1, 1)
    assert "could not be changed (OperationalError)" in err
    assert "UPDATE" not in out + err
    assert "secret=" not in out


def test_a_change_of_somebody_else_at_the_same_time_is_not_overwritten(inforu, database, monkeypatch):
    database.add()

    def change(_):
        with database.session() as session:
            session.scalars(sa.select(Connection)).one().extra = json.dumps({"timeout": 9})
            session.commit()
        database.session.remove()

    monkeypatch.setattr("airflow_provider_inforu.cli.receiver_setup.make_ready", change)
    code, out, err = inforu(*GIVEN)
    assert (code, "changed at the same time" in err, "secret=" in out) == (1, True, False)
    assert database.read()[1] == {"timeout": 9}


@pytest.mark.parametrize("extra", ["[1]", "not JSON"])
def test_an_extra_that_is_not_an_object_is_refused(inforu, database, extra):
    database.add()
    with database.engine.begin() as connection:
        connection.execute(
            sa.text("UPDATE connection SET extra = :extra, is_extra_encrypted = 0"), {"extra": extra}
        )
    code, out, err = inforu(*GIVEN)
    assert (code, out, "cannot be read (ValueError). Nothing was changed" in err) == (1, "", True)


def test_a_connection_that_does_not_exist_is_one_line(inforu, database):
    code, out, err = inforu(*GIVEN)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "no connection 'inforu_default' of type inforu" in err
    assert database.tables() == []


def test_the_secrets_are_in_no_log_and_masked_where_others_log_them(inforu, database, caplog, monkeypatch):
    masked = []
    monkeypatch.setattr(_compat, "mask_secret", masked.append, raising=False)
    database.add(extra={"notification_secret": OLD})
    with caplog.at_level(0):
        inforu(*GIVEN, "--rotate")
    secrets = [OLD, database.read()[1]["notification_secret"]]
    assert set(masked) == set(secrets)
    assert not [secret for secret in secrets if secret in caplog.text]


def test_the_receiver_still_runs_without_a_command_below_it():
    from tests.unit.cli.conftest import parse

    args = parse("receiver", "--port", "0")
    assert (args.func.__name__, args.port) == ("serve", 0)
    assert parse("receiver", "setup", "--rotate").func.__name__ == "set_up"

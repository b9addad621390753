import datetime as dt
import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from airflow_provider_inforu.capi.errors import InforuInputError
from airflow_provider_inforu.receiver.database import Database, open_database
from airflow_provider_inforu.receiver.migrate import (
    _LOCK_NUMBER,
    MIGRATIONS,
    NotReadyError,
    check_version,
    downgrade,
    upgrade,
)
from airflow_provider_inforu.receiver.tables import VERSION_TABLE, metadata
from tests.receiver import end_of_call, running_receiver

NOW = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)


@pytest.fixture
def engine(database_url):
    engine = sa.create_engine(database_url)
    yield engine
    engine.dispose()


def tables(engine):
    return {name for name in sa.inspect(engine).get_table_names() if name != "sqlite_sequence"}


def test_the_migrations_make_the_tables_that_the_code_uses(engine):
    upgrade(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": VERSION_TABLE, "compare_type": True}
        )
        # Only PostgreSQL says what the comments are, which no migration needs.
        changes = [one for one in compare_metadata(context, metadata) if "comment" not in str(one[0])]
    assert changes == []
    assert tables(engine) == {*metadata.tables, VERSION_TABLE}


def test_the_migrations_go_back_and_forth(engine):
    upgrade(engine)
    downgrade(engine, "base")
    assert tables(engine) == {VERSION_TABLE}
    upgrade(engine)
    upgrade(engine)
    check_version(engine)


def test_ids_are_never_given_twice(engine):
    """A reader of the feed goes on after the last id, also when all rows were pruned."""
    upgrade(engine)
    table = metadata.tables["inforu_unrecognized"]
    row = {"conn_id": "c", "received_at": sa.func.now(), "reason": "r", "content": "c"}
    with engine.begin() as connection:
        connection.execute(table.insert().values(digest="1", **row))
        connection.execute(table.delete())
        connection.execute(table.insert().values(digest="2", **row))
        assert connection.scalar(sa.select(table.c.id)) == 2


def test_tables_of_a_newer_version_are_left_alone(engine):
    upgrade(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version_inforu SET version_num = '9999'")
    with pytest.raises(NotReadyError, match="newer than this package"):
        upgrade(engine)
    assert set(metadata.tables) <= tables(engine)
    with running_receiver(engine.url.render_as_string(hide_password=False)) as receiver:
        answer = receiver.push([end_of_call()])
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
        assert "newer than this package" in answer.json()["detail"]


def test_missing_tables_in_the_metadata_database_say_what_to_do(engine, caplog):
    database = Database(lambda: engine, check_version, is_ours=False)
    with running_receiver(database) as receiver:
        assert "external_db_managers" in caplog.text
        answer = receiver.push([end_of_call()])
        assert answer.status_code == 503
        assert "airflow db migrate" in answer.json()["detail"]
        upgrade(engine)
        assert receiver.push([end_of_call()]).status_code == 200


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("no url", "not a URL"),
        ("nothing://host/db", "NoSuchModuleError"),
        ("oracle+oracledb://user:pass-word@host/db", "ModuleNotFoundError"),
        ("postgresql+asyncpg://user:pass-word@host/db", "asynchronous"),
    ],
)
def test_a_url_that_cannot_be_used_is_named_without_its_password(url, message):
    with pytest.raises(InforuInputError, match=message) as error:
        open_database(url, "[inforu] receiver_database")
    assert "[inforu] receiver_database" in str(error.value)
    assert "pass-word" not in str(error.value)


def test_a_sqlite_file_is_durable_and_lets_readers_read(tmp_path):
    database = open_database(f"sqlite:///{tmp_path / 'db'}")
    with database.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
    database.close()


def test_a_file_in_use_by_others_is_opened_when_they_let_go(tmp_path, monkeypatch):
    """SQLite does not wait to change the journal; we do, and then work without."""
    monkeypatch.setattr("airflow_provider_inforu.receiver.database._SWITCH_SECONDS", 0.2)
    url = f"sqlite:///{tmp_path / 'db'}"
    other = sa.create_engine(url)
    with other.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE theirs (id INTEGER)")
        connection.commit()
        connection.exec_driver_sql("BEGIN")
        connection.exec_driver_sql("SELECT * FROM theirs").all()
        from airflow_provider_inforu.receiver.database import _switch_to_wal

        engine = sa.create_engine(url, connect_args={"timeout": 0})
        _switch_to_wal(engine)
        with engine.connect() as ours:
            assert ours.exec_driver_sql("PRAGMA journal_mode").scalar() == "delete"
        engine.dispose()
    other.dispose()


def test_the_digest_of_a_row_tells_nobody_the_phone():
    """Who reads the table knows all of an item but the phone, and may try all phones, but has no secret."""
    from airflow_provider_inforu.receiver.push_parser import PushParser

    body = json.dumps([end_of_call()]).encode()
    digests = {
        PushParser("c", secret, "masked").read(body, "", NOW).notifications[0]["digest"] for secret in "ab"
    }
    assert len(digests) == 2


def test_airflows_manager_makes_checks_and_drops_the_tables(tmp_path, monkeypatch, capsys):
    """What `airflow db migrate`, `check-migrations` and `reset` call, on a database that is not Airflow's."""
    from airflow import settings
    from sqlalchemy.orm import Session

    from airflow_provider_inforu.receiver.db_manager import InforuDBManager

    engine = sa.create_engine(f"sqlite:///{tmp_path / 'airflow.db'}")
    monkeypatch.setattr(settings, "engine", engine)
    monkeypatch.setattr(settings, "SQL_ALCHEMY_CONN", str(engine.url))
    ours = {*metadata.tables, VERSION_TABLE}

    def manager():
        return InforuDBManager(Session(engine))

    assert not manager().check_migration()
    manager().initdb()
    assert (manager().check_migration(), tables(engine)) == (True, ours)
    manager().downgrade("base", from_revision="0001", show_sql_only=True)
    assert "DROP TABLE inforu_call" in capsys.readouterr().out
    assert tables(engine) == ours
    manager().downgrade("base")
    assert (manager().check_migration(), tables(engine)) == (False, {VERSION_TABLE})
    manager().upgradedb(use_migration_files=True)
    assert manager().check_migration()
    with engine.begin() as connection:
        manager().drop_tables(connection)
    assert tables(engine) == set()
    engine.dispose()


LOCKS = {"sqlite": "BEGIN IMMEDIATE", "postgresql": f"SELECT pg_advisory_xact_lock({_LOCK_NUMBER})"}


def test_who_begins_while_another_migrates_waits_and_finds_all_done(engine):
    with ThreadPoolExecutor(1) as pool:
        with engine.connect() as connection:
            connection.exec_driver_sql(LOCKS[engine.dialect.name])
            second = pool.submit(upgrade, engine)
            time.sleep(0.5)  # in which the second would see that there are no tables
            metadata.create_all(connection)
            script = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
            script.stamp(ScriptDirectory(str(MIGRATIONS)), "head")
            connection.commit()
        second.result(60)
    check_version(engine)

import datetime as dt

import pytest

from airflow_provider_inforu.outcomes.push_health import PushHealth

NOW = dt.datetime(2026, 11, 26, 13, 3, tzinfo=dt.UTC)
ANSWER = {
    "last_push_at": "2026-11-26T13:01:00+00:00",
    "window_seconds": 3600,
    "refused": {"wrong_secret": 4},
    "elsewhere": {"connections": 2, "refused": {"unknown_connection": 1}},
}


def words(**changes):
    return PushHealth.from_json(ANSWER | changes).describe("inforu_default", NOW)


def test_the_last_push_is_told_with_its_age():
    assert (
        "the last push for the connection 'inforu_default' at 2026-11-26 13:01:00 UTC (2 minutes ago)"
        in words()
    )
    assert "never stored a push for the connection 'inforu_default'" in words(last_push_at=None)


def test_refused_pushes_are_told_with_reason_and_what_to_do():
    said = words(last_push_at="2026-11-26T11:00:00+00:00")
    assert "refused 4 pushes to this connection: wrong or missing secret (4)" in said
    assert "Set the secret in the address at Inforu to notification_secret" in said


def test_where_other_pushes_are_stored_the_secret_is_not_to_be_changed():
    said = words()
    assert "refused 4 pushes to this connection" in said
    assert "Other pushes of this hour were stored" in said
    assert "Set the secret" not in said


def test_pushes_elsewhere_are_told_with_what_to_do():
    said = words(last_push_at=None, refused={})
    assert "refused 1 push to other names: unknown connection name (1)" in said
    assert "Check that the address at Inforu names this connection" in said
    assert "2 other connections received pushes" in said
    assert "use the connection that it names" in said


def test_other_connections_are_not_suggested_where_pushes_to_this_one_were_refused():
    assert "other connections received pushes" not in words()


def test_where_nothing_ever_arrived_the_address_at_inforu_is_to_be_checked():
    said = words(last_push_at=None, refused={}, elsewhere={"connections": 0, "refused": {}})
    assert "Check the address at Inforu, and that Inforu can reach the receiver" in said


def test_a_reason_of_a_newer_receiver_is_told_as_it_is():
    assert "too_strange (3)" in words(refused={"too_strange": 3})


@pytest.mark.parametrize(
    "change",
    [
        {"refused": None},
        {"refused": {"wrong_secret": -1}},
        {"elsewhere": None},
        {"elsewhere": {"connections": "2", "refused": {}}},
        {"last_push_at": "yesterday"},
    ],
)
def test_an_answer_that_cannot_be_read_names_the_field(change):
    (field,) = change
    with pytest.raises(ValueError, match=f"{field}|connections|wrong_secret"):
        PushHealth.from_json(ANSWER | change)


def test_while_pushes_to_this_connection_arrive_its_address_is_not_to_be_checked():
    said = words(refused={})
    assert "refused 1 push to other names" in said
    assert "Check that the address" not in said

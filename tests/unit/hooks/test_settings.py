import json

import pytest
from airflow.sdk import Connection

from airflow_provider_inforu.capi.errors import InforuInputError
from airflow_provider_inforu.hooks.settings import read_settings


def read(*, extra=None, **fields):
    defaults = {"conn_id": "c", "conn_type": "inforu", "login": "user", "password": "api-token"}
    extra = extra if isinstance(extra, str | None) else json.dumps(extra)
    return read_settings(Connection(**{**defaults, **fields}, extra=extra))


def test_user_name_and_token_are_enough():
    settings = read()
    assert (settings.base_url, settings.username, settings.token) == (
        "https://capi.inforu.co.il",
        "user",
        "api-token",
    )
    assert (settings.auth_location, settings.timeout, settings.requests_per_second) == ("header", 30, 30)
    assert (settings.proxy, settings.notification_secret) == (None, None)
    assert (settings.receiver_url, settings.status_function) == (None, None)


def test_every_field_is_read():
    settings = read(
        host="http://127.0.0.1:8765/",
        extra={
            "auth_location": "body",
            "timeout": "5",
            "requests_per_second": 0,
            "proxy": "http://me:pr0xy@proxy.example:3128",
            "notification_secret": "secret-of-notifications",
            "receiver_url": "https://airflow.example/",
            "status_function": "/Voice/Message/Status",
        },
    )
    assert settings.base_url == "http://127.0.0.1:8765"
    assert (settings.auth_location, settings.timeout, settings.requests_per_second) == ("body", 5, 0)
    assert settings.proxy == "http://me:pr0xy@proxy.example:3128"
    assert settings.receiver_url == "https://airflow.example"
    assert settings.status_function == "Voice/Message/Status"


@pytest.mark.parametrize(
    ("host", "port", "base_url"),
    [
        (None, 443, "https://capi.inforu.co.il:443"),
        ("http://127.0.0.1", 8765, "http://127.0.0.1:8765"),
        ("http://127.0.0.1:8765", 8765, "http://127.0.0.1:8765"),
        ("http://[::1]", 8765, "http://[::1]:8765"),
        ("http://127.0.0.1:8765", 0, "http://127.0.0.1:8765"),
    ],
)
def test_a_port_in_its_own_field_belongs_to_the_address(host, port, base_url):
    assert read(host=host, port=port).base_url == base_url


@pytest.mark.parametrize("empty", [None, ""])
def test_a_field_left_empty_in_the_form_means_its_default(empty):
    settings = read(
        extra={"auth_location": empty, "timeout": empty, "requests_per_second": empty, "proxy": empty}
    )
    assert (settings.auth_location, settings.timeout, settings.requests_per_second) == ("header", 30, 30)
    assert settings.proxy is None


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"login": None}, "User name .login. is missing"),
        ({"login": "us:er"}, "User name .login. contains a colon"),
        ({"password": ""}, "API token .password. is missing"),
        ({"password": "token\n"}, "API token .password. has spaces at its start or end"),
        ({"host": "capi.inforu.co.il"}, "API address .host. must be an address with a scheme"),
        ({"host": "ftp://capi.inforu.co.il"}, "must be an address with a scheme"),
        ({"host": "https://"}, "must be an address with a scheme"),
        ({"host": "https://h:port"}, "must be an address with a scheme"),
        ({"host": "https://[h"}, "must be an address with a scheme"),
        ({"host": "https://me:secret@h"}, "must not contain a user name or a password"),
        ({"host": "https://h/api/v2"}, "must end after the host"),
        ({"host": "https://h?x=1"}, "must end after the host"),
        ({"host": "https://h:444", "port": 443}, "has port 444, but the field Port has 443"),
        ({"schema": "https"}, "schema is not used"),
        ({"extra": "{"}, "extra is not JSON"),
        ({"extra": "[]"}, "extra is not a JSON object"),
        ({"extra": {"tiemout": 5}}, "unknown field 'tiemout'. Known fields are auth_location, timeout"),
        ({"extra": {"auth_location": "cookie"}}, "auth_location must be one of header, body"),
        ({"extra": {"auth_location": 5}}, "auth_location must be text, not int"),
        (
            {"extra": {"timeout": "soon"}},
            "timeout must be a whole number from 1 to 300, not a value of 4 characters",
        ),
        ({"extra": {"timeout": "a-token-of-inforu"}}, "from 1 to 300, not a value of 17 characters"),
        ({"extra": {"timeout": 12345678}}, "from 1 to 300, not a value of 8 characters"),
        ({"extra": {"timeout": "301"}}, "timeout must be a whole number from 1 to 300, not '301'"),
        ({"extra": {"timeout": 0}}, "timeout must be a whole number from 1 to 300, not 0"),
        ({"extra": {"timeout": True}}, "timeout must be a whole number"),
        ({"extra": {"requests_per_second": 2.5}}, "requests_per_second must be a whole number"),
        ({"extra": {"requests_per_second": -1}}, "requests_per_second must be a whole number from 0"),
        ({"extra": {"proxy": "proxy:3128"}}, "proxy must be an address with a scheme"),
        ({"extra": {"receiver_url": "airflow"}}, "receiver_url must be an address with a scheme"),
    ],
)
def test_what_is_wrong_is_named_with_its_field(fields, error):
    with pytest.raises(InforuInputError, match=rf"the connection 'c'.*{error}"):
        read(**fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"extra": {"proxy": "me:a-secret@proxy"}},
        {"host": "user:a-secret@capi.inforu.co.il"},
        {"host": "https://user:a-secret@capi.inforu.co.il"},
        {"extra": {"receiver_url": "airflow.example/x?secret=a-secret"}},
        {"extra": {"auth_location": "a-secret"}},
    ],
)
def test_no_secret_shows_in_an_error(fields):
    with pytest.raises(InforuInputError) as raised:
        read(**fields)
    assert "a-secret" not in str(raised.value)


def test_no_secret_shows_in_a_repr():
    shown = repr(
        read(extra={"proxy": "http://me:pr0xy-secret@p", "notification_secret": "secret-of-notifications"})
    )
    assert not {
        secret for secret in ("api-token", "pr0xy-secret", "secret-of-notifications") if secret in shown
    }


def test_secrets_that_are_derived_from_others_are_known():
    secrets = read(
        extra={"proxy": "http://me:p%40ss@p", "notification_secret": "secret-of-notifications"}
    ).secrets()
    assert secrets == [
        "api-token",
        "dXNlcjphcGktdG9rZW4=",
        "secret-of-notifications",
        "p%40ss",
        "p@ss",
        "bWU6cEBzcw==",
    ]


@pytest.mark.parametrize("field", ["notification_secret", "notification_secret_previous", "read_secret"])
def test_a_secret_that_could_be_guessed_is_refused_by_name(field):
    with pytest.raises(InforuInputError, match=rf"{field} has fewer than 16 characters") as raised:
        read(extra={field: "fifteen-letters"})
    assert "fifteen-letters" not in str(raised.value)
    assert read(extra={field: "sixteen-letters."}).secrets()[-1] == "sixteen-letters."


def test_the_receiver_is_read_with_the_read_secret_where_there_is_one():
    secrets = {"notification_secret": "notification-secret", "receiver_url": "http://127.0.0.1:9"}
    assert read(extra=secrets).receiver_secret == "notification-secret"
    settings = read(extra={**secrets, "read_secret": "secret-of-readers"})
    assert (settings.receiver_secret, settings.has_receiver) == ("secret-of-readers", True)
    assert "secret-of-readers" not in repr(settings)


@pytest.mark.parametrize("conn_type", ["postgres", "http", "generic", "inforu_other"])
def test_a_connection_of_another_type_is_refused_by_the_name_of_its_type(conn_type):
    with pytest.raises(InforuInputError) as raised:
        read(conn_type=conn_type, password="a-password", extra="no JSON")
    assert f"The connection 'c' is of type {conn_type}, not inforu" in str(raised.value)
    assert "a-password" not in str(raised.value)


@pytest.mark.parametrize("conn_type", [None, ""])
def test_a_connection_without_a_type_is_refused_with_what_to_add(conn_type):
    with pytest.raises(InforuInputError, match=r"The connection 'c' has no type.*conn_type"):
        read(conn_type=conn_type)

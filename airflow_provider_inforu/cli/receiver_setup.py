"""``airflow inforu receiver setup``: set up the receiver of a connection."""

from __future__ import annotations

import ipaddress
import secrets
import shlex
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from airflow_provider_inforu.capi.errors import InforuInputError
from airflow_provider_inforu.cli.cli_errors import CommandError, UsageError, echo, handle_cli_errors
from airflow_provider_inforu.cli.receiver_commands import make_ready
from airflow_provider_inforu.cli.stored_connection import UNCHANGED, FoundConnection

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Mapping

    from airflow_provider_inforu.receiver.receiver_settings import ReceiverSettings

SECRET = "notification_secret"  # noqa: S105 - a field
PREVIOUS = "notification_secret_previous"
URL = "receiver_url"

_EXAMPLE = "--url https://airflow.example.com"
_DB_MANAGER = "airflow_provider_inforu.receiver.db_manager.InforuDBManager"


@handle_cli_errors("the receiver is not set up")
def set_up(args: Namespace) -> None:
    """Set up the receiver of a connection, and print the address for the vendor.

    :param args: conn_id, url, rotate.
    """
    from airflow_provider_inforu.receiver.from_airflow import read_receiver_settings

    found = FoundConnection.find(args.conn_id)
    fields = plan_fields(found.extra, args.conn_id, url=args.url, rotate=args.rotate)
    now = {**found.extra, **fields}
    _mask(now)
    if fields and found.elsewhere:
        _explain_elsewhere(found, fields)
    settings = read_receiver_settings(makes_tables=True)
    make_ready(settings.database)
    settings.database.close()
    echo(f"Tables: ready in {_describe_database()}")
    if fields:
        found.store(fields)
    echo(f"Connection: {_describe_change(found.conn_id, fields)}")
    echo("\nThe address for Inforu. It contains the secret: give it to Inforu only, and keep it out of logs.")
    echo(make_address(now[URL], found.conn_id, now[SECRET]))
    echo("\nWhat to do next:")
    steps = _list_steps(found.conn_id, settings, has_new_secret=SECRET in fields)
    if now.get(PREVIOUS):
        steps.append(f"When pushes arrive with the new secret, empty {PREVIOUS} in the connection")
    for number, step in enumerate(steps, start=1):
        echo(f"  {number}. {step}")


def plan_fields(extra: Mapping[str, Any], conn_id: str, *, url: str | None, rotate: bool) -> dict[str, str]:
    """Return the fields of the extra that must change, with a new secret if one is needed.

    :param extra: The current extra.
    :param conn_id: The ID of the connection, for errors.
    :param url: The address of the receiver. None uses the address in the extra, else that of Airflow.
    :param rotate: Whether to replace an existing secret.
    :raises CommandError: The address or a secret is invalid, or an earlier rotation is not complete.
    """
    address = _find_url(extra, conn_id, url)
    fields = _plan_secrets(extra, conn_id, rotate=rotate)
    if url is not None or not extra.get(URL):
        fields[URL] = address
    return {name: value for name, value in fields.items() if extra.get(name) != value}


def make_address(url: str, conn_id: str, secret: str) -> str:
    """Return the address to which the vendor pushes notifications.

    :param url: The address of the receiver.
    :param conn_id: The ID of the connection.
    :param secret: The notification secret of the connection.
    """
    query = quote(secret, safe="")
    return f"{url.strip().rstrip('/')}/inforu/v1/{quote(conn_id, safe='')}/notifications?secret={query}"


def _plan_secrets(extra: Mapping[str, Any], conn_id: str, *, rotate: bool) -> dict[str, str]:
    from airflow_provider_inforu.receiver.credentials import find_problem

    current = extra.get(SECRET)
    new = {SECRET: secrets.token_hex(24)}
    if not current:
        return new
    problem = find_problem(current) if isinstance(current, str) else "is not text"
    if not rotate:
        if problem:
            raise CommandError(
                f"{SECRET} of the connection {conn_id!r} {problem}, so the receiver does not accept it. "
                f"{UNCHANGED}. Replace it with --rotate"
            )
        return {}
    if problem:
        return new
    if extra.get(PREVIOUS):
        raise CommandError(
            f"the connection {conn_id!r} already has a {PREVIOUS}, which Inforu may still use. {UNCHANGED}. "
            f"When pushes arrive with the current secret, empty {PREVIOUS}, then run the command again"
        )
    return {**new, PREVIOUS: current}


def _find_url(extra: Mapping[str, Any], conn_id: str, given: str | None) -> str:
    """Return the receiver's address: the given address, else the stored one, else that of Airflow."""
    from airflow_provider_inforu._compat import conf
    from airflow_provider_inforu.hooks.settings import read_address

    if given is not None:
        url, name = given, "--url"
    elif stored := extra.get(URL):
        url, name = str(stored), f"{URL} of the connection {conn_id!r}"
    else:
        url, name = conf.get("api", "base_url", fallback="") or "", "[api] base_url"
        if not url or _is_this_machine(url):
            problem = "names this machine only" if url else "is not set"
            raise UsageError(
                f"the address of the receiver is unknown, because [api] base_url {problem}. {UNCHANGED}. "
                f"Pass the address at which workers reach the receiver, for example {_EXAMPLE}"
            )
    try:
        return read_address(url, name, with_path=True)
    except InforuInputError:
        raise UsageError(
            f"{name} is not an address of a receiver. {UNCHANGED}. Use a scheme and a host, without user, "
            f"password and query, for example {_EXAMPLE}"
        ) from None


def _is_this_machine(url: str) -> bool:
    try:
        host = urlsplit(url).hostname or ""
        if host == "localhost" or host.endswith(".localhost"):
            return True
        address = ipaddress.ip_address(host)
    except ValueError:  # a host name, or an invalid URL
        return False
    return address.is_loopback or address.is_unspecified


def _explain_elsewhere(found: FoundConnection, fields: Mapping[str, str]) -> None:
    echo(f"The connection {found.conn_id!r} is in {found.elsewhere}. Set these fields in its extra:")
    for name, value in fields.items():
        if name == PREVIOUS:
            echo(f"  {name}: the current value of {SECRET}")
        elif name == SECRET:
            echo(f"  {name}: {value}    (secret: keep it out of logs)")
        else:
            echo(f"  {name}: {value}")
    raise CommandError(
        f"the connection {found.conn_id!r} is in {found.elsewhere}, which this command cannot change. "
        f"{UNCHANGED}. Set the printed fields, then run the command again without --rotate"
    )


def _mask(extra: Mapping[str, Any]) -> None:
    from airflow_provider_inforu._compat import mask_secret

    for name in (SECRET, PREVIOUS):
        if isinstance(extra.get(name), str) and extra[name]:
            mask_secret(extra[name])


def _describe_database() -> str:
    from airflow_provider_inforu._compat import conf

    if conf.get("inforu", "receiver_database", fallback=""):
        return "the database of [inforu] receiver_database"
    if _DB_MANAGER in (conf.get("database", "external_db_managers", fallback="") or ""):
        return "Airflow's database"
    return "Airflow's database. Run this command again after each upgrade of the package"


def _describe_change(conn_id: str, fields: Mapping[str, str]) -> str:
    changes = []
    if SECRET in fields:
        changes.append(f"a new {SECRET}")
    if PREVIOUS in fields:
        changes.append(f"the old secret as {PREVIOUS}")
    if URL in fields:
        changes.append(f"{URL} {fields[URL]}")
    if not changes:
        return f"{conn_id!r} already has a {SECRET} and a {URL}, so it was not changed"
    return f"stored in {conn_id!r}: {', '.join(changes)}"


def _list_steps(conn_id: str, settings: ReceiverSettings, *, has_new_secret: bool) -> list[str]:
    from airflow_provider_inforu._compat import conf

    steps = []
    if not conf.getboolean("inforu", "receiver_enabled", fallback=False):
        steps.append(
            "The receiver is off: [inforu] receiver_enabled is not set. Set it to True for the API server "
            "(AIRFLOW__INFORU__RECEIVER_ENABLED=True), and restart the API server. Or run the receiver in "
            "its own process: airflow inforu receiver"
        )
    else:
        steps.append("[inforu] receiver_enabled is set. If you set it just now, restart the API server")
    if settings.connections and conn_id not in settings.connections:
        steps.append(
            f"Add {conn_id} to [inforu] receiver_connections, and restart the receiver. It refuses all other "
            "names"
        )
    wait = "Wait 30 seconds, until the receiver knows the new secret. Then set" if has_new_secret else "Set"
    steps.append(f"{wait} the address above at Inforu, in its portal or through its support")
    option = "" if conn_id == "inforu_default" else f" --conn-id {shlex.quote(conn_id)}"
    steps.append(
        f"Run: airflow inforu check{option}\n"
        "     It shows whether the receiver accepts the secret, and when the last push arrived"
    )
    return steps

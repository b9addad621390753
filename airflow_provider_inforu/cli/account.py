"""``airflow inforu check`` and ``quota``: check the connection, and show quotas. They call nobody."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict
from typing import TYPE_CHECKING, NamedTuple

from airflow_provider_inforu.capi.errors import InforuError
from airflow_provider_inforu.cli.cli_errors import (
    AnsweredError,
    CommandError,
    echo,
    handle_cli_errors,
    print_json,
)
from airflow_provider_inforu.cli.connection_lookup import LocalHook
from airflow_provider_inforu.cli.terminal import print_table

if TYPE_CHECKING:
    from argparse import Namespace

    from airflow_provider_inforu.capi.admin import Quota
    from airflow_provider_inforu.outcomes.push_health import PushHealth

_FAILED = "the connection cannot be used"


@handle_cli_errors(_FAILED)
def check(args: Namespace) -> None:
    """Check whether the connection works, and whether its receiver answers.

    :param args: conn_id, output.
    """
    hook = LocalHook(args.conn_id)
    works, words = hook.test_connection()
    receiver = _ask_receiver(hook) if works else _Receiver(None, "not asked")
    ok = works and receiver.works is not False
    if args.output == "json":
        print_json(
            {
                "conn_id": args.conn_id,
                "ok": ok,
                "inforu": {"ok": works, "message": words},
                "receiver": {
                    "ok": receiver.works,
                    "message": receiver.words,
                    "pushes": receiver.pushes.to_json() if receiver.pushes else None,
                },
            }
        )
    elif works:
        echo(f"Inforu: {words}")
        echo(f"Receiver: {receiver.words}" if receiver.works is not False else "Receiver: does not answer")
        if receiver.pushes:
            echo(f"Pushes: {receiver.pushes.describe(args.conn_id, dt.datetime.now(dt.UTC))}")
    if not ok:
        raise AnsweredError(receiver.words if works else words)


@handle_cli_errors(_FAILED)
def quota(args: Namespace) -> None:
    """Print the remaining quotas of the account.

    :param args: conn_id, usage, level, level_value, output.
    """
    from airflow_provider_inforu.sending.advice import advise

    usage = "" if args.usage == "all" else args.usage
    try:
        quotas = LocalHook(args.conn_id).get_quota(
            usage=usage, level=args.level, level_value=args.level_value
        )
    except InforuError as error:
        raise CommandError(advise(error)) from None
    if args.output == "json":
        print_json([asdict(row) for row in quotas])
    elif quotas:
        print_table([_row(row) for row in quotas])
    else:
        echo("Inforu returned no quota.")


def _row(quota: Quota) -> dict[str, object]:
    unlimited = quota.kind.casefold() == "unlimited"
    left: object = "unlimited" if unlimited else "unknown" if quota.remaining is None else quota.remaining
    warning = "" if quota.warning_level is None else quota.warning_level
    return {"usage": quota.usage, "kind": quota.kind, "left": left, "warns below": warning}


class _Receiver(NamedTuple):
    """Whether the receiver works (None: not checked), a sentence about it, and the health of its pushes."""

    works: bool | None
    words: str
    pushes: PushHealth | None = None


def _ask_receiver(hook: LocalHook) -> _Receiver:
    if not (hook.settings.receiver_url or hook.settings.notification_secret):
        return _Receiver(
            None,
            "the connection has none, so no task can wait for the calls to end. Set one up with `airflow "
            "inforu receiver setup`",
        )
    try:
        pushes = hook.receiver.get_health()
    except InforuError as error:
        return _Receiver(works=False, words=str(error))
    secret = "read secret" if hook.settings.read_secret else "notification secret"
    words = f"{hook.settings.receiver_url} answers, and accepts the {secret}"
    return _Receiver(works=True, words=words, pushes=pushes)

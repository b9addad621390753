"""``airflow inforu call``: one call, now, by text-to-speech."""

from __future__ import annotations

import secrets
import signal
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow_provider_inforu.capi.errors import InforuError, InforuInputError
from airflow_provider_inforu.capi.phones import normalize_phone
from airflow_provider_inforu.capi.redact import hide_phones
from airflow_provider_inforu.capi.voice import Call
from airflow_provider_inforu.cli.cli_errors import (
    CommandError,
    UnprintedError,
    UsageError,
    echo,
    handle_cli_errors,
    print_json,
)
from airflow_provider_inforu.cli.connection_lookup import LocalHook
from airflow_provider_inforu.cli.terminal import confirm
from airflow_provider_inforu.sending.advice import advice_on_sending

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator

    from airflow_provider_inforu.capi.voice import SendReceipt

_SHOWN_DIGITS = 2
LOOK_FIRST = "Check the campaigns in the Inforu portal"
_STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PATIENCE_SECONDS = 2.0
"""After a signal, the next ones are ignored for this time. Later ones stop a command that did not end."""


class NotKnownError(CommandError):
    """It is unknown whether the phone rings. The exit code is 3."""

    code = 3


class AcceptedError(UnprintedError):
    """The phone rings, but this cannot be printed. The exit code is 3, never that of "nobody was called"."""

    code = NotKnownError.code


def _for_programs(error: Exception, message: str) -> dict[str, object]:
    outcome = "not_known" if isinstance(error, NotKnownError) else "not_called"
    facts = error.facts if isinstance(error, CommandError) else {}
    return {"outcome": outcome, "send_id": None, "reason": message, **facts}


@contextmanager
def _stop_once() -> Iterator[None]:
    """Stop the block at a signal that ends a command, and ignore the signals of the next two seconds.

    Otherwise a signal would end the command with the signal's own exit code and without a message.
    """
    stopped_at: float | None = None

    def stop(_number: int, _frame: object) -> None:
        nonlocal stopped_at
        if stopped_at is None or time.monotonic() - stopped_at > _PATIENCE_SECONDS:
            stopped_at = time.monotonic()
            raise KeyboardInterrupt

    # A signal that is ignored already stays so, such as SIGHUP below nohup.
    before = {n: handler for n in _STOPS if (handler := signal.getsignal(n)) not in (signal.SIG_IGN, None)}
    for number in before:
        signal.signal(number, stop)
    try:
        yield
    finally:
        # When Python ends, a signal would still change the exit code.
        for number, handler in before.items():
            signal.signal(number, handler if stopped_at is None else signal.SIG_IGN)


def call(args: Namespace) -> None:
    """Call one phone and read a text to the person who answers.

    :param args: phone, text, conn_id, yes, output.
    """
    with _stop_once():
        _call(args)


@handle_cli_errors("nobody was called", _for_programs)
def _call(args: Namespace) -> None:
    phone, text = _read_phone(args.phone), args.text.strip()
    if not text:
        raise UsageError("the text is empty: nobody was called. Pass the text to read out")
    hook = LocalHook(args.conn_id)
    settings = hook.settings  # read before the question, so that an invalid connection fails first
    shown = f"the phone that ends in {phone[-_SHOWN_DIGITS:]}"
    confirm(
        f"Through {args.conn_id} ({settings.username} at {settings.base_url}), {shown} will ring now. "
        f"The person who answers hears:\n  {hide_phones(text)}",
        ask="Call?",
        otherwise="nobody was called",
        yes=args.yes,
    )
    _send_and_tell(hook, phone, text, shown if args.output == "table" else None)


def _read_phone(raw: str) -> str:
    try:
        return normalize_phone(raw)
    except InforuInputError as error:
        raise UsageError(f"{error}: nobody was called. Pass one Israeli phone number") from None


def _send_and_tell(hook: LocalHook, phone: str, text: str, shown: str | None) -> None:
    """Make the request, and print the result.

    :raises CommandError: The phone does not ring.
    :raises NotKnownError: The phone may ring.
    :raises AcceptedError: The phone rings, but this cannot be printed.
    """
    send_id = secrets.token_hex(8)
    try:
        _send(hook, phone, text, shown, send_id)
    except KeyboardInterrupt:  # also while an error is explained
        raise _interrupted("you stopped it", send_id) from None


def _send(hook: LocalHook, phone: str, text: str, shown: str | None, send_id: str) -> None:
    """Make the request, print the result, and classify each error by whether the phone rings.

    :raises CommandError: The phone does not ring.
    :raises NotKnownError: The phone may ring.
    :raises AcceptedError: The phone rings, but this cannot be printed.
    """
    receipt = None
    try:
        receipt = hook.send_text_to_speech([Call(phone, text, f"{send_id}-1")])
        _tell(receipt, send_id, shown)
    except InforuError as error:
        raise _explain_error(error, send_id) from None
    except (Exception, KeyboardInterrupt) as error:
        # No error here may print "nobody was called": a script would call a second time.
        if receipt is not None:
            raise AcceptedError(
                f"accepted: the phone rings (send {send_id}), but this cannot be printed "
                f"({type(error).__name__}). Do not call again"
            ) from None
        cause = "you stopped it" if isinstance(error, KeyboardInterrupt) else type(error).__name__
        raise _interrupted(cause, send_id) from None


def _interrupted(cause: str, send_id: str) -> NotKnownError:
    return NotKnownError(
        f"it is unknown whether the phone rings: the request was interrupted ({cause}). {LOOK_FIRST} before "
        "you call again",
        send_id=send_id,
    )


def _explain_error(error: InforuError, send_id: str) -> CommandError:
    if not error.safe_to_resend:
        advice = "" if LOOK_FIRST in str(error) else f". {LOOK_FIRST} before you call again"
        return NotKnownError(f"it is unknown whether the phone rings: {error}{advice}", send_id=send_id)
    advice = advice_on_sending(error)
    return CommandError(f"nobody was called: {error}{f'. {advice}' if advice else ''}", send_id=send_id)


def _tell(receipt: SendReceipt, send_id: str, shown: str | None) -> None:
    """Print the accepted call: as JSON, or as text with the last digits of the phone."""
    if shown is None:
        print_json(
            {
                "outcome": "accepted",
                "send_id": send_id,
                "campaign_id": receipt.campaign_id,
                "request_token": receipt.request_token,
            }
        )
        return
    campaign = "" if receipt.campaign_id is None else f", campaign {receipt.campaign_id}"
    echo(
        f"Accepted: Inforu calls {shown} (send {send_id}{campaign}).\n"
        "The Inforu portal shows later whether the call was answered. So does the receiver, if you use one."
    )

"""``airflow inforu call``: one call, now, by text-to-speech."""

from __future__ import annotations

import secrets
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
from airflow_provider_inforu.hooks.advice import advice_on_sending

if TYPE_CHECKING:
    from argparse import Namespace

    from airflow_provider_inforu.capi.voice import SendReceipt

_SHOWN_DIGITS = 2
LOOK_FIRST = "look at the campaigns in the Inforu portal before you call again"


class NotKnownError(CommandError):
    """Whether somebody is called is not known; the command ends with exit code 3."""

    code = 3


class AcceptedError(UnprintedError):
    """The phone rings, and nobody could be told; not to be taken for "nobody was called" either."""

    code = NotKnownError.code


def _for_programs(error: Exception, message: str) -> dict[str, object]:
    outcome = "not_known" if isinstance(error, NotKnownError) else "not_called"
    facts = error.facts if isinstance(error, CommandError) else {}
    return {"outcome": outcome, "send_id": None, "reason": message, **facts}


@handle_cli_errors("nobody was called", _for_programs)
def call(args: Namespace) -> None:
    """Call one phone and read a text to whoever answers.

    :param args: phone, text, conn_id, yes, output.
    """
    phone, text = _read_phone(args.phone), args.text.strip()
    if not text:
        raise UsageError("the text is empty: nobody was called")
    hook = LocalHook(args.conn_id)
    settings = hook.settings  # read before the question, so that nobody agrees in vain
    shown = f"the phone that ends in {phone[-_SHOWN_DIGITS:]}"
    confirm(
        f"Through {args.conn_id} ({settings.username} at {settings.base_url}), {shown} will ring now, "
        f"and whoever answers hears:\n  {hide_phones(text)}",
        ask="Call?",
        otherwise="nobody was called",
        yes=args.yes,
    )
    _send_and_tell(hook, phone, text, shown if args.output == "table" else None)


def _read_phone(raw: str) -> str:
    try:
        return normalize_phone(raw)
    except InforuInputError as error:
        raise UsageError(f"{error}: nobody was called") from None


def _send_and_tell(hook: LocalHook, phone: str, text: str, shown: str | None) -> None:
    """Make the request, and turn what goes wrong into what it means for the person who is called.

    :raises CommandError: Nobody is called.
    :raises NotKnownError: Perhaps somebody is.
    :raises AcceptedError: Somebody is, and that cannot be printed.
    """
    send_id = secrets.token_hex(8)
    receipt = None
    try:
        receipt = hook.send_text_to_speech([Call(phone, text, f"{send_id}-1")])
        _tell(receipt, send_id, shown)
    except InforuError as error:
        raise _explain_error(error, send_id) from None
    except (Exception, KeyboardInterrupt) as error:
        # Whatever it was, and whenever: a script that reads "nobody was called" calls a second time.
        if receipt is not None:
            raise AcceptedError(
                f"accepted: the phone rings (send {send_id}), but this cannot be printed "
                f"({type(error).__name__}). Do not call again"
            ) from None
        what = "stopped" if isinstance(error, KeyboardInterrupt) else type(error).__name__
        raise NotKnownError(
            f"not known whether it rings: {what} while the request was under way; {LOOK_FIRST}",
            send_id=send_id,
        ) from None


def _explain_error(error: InforuError, send_id: str) -> CommandError:
    if not error.safe_to_resend:
        return NotKnownError(f"not known whether it rings: {error}; {LOOK_FIRST}", send_id=send_id)
    advice = advice_on_sending(error)
    return CommandError(f"nobody was called: {error}{f'. {advice}' if advice else ''}", send_id=send_id)


def _tell(receipt: SendReceipt, send_id: str, shown: str | None) -> None:
    """Print what was accepted: as JSON, or for a person who is shown a part of the phone."""
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
        "Whether somebody answers is not known yet: the portal shows it, and the receiver where there is one."
    )

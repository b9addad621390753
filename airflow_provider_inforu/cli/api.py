"""A client of Airflow's public REST API, with login and readable errors."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote, urlsplit

from airflow_provider_inforu.cli.cli_errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from requests import PreparedRequest, Response, Session

TIMEOUT_SECONDS = 30
HOW_TO_LOG_IN = "Set AIRFLOW_API_TOKEN, or AIRFLOW_API_USERNAME and AIRFLOW_API_PASSWORD"
NOT_ALLOWED = (401, 403)


class NotFoundError(CommandError):
    """Airflow answered HTTP 404. The message is Airflow's."""


class AirflowApi:
    """A client of Airflow's API for one user. It logs in with the first request.

    :param url: The address of Airflow, as in ``[api] base_url``.
    """

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        try:
            parts = urlsplit(self._url)
            port = f":{parts.port}" if parts.port else ""
        except ValueError:
            raise CommandError("the address of Airflow is not a valid URL. Check --url") from None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise CommandError("the address of Airflow must begin with http:// or https://. Check --url")
        # Without the user and password that a URL may contain.
        self._shown = f"{parts.scheme}://{parts.hostname}{port}{parts.path}"
        self._session: Session | None = None

    def request(
        self,
        method: str,
        path: list[str],
        *,
        params: Mapping[str, Any] | None = None,
        body: object = None,
    ) -> Any:  # noqa: ANN401 - a JSON value
        """Make a request to ``/api/v2/…`` and return the JSON response; None for a response without content.

        :param method: GET or PUT.
        :param path: The parts of the path, not URL-quoted.
        :param params: The query parameters.
        :param body: The JSON value to send.
        :raises NotFoundError: Airflow answered HTTP 404.
        :raises CommandError: Airflow cannot be reached, or refused the request.
        """
        if self._session is None:
            self._session = self._log_in()
        url = "/".join([self._url, "api", "v2", *(quote(part, safe="") for part in path)])
        response = self._send(self._session, method, url, params=params, json=body)
        if response.status_code == 204:
            return None
        answer = self._read(response)
        if response.status_code == 404:
            raise NotFoundError(_detail(answer))
        if response.status_code in NOT_ALLOWED:
            raise CommandError(
                f"Airflow at {self._shown} refused the request (HTTP {response.status_code}). {HOW_TO_LOG_IN}"
            )
        if response.status_code != 200:
            raise CommandError(
                f"Airflow at {self._shown} answered HTTP {response.status_code}: {_detail(answer)}"
            )
        return answer

    def _log_in(self) -> Session:
        import requests

        session = requests.Session()
        # Otherwise `requests` would add an entry of ~/.netrc to the request for a token.
        session.auth = _add_nothing
        token = os.environ.get("AIRFLOW_API_TOKEN", "").strip() or self._fetch_token(session)
        if not token.isascii() or not token.isprintable():
            raise CommandError("the token for Airflow's API has invalid characters. Check AIRFLOW_API_TOKEN")

        def authenticate(request: PreparedRequest) -> PreparedRequest:
            request.headers["Authorization"] = f"Bearer {token}"
            return request

        # Not as a header of the session, which an entry in ~/.netrc would replace.
        session.auth = authenticate
        return session

    def _fetch_token(self, session: Session) -> str:
        url = f"{self._url}/auth/token"
        user = os.environ.get("AIRFLOW_API_USERNAME")
        if user:
            login = {"username": user, "password": os.environ.get("AIRFLOW_API_PASSWORD", "")}
            response = self._send(session, "POST", url, json=login)
        else:
            # Airflow's simple auth manager returns a token to everyone if all users are admins.
            response = self._send(session, "GET", url)
        if 400 <= response.status_code < 500:
            raise CommandError(
                f"Airflow at {self._shown} gave no token (HTTP {response.status_code}). {HOW_TO_LOG_IN}"
            )
        answer = self._read(response)
        if not isinstance(answer, dict) or not isinstance(answer.get("access_token"), str):
            raise CommandError(
                f"Airflow at {self._shown} gave no token (HTTP {response.status_code}). {HOW_TO_LOG_IN}"
            )
        return cast("str", answer["access_token"])

    def _send(self, session: Session, method: str, url: str, **kwargs: Any) -> Response:  # noqa: ANN401
        import requests

        try:
            # A redirect would turn a PUT into a GET, or send the token to another server.
            return session.request(method, url, timeout=TIMEOUT_SECONDS, allow_redirects=False, **kwargs)
        except requests.RequestException as error:
            # The error's text may contain the token or a proxy's password.
            raise CommandError(
                f"Airflow at {self._shown} cannot be reached ({type(error).__name__}). Check --url"
            ) from None

    def _read(self, response: Response) -> Any:  # noqa: ANN401 - a JSON value
        try:
            return response.json()
        except ValueError:
            raise CommandError(
                f"the server at {self._shown} is not Airflow's API (HTTP {response.status_code}, no JSON). "
                "Check --url"
            ) from None


def _add_nothing(request: PreparedRequest) -> PreparedRequest:
    return request


def _detail(answer: object) -> str:
    """Return the detail of Airflow's error response, in one line."""
    detail = answer.get("detail") if isinstance(answer, dict) else None
    return " ".join(str(detail or "no reason given").split())[:500]

"""A connection for a command to change: its extra, and the place where Airflow stores it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_inforu.cli.cli_errors import CommandError
from airflow_provider_inforu.cli.connection_lookup import find_local_connection

if TYPE_CHECKING:
    from collections.abc import Mapping

UNCHANGED = "Nothing was changed"


@dataclass(frozen=True, slots=True)
class FoundConnection:
    """A connection and the place where Airflow stores it. Its repr shows no secret.

    :ivar conn_id: The ID of the connection.
    :ivar elsewhere: The name of another place; None for Airflow's database, where it can be changed.
    :ivar extra: The fields of the connection's extra.
    """

    conn_id: str
    elsewhere: str | None
    extra: Mapping[str, Any] = field(repr=False)
    _stored: str | None = field(repr=False)

    @classmethod
    def find(cls, conn_id: str) -> FoundConnection:
        """Return a connection with the place where Airflow stores it.

        :param conn_id: The ID of the connection.
        :raises CommandError: The connection is missing, not of type ``inforu``, or cannot be read.
        """
        from airflow.secrets.environment_variables import EnvironmentVariablesBackend
        from airflow.secrets.metastore import MetastoreBackend

        connection, backend = find_local_connection(conn_id)
        elsewhere: str | None = f"the secrets backend {type(backend).__name__}"
        if isinstance(backend, MetastoreBackend):
            elsewhere = None
        elif isinstance(backend, EnvironmentVariablesBackend):
            elsewhere = f"the environment variable AIRFLOW_CONN_{conn_id.upper()}"
        try:
            stored = connection.extra
            extra = dict(json.loads(stored or "{}"))
        except Exception as error:
            # The error's text may show the extra.
            raise CommandError(
                f"the extra of the connection {conn_id!r} cannot be read ({type(error).__name__}). "
                f"{UNCHANGED}. Check that it is a JSON object, and that [core] fernet_key is the key that "
                "encrypted it"
            ) from None
        return cls(conn_id, elsewhere, extra, stored)

    def store(self, fields: Mapping[str, str]) -> None:
        """Set fields of the extra in Airflow's database. The other fields stay unchanged.

        :param fields: The new values by field name.
        :raises CommandError: The connection was not changed.
        """
        from airflow.models.connection import Connection
        from airflow.utils.session import create_session
        from sqlalchemy import select

        extra = json.dumps({**self.extra, **fields})
        try:
            with create_session() as session:
                query = select(Connection).where(Connection.conn_id == self.conn_id).with_for_update()
                row = session.scalars(query).one_or_none()
                if row is not None and row.extra == self._stored:
                    row.extra = extra
                    return
        except Exception as error:
            # The error of a database may contain the new values.
            raise CommandError(
                f"the connection {self.conn_id!r} could not be changed ({type(error).__name__}). Check "
                "Airflow's database, then run the command again"
            ) from None
        raise CommandError(
            f"the connection {self.conn_id!r} was changed at the same time by another user, so this "
            "command did not change it. Run the command again"
        )

"""The address of a shop's database in an Airflow connection."""

from __future__ import annotations

from airflow.sdk import Connection


def connection_address(name: str) -> str:
    """Return the address of a connection, with its password. Raises IncompleteConnection.

    The address is only passed to the driver: no log, XCom or rendered field has it.
    """
    from airflow.exceptions import AirflowNotFoundException  # type: ignore[attr-defined]

    from clickstream.errors import IncompleteConnection

    try:
        return str(Connection.get(name).get_uri())
    except AirflowNotFoundException:
        raise IncompleteConnection(
            f"Airflow has no connection {name}, which [[sales]] connection names. Add it, of type "
            "Postgres or MySQL."
        ) from None

"""Airflow, as the tests of what the DAGs share need it."""

from tests.support.airflow_home import (  # noqa: F401, pytest finds its fixtures by these names
    airflow_home,
    connection,
    home,
    no_settings_from_outside,
)

"""Fixtures: an Airflow for the tests of the DAG files."""

from tests.support.airflow_home import (  # noqa: F401, pytest finds its fixtures by these names
    airflow_home,
    connection,
    home,
    no_settings_from_outside,
)

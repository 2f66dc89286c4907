"""Fixtures: an Airflow for the tests of the DAG files."""

from tests.support.airflow_home import (  # noqa: F401, pytest finds its fixtures by these names
    airflow_home,
    bag,
    connection,
    few_views,
    home,
    no_settings_from_outside,
)

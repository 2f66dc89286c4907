"""Fixtures: an Airflow for the tests of the package that the DAGs share."""

from tests.support.airflow_home import (  # noqa: F401, pytest finds its fixtures by these names
    airflow_home,
    connection,
    home,
    no_settings_from_outside,
)

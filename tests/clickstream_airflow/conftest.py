"""Fixtures: an Airflow for the tests of the package that the DAGs share."""

from tests.support.airflow_home import (  # noqa: F401, pytest finds its fixtures by these names
    airflow_home,
    bag,
    connection,
    few_views,
    home,
    no_settings_from_outside,
)

from __future__ import annotations

from pathlib import Path

import pytest

from clickstream.demo.stack import Ports, StackLayout
from clickstream.demo.stack.environment import airflow_environment
from clickstream.demo.stack.layout import HOST, Secrets

SECRETS = Secrets.new()


def environment(inherited: dict[str, str], root: Path = Path("/project")) -> dict[str, str]:
    return airflow_environment(StackLayout(root), Ports(18080, 14566, 18095), SECRETS, inherited)


def test_both_addresses_of_the_api_agree_with_its_port() -> None:
    made = environment({})
    url = f"http://{HOST}:{made['AIRFLOW__API__PORT']}"
    assert made["AIRFLOW__API__BASE_URL"] == url
    assert made["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == f"{url}/execution/"


def test_the_dashboard_keeps_its_files_below_the_stack_s_own_directory() -> None:
    made = environment({"CLICKSTREAM_DASHBOARD__DIRECTORY": "/elsewhere"})
    assert made["CLICKSTREAM_DASHBOARD__DIRECTORY"] == "/project/var/dashboard"
    assert made["STACK_DASHBOARD_PORT"] == "18095"
    assert made["STACK_DASHBOARD_URL"] == f"http://{HOST}:18095"


@pytest.mark.parametrize(
    "name",
    [
        "AWS_PROFILE",
        "AWS_SESSION_TOKEN",
        "AWS_ENDPOINT_URL_S3",
        "AIRFLOW_CONN_AWS_DEFAULT",
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST",
    ],
)
def test_nothing_of_another_account_or_airflow_comes_through(name: str) -> None:
    assert name not in environment({name: "real"})


def test_a_real_account_s_own_values_are_replaced() -> None:
    made = environment({"AWS_ACCESS_KEY_ID": "AKIA", "AWS_ENDPOINT_URL": "https://aws.example"})
    assert made["AWS_ACCESS_KEY_ID"] == "local"
    assert made["AWS_ENDPOINT_URL"] == f"http://{HOST}:14566"


def test_tuning_can_be_overridden_and_what_must_agree_can_not() -> None:
    asked = {"AIRFLOW__CORE__PARALLELISM": "6", "AIRFLOW__API__PORT": "1"}
    made = environment(asked)
    assert made["AIRFLOW__CORE__PARALLELISM"] == "6"
    assert made["AIRFLOW__API__PORT"] == "18080"


def test_airflow_gets_the_settings_file_and_variables_of_the_caller(tmp_path: Path) -> None:
    (tmp_path / "clickstream.toml").touch()
    made = environment({"CLICKSTREAM_SESSIONS__TIMEOUT_SECONDS": "900"}, tmp_path)
    assert made["CLICKSTREAM_SETTINGS"] == str(tmp_path / "clickstream.toml")
    assert made["CLICKSTREAM_SESSIONS__TIMEOUT_SECONDS"] == "900"
    elsewhere = environment({"CLICKSTREAM_SETTINGS": "/other.toml"}, tmp_path)
    assert elsewhere["CLICKSTREAM_SETTINGS"] == "/other.toml"

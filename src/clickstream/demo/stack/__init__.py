"""The local stack: PostgreSQL, a local AWS, Airflow and the dashboard, on 127.0.0.1 only.

`clickstream up` calls `up`. The demo and tests use `running_stack`.
"""

from clickstream.demo.stack.airflow_api import AirflowApi, AirflowError
from clickstream.demo.stack.layout import Ports, StackError, StackLayout
from clickstream.demo.stack.stack import Stack, running_stack, show_addresses, up

__all__ = [
    "AirflowApi",
    "AirflowError",
    "Ports",
    "Stack",
    "StackError",
    "StackLayout",
    "running_stack",
    "show_addresses",
    "up",
]

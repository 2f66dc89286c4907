"""A DAG with the schedule of the hourly run that does nothing but say which hour it is for."""

from airflow.sdk import dag, get_current_context, task
from airflow.timetables.interval import CronDataIntervalTimetable

from clickstream_airflow.forms import hour_param
from clickstream_airflow.run_hour import resolve_hour


@task
def resolve() -> str:
    return str(resolve_hour(get_current_context()["dag_run"]))


@dag(
    schedule=CronDataIntervalTimetable("0 * * * *", timezone="UTC"),
    catchup=False,
    params={"hour": hour_param()},
)
def which_hour():
    resolve()


which_hour()

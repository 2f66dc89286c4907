"""A DAG of other people that runs after each publication: the example of docs/airflow.md."""

from airflow.sdk import Asset, dag, task


@task
def hours(triggering_asset_events=None):
    """The hours that were published since the last run of this DAG."""
    events = triggering_asset_events[Asset("clickstream.hour_ledger")]
    return sorted({hour for event in events for hour in event.extra["hours"]})


@dag(schedule=[Asset("clickstream.hour_ledger")], catchup=False)
def reads_fresh_data():
    hours()


reads_fresh_data()

"""A DAG of other people, which runs whenever the hourly DAG has published an hour."""

from airflow.sdk import Asset, dag, task


@task
def read(triggering_asset_events=None):
    return [event.extra for events in triggering_asset_events.values() for event in events]


@dag(schedule=[Asset("clickstream.hour_ledger")], catchup=False)
def reads_fresh_data():
    read()


reads_fresh_data()

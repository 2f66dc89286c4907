"""Alerts: one for each incident, and one when it is over.

An incident is a condition of the lake, or the failed runs of a DAG. `check` compares the conditions
that hold now with the open incidents, `deliver` sends what is due. The task `report_health` and
`clickstream watch` call `check`; several of them may run at the same time.
"""

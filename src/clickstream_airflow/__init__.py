"""The code that the DAGs and the plugin share; the only package in `src/` that imports Airflow.

DAG files import its modules at their top, and every task process parses its DAG file again. So
these modules import nothing heavy at their top, neither the library nor pandas nor boto3.
"""

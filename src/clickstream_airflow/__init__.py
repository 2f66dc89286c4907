"""Code shared by the DAGs and the plugin. No other package in `src/` imports Airflow.

DAG files import these modules, and every task process parses its DAG file again. So the modules
import heavy packages (the library, pandas, boto3) only inside functions.
"""

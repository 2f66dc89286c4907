# The official image with this project's locked requirements: the versions that the laptop and the
# tests run with, and not the image's own constraints, which hold pandas back.
FROM apache/airflow:3.3.2-python3.12

COPY requirements.txt /tmp/requirements.txt
RUN pip install --no-cache-dir --require-hashes -r /tmp/requirements.txt

COPY --chown=airflow:root pyproject.toml hatch_build.py README.md LICENSE /opt/clickstream/
COPY --chown=airflow:root src /opt/clickstream/src
COPY --chown=airflow:root include/sql /opt/clickstream/include/sql
RUN pip install --no-cache-dir --no-deps /opt/clickstream

COPY --chown=airflow:root clickstream.toml /opt/airflow/clickstream.toml
COPY --chown=airflow:root include /opt/airflow/include
COPY --chown=airflow:root plugins /opt/airflow/plugins
COPY --chown=airflow:root dags /opt/airflow/dags

# Airflow's scheduler imports these modules before it forks workers.
RUN mkdir -p /opt/airflow/config && \
    echo "import clickstream.demo.stack.preload as _preload" > /opt/airflow/config/airflow_local_settings.py

# Volumes mounted here take over these directories' owner. All else is read-only in a container.
RUN mkdir -p /opt/airflow/state/alerts /opt/airflow/state/aws /opt/airflow/state/dashboard \
    /opt/airflow/state/login /opt/airflow/logs /opt/airflow/scratch /opt/airflow/var/cafe-logs /opt/airflow/var/ssh && \
    chmod 700 /opt/airflow/state/*

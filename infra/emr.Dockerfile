# Image of an application of EMR Serverless: Spark of EMR, this package and its settings (docs/spark.md).
# Build it in the directory of the project, for the processor of the application:
#
#   docker build --platform linux/arm64 --file infra/emr.Dockerfile --tag REPOSITORY:TAG .
ARG RELEASE=emr-spark-8.0.0
FROM public.ecr.aws/emr-serverless/spark/${RELEASE}:latest

USER root
RUN dnf install -y python3.12 && dnf clean all && python3.12 -m venv /opt/clickstream/venv

# The versions that Airflow's image has, with their hashes.
COPY requirements.txt /tmp/requirements.txt
RUN /opt/clickstream/venv/bin/pip install --no-cache-dir --require-hashes -r /tmp/requirements.txt

COPY pyproject.toml hatch_build.py README.md LICENSE clickstream.toml /opt/clickstream/
COPY src /opt/clickstream/src
COPY include /opt/clickstream/include
RUN /opt/clickstream/venv/bin/pip install --no-cache-dir --no-deps /opt/clickstream

USER hadoop:hadoop

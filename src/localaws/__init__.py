"""AWS on one machine: S3, the Glue Data Catalog, Athena and Secrets Manager in one process.

Start it with ``python -m localaws --root DIR --port N`` and point clients at it with
``AWS_ENDPOINT_URL``. Acknowledged writes survive a crash. A request for a feature that localaws
lacks fails with an error that names the feature.
"""

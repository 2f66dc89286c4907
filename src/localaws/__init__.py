"""AWS on one machine: S3, the Glue Data Catalog, Athena and Secrets Manager in one process.

Start it with ``python -m localaws --root DIR --port N`` and point clients at it with
``AWS_ENDPOINT_URL``. Whatever was acknowledged survives a crash; whatever is not supported is
refused with an error that names it.
"""

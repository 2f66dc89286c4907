"""Iceberg tables through pyiceberg: catalog, schemas, data files, scans, maintenance."""

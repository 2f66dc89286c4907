"""The Glue Data Catalog: databases, tables and views, as JSON with versions.

Iceberg commits by UpdateTable with the ``VersionId`` it has read; the check and the update are one
transaction here, so of two writers that read the same version one commits and the other is told.
Partitions are refused: Iceberg keeps its own.
"""

from localaws.glue.catalog import GlueCatalogStore

__all__ = ["GlueCatalogStore"]

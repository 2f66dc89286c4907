"""The Glue Data Catalog: databases, tables and views, as JSON with versions.

Iceberg commits with UpdateTable and the ``VersionId`` that it has read. Check and update are one
transaction here: of two writers that have read the same version, one commits and the other gets
ConcurrentModificationException. Operations on partitions are refused, because Iceberg stores
partitions itself.
"""

from localaws.glue.catalog import GlueCatalogStore

__all__ = ["GlueCatalogStore"]

"""S3: rows of SQLite that name blob files, behind the part of the REST API that clients here use.

``S3`` answers requests. ``BlobAccess`` gives the other services of the process access to objects.
"""

from localaws.s3.api import S3, BlobAccess
from localaws.s3.protocol import S3Request

__all__ = ["S3", "BlobAccess", "S3Request"]

"""S3: a SQLite index and immutable blob files, behind S3's REST API.

``S3`` answers requests. ``BlobAccess`` gives the other services of the process access to objects.
"""

from localaws.s3.api import S3, BlobAccess
from localaws.s3.request import S3Request, split_path

__all__ = ["S3", "BlobAccess", "S3Request", "split_path"]

"""Pulls: store every finished line of every log file in the raw store, in its own hour, once.

`hosts` opens the logs of one host or several, `host` pulls the files of one, `file` one file range
after range.
"""

from clickstream.pipeline.pull.host import pull_source
from clickstream.pipeline.pull.hosts import pull_all, pull_host
from clickstream.pipeline.pull.result import Pulled

__all__ = ["Pulled", "pull_all", "pull_host", "pull_source"]

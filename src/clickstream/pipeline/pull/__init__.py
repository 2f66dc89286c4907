"""Pulls: store every finished line of every log file in the raw store, in its own hour, once.

`host` opens the logs of one host or several and pulls their files, `file` pulls one file, range
after range.
"""

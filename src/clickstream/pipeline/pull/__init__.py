"""Pulls: store every finished line of every log file in the raw store, in its own hour, once.

`all_hosts` opens the logs of one host or several, `host` pulls the files of one, `file` one file,
range after range.
"""

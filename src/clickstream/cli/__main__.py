"""Entry point of `python -m clickstream.cli`."""

from clickstream.__main__ import main

main()

"""Entry point of `python -m clickstream.cli`."""

from clickstream.cli import main

main()

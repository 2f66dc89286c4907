"""Entry point of the command `clickstream`, and of `python -m clickstream`."""

import signal

from clickstream.core.ending_signals import exit_on


def main() -> None:
    """Run the command line. Ctrl-C ends it with exit code 130, also while it is imported."""
    with exit_on(signal.SIGINT):
        from clickstream import cli

        cli.main()


if __name__ == "__main__":
    main()

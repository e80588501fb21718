"""The exit status of a tool that runs in the process of its test."""

import sys


def exit_status(stop: SystemExit) -> int | None:
    """Write the message of an exit to stderr and return the status, as Python does."""
    if not isinstance(stop.code, str):
        return stop.code
    sys.stderr.write(f'{stop.code}\n')
    return 1

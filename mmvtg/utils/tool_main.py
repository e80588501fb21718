"""The way in which all tools end: with one line for the user, or with a traceback."""

import errno
import functools
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from mmvtg.datasets.errors import AnnotationError, BadSampleError
from mmvtg.datasets.pack_writer import StoreBusyError
from mmvtg.part_arguments import ConfigError

from .tensor_files import CheckpointError

_Main = TypeVar('_Main', bound=Callable[..., Any])
#: Errors of the input, wherever they are raised.
_INPUT = (
    AnnotationError,
    BadSampleError,
    CheckpointError,
    ConfigError,
    ImportError,
    StoreBusyError,
)
#: Errors whose messages are for users if code of mmvtg raises them.
_OWN = (OSError, ValueError, TypeError, RuntimeError, KeyError)
#: What to do about an error of the system.
_REMEDIES = {
    errno.ENOSPC: 'free some space',
    errno.EDQUOT: 'free some space, or ask for a larger quota',
    errno.EFBIG: 'choose a disk that holds larger files',
    errno.EACCES: 'choose another folder, or change the permissions',
    errno.EPERM: 'choose another folder, or change the permissions',
    errno.EROFS: 'choose another folder, because this one cannot be written',
    errno.ENOENT: 'check the path',
    errno.ENOTDIR: 'choose another folder, because a part of the path is a file',
    errno.EISDIR: 'give the path of a file',
}
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
STOPPED = 130  # exit status of a program that Ctrl-C ended


def tool_main(
    go_on: str = '', also: tuple[type[Exception], ...] = ()
) -> Callable[[_Main], _Main]:
    """Decorate the main function of a tool.

    An error of the input ends the tool with one line and status 1, and Ctrl-C with one
    line and status 130. ``--debug`` on the command line shows the traceback, too.

    Args:
        go_on (str): How to go on with an interrupted run, ``'go on with --resume'``.
        also (tuple[type]): Errors that count as errors of the input in this tool.
    """

    def decorate(main: _Main) -> _Main:
        @functools.wraps(main)
        def run(*args: Any, **kwargs: Any) -> Any:
            debug = '--debug' in sys.argv[1:]
            sys.argv[1:] = [word for word in sys.argv[1:] if word != '--debug']
            with explained_errors(go_on, also, debug):
                return main(*args, **kwargs)

        return run  # type: ignore[return-value]

    return decorate


@contextmanager
def explained_errors(
    go_on: str = '', also: tuple[type[Exception], ...] = (), debug: bool = False
) -> Iterator[None]:
    """Exit with only the message of an error of the input.

    Errors that may be faults of the code keep their traceback.

    Args:
        go_on (str): How to go on with an interrupted run.
        also (tuple[type]): Further errors of the input.
        debug (bool): Keep all tracebacks.

    Raises:
        SystemExit: If the input is wrong, a file cannot be read or written, or the user
            stops the run.
    """
    try:
        yield
    except SystemExit as error:
        if debug and error.__cause__ is not None:
            traceback.print_exception(error.__cause__)
        raise
    except BaseException as error:
        if _was_stopped(error) and not debug:
            sys.stderr.write(f'stopped{"; " if go_on else ""}{go_on}\n')
            raise SystemExit(STOPPED) from error
        if debug or not (isinstance(error, also) or is_input_error(error)):
            raise
        raise SystemExit(f'error: {explain(error, go_on)}') from error


def _was_stopped(error: BaseException | None) -> bool:
    """Return True for Ctrl-C, also if a library raised another error because of it.

    yapf, with which mmengine formats configs, turns every exception into its own.
    """
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def is_input_error(error: BaseException) -> bool:
    """Return True if the message of an error tells users what to change.

    These are errors of known classes, errors of the system, and errors that code of
    mmvtg raises itself. Errors from inside of torch may be faults of the code.
    """
    if isinstance(error, _INPUT):
        return True
    if isinstance(error, OSError) and error.errno is not None:
        return True
    return isinstance(error, _OWN) and _raised_by_mmvtg(error)


def _raised_by_mmvtg(error: BaseException) -> bool:
    """Return True if a ``raise`` of mmvtg or of a tool made the error."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames or not (frames[-1].line or '').startswith('raise '):
        return False
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    return frame.f_globals.get('__name__', '').partition('.')[0] in (
        'mmvtg',
        '__main__',
    )


def explain(error: BaseException, go_on: str = '') -> str:
    """Return the message of an error, with a remedy for errors of the system."""
    if isinstance(error, OSError) and error.errno is not None:
        remedy = _REMEDIES.get(error.errno)
        place = f'{os.fspath(error.filename)}: ' if error.filename else ''
        parts = [f'{place}{error.strerror or error}', remedy]
        if error.errno in _NO_ROOM:  # The run was fine until then.
            parts.append(go_on)
        return '; '.join(part for part in parts if part)
    if isinstance(error, KeyError) and error.args:
        return str(error.args[0])  # str() would add quotes
    text = str(error)
    if 'Original Traceback' in text:  # torch adds the traceback of a data worker
        text = text.strip().splitlines()[-1].partition(': ')[2]
    return text

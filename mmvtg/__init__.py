"""mmvtg: say what happens in a video and learn when it happens."""

import sys

from .version import __version__


def _apply_mends() -> None:
    """Apply the mends of :mod:`mmvtg.compat`; say what to do if a package is missing.

    Raises:
        ImportError: A package that mmvtg needs cannot be imported.
    """
    try:
        from .compat import apply_mends

        apply_mends()
    except Exception as error:
        # `python -m mmvtg.selfcheck` imports this file first, and is there to report
        # just such failures
        if sys.argv[:1] == ['-m'] and 'mmvtg.selfcheck' in sys.orig_argv:
            return
        missing = getattr(error, 'name', None) or ''
        if not isinstance(error, ImportError) or missing.startswith('mmvtg'):
            raise
        raise ImportError(
            f'mmvtg needs a package that cannot be imported: {error}. Install mmvtg '
            'with its requirements (`pip install -e .` in its folder); '
            '`python -m mmvtg.selfcheck` lists all that is missing',
            name=error.name,
        ) from error


_apply_mends()

__all__ = ['__version__']

"""The command line that all converters share; not a converter itself."""

import argparse
from typing import Callable, Optional

from mmvtg.datasets.converters import Conversion
from mmvtg.utils.tool_main import tool_main


@tool_main(also=(ValueError,))
def run(
    description: str,
    convert: Callable[[argparse.Namespace], Conversion],
    add_arguments: Optional[Callable[[argparse.ArgumentParser], None]] = None,
) -> None:
    """Read the command line, convert, write, and say what came of it.

    Args:
        description: Help text.
        convert: Arguments -> what was converted.
        add_arguments: Adds those of one benchmark.
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('source', help='annotation file, .gz allowed')
    parser.add_argument('out', help='JSON lines file to write')
    if add_arguments is not None:
        add_arguments(parser)
    args = parser.parse_args()
    result = convert(args)
    result.save(args.out)
    print(f'{args.out}: {result.summary()}')

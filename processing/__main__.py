"""`python -m processing COMMAND …`: each module of `processing.command_line` is one command."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys
from collections.abc import Sequence

from processing import command_line
from processing.errors import InputError

STATUS = "Bad input ends in one sentence on stderr and exit status 2."


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status, 2 with one sentence on stderr for bad input."""
    words = list(sys.argv[1:] if argv is None else argv)
    names = sorted(module.name for module in pkgutil.iter_modules(command_line.__path__))
    # Only the wanted command is imported: some load libraries that take seconds.
    wanted = [name for name in names if words and words[0] == name] or names
    parser = argparse.ArgumentParser(
        prog="python -m processing", description="Pixels in, pixels or numbers out.", epilog=STATUS
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name in wanted:
        module = importlib.import_module(f"{command_line.__name__}.{name}")
        about = (module.__doc__ or "").strip()
        command = commands.add_parser(
            name,
            help=about.splitlines()[0] if about else None,
            description=about,
            epilog=STATUS,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    arguments = parser.parse_args(words)
    try:
        arguments.run(arguments)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:  # a file that is not there, a folder that cannot be written to
        print(f"{error.filename}: {error.strerror}.", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

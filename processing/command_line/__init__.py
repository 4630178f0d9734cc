"""One module per command of `python -m processing`.

Each has a docstring, which is its help (the first line stands in the list of commands; then what goes in, what comes
out in which units, and an example), `add_arguments(parser)` and `run(arguments)`; the command is named after the
module. Bad input: raise InputError.
"""

"""One module per command of `python -m processing`.

Each has a docstring (its first line is the help text), `add_arguments(parser)` and `run(arguments)`;
the command is named after the module. Bad input: raise InputError.
"""

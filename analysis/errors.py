"""What goes wrong with a table, said in one sentence that a person can act on."""


class InputError(ValueError):
    """A table or protocol that cannot be used. The message is one clear sentence."""

"""What goes wrong with material, said in one sentence that a person can act on."""


class InputError(ValueError):
    """Material that cannot be used. The message is one clear sentence without any patient data."""

"""The one form of a value that is hashed and signed."""

import json


def canonical(value: object) -> bytes:
    """JSON with sorted keys and no spaces: the same content gives the same bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

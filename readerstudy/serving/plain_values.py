"""Values of the cache in Redis as JSON: whoever can write there cannot have the site run code, as with pickles."""

import json
from typing import Any


class PlainValues:
    """A serializer of Django's RedisCache. A whole number stays one, as Redis counts with it."""

    def dumps(self, value: Any) -> int | bytes:
        return value if type(value) is int else json.dumps(value).encode()

    def loads(self, data: bytes) -> Any:
        return json.loads(data)

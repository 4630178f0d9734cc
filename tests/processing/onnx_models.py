"""Small models in ONNX, written byte by byte as protocol buffers have them: no package is needed to make one."""

from __future__ import annotations

import struct
from collections.abc import Sequence

FLOAT, INT64, DOUBLE = 1, 7, 11
ROWS = ("rows", "columns")
Dimension = int | str


def _varint(number: int) -> bytes:
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes | str, *, above: int = 0) -> bytes:
    """above: bits of the tag that protocol buffers do not read."""
    value = value.encode() if isinstance(value, str) else value
    return _varint(above | field << 3 | 2) + _varint(len(value)) + value


def value(name: str, shape: Sequence[Dimension], kind: int = FLOAT) -> bytes:
    """An input or an output."""
    axes = [_bytes(1, _number(1, n) if isinstance(n, int) else _bytes(2, n)) for n in shape]
    tensor = _number(1, kind) + _bytes(2, b"".join(axes))
    return _bytes(1, name) + _bytes(2, _bytes(1, tensor))


def tensor(name: str, numbers: Sequence[float], kind: int = FLOAT, *, external: bool = False) -> bytes:
    """An initializer of one axis."""
    data = struct.pack(f"<{len(numbers)}{'f' if kind == FLOAT else 'q'}", *numbers)
    place = (
        _bytes(13, _bytes(1, "location") + _bytes(2, "/etc/passwd")) + _number(14, 1) if external else _bytes(9, data)
    )
    return _number(1, len(numbers)) + _number(2, kind) + _bytes(8, name) + place


def sparse(name: str, *, external: bool = False) -> bytes:
    """One number among zeros."""
    return _bytes(1, tensor(name, [1], external=external)) + _bytes(2, tensor("", [0], INT64)) + _number(3, 1)


def node(operator: str, inputs: Sequence[str], output: str, *, domain: str = "", axis: int | None = None) -> bytes:
    attribute = b"" if axis is None else _bytes(5, _bytes(1, "axis") + _number(3, axis) + _number(20, 2))
    names = b"".join(_bytes(1, one) for one in inputs) + _bytes(2, output)
    return names + _bytes(4, operator) + attribute + (_bytes(7, domain) if domain else b"")


def model(
    *nodes: bytes,
    inputs: Sequence[bytes] = (value("x", (1, 1, *ROWS)),),
    outputs: Sequence[bytes] = (value("y", (1, 1, *ROWS)),),
    tensors: Sequence[bytes] = (),
    sparse_tensors: Sequence[bytes] = (),
) -> bytes:
    graph = b"".join(_bytes(1, one) for one in nodes) + _bytes(2, "graph")
    graph += b"".join(_bytes(5, one) for one in tensors) + b"".join(_bytes(15, one) for one in sparse_tensors)
    graph += b"".join(_bytes(11, one) for one in inputs) + b"".join(_bytes(12, one) for one in outputs)
    return _number(1, 8) + _bytes(8, _number(2, 13)) + _bytes(7, graph)


def times(factor: float) -> bytes:
    """One slice, multiplied."""
    return model(node("Mul", ("x", "c"), "y"), tensors=[tensor("c", [factor])])


def middle_of_three() -> bytes:
    """The middle one of three slices, as it is."""
    return model(
        node("Gather", ("x", "i"), "y", axis=1),
        inputs=[value("x", (1, 3, *ROWS))],
        tensors=[tensor("i", [1], INT64)],
    )


def level_taken_off() -> bytes:
    """One slice less the level of its noise."""
    return model(node("Sub", ("x", "s"), "y"), inputs=[value("x", (1, 1, *ROWS)), value("s", (1, 1, 1, 1))])

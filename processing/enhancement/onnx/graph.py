"""What an ONNX file asks for before anything runs it: operators, their domains, files beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from processing.errors import InputError

DOMAINS = frozenset({"", "ai.onnx"})
_DEEPEST = 16  # graphs within graphs
_MOST_OPERATORS, _LONGEST_NAME = 1000, 200  # different ones, and letters of one; ONNX has some two hundred
_HIGHEST_FIELD = (1 << 29) - 1  # in a tag of 32 bits; of longer ones protocol buffers read the lower bits alone
# Field numbers of onnx.proto, which stay for good.
_MODEL_GRAPH, _MODEL_FUNCTIONS = 7, 25
_GRAPH_NODE, _GRAPH_INITIALIZER, _GRAPH_SPARSE = 1, 5, 15
_NODE_OPERATOR, _NODE_ATTRIBUTE, _NODE_DOMAIN = 4, 5, 7
_ATTRIBUTE_GRAPHS, _ATTRIBUTE_TENSORS, _ATTRIBUTE_SPARSE = (6, 11), (5, 10), (22, 23)
_SPARSE_TENSORS = (1, 2)  # values, indices
_TENSOR_EXTERNAL, _TENSOR_LOCATION = 13, 14


@dataclass
class Asked:
    """operators: (domain, name) of every node, of graphs within graphs too; external: a tensor lies in a file of its
    own; functions: the file brings operators along."""

    operators: set[tuple[str, str]] = field(default_factory=set)
    external: bool = False
    functions: bool = False


def asked_by(data: bytes) -> Asked:
    """What a model asks for. InputError if the bytes are no ONNX model."""
    found = Asked()
    try:
        graphs = 0
        for number, value in _fields(memoryview(data)):
            if number == _MODEL_FUNCTIONS:
                found.functions = True
            elif number == _MODEL_GRAPH:
                graphs += 1
                _read_graph(_message(value), found, 0)
    except (ValueError, IndexError) as error:
        raise InputError("The file is no ONNX model, or is damaged; export it again.") from error
    if graphs != 1 or not found.operators:
        raise InputError("The file is no ONNX model, or is damaged; export it again.")
    return found


def ensure_taken(asked: Asked) -> None:
    """InputError, in words, if the model needs what is not given to it."""
    foreign = sorted(f"{domain}.{name}" for domain, name in asked.operators if domain not in DOMAINS)
    if asked.functions or foreign:
        named = ", ".join(foreign[:3]) or "functions of its own"
        raise InputError(f"The model needs operators outside ONNX's own ({named}); export it with standard ones only.")
    if asked.external:
        raise InputError("The model keeps its weights in another file; export it as one file.")


def _read_graph(graph: memoryview, found: Asked, depth: int) -> None:
    if depth > _DEEPEST:
        raise ValueError("graphs too deep")
    for number, value in _fields(graph):
        if number == _GRAPH_INITIALIZER:
            _read_tensor(_message(value), found)
        elif number == _GRAPH_SPARSE:
            _read_sparse(_message(value), found)
        elif number == _GRAPH_NODE:
            _read_node(_message(value), found, depth)


def _read_node(node: memoryview, found: Asked, depth: int) -> None:
    operator = domain = ""
    for number, value in _fields(node):
        if number == _NODE_OPERATOR:
            operator = bytes(_message(value)).decode()
        elif number == _NODE_DOMAIN:
            domain = bytes(_message(value)).decode()
        elif number == _NODE_ATTRIBUTE:
            for part, content in _fields(_message(value)):
                if part in _ATTRIBUTE_GRAPHS:
                    _read_graph(_message(content), found, depth + 1)
                elif part in _ATTRIBUTE_TENSORS:
                    _read_tensor(_message(content), found)
                elif part in _ATTRIBUTE_SPARSE:
                    _read_sparse(_message(content), found)
    found.operators.add((domain, operator))
    if len(found.operators) > _MOST_OPERATORS or max(len(domain), len(operator)) > _LONGEST_NAME:
        raise ValueError("more operators than there are, or an endless name")


def _read_sparse(tensor: memoryview, found: Asked) -> None:
    for number, value in _fields(tensor):
        if number in _SPARSE_TENSORS:
            _read_tensor(_message(value), found)


def _read_tensor(tensor: memoryview, found: Asked) -> None:
    for number, value in _fields(tensor):
        if number == _TENSOR_EXTERNAL or (number == _TENSOR_LOCATION and value != 0):
            found.external = True


def _message(value: memoryview | int) -> memoryview:
    if isinstance(value, int):
        raise ValueError("a number where a message should be")
    return value


def _fields(data: memoryview) -> Iterator[tuple[int, memoryview | int]]:
    """Field number and content, of the wire format of protocol buffers; numbers of fixed width are passed over."""
    place = 0
    while place < len(data):
        key, place = _varint(data, place)
        number, kind = key >> 3, key & 7
        if not 0 < number <= _HIGHEST_FIELD:
            raise ValueError("no such field")
        if kind == 0:
            value, place = _varint(data, place)
            yield number, value
        elif kind == 2:
            length, place = _varint(data, place)
            if place + length > len(data):
                raise ValueError("cut off")
            yield number, data[place : place + length]
            place += length
        elif kind in (1, 5):
            place += 8 if kind == 1 else 4
        else:
            raise ValueError("no such kind")


def _varint(data: memoryview, place: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
    raise ValueError("number too long")

"""Small YAML of anybody's: plain values, or one sentence that says what is wrong."""

from typing import Any

import yaml

from analysis.errors import InputError

_ERRORS = (yaml.YAMLError, RecursionError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
_BITS = 1000  # of a whole number: a float holds it, and it has few enough digits to be shown


class _RefusedError(yaml.MarkedYAMLError):
    """It is YAML, but not such as is read here."""


class _Loader(yaml.SafeLoader):
    """Without aliases: half a page of them can stand for more than any memory holds."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark
            raise _RefusedError(problem="repeats a part by an alias (*): write it out", problem_mark=mark)
        return super().compose_node(parent, index)

    def construct_whole_number(self, node: yaml.ScalarNode) -> int:
        if (value := self.construct_yaml_int(node)).bit_length() > _BITS:
            raise _RefusedError(problem="has a number of over 300 digits", problem_mark=node.start_mark)
        return value


_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_whole_number)


def load(text: str, name: str) -> Any:
    """The values of a YAML without aliases. name: what the text is, such as "The map". Raises InputError."""
    try:
        return yaml.load(text, _Loader)  # noqa: S506  a SafeLoader
    except _ERRORS as problem:
        mark = getattr(problem, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark else ""
        fault = problem.problem if isinstance(problem, _RefusedError) else "is no YAML"
        raise InputError(f"{name} {fault}{place}.") from None

"""Answer a question about a header once for all headers that say the same of what the answer looked at.

The files of a series differ in few attributes, and most questions ask for none of these. What a question looks at is
watched, not declared: whoever asks for more tomorrow is asked anew tomorrow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from pydicom import DataElement, Dataset
from pydicom.dataelem import RawDataElement
from pydicom.tag import BaseTag

from processing.dicom.quick import Header

Given = ParamSpec("Given")
Answer = TypeVar("Answer")
MOST_ANSWERS, MOST_WAYS = 5_000, 8
LONGEST = 1024  # bytes of a value that is compared
PATIENCE = 50  # answers that nobody needed again: then the question is about what each file has of its own


class _Watched(dict[BaseTag, Any]):
    """Attributes of a header; what is asked for is noted as it was when it was asked for first."""

    def __init__(self, content: Mapping[BaseTag, Any]) -> None:
        super().__init__(content)
        self.seen: dict[BaseTag, Any] = {}
        self.converted: set[BaseTag] = set()
        self.clear_answer = True  # nothing was changed, nor everything looked at

    def _note(self, tag: Any) -> None:
        if tag not in self.seen:
            self.seen[tag] = super().get(tag)

    def __getitem__(self, tag: BaseTag) -> Any:
        self._note(tag)
        return super().__getitem__(tag)

    def get(self, tag: BaseTag, default: Any = None) -> Any:
        self._note(tag)
        return super().get(tag, default)

    def __contains__(self, tag: object) -> bool:
        self._note(tag)
        return super().__contains__(tag)

    def __setitem__(self, tag: BaseTag, element: Any) -> None:
        self._note(tag)
        if type(super().get(tag)) is RawDataElement and type(element) is DataElement:
            self.converted.add(tag)
        else:
            self.clear_answer = False
        super().__setitem__(tag, element)

    def __delitem__(self, tag: BaseTag) -> None:
        self.clear_answer = False
        super().__delitem__(tag)

    def pop(self, *words: Any) -> Any:
        self.clear_answer = False
        return super().pop(*words)

    def __iter__(self) -> Iterator[BaseTag]:
        self.clear_answer = False
        return super().__iter__()

    def keys(self) -> Any:
        self.clear_answer = False
        return super().keys()

    def values(self) -> Any:
        self.clear_answer = False
        return super().values()

    def items(self) -> Any:
        self.clear_answer = False
        return super().items()

    def __len__(self) -> int:
        self.clear_answer = False
        return super().__len__()


def recalled(
    question: Callable[Concatenate[Dataset, Given], Answer],
) -> Callable[Concatenate[Dataset, Given], Answer]:
    """The question, asked once for all files opened by their bytes that say the same of what it looks at.

    It may look at nothing but the header and its further arguments, which are positional and hashable, and must not
    change the header. Its answer is shared: nobody may change it.
    """
    ways: dict[tuple[BaseTag, ...], dict[tuple[Any, ...], tuple[Any, list[Any]]]] = {}
    counts = {"asked": 0, "recalled": 0}

    @wraps(question)
    def answer(dataset: Dataset, *given: Given.args, **named: Given.kwargs) -> Answer:
        if type(dataset) is not Header or named or counts["asked"] > PATIENCE + 4 * counts["recalled"]:
            return question(dataset, *given, **named)
        look = dataset._dict.get
        for tags, answers in tuple(ways.items()):  # others may ask at the same time
            key = (dataset.kind, given, *[_part(look(tag)) for tag in tags])
            if (found := answers.get(key)) is not None:
                counts["recalled"] += 1
                return cast("Answer", found[0])
        counts["asked"] += 1
        new, watched = _watching(question, dataset, given)
        seen = watched.seen
        if watched.clear_answer and all(map(_is_comparable, seen.values())):
            if len(ways) > MOST_WAYS or sum(map(len, ways.values())) > MOST_ANSWERS:
                ways.clear()
            key = (dataset.kind, given, *map(_part, seen.values()))
            # What is compared by its address has to live as long as the answer.
            ways.setdefault(tuple(seen), {})[key] = new, list(seen.values())
        return new

    return answer


def _part(element: Any) -> Any:
    """What stands for an attribute in a key: its address where it is shared, else its bytes."""
    if element is None or element.__class__ is RawDataElement:
        return element
    return id(element)


def _is_comparable(element: Any) -> bool:
    return element is None or not isinstance(element.value, bytes) or len(element.value) <= LONGEST


def _watching(question: Callable[..., Answer], header: Header, given: tuple[Any, ...]) -> tuple[Answer, _Watched]:
    """The answer, and what was looked at."""
    content = header._dict
    watched = header.__dict__["_dict"] = _Watched(content)
    try:
        return question(header, *given), watched
    finally:
        header.__dict__["_dict"] = content
        for tag in watched.seen:  # who watches around this sees it as well
            content.get(tag)
        if watched.clear_answer:
            for tag in watched.converted:
                content[tag] = dict.__getitem__(watched, tag)
        else:
            kept = dict(dict.items(watched))
            content.clear()
            content.update(kept)

"""A part of a document held against its pydantic model, and the errors told with places."""

from __future__ import annotations

import typing
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ValidationError

from reconciler.manifest.nodes import ListNode, MapNode, Node, Pair, TextNode
from reconciler.manifest.notes import RefusalError
from reconciler.manifest.reading import of_kind, within

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic_core import ErrorDetails

    from reconciler.manifest.reading import Reading

M = TypeVar("M", bound=BaseModel)


def validate(reading: Reading, model: type[M], pair: Pair, label: str) -> M | None:
    """Give the model's value of the node; None when anything in it was refused."""
    try:
        return model.model_validate(_unfolded(pair.value))
    except ValidationError as error:
        for problem in error.errors(include_url=False, include_input=False):
            _tell(reading, problem, model, pair, label)
        return None


def _unfolded(node: Node) -> object:
    """Give mappings and lists as pydantic knows them; scalars stay nodes."""
    match node:
        case MapNode():
            return {key: _unfolded(pair.value) for key, pair in node.pairs.items()}
        case ListNode():
            return [_unfolded(child) for child in node.children]
        case _:
            return node


def _tell(
    reading: Reading,
    problem: ErrorDetails,
    model: type[BaseModel],
    root: Pair,
    label: str,
) -> None:
    kind, steps = problem["type"], problem["loc"]
    if kind in {"extra_forbidden", "missing"}:
        at, name = _found(root, label, steps[:-1])
        key = str(steps[-1])
        if kind == "missing":
            place = reading.place(at.key)
            reading.missing_key(key, name, place)
            return
        assert isinstance(at.value, MapNode)
        known = _known_keys(model, steps[:-1])
        reading.unknown_key(at.value.pairs[key], name, known, at.value)
        return
    at, name = _found(root, label, steps)
    reading.refuse(_refusal(problem, at.value), name, at)


def _refusal(problem: ErrorDetails, node: Node) -> RefusalError:
    error = problem.get("ctx", {}).get("error")
    if isinstance(error, RefusalError):
        return error
    match problem["type"]:
        case "model_type" | "dict_type":
            return of_kind(node, "a mapping")
        case "list_type":
            return of_kind(node, "a list")
        case "too_short":
            return RefusalError("wrong-value", "is empty", "name at least one, or take it out")
        case other:
            raise AssertionError(other)


def _found(root: Pair, label: str, steps: tuple[int | str, ...]) -> tuple[Pair, str]:
    """Give the pair that the steps lead to, or the last one on the way, and its label."""
    for step in steps:
        node = root.value
        if isinstance(node, MapNode) and step in node.pairs:
            root = node.pairs[str(step)]
        elif isinstance(node, ListNode) and isinstance(step, int):
            root = Pair(node.children[step], node.children[step])
        else:
            break
        label = within(label, step)
    return root, label


def _known_keys(model: type[BaseModel], steps: tuple[int | str, ...]) -> list[str]:
    """Give the keys of the model that the steps lead to; an index stays in its model."""
    for step in steps:
        if isinstance(step, str):
            field = next(f for f in model.model_fields.values() if f.alias == step)
            model = next(_models(field.annotation))
    return [field.alias for field in model.model_fields.values() if field.alias]


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in typing.get_args(annotation):
        yield from _models(inner)


def spelled(node: Node) -> str | None:
    """Give the text of a scalar that has a value; None for everything else."""
    return node.text if isinstance(node, TextNode) and not node.void else None

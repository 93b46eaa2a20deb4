"""Records to JSON and back, by the types of their fields: what is unknown is left out, what is missing has its default.

A run folder may come from another version or be damaged in parts, so reading never fails: a value of the wrong kind
counts as missing, a number that is not finite as None, and of a list only what can be read is kept. Every field of a
record therefore has a default.
"""

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from math import isfinite
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

R = TypeVar("R")


OMITTED = {"omitted": True}  # metadata of a field that is not written at all while it is None, rather than as null


def to_json(record: Any) -> dict[str, object]:
    """The names and plain values of a record, in the order of its fields."""
    return {
        one.name: _plain(value)
        for one in fields(record)
        if (value := getattr(record, one.name)) is not None or not one.metadata.get("omitted")
    }


def _plain(value: Any) -> object:
    if is_dataclass(value):
        own = getattr(value, "to_json", None)
        return to_json(value) if own is None else own()
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def from_json(kind: type[R], value: object) -> R:
    """A record of `kind` from an object of names and values; one of defaults only from anything else."""
    found = value if isinstance(value, Mapping) else {}
    shape: Any = kind
    return kind(**{one.name: _read(hint, one, found.get(one.name)) for one, hint in _fields_of(shape)})


@cache
def _fields_of(kind: Any) -> list[tuple[Field[Any], Any]]:
    hints = get_type_hints(kind)
    return [(one, hints[one.name]) for one in fields(kind)]


def _read(hint: Any, one: Field[Any], value: object) -> Any:
    found = None if value is None else _of(hint, value)
    if found is not None:
        return found
    return one.default_factory() if one.default_factory is not MISSING else one.default


def _of(hint: Any, value: object) -> Any:
    """`value` as `hint` says; None where it cannot be."""
    kind, inner = get_origin(hint), get_args(hint)
    if kind in (Union, UnionType):
        return _of(next(part for part in inner if part is not NoneType), value)
    if kind is dict:
        return _items(inner[1], value) if isinstance(value, Mapping) else None
    if kind is list:
        return list(_items(inner[0], dict(enumerate(value))).values()) if isinstance(value, (list, tuple)) else None
    if is_dataclass(hint):
        return from_json(hint, value) if isinstance(value, Mapping) and value else None  # type: ignore[arg-type]
    return SCALARS.get(hint, lambda anything: anything)(value)


def _items(hint: Any, values: Mapping[Any, object]) -> dict[Any, Any]:
    """Every item that can be read, by its place or name; where None is allowed what cannot be read is None."""
    found = {
        place if isinstance(place, int) else str(place): None if value is None else _of(hint, value)
        for place, value in values.items()
    }
    keeps = hint in (float | None, object)
    return {place: item for place, item in found.items() if keeps or item is not None}


def number(value: Any) -> float | None:
    """A finite number from a cell or a JSON value; None for anything else."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if isfinite(found) else None


def _whole(value: Any) -> int | None:
    found = number(value)
    return None if found is None else int(found)


SCALARS: dict[Any, Any] = {float: number, int: _whole, str: str, bool: bool}

"""Settings as a dataclass: reads JSON into it and names everything that does not fit."""

import dataclasses
import types
from collections.abc import Callable
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints


class Problem(NamedTuple):
    """What is wrong. `pointer` is a JSON pointer into the settings."""

    pointer: str
    message: str


Reader = Callable[[Any, str, list[Problem]], Any]

PLAIN = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}


def reader(kind: Any) -> Reader:
    """What reads JSON into a `kind`. Made when the component is built, so that a kind that cannot be is found then."""
    origin, args = get_origin(kind), get_args(kind)
    if kind in PLAIN:
        return _plain(kind)
    if dataclasses.is_dataclass(kind):
        return _table(kind)
    if origin is list:
        return _list(reader(args[0]))
    if origin is dict and args[0] is str:
        return _map(reader(args[1]))
    if origin is Literal:
        return _one_of(args)
    if origin in (Union, types.UnionType) and len(args) == 2 and types.NoneType in args:
        item = reader(next(arg for arg in args if arg is not types.NoneType))
        return lambda value, pointer, problems: None if value is None else item(value, pointer, problems)
    raise TypeError(f"a setting cannot be of type {kind}")


def _plain(kind: type) -> Reader:
    accepted = (int, float) if kind is float else (kind,)

    def read(value: Any, pointer: str, problems: list[Problem]) -> Any:
        # A bool is an int to Python.
        if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
            problems.append(Problem(pointer, f"must be {PLAIN[kind]}"))
        return value

    return read


def _one_of(allowed: tuple[Any, ...]) -> Reader:
    def read(value: Any, pointer: str, problems: list[Problem]) -> Any:
        if not any(type(value) is type(one) and value == one for one in allowed):
            problems.append(Problem(pointer, f"must be one of {', '.join(map(repr, allowed))}"))
        return value

    return read


def _list(item: Reader) -> Reader:
    def read(value: Any, pointer: str, problems: list[Problem]) -> Any:
        if not isinstance(value, list):
            problems.append(Problem(pointer, "must be a list"))
            return value
        return [item(each, f"{pointer}/{index}", problems) for index, each in enumerate(value)]

    return read


def _map(item: Reader) -> Reader:
    def read(value: Any, pointer: str, problems: list[Problem]) -> Any:
        if not isinstance(value, dict):
            problems.append(Problem(pointer, "must be a table"))
            return value
        return {key: item(each, _pointed(pointer, key), problems) for key, each in value.items()}

    return read


def _table(kind: Any) -> Reader:
    hints = get_type_hints(kind)
    fields = {each.name: (reader(hints[each.name]), _required(each)) for each in dataclasses.fields(kind)}

    def read(value: Any, pointer: str, problems: list[Problem]) -> Any:
        if not isinstance(value, dict):
            problems.append(Problem(pointer, "must be a table"))
            return value
        before = len(problems)
        problems += [Problem(_pointed(pointer, key), "unknown setting") for key in value if key not in fields]
        given = {}
        for name, (item, required) in fields.items():
            if name in value:
                given[name] = item(value[name], _pointed(pointer, name), problems)
            elif required:
                problems.append(Problem(_pointed(pointer, name), "missing"))
        return kind(**given) if len(problems) == before else None

    return read


def _required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _pointed(pointer: str, key: str) -> str:
    return f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}"

"""Settings as dataclasses. Run by run.sh in a built project, whose bindings stand in for the host's modules."""

import unittest
from dataclasses import dataclass, field
from typing import Any, Literal

from stockade_policy.settings import Problem, reader


@dataclass
class Limit:
    on: bool


@dataclass
class Settings:
    level: int
    share: float = 1.0
    kind: Literal["soft", "hard"] = "soft"
    names: list[str] | None = None
    limits: dict[str, Limit] = field(default_factory=dict)


def read(given: object) -> Any:
    problems: list[Problem] = []
    settings = reader(Settings)(given, "", problems)
    return [f"{pointer} {message}" for pointer, message in problems] or settings


class Reading(unittest.TestCase):
    def test_what_is_left_out_has_its_default(self) -> None:
        self.assertEqual(read({"level": 1}), Settings(1))

    def test_what_is_given_is_kept(self) -> None:
        given = {"level": 2, "share": 1, "kind": "hard", "names": ["a"], "limits": {"x/y": {"on": True}}}
        self.assertEqual(read(given), Settings(2, 1, "hard", ["a"], {"x/y": Limit(True)}))

    def test_what_does_not_fit_is_named(self) -> None:
        for given, *problems in [
            ([], " must be a table"),
            (None, " must be a table"),
            ({}, "/level missing"),
            ({"level": 1.0}, "/level must be a whole number"),
            ({"level": True}, "/level must be a whole number"),
            ({"level": "1"}, "/level must be a whole number"),
            ({"level": 1, "share": False}, "/share must be a number"),
            ({"level": 1, "kind": "none"}, "/kind must be one of 'soft', 'hard'"),
            ({"level": 1, "names": "a"}, "/names must be a list"),
            ({"level": 1, "names": ["a", 2, None]}, "/names/1 must be a text", "/names/2 must be a text"),
            ({"level": 1, "limits": {"a/b~c": {"on": 1}}}, "/limits/a~1b~0c/on must be true or false"),
            ({"level": 1, "limits": {"a": {"on": True, "off": 1}}}, "/limits/a/off unknown setting"),
            ({"level": 1, "__class__": 1}, "/__class__ unknown setting"),
        ]:
            with self.subTest(given=given):
                self.assertEqual(read(given), problems)

    def test_a_type_that_json_does_not_have_is_found_at_once(self) -> None:
        for kind in [set[str], bytes, dict[int, str], int | str, object]:
            with self.subTest(kind=kind), self.assertRaises(TypeError):
                reader(kind)


if __name__ == "__main__":
    unittest.main()

"""What is made into a component: finds the hooks of `policy.py` and gives them to the host."""

import dataclasses
import json
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

import policy
from componentize_py_types import Err
from stockade_policy import Additions, Denied, Notes
from stockade_policy.settings import Problem, reader
from wit_world import exports
from wit_world.exports import configuration
from wit_world.imports import call, log, types

PATCH_ERRORS = {
    "conflict": "another policy has already changed this field",
    "loosens-isolation": "the change would allow the job more than it asked for",
    "invalid-value": "no job can have the value that this policy would give",
    "no-such-field": "policies cannot change this field",
    "not-now": "a job can only be changed in the hook `mutation`",
}


@dataclasses.dataclass
class NoSettings:
    pass


SETTINGS = getattr(policy, "Settings", NoSettings)
read_settings = reader(SETTINGS)


def accepted(text: str) -> Any:
    problems: list[Problem] = []
    settings = read_settings(json.loads(text), "", problems)
    if not problems and hasattr(settings, "check"):
        problems += settings.check()
    if problems:
        raise Err([configuration.SettingsError(pointer, message) for pointer, message in problems])
    return settings


def pairs(entries: Mapping[str, object]) -> list[types.Pair]:
    return [types.Pair(key, str(value)) for key, value in entries.items()]


def noted(notes: Notes | None) -> types.Notes:
    notes = notes or Notes()
    return types.Notes(notes.warnings, pairs(notes.annotations))


def added(additions: Additions | None) -> types.Additions:
    additions = additions or Additions()
    return types.Additions(pairs(additions.labels), pairs(additions.annotations))


def denial(denied: Denied) -> types.Denial:
    reason = types.Rejection(denied.code, denied.message, denied.field, denied.retryable)
    return types.Denial(reason, noted(denied.notes))


def said(answer: Callable[[], Any]) -> Any:
    """Every end of a call but an answer is a trap to the host, so its reason goes to the log first."""
    try:
        return answer()
    except Denied as denied:
        raise Err(denial(denied)) from None
    except Err as error:
        word = getattr(error.value, "name", "").lower().replace("_", "-")
        if word in PATCH_ERRORS:
            raise Err(denial(Denied(f"patch-{word}", PATCH_ERRORS[word], None, False, Notes()))) from None
        raise
    except Exception as error:
        log.log(log.Level.ERROR, f"{type(error).__name__}: {error}{where(error.__traceback__)}")
        raise


def where(trace: TracebackType | None) -> str:
    """The frames, innermost last. The module `traceback` would read files, of which there are none."""
    if trace is None:
        return ""
    code = trace.tb_frame.f_code
    return f"\n  {code.co_filename}:{trace.tb_lineno} in {code.co_name}{where(trace.tb_next)}"


class Configuration:
    def validate_settings(self, json: str) -> None:
        said(lambda: accepted(json) and None)


def hook(name: str, judge: Callable[..., Any], answer: Callable[[Any], Any]) -> type:
    def called(_self: object, *args: Any) -> Any:
        return said(lambda: answer(judge(accepted(call.settings()), *args)))

    return type(name, (), {judge.__name__: called})


HOOKS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "Validation": ("validate", noted),
    "Mutation": ("mutate", noted),
    "PreStart": ("approve", noted),
    "OnStarted": ("started", added),
    "OnExited": ("exited", added),
    "Connection": ("connect", noted),
}

for name, (function, answer) in HOOKS.items():
    given, wanted = hasattr(policy, function), hasattr(exports, name)
    if given != wanted:
        has, lacks = ("policy.py", "wit/world.wit") if given else ("wit/world.wit", "policy.py")
        raise ImportError(f"{has} has the hook `{function}`, {lacks} has it not")
    if given:
        globals()[name] = hook(name, getattr(policy, function), answer)

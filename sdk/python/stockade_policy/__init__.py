"""The small layer between a policy and the contract: typed settings, plain answers, and no failure that goes unsaid."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from wit_world.imports import job

__all__ = ["Additions", "Denied", "Notes", "Step", "deny", "job", "steps"]


@dataclass
class Notes:
    """What a judging hook may add to the record; see `notes` in the contract."""

    warnings: list[str] = field(default_factory=list)
    annotations: Mapping[str, object] = field(default_factory=dict)


@dataclass
class Additions:
    """What a lifecycle hook may add to the job's record; see `additions` in the contract."""

    labels: Mapping[str, object] = field(default_factory=dict)
    annotations: Mapping[str, object] = field(default_factory=dict)


@dataclass
class Denied(Exception):
    """A no. `deny` raises it."""

    code: str
    message: str
    field: str | None
    retryable: bool
    notes: Notes


def deny(
    code: str, message: str, *, field: str | None = None, retryable: bool = False, notes: Notes | None = None
) -> NoReturn:
    """Ends the hook with a no. `code` is `[a-z0-9-]{1,64}`, `field` a JSON pointer into the job document."""
    raise Denied(code, message, field, retryable, notes or Notes())


@dataclass(frozen=True)
class Step:
    """One step of the job."""

    index: int

    @property
    def name(self) -> str:
        return job.step_name(self.index) or ""

    @property
    def command(self) -> list[str]:
        return job.step_command(self.index) or []

    @property
    def cases(self) -> list[job.Case]:
        """Each runs the command with words of its own after it."""
        return job.step_cases(self.index) or []

    @property
    def commands(self) -> list[list[str]]:
        """Every command that the step may run: its own, that of each case, and that of each case's checker."""
        own = self.command
        more = [words for case in self.cases for words in (own + case.args, case.checker)]
        return [words for words in [own, *more] if words]

    @property
    def workdir(self) -> str:
        return job.step_workdir(self.index) or ""

    @property
    def profile(self) -> str:
        return job.step_profile(self.index) or ""

    def limit(self, name: str) -> int:
        """A limit by its name in the request; `cpus` in thousandths."""
        limit = job.step_limit(self.index, name)
        if limit is None:
            raise KeyError(name)
        return limit

    def pointer(self, tail: str) -> str:
        """`/limits/pids` becomes `/steps/N/limits/pids`."""
        return f"/steps/{self.index}{tail}"


def steps() -> Iterator[Step]:
    """The job's steps in order."""
    return map(Step, range(job.step_count()))

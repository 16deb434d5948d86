"""Denies a job of which a step asks for more memory than `max_memory_bytes`."""

from collections.abc import Iterator
from dataclasses import dataclass

from stockade_policy import deny, steps


@dataclass
class Settings:
    max_memory_bytes: int

    def check(self) -> Iterator[tuple[str, str]]:
        if self.max_memory_bytes < 1:
            yield "/max_memory_bytes", "with less than 1 no job could run"


def validate(settings: Settings) -> None:
    most = settings.max_memory_bytes
    for step in steps():
        asked = step.limit("memory_bytes")
        if asked > most:
            deny(
                "too-much-memory",
                f"step `{step.name}` asks for {asked} bytes of memory; {most} are allowed",
                field=step.pointer("/limits/memory_bytes"),
            )

"""Asks all that can be asked and tells what it was answered: what the SDK makes of the contract is what cases.toml expects."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from componentize_py_types import Err
from stockade_policy import Additions, Notes, deny, steps
from wit_world.imports import call, container, facts, job, job_env, job_files, kv, log, metrics, outcome, patch, types


@dataclass
class Settings:
    word: str = "none"


def told(pairs: list[types.Pair]) -> str:
    return " ".join(f"{pair.key}={pair.value}" for pair in pairs)


def yes(given: bool) -> str:
    return "yes" if given else "no"


def text(given: bytes | None) -> str | None:
    try:
        return given.decode() if given is not None else None
    except UnicodeDecodeError:
        return None


def refusal(change: Callable[[], None]) -> str:
    try:
        change()
    except Err as error:
        return error.value.name.lower().replace("_", "-")
    return "taken"


def mutate(settings: Settings) -> Notes:
    log.log(log.Level.INFO, f"asked about {job.step_count()} steps")
    patch.set_label("seen", "yes")
    patch.set_step_limit(0, "pids", 7)
    patch.remove_env("DROP")
    patch.json_op(json.dumps({"op": "replace", "path": "/steps/1/limits/memory_bytes", "value": 33554432}))
    tenant = json.dumps({"op": "replace", "path": "/tenant", "value": "x"})
    timed, asked = yes(call.timeout_ms() > 0), yes(call.request_id() != "")
    return Notes(
        warnings=[f"the word is {settings.word}"],
        annotations={
            "call": f"{call.policy()} {call.settings()} {call.now_unix_ms()} {timed} {asked}",
            "loosened": refusal(lambda: patch.set_pids(100000)),
            "unknown": refusal(lambda: patch.json_op(tenant)),
        },
    )


def validate(_settings: Settings) -> Notes:
    if job.label("deny") is not None:
        late = refusal(lambda: patch.set_label("late", "yes"))
        notes = Notes(warnings=["a no"], annotations={"late": late})
        deny("told-to", "the label says so", field="/labels/deny", retryable=True, notes=notes)
    metrics.increment("asked", 2)
    every = list(steps())
    nothing = [job.step_name(9), job.step_command(9), job.step_limit(0, "none"), job.image_digest(), job.label("x")]
    binary = job_files.read("b.bin", 0, 9)
    return Notes(
        annotations={
            "commands": " ; ".join(" | ".join(" ".join(words) for words in step.commands) for step in every),
            "cases": " ".join(case.name for step in every for case in step.cases),
            "steps": " ; ".join(
                f"{step.index} {step.name} {step.workdir} {step.profile} {step.limit('memory_bytes')}" for step in every
            ),
            "none": " ".join("-" if one is None else str(one) for one in nothing),
            "words": f"{yes(job.commands_may_contain(['xyzzy', 'neo']))} {yes(job.commands_may_contain(['plugh-plugh']))}",
            "job": f"{job.tenant()} {job.submitter()} {job.image()} {job.user()} {job.priority()} {job.max_attempts()} "
            f"{job.network_mode()}",
            "lists": f"{','.join(job.env_names())} {','.join(job.artifacts())} {','.join(job.requirements())} "
            f"{len(job.network_hosts())}",
            "volumes": " ".join(f"{one.name} {one.path} {yes(one.read_only)}" for one in job.volumes()),
            "labels": told(job.labels()),
            "json": job.json("/steps/0/command/0") or "",
            "files": " ".join(f"{file.path} {file.bytes} {file.mode:o}" for file in job.files()),
            "digest": (job.file_digest("a.txt") or "")[:15],
            "read": f"{text(job_files.read('a.txt', 2, 4))} {yes(job_files.read('none', 0, 1) is None)} "
            f"{yes(binary is not None and text(binary) is None)}",
            "may-contain": f"{yes(job_files.may_contain(['needle']))} {yes(job_files.may_contain(['plugh-plugh']))}",
            "env": told(job_env.values(0) or []),
            "facts": f"{facts.running_jobs('acme')} {facts.queued_jobs('acme')} {facts.reserved_memory_bytes('acme')} "
            f"{facts.lookup('people', 'ann')} {facts.lookup('people', 'bob') or '-'}",
            "kv": f"{text(kv.get('count'))} {kv.get('none') or '-'} {refusal(lambda: kv.put('x', b'', 0))}",
        }
    )


def approve(_settings: Settings) -> Notes:
    if container.capabilities():
        deny("capabilities", " ".join(container.capabilities()))
    controllers, seccomp = ",".join(container.cgroup_controllers()), container.seccomp()
    return Notes(
        annotations={
            "container": f"{len(container.namespaces())} {yes(container.no_new_privs())} {container.landlock_abi() or '-'} "
            f"{container.cgroup_version()} {container.network()} {container.host_uid()} {container.id_map()}",
            "layers": f"{controllers} {seccomp[0].key} {container.root_filesystem()} {len(container.degraded())} "
            f"{container.json('/swap')}",
        }
    )


def started(_settings: Settings) -> Additions:
    kv.put("text", "née".encode(), 60000)
    count = kv.add("count", -3, 0)
    return Additions(labels={"started": 1}, annotations={"abi": container.landlock_abi(), "count": count})


def exited(_settings: Settings) -> Additions:
    code = outcome.exit_code()
    return Additions(
        labels={"status": outcome.status()},
        annotations={
            "ended": f"{'-' if code is None else code} {outcome.signal() or '-'} {outcome.cause() or '-'}",
            "used": f"{outcome.wall_time_us()} {outcome.cpu_time_us()} {outcome.memory_peak_bytes()} "
            f"{outcome.json('/tenant')}",
        },
    )


def connect(_settings: Settings, host: str, port: int) -> Notes:
    if port != 443:
        deny("port", f"{host}:{port}", field="/network")
    return Notes(annotations={"to": host})

// Asks all that can be asked and tells what it was answered: what the SDK makes of the contract is what cases.toml expects.

import * as call from "stockade:policy/call@0.1.0";
import * as container from "stockade:policy/container@0.1.0";
import * as facts from "stockade:policy/facts@0.1.0";
import * as job from "stockade:policy/job@0.1.0";
import { values } from "stockade:policy/job-env@0.1.0";
import { mayContain, read } from "stockade:policy/job-files@0.1.0";
import * as kv from "stockade:policy/kv@0.1.0";
import { log } from "stockade:policy/log@0.1.0";
import { increment } from "stockade:policy/metrics@0.1.0";
import * as outcome from "stockade:policy/outcome@0.1.0";
import * as patch from "stockade:policy/patch@0.1.0";
import { bytesOf, deny, optional, policy, steps, text, textOf } from "./stockade-policy/index.js";

/** @param {{ key: string, value: string }[]} pairs */
const told = (pairs) => pairs.map(({ key, value }) => `${key}=${value}`).join(" ");
/** @param {boolean | null | undefined} given */
const yes = (given) => (given ? "yes" : "no");

/** @param {() => void} change */
function refusal(change) {
  try {
    change();
    return "taken";
  } catch (error) {
    return /** @type {{ payload: string }} */ (error).payload;
  }
}

export const { configuration, mutation, validation, preStart, onStarted, onExited, connection } = policy({
  settings: { word: optional(text(), "none") },

  mutate({ word }) {
    log("info", `asked about ${job.stepCount()} steps`);
    patch.setLabel("seen", "yes");
    patch.setStepLimit(0, "pids", 7);
    patch.removeEnv("DROP");
    patch.jsonOp(JSON.stringify({ op: "replace", path: "/steps/1/limits/memory_bytes", value: 33554432 }));
    return {
      warnings: [`the word is ${word}`],
      annotations: {
        call: `${call.policy()} ${call.settings()} ${call.nowUnixMs()} ${yes(call.timeoutMs() > 0)} ${yes(call.requestId() !== "")}`,
        loosened: refusal(() => patch.setPids(100000)),
        unknown: refusal(() => patch.jsonOp(JSON.stringify({ op: "replace", path: "/tenant", value: "x" }))),
      },
    };
  },

  validate() {
    if (job.label("deny") !== null) {
      deny("told-to", "the label says so", {
        field: "/labels/deny",
        retryable: true,
        warnings: ["a no"],
        annotations: { late: refusal(() => patch.setLabel("late", "yes")) },
      });
    }
    increment("asked", 2);
    const all = steps();
    return {
      annotations: {
        commands: all.map((step) => step.commands.map((words) => words.join(" ")).join(" | ")).join(" ; "),
        cases: all.flatMap((step) => step.cases.map(({ name }) => name)).join(" "),
        steps: all.map((step) => `${step.index} ${step.name} ${step.workdir} ${step.profile} ${step.limit("memory_bytes")}`).join(" ; "),
        none: `${job.stepName(9)} ${job.stepCommand(9)} ${job.stepLimit(0, "none")} ${job.imageDigest()} ${job.label("x")}`.replaceAll("null", "-"),
        words: `${yes(job.commandsMayContain(["xyzzy", "neo"]))} ${yes(job.commandsMayContain(["plugh-plugh"]))}`,
        job: `${job.tenant()} ${job.submitter()} ${job.image()} ${job.user()} ${job.priority()} ${job.maxAttempts()} ${job.networkMode()}`,
        lists: `${job.envNames()} ${job.artifacts()} ${job.requirements()} ${job.networkHosts().length}`,
        volumes: job.volumes().map(({ name, path, readOnly }) => `${name} ${path} ${yes(readOnly)}`).join(" "),
        labels: told(job.labels()),
        json: job.json("/steps/0/command/0") ?? "",
        files: job.files().map(({ path, bytes, mode }) => `${path} ${bytes} ${mode.toString(8)}`).join(" "),
        digest: (job.fileDigest("a.txt") ?? "").slice(0, 15),
        read: `${textOf(read("a.txt", 2, 4) ?? bytesOf(""))} ${yes(read("none", 0, 1) === null)} ${yes(textOf(read("b.bin", 0, 9) ?? bytesOf("")) === null)}`,
        "may-contain": `${yes(mayContain(["needle"]))} ${yes(mayContain(["plugh-plugh"]))}`,
        env: told(values(0) ?? []),
        facts: `${facts.runningJobs("acme")} ${facts.queuedJobs("acme")} ${facts.reservedMemoryBytes("acme")} ${facts.lookup("people", "ann")} ${facts.lookup("people", "bob") ?? "-"}`,
        kv: `${textOf(kv.get("count") ?? bytesOf(""))} ${kv.get("none") ?? "-"} ${refusal(() => kv.put("x", bytesOf(""), 0))}`,
      },
    };
  },

  approve() {
    const { namespaces, capabilities, noNewPrivs, landlockAbi, cgroupVersion, network } = container;
    if (capabilities().length > 0) deny("capabilities", capabilities().join(" "));
    return {
      annotations: {
        container: `${namespaces().length} ${yes(noNewPrivs())} ${landlockAbi() ?? "-"} ${cgroupVersion()} ${network()} ${container.hostUid()} ${container.idMap()}`,
        layers: `${container.cgroupControllers()} ${container.seccomp()[0]?.key} ${container.rootFilesystem()} ${container.degraded().length} ${container.json("/swap")}`,
      },
    };
  },

  started() {
    kv.put("text", bytesOf("née"), 60000);
    const count = kv.add("count", -3, 0);
    return { labels: { started: 1 }, annotations: { abi: container.landlockAbi(), count } };
  },

  exited: () => ({
    labels: { status: outcome.status() },
    annotations: {
      ended: `${outcome.exitCode() ?? "-"} ${outcome.signal() ?? "-"} ${outcome.cause() ?? "-"}`,
      used: `${outcome.wallTimeUs()} ${outcome.cpuTimeUs()} ${outcome.memoryPeakBytes()} ${outcome.json("/tenant")}`,
    },
  }),

  connect(_settings, host, port) {
    if (port !== 443) deny("port", `${host}:${port}`, { field: "/network" });
    return { annotations: { to: host } };
  },
});

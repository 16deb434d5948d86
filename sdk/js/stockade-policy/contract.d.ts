// Written by contract.mjs from sdk/wit. Numbers are exact up to 2^53. A function whose result can be an error throws: an Error
// with the case as `payload`, such as "conflict".

/** Plain data. Frozen. */
declare module "stockade:policy/types@0.1.0" {
  /** One entry of a map. */
  interface Pair {
    key: string;
    value: string;
  }

  /** Why a policy says no. */
  interface Rejection {
    /** Stable word for programs and metrics: `[a-z0-9-]{1,64}`. Anything else makes the answer malformed. */
    code: string;
    /** One sentence for whoever sent the job; cut at 1024 bytes. */
    message: string;
    /** JSON pointer (RFC 6901) into the job document, such as `/steps/0/limits/memory_bytes`; at most 256 bytes. */
    field: string | null;
    /** Whether the same job may be admitted later. False: answered with 403; true: with 503 and `Retry-After`. */
    retryable: boolean;
  }

  /** What goes into the record beside the answer. */
  interface Notes {
    /** Told to whoever sent the job; the first 16, each cut at 256 bytes. */
    warnings: string[];
    /** Kept with the decision; the first 32, each cut at 1024 bytes. */
    annotations: Pair[];
  }

  /** A no, with its notes. */
  interface Denial {
    reason: Rejection;
    notes: Notes;
  }

  /** What a lifecycle hook adds to the job's record. */
  interface Additions {
    /** New labels; one that the job has already is left as it is. The first 16, by the rules for a job's own labels. */
    labels: Pair[];
    /** The first 32, each cut at 1024 bytes; a later one of the same key replaces the earlier. */
    annotations: Pair[];
  }
}

/** Lines for the operator's log. */
declare module "stockade:policy/log@0.1.0" {
  type Level =
    | "debug"
    | "info"
    | "warn"
    | "error";

  /** At most 64 lines a call, each cut at 1024 bytes; more are dropped and counted. Control characters become blanks. */
  function log(level: Level, message: string): void;
}

/** This call. Constant while it lasts. */
declare module "stockade:policy/call@0.1.0" {
  /** The policy's name in its bundle. */
  function policy(): string;

  /** The settings of the bundle as JSON, `{}` where it gives none. Before the first job `validate-settings` has accepted them. */
  function settings(): string;

  /**
   * The request that brought the job, as in the answer's `x-request-id`; empty outside of HTTP, and for a job that was taken
   * in before the server was started.
   */
  function requestId(): string;

  /**
   * Milliseconds since 1970-01-01 UTC. One time for all calls that judge a job, that of its admission: in `approve` and
   * `connect` too, however long it has waited. In `started` and `exited`, when that happened.
   */
  function nowUnixMs(): number;

  /** Milliseconds that this call may take; after that it is stopped and has failed, and a job that it was to judge is denied. */
  function timeoutMs(): number;
}

/**
 * The job as it stands at this point of the chain: defaults filled in, patches of earlier policies applied. After that, as it
 * was admitted. In `validate-settings` there is no job yet, and what is answered here means nothing.
 */
declare module "stockade:policy/job@0.1.0" {
  import type { Pair } from "stockade:policy/types@0.1.0";

  /** A file that the job brings. */
  interface File {
    /** Relative to `/workspace`. */
    path: string;
    bytes: number;
    /** Permission bits. */
    mode: number;
  }

  /** One run of a step's command. */
  interface Case {
    name: string;
    /** Come after the words of the step's command. */
    args: string[];
    /** The command that judges what was printed; empty where none does. */
    checker: string[];
  }

  /** A named volume that the job mounts. */
  interface Volume {
    name: string;
    /** Absolute path inside the job. */
    path: string;
    readOnly: boolean;
  }

  /** The job's id, a UUID. */
  function id(): string;

  /** Whose job it is. */
  function tenant(): string;

  /**
   * Who sent it: `local` for `stockade run`; `anonymous` where the server has no tokens; the token's name; `uid:` and a number
   * for root and the server's own user, who need no token at its unix socket.
   */
  function submitter(): string;

  /** The root filesystem: `host`, or an image reference. */
  function image(): string;

  /** `sha256:…` of the image's manifest; none for `host`. */
  function imageDigest(): string | null;

  /** Steps run one after another; there is at least one. */
  function stepCount(): number;

  /** Of step `step`, counted from 0; none where there is no such step. The same for all functions of a step. */
  function stepName(step: number): string | null;
  function stepCommand(step: number): string[] | null;
  /** The step's cases, where it has any: each runs the step's command with words of its own after it. */
  function stepCases(step: number): Case[] | null;
  /**
   * Whether any of `texts` is in any word of a command that the job may run: a step's own, those of its cases and of their
   * checkers. Who looks for few things asks this first: an answer is given again to every job that would be answered the same,
   * and most commands differ. True, unseen, where the words have more than 64 KiB together (16 bytes more for each), or where
   * there are more than 64 texts or 4 KiB of them.
   */
  function commandsMayContain(texts: string[]): boolean;
  /** Absolute path inside the job. */
  function stepWorkdir(step: number): string | null;
  /** Seccomp profile. */
  function stepProfile(step: number): string | null;
  /**
   * A limit by its name in the request: `memory_bytes`, `wall_time_ms`, …; `cpus` in thousandths. None also where there is
   * no such limit.
   */
  function stepLimit(step: number, name: string): number | null;

  /** The job's limits: of each the largest of any step. `cpu-millis` is CPUs in thousandths. */
  function cpuTimeMs(): number;
  function wallTimeMs(): number;
  function memoryBytes(): number;
  function pids(): number;
  function outputBytes(): number;
  function diskBytes(): number;
  function openFiles(): number;
  function fileBytes(): number;
  function stackBytes(): number;
  function cpuMillis(): number;

  /**
   * Names of environment variables, of all steps and cases together, sorted; those of the image and of Stockade itself, such
   * as `PATH`, are among them. Their values need the grant `job-env`.
   */
  function envNames(): string[];

  /** In the order of the request. Their contents need the grant `job-files`. */
  function files(): File[];
  /** `sha256:…` of the contents; none where there is no such file. */
  function fileDigest(path: string): string | null;

  function volumes(): Volume[];

  /** `none`, `allow` or `full`; today every job has `none`. */
  function networkMode(): string;
  /** For `allow`: hosts as in the request, such as `pypi.org:443`. */
  function networkHosts(): string[];

  /** Numeric user id inside the job. */
  function user(): number;

  /** Globs of the files to collect. */
  function artifacts(): string[];

  function labels(): Pair[];
  function label(key: string): string | null;

  /** Larger is sooner; 0 for a job that does not say. */
  function priority(): number;
  /** How often the job may be started, 1 for a job that is not retried. */
  function maxAttempts(): number;
  /** Layers the job must not run without, such as `cgroup.memory`. */
  function requirements(): string[];

  /**
   * The value at a JSON pointer (RFC 6901) into the whole document as JSON; the empty pointer is the whole of it. Values of
   * environment variables, stdin and contents of files are not in it. What is: README.md in sdk/wit.
   */
  function json(pointer: string): string | null;
}

/**
 * The container as it really is: in `approve` and `started`, and in `exited` of a job that had one. Elsewhere everything here
 * is empty, false, 0 or none.
 */
declare module "stockade:policy/container@0.1.0" {
  import type { Pair } from "stockade:policy/types@0.1.0";

  /** Namespaces of its own: `user`, `pid`, `mount`, … */
  function namespaces(): string[];
  /** The user id on the host, which is never root's. */
  function hostUid(): number;
  /** `per_slot`, `single` or `image`. */
  function idMap(): string;
  function capabilities(): string[];
  function noNewPrivs(): boolean;
  /** Profiles in use with their digests, `sha256:…`. */
  function seccomp(): Pair[];
  function landlockAbi(): number | null;
  /** `v2`, `hybrid`, `v1` or `none`. */
  function cgroupVersion(): string;
  function cgroupControllers(): string[];
  /** `host` or `image`. */
  function rootFilesystem(): string;
  /** `none`; today there is no other. */
  function network(): string;
  /** Layers that could not be had and that the operator allows to be missing. */
  function degraded(): string[];
  /** The whole receipt, or the value at a JSON pointer into it, as JSON. */
  function json(pointer: string): string | null;
}

/** How the job ended, in `on-exited`. Before that everything here is empty, 0 or none. */
declare module "stockade:policy/outcome@0.1.0" {
  /** The job's status as `GET /jobs/{id}` gives it: `succeeded`, `failed`, `timed_out`, … */
  function status(): string;
  /** The kind of its cause, such as `limit`; none where it needs no explanation. */
  function cause(): string | null;
  /**
   * Of the step that decided the job: the first that did not succeed, else the last. None where it did not end by itself, and
   * where it has cases.
   */
  function exitCode(): number | null;
  /** Of that step, such as `SIGSEGV`. */
  function signal(): string | null;
  /** Of all steps together; the peak is the largest. 0 where nothing could count it. */
  function wallTimeUs(): number;
  function cpuTimeUs(): number;
  function memoryPeakBytes(): number;
  /** The finished job without outputs, or the value at a JSON pointer into it, as JSON. */
  function json(pointer: string): string | null;
}

/**
 * Grant `patch`: change the job. Only in `mutate`; elsewhere every call is refused as `not-now`.
 *
 * A change may only tighten what the job may do, unless the bundle grants `loosen`. The first policy that changes a field
 * owns it: another's change is a `conflict`, unless the bundle grants that one `override`. What is so already is no change,
 * and what is refused has changed nothing. Nothing is changed either where `mutate` ends in a denial or a failure, or where
 * the bundle does not enforce the policy. When all are done the job is held against the host's caps; beyond them it is denied
 * with `hard-cap`.
 *
 * One call of `mutate` may make 1024 changes, each step counted by itself, with 256 KiB of text: names of variables and
 * labels, and all texts that are changed, before and after. What is more is refused as `invalid-value`.
 */
declare module "stockade:policy/patch@0.1.0" {
  type PatchError =
    /** Another policy has changed this field. */
    | "conflict"
    /** It would allow the job more than it is allowed now. */
    | "loosens-isolation"
    /** No job could have this value, or there have been as many changes as there may be. */
    | "invalid-value"
    /** There is no such field, or policies may not change it. */
    | "no-such-field"
    /** This is not `mutate`. */
    | "not-now";

  /** Limits: lowers every step that is above `value` to it. A `value` above all of them is given to all of them, and loosens. */
  function setCpuTimeMs(value: number): void;
  function setWallTimeMs(value: number): void;
  function setMemoryBytes(value: number): void;
  function setPids(value: number): void;
  function setOutputBytes(value: number): void;
  function setDiskBytes(value: number): void;
  function setOpenFiles(value: number): void;
  function setFileBytes(value: number): void;
  function setStackBytes(value: number): void;
  function setCpuMillis(value: number): void;
  /** One limit of one step, by its name in the request; not `disk_bytes`, which is the job's. */
  function setStepLimit(step: number, name: string, value: number): void;

  /**
   * In every step and in all of its cases, whatever they set themselves. Neither loosens. A name is not empty and has no `=`;
   * name and value have no NUL and less than 128 KiB each.
   */
  function setEnv(name: string, value: string): void;
  function removeEnv(name: string): void;

  /** Neither loosens. A name has 1 to 256 bytes, a value at most 256. */
  function setLabel(key: string, value: string): void;
  function removeLabel(key: string): void;

  /**
   * The seccomp profile of every step, one that the host has. `strict` is tighter than `default`, `default` than `build`; any
   * other change loosens.
   */
  function setProfile(name: string): void;

  /** Adds a layer that the job must not run without, 1 to 256 bytes. Never a `conflict`: the list only grows. */
  function addRequirement(layer: string): void;

  /** Takes the job's network away; today no job has one. */
  function denyNetwork(): void;

  /**
   * One operation of a JSON Patch (RFC 6902) on the job document: `add`, `replace` and `remove` of `/labels/NAME`, `add` and
   * `replace` of `/limits/disk_bytes`, `/steps/N/limits/NAME` (all but `disk_bytes`; `cpus` in thousandths) and
   * `/steps/N/profile`, `add` of `/require/-`. A label that is replaced must be there. After what is no operation at all only
   * a denial counts: with any other answer the job is denied with `bad-output`.
   */
  function jsonOp(operation: string): void;
}

/** Grant `job-env`: values of environment variables. Secrets live here. */
declare module "stockade:policy/job-env@0.1.0" {
  import type { Pair } from "stockade:policy/types@0.1.0";
  /** Of one step, then of each of its cases; a name may come more than once. None where there is no such step. */
  function values(step: number): Pair[] | null;
}

/** Grant `job-files`: contents of the files that the job brings. */
declare module "stockade:policy/job-files@0.1.0" {
  /** Up to `length` bytes from `offset`, at most 1 MiB a call; empty at the end. None where there is no such file. */
  function read(path: string, offset: number, length: number): Uint8Array | null;
  /** Whether any of `texts` is in any of the files; true, unseen, by the bounds of `commands-may-contain`. */
  function mayContain(texts: string[]): boolean;
}

/** Grant `metrics`: counters of the policy's own. */
declare module "stockade:policy/metrics@0.1.0" {
  /** `name` is one that the policy's metadata declares; others are dropped and counted. */
  function increment(name: string, by: number): void;
}

/** Grant `facts`: what the daemon knew when the job was admitted. One snapshot for all calls about the job, later ones too. */
declare module "stockade:policy/facts@0.1.0" {
  /** Of a tenant, this job not counted. */
  function runningJobs(tenant: string): number;
  function queuedJobs(tenant: string): number;
  /** Memory limits of running jobs together. */
  function reservedMemoryBytes(tenant: string): number;
  /** An entry of a table that the bundle gives; none where table or key is not there. */
  function lookup(table: string, key: string): string | null;
}

/**
 * Grant `kv`: a small memory of the policy's own, by its name in the bundle. Kept across reloads and lost with the daemon.
 *
 * At most 1024 keys, 1 MiB of keys and values together; a key has 1 to 128 bytes, a value at most 64 KiB. `get` is for every
 * hook. `put` and `add` only for `started` and `exited`: a decision must not depend on how often it was asked for.
 */
declare module "stockade:policy/kv@0.1.0" {
  type KvError =
    /** Not in this hook. */
    | "read-only"
    /** The policy's room is used up. A key whose time is over takes none. */
    | "quota"
    /** Key or value. A key that is empty too. */
    | "too-large";

  function get(key: string): Uint8Array | null;
  /** `ttl-ms` 0 keeps it. */
  function put(key: string, value: Uint8Array, ttlMs: number): void;
  /**
   * Adds to a decimal number kept under `key`, 0 where there is none; answers the sum. A new key lives for `ttl-ms`, another
   * for as long as before.
   */
  function add(key: string, delta: number, ttlMs: number): number;
}

/** Settings, checked once when the policy is loaded. */
declare module "stockade:policy/configuration@0.1.0" {
  interface SettingsError {
    /** JSON pointer into the settings. */
    pointer: string;
    message: string;
  }

  /** `json` is the settings as the bundle gives them, `{}` for none. An error keeps the bundle from being loaded. */
  function validateSettings(json: string): void;
}

/**
 * Changes a job, through `patch`. Called in the order of the bundle, and once more when all are done: the second time must
 * change nothing, or the job is denied as `not-idempotent`.
 */
declare module "stockade:policy/mutation@0.1.0" {
  import type { Notes, Denial } from "stockade:policy/types@0.1.0";
  function mutate(): Notes;
}

/** Judges the job as all mutators left it. Every validator is asked; one denial decides. */
declare module "stockade:policy/validation@0.1.0" {
  import type { Notes, Denial } from "stockade:policy/types@0.1.0";
  function validate(): Notes;
}

/** Judges the container as it stands, just before the job's first program starts. */
declare module "stockade:policy/pre-start@0.1.0" {
  import type { Notes, Denial } from "stockade:policy/types@0.1.0";
  function approve(): Notes;
}

/** Told that a job has started. Later, and never in its way; in order for one policy, so for one job. */
declare module "stockade:policy/on-started@0.1.0" {
  import type { Additions } from "stockade:policy/types@0.1.0";
  function started(): Additions;
}

/** Told that a job has ended, by whatever way, if it was admitted. */
declare module "stockade:policy/on-exited@0.1.0" {
  import type { Additions } from "stockade:policy/types@0.1.0";
  function exited(): Additions;
}

/** Judges one outgoing connection of a running job. */
declare module "stockade:policy/connection@0.1.0" {
  import type { Notes, Denial } from "stockade:policy/types@0.1.0";
  /** `host` is the name that the job asked for, in lower case, or an address. */
  function connect(host: string, port: number): Notes;
}

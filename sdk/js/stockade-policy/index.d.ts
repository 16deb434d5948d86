/// <reference path="./contract.d.ts" />

declare const value: unique symbol;
/** A field of the settings, a `T` to the policy. (A function, but TypeScript infers nothing through those that return one.) */
export interface Field<T> {
  readonly [value]: T;
}
/** The settings that a table of fields describes. */
export type Settings<F> = { [K in keyof F]: F[K] extends Field<infer T> ? T : never };

/** What is wrong with the settings. `pointer` is a JSON pointer into them. */
export interface Problem {
  pointer: string;
  message: string;
}

/** A whole number from `min` to `max`, both allowed. */
export function integer(bounds?: { min?: number; max?: number }): Field<number>;
export function boolean(): Field<boolean>;
/** A text; with `pattern`, one in which the pattern is found. */
export function text(options?: { pattern?: RegExp }): Field<string>;
/** One of a few texts. */
export function oneOf<T extends string>(...allowed: T[]): Field<T>;
/** A list of at least `min` items. */
export function list<T>(item: Field<T>, options?: { min?: number }): Field<T[]>;
/** A table of any keys. */
export function map<T>(item: Field<T>): Field<Record<string, T>>;
/** A table of these fields and no others. */
export function table<F extends Record<string, Field<unknown>>>(fields: F): Field<Settings<F>>;
/** A field that may be left out; it is `fallback` then. */
export function optional<T>(item: Field<T>, fallback: T): Field<T>;
export function optional<T, D>(item: Field<T>, fallback: D): Field<T | D>;

/** What a judging hook may add to the record; see `Notes` in the contract. */
export interface Notes {
  warnings?: string[];
  annotations?: Record<string, unknown>;
}

/** What a lifecycle hook may add to the job's record; see `Additions` in the contract. */
export interface Additions {
  labels?: Record<string, unknown>;
  annotations?: Record<string, unknown>;
}

/** Ends the hook with a no. `code` is `[a-z0-9-]{1,64}`, `field` a JSON pointer into the job document. */
export function deny(
  code: string,
  message: string,
  details?: Notes & { field?: string; retryable?: boolean },
): never;

export type LimitName =
  | "cpu_time_ms"
  | "wall_time_ms"
  | "memory_bytes"
  | "pids"
  | "output_bytes"
  | "disk_bytes"
  | "open_files"
  | "file_bytes"
  | "stack_bytes"
  | "cpus";

export interface Step {
  readonly index: number;
  readonly name: string;
  readonly command: string[];
  /** Each runs the command with words of its own after it. */
  readonly cases: { name: string; args: string[]; checker: string[] }[];
  /** Every command that the step may run: its own, that of each case, and that of each case's checker. */
  readonly commands: string[][];
  readonly workdir: string;
  readonly profile: string;
  /** A limit by its name in the request; `cpus` in thousandths. Null where there is no such limit. */
  limit(name: LimitName): number;
  limit(name: string): number | null;
  /** `/limits/pids` becomes `/steps/N/limits/pids`. */
  pointer(tail: string): string;
}

/** The job's steps in order. */
export function steps(): Step[];

/** The hooks, each optional. One that `wit/world.wit` exports must be here. */
export interface Policy<F> {
  settings?: F;
  /** What the fields alone cannot say; asked when they are all right. */
  check?(settings: Settings<F>): Iterable<Problem>;
  validate?(settings: Settings<F>): Notes | void;
  mutate?(settings: Settings<F>): Notes | void;
  approve?(settings: Settings<F>): Notes | void;
  started?(settings: Settings<F>): Additions | void;
  exited?(settings: Settings<F>): Additions | void;
  connect?(settings: Settings<F>, host: string, port: number): Notes | void;
}

/**
 * The exports of the component, named as in `wit/world.wit`: `configuration`, `validation`, `mutation`, `preStart`,
 * `onStarted`, `onExited`, `connection`. A refused change (`patch`) that is not caught denies the job as `patch-conflict` and
 * so on; any other error is logged and fails the call, which denies the job.
 */
export function policy<F extends Record<string, Field<unknown>> = {}>(
  parts: Policy<F>,
): Record<
  "configuration" | "validation" | "mutation" | "preStart" | "onStarted" | "onExited" | "connection",
  object
>;

/** The bytes of a text, in UTF-8. */
export function bytesOf(text: string): Uint8Array;
/** The text that bytes hold, null where they are not UTF-8. */
export function textOf(bytes: Uint8Array): string | null;

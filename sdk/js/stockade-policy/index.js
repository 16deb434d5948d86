// The small layer between a policy and the contract: typed settings, plain answers, and no failure that goes unsaid.

import { settings as settingsJson } from "stockade:policy/call@0.1.0";
import * as job from "stockade:policy/job@0.1.0";
import { log } from "stockade:policy/log@0.1.0";
import { table } from "./settings.js";

export * from "./settings.js";
export * from "./utf8.js";

/** Thrown to end a call with the error of its WIT result. */
class Refusal {
  constructor(answer) {
    this.answer = answer;
  }
}

export function deny(code, message, { field = null, retryable = false, ...notes } = {}) {
  throw new Refusal({ reason: { code, message, field, retryable }, notes: noted(notes) });
}

export function steps() {
  return Array.from({ length: job.stepCount() }, (_, index) => ({
    index,
    get name() { return job.stepName(index); },
    get command() { return job.stepCommand(index); },
    get cases() { return job.stepCases(index); },
    get commands() { return commands(job.stepCommand(index), job.stepCases(index)); },
    get workdir() { return job.stepWorkdir(index); },
    get profile() { return job.stepProfile(index); },
    limit: (name) => job.stepLimit(index, name),
    pointer: (tail) => `/steps/${index}${tail}`,
  }));
}

const commands = (own, cases) =>
  [own, ...cases.flatMap(({ args, checker }) => [[...own, ...args], checker])].filter((words) => words.length > 0);

export function policy({ settings = {}, check = () => [], validate, mutate, approve, started, exited, connect }) {
  const read = (json) => accepted(table(settings), check, JSON.parse(json));
  const hook = (judge, answer) => judge && ((...args) => said(() => answer(judge(read(settingsJson()), ...args) ?? {})));
  return {
    configuration: { validateSettings: (json) => said(() => void read(json)) },
    validation: { validate: hook(validate, noted) },
    mutation: { mutate: hook(mutate, noted) },
    preStart: { approve: hook(approve, noted) },
    onStarted: { started: hook(started, added) },
    onExited: { exited: hook(exited, added) },
    connection: { connect: hook(connect, noted) },
  };
}

function accepted(shape, check, given) {
  const problems = [];
  const settings = shape(given, "", problems);
  if (problems.length === 0) problems.push(...check(settings));
  if (problems.length > 0) throw new Refusal(problems);
  return settings;
}

function said(call) {
  try {
    return call();
  } catch (error) {
    if (error instanceof Refusal) throw error.answer;
    const refused = PATCH_ERRORS[error?.payload];
    if (refused) throw { reason: { code: `patch-${error.payload}`, message: refused, field: null, retryable: false }, notes: noted({}) };
    // The host sees no more than a trap.
    log("error", error instanceof Error ? `${error}\n${error.stack}` : `threw ${JSON.stringify(error)}`);
    throw error;
  }
}

const PATCH_ERRORS = {
  conflict: "another policy has already changed this field",
  "loosens-isolation": "the change would allow the job more than it asked for",
  "invalid-value": "no job can have the value that this policy would give",
  "no-such-field": "policies cannot change this field",
  "not-now": "a job can only be changed in the hook `mutation`",
};

const noted = ({ warnings = [], annotations = {} }) => ({ warnings, annotations: pairs(annotations) });
const added = ({ labels = {}, annotations = {} }) => ({ labels: pairs(labels), annotations: pairs(annotations) });
const pairs = (entries) => Object.entries(entries).map(([key, value]) => ({ key, value: String(value) }));

// Writes stockade-policy/contract.d.ts, the contract of ../wit as the JavaScript engine shows it. With --check it only compares.
//
// No existing generator does this: jco's types say `bigint` and `undefined` where this engine wants `number` and `null`. It
// knows as much of WIT as the contract uses, and stops at anything else.

import { readFileSync, writeFileSync } from "node:fs";

const WIT = new URL("../wit/", import.meta.url);
const OUT = new URL("stockade-policy/contract.d.ts", import.meta.url);

const camel = (name) => name.replace(/-(\w)/g, (_, letter) => letter.toUpperCase());
const pascal = (name) => camel(`-${name}`);

const PLAIN = { bool: "boolean", string: "string", u8: "number", u16: "number", u32: "number", u64: "number", s32: "number", s64: "number" };

function type(wit) {
  const [, outer, inner] = /^(list|option)<(.*)>$/.exec(wit) ?? [];
  if (wit === "list<u8>") return "Uint8Array";
  if (outer === "list") return `${type(inner)}[]`;
  if (outer === "option") return `${type(inner)} | null`;
  if (PLAIN[wit]) return PLAIN[wit];
  if (!/^[a-z][a-z-]*$/.test(wit)) throw new Error(`cannot translate the type ${wit}`);
  return pascal(wit);
}

// A `result<T, E>` is a T, or an E thrown.
function signature(name, params, result = "_") {
  const [, ok] = /^result<(.*), [^,]+>$/.exec(result) ?? [];
  const returns = (ok ?? result) === "_" ? "void" : type(ok ?? result);
  const list = params.split(", ").filter(Boolean).map((param) => param.split(": "));
  return `${name}(${list.map(([key, wit]) => `${camel(key)}: ${type(wit)}`).join(", ")}): ${returns}`;
}

const LINES = [
  [/^use ([\w-]+)\.\{(.*)\};$/, ([, from, names]) =>
    `import type { ${names.split(", ").map(pascal).join(", ")} } from "stockade:policy/${from}@0.1.0";`],
  [/^record ([\w-]+) \{$/, ([, name]) => `interface ${pascal(name)} {`],
  [/^([\w-]+): (?!func\()(.+),$/, ([, name, wit]) => `${camel(name)}: ${type(wit)};`],
  [/^enum ([\w-]+) \{$/, ([, name]) => `type ${pascal(name)} =`],
  [/^([a-z-]+),$/, ([, name]) => `| "${name}"`],
  [/^([\w-]+): func\((.*?)\)(?: -> (.+))?;$/, ([, name, params, result]) =>
    `function ${signature(camel(name), params, result)};`],
  [/^(\}|)$/, ([line]) => line],
];

function translated(line) {
  for (const [pattern, write] of LINES) {
    const match = pattern.exec(line);
    if (match) return write(match);
  }
  throw new Error(`cannot translate the line: ${line}`);
}

/** One interface of the contract as a module: its lines, translated one by one. */
function module({ name, docs, body }) {
  const out = [...comment("", docs), `declare module "stockade:policy/${name}@0.1.0" {`];
  let waiting = [];
  let open = "";
  for (const line of body.map((each) => each.trim())) {
    if (line.startsWith("///")) {
      waiting.push(line.slice(4));
    } else if (line === "}" && open === "enum") {
      out[out.length - 1] += ";";
      open = "";
    } else {
      const indent = open && line !== "}" ? "    " : "  ";
      out.push(...comment(indent, waiting), (line && indent) + translated(line));
      waiting = [];
      open = line.endsWith(" {") && !line.startsWith("use") ? line.split(" ")[0] : line === "}" ? "" : open;
    }
  }
  return [...out, "}", ""];
}

function comment(indent, lines) {
  if (lines.length < 2) return lines.map((line) => `${indent}/** ${line} */`);
  return [`${indent}/**`, ...lines.map((line) => `${indent} * ${line}`.trimEnd()), `${indent} */`];
}

/** The interfaces of a WIT file, each with its documentation. */
function* interfaces(file) {
  let docs = [];
  let open = null;
  for (const line of readFileSync(new URL(file, WIT), "utf8").split("\n")) {
    const [, name] = /^interface ([\w-]+) \{$/.exec(line) ?? [];
    if (name) open = { name, docs, body: [] };
    else if (line === "}" && open) {
      yield open;
      open = null;
    } else if (open) open.body.push(line);
    docs = /^\/\/\/ ?/.test(line) ? [...docs, line.replace(/^\/\/\/ ?/, "")] : [];
  }
}

const wanted = [
  "// Written by contract.mjs from sdk/wit. Numbers are exact up to 2^53. A function whose result can be an error throws: an Error",
  "// with the case as `payload`, such as \"conflict\".",
  "",
  ...["types.wit", "imports.wit", "exports.wit"].flatMap((file) => [...interfaces(file)].flatMap(module)),
].join("\n");
if (!process.argv.includes("--check")) {
  writeFileSync(OUT, wanted);
} else if (readFileSync(OUT, "utf8") !== wanted) {
  console.error("sdk/js/stockade-policy/contract.d.ts is not what sdk/wit says\nhint: node sdk/js/contract.mjs");
  process.exitCode = 1;
}

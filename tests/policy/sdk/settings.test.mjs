// Fields of settings and the two text functions, in Node. Run by run.sh in a project: `node settings.test.mjs`.

import assert from "node:assert/strict";
import { test } from "node:test";
import { boolean, integer, list, map, oneOf, optional, table, text } from "./stockade-policy/settings.js";
import { bytesOf, textOf } from "./stockade-policy/utf8.js";

const shape = table({
  level: integer({ min: 1, max: 9 }),
  kind: optional(oneOf("soft", "hard"), "soft"),
  names: optional(list(text({ pattern: /^[a-z]+$/ }), { min: 1 }), null),
  limits: optional(map(table({ on: boolean() })), {}),
});

function read(given) {
  const problems = [];
  const settings = shape(given, "", problems);
  return problems.length > 0 ? problems.map(({ pointer, message }) => `${pointer} ${message}`) : settings;
}

test("what is left out has its fallback", () => {
  assert.deepEqual(read({ level: 1 }), { level: 1, kind: "soft", names: null, limits: {} });
});

test("what is given is kept", () => {
  const given = { level: 9, kind: "hard", names: ["a"], limits: { "x/y": { on: true } } };
  assert.deepEqual(read(given), given);
});

for (const [given, ...problems] of [
  [[], " must be a table"],
  [null, " must be a table"],
  [{}, "/level missing"],
  [{ level: 0 }, "/level must be a whole number, 1 or more, 9 or less"],
  [{ level: 1.5 }, "/level must be a whole number, 1 or more, 9 or less"],
  [{ level: "1" }, "/level must be a whole number, 1 or more, 9 or less"],
  [{ level: true }, "/level must be a whole number, 1 or more, 9 or less"],
  [{ level: 1, kind: "none" }, '/kind must be one of "soft", "hard"'],
  [{ level: 1, names: [] }, "/names must be a list of 1 or more"],
  [{ level: 1, names: ["a", "B", 3] }, "/names/1 must be a text that matches /^[a-z]+$/", "/names/2 must be a text that matches /^[a-z]+$/"],
  [{ level: 1, limits: { "a/b~c": { on: 1 } } }, "/limits/a~1b~0c/on must be true or false"],
  [{ level: 1, limits: { a: { on: true, off: 1 } } }, "/limits/a/off unknown setting"],
  [{ level: 1, toString: 1 }, "/toString unknown setting"],
  [JSON.parse('{"level": 1, "__proto__": 1}'), "/__proto__ unknown setting"],
]) {
  test(`refused: ${JSON.stringify(given)}`, () => assert.deepEqual(read(given), problems));
}

test("texts survive being bytes", () => {
  for (const each of ["", "plain", "100% ä € 😀", "%41"]) assert.equal(textOf(bytesOf(each)), each);
  assert.deepEqual(bytesOf("aä"), Uint8Array.of(0x61, 0xc3, 0xa4));
  assert.equal(textOf(Uint8Array.of(0xff)), null);
});

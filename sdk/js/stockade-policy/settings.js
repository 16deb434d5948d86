// Fields of settings: functions `(value, pointer, problems) => value` that hand back the value to use, and put what is wrong
// with the one they got into `problems`. What each accepts is told in index.d.ts.

const pointed = (pointer, key) => `${pointer}/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`;
const isMap = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

function field(expected, accepts) {
  return (value, pointer, problems) => {
    if (!accepts(value)) problems.push({ pointer, message: `must be ${expected}` });
    return value;
  };
}

export function integer({ min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = {}) {
  const lower = min === Number.MIN_SAFE_INTEGER ? "" : `, ${min} or more`;
  const upper = max === Number.MAX_SAFE_INTEGER ? "" : `, ${max} or less`;
  return field(`a whole number${lower}${upper}`, (value) => Number.isSafeInteger(value) && value >= min && value <= max);
}

export function boolean() {
  return field("true or false", (value) => typeof value === "boolean");
}

export function text({ pattern } = {}) {
  const expected = pattern ? `a text that matches ${pattern}` : "a text";
  return field(expected, (value) => typeof value === "string" && (!pattern || value.search(pattern) >= 0));
}

export function oneOf(...allowed) {
  return field(`one of ${allowed.map((value) => `"${value}"`).join(", ")}`, (value) => allowed.includes(value));
}

export function list(item, { min = 0 } = {}) {
  return (value, pointer, problems) => {
    if (!Array.isArray(value) || value.length < min) {
      problems.push({ pointer, message: min > 0 ? `must be a list of ${min} or more` : "must be a list" });
      return value;
    }
    return value.map((each, index) => item(each, pointed(pointer, index), problems));
  };
}

export function map(item) {
  return (value, pointer, problems) => {
    if (!isMap(value)) {
      problems.push({ pointer, message: "must be a table" });
      return value;
    }
    return Object.fromEntries(
      Object.entries(value).map(([key, each]) => [key, item(each, pointed(pointer, key), problems)]),
    );
  };
}

export function optional(item, fallback) {
  const checked = (value, pointer, problems) => item(value, pointer, problems);
  checked.fallback = { value: fallback };
  return checked;
}

export function table(fields) {
  return (value, pointer, problems) => {
    if (!isMap(value)) {
      problems.push({ pointer, message: "must be a table" });
      return value;
    }
    for (const key of Object.keys(value)) {
      if (!Object.hasOwn(fields, key)) problems.push({ pointer: pointed(pointer, key), message: "unknown setting" });
    }
    return Object.fromEntries(
      Object.entries(fields).map(([key, check]) => [key, checkedField(check, value, key, pointed(pointer, key), problems)]),
    );
  };
}

function checkedField(check, value, key, pointer, problems) {
  if (Object.hasOwn(value, key)) return check(value[key], pointer, problems);
  if (!check.fallback) problems.push({ pointer, message: "missing" });
  return check.fallback?.value;
}

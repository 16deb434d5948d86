// The engine has no TextEncoder. These two are for `kv` and `job-files`, whose values are bytes.

/** The bytes of a text, in UTF-8. */
export function bytesOf(text) {
  const escaped = encodeURIComponent(text).match(/%..|[^%]/g) ?? [];
  return Uint8Array.from(escaped, (part) => (part.length > 1 ? parseInt(part.slice(1), 16) : part.charCodeAt(0)));
}

/** The text that bytes hold, null where they are not UTF-8. */
export function textOf(bytes) {
  try {
    return decodeURIComponent(Array.from(bytes, (byte) => `%${byte.toString(16).padStart(2, "0")}`).join(""));
  } catch {
    return null;
  }
}

// Values of events as text that is safe to read: what does not print is shown as an escape, so that no event
// turns the direction of writing or hides what it says. Nothing here makes markup.

const MAX_TEXT_CHARS = 65536;
const MAX_HEX_BYTES = 1024;

function printable(text) {
  return text.replace(/[^\P{C}\n\t]|[\u2028\u2029]/gu, (char) => `\\u{${char.codePointAt(0).toString(16)}}`);
}

function oneLine(text) {
  return printable(text).replace(/[\n\t]/g, (char) => (char === "\n" ? "\\n" : "\\t"));
}

function bytesAsLine(bytes) {
  if (bytes === null) return "null";
  const text = readOrNull(() => decodeUtf8(bytes));
  return text === null ? `0x${toHex(bytes)}` : oneLine(text);
}

// The form of a value, and its text as far as it is shown.
function valueAsText(bytes, eventSchema) {
  const event = readOrNull(() => readAuditEvent(bytes, eventSchema));
  if (event !== null) return ["AuditEvent", printable(JSON.stringify(event, null, 2))];
  const text = readOrNull(() => decodeUtf8(bytes));
  if (text === null) return ["binary", cut(hexRows(bytes.subarray(0, MAX_HEX_BYTES)), bytes.length > MAX_HEX_BYTES)];
  const indented = text.length <= MAX_TEXT_CHARS ? indentJson(text) : null;
  const shown = printable(indented ?? text.slice(0, MAX_TEXT_CHARS));
  return [indented === null ? "text" : "JSON", cut(shown, text.length > MAX_TEXT_CHARS)];
}

function cut(text, isCut) {
  return isCut ? `${text}\n… the rest is not shown; the file in the pack has all of it` : text;
}

// Only the space between symbols changes: numbers keep their digits and repeated members stay.
function indentJson(text) {
  if (readOrNull(() => JSON.parse(text)) === null) return null;
  const out = [];
  let [depth, before] = [0, ""];
  for (const symbol of text.match(/"(?:[^"\\]|\\.)*"|[[\]{},:]|[^\s[\]{},:"]+/gs) ?? []) {
    const [opens, closes, follows] = ["[{", "]}", "[{,"].map((set) => (char) => char !== "" && set.includes(char));
    if (closes(symbol)) depth -= 1;
    const isEmpty = closes(symbol) && opens(before);
    if (!isEmpty && (follows(before) || closes(symbol))) out.push("\n", "  ".repeat(depth));
    out.push(symbol === ":" ? ": " : symbol);
    if (opens(symbol)) depth += 1;
    before = symbol;
  }
  return out.join("");
}

function hexRows(bytes) {
  const rows = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const row = bytes.subarray(at, at + 16);
    const ascii = Array.from(row, (byte) => (byte > 31 && byte < 127 ? String.fromCharCode(byte) : "."));
    rows.push(`${at.toString(16).padStart(4, "0")}  ${toHex(row).replace(/../g, "$& ").padEnd(48)} ${ascii.join("")}`);
  }
  return rows.join("\n");
}

// An AuditEvent in Avro's single-object encoding; members that are not set are left out.
function readAuditEvent(bytes, { fingerprint, schema }) {
  require(toHex(bytes.subarray(0, 10)) === `c301${fingerprint}`, "not an AuditEvent");
  const event = new AvroReader(bytes, 10).read(schema);
  return Object.fromEntries(Object.entries(event).filter(([, value]) => value !== null));
}

class AvroReader {
  constructor(bytes, at) {
    this.bytes = bytes;
    this.at = at;
  }

  read(schema) {
    if (Array.isArray(schema)) return this.read(schema[this.long()]);
    const kind = schema.type ?? schema;
    if (kind === "record") return Object.fromEntries(schema.fields.map(({ name, type }) => [name, this.read(type)]));
    if (kind === "enum") return schema.symbols[this.long()];
    if (kind === "map") return this.map(schema.values);
    if (kind === "null") return null;
    if (kind === "long") return schema.logicalType ? timeText(this.long()) : this.long();
    if (kind === "string") return decodeUtf8(this.blob());
    require(kind === "bytes", "no such type");
    return bytesAsLine(this.blob());
  }

  long() {
    let [number, shift, byte] = [0n, 0n, 128];
    while (byte >= 128) {
      require(this.at < this.bytes.length && shift < 70n, "the event ends early");
      byte = this.bytes[this.at++];
      number |= BigInt(byte & 127) << shift;
      shift += 7n;
    }
    return Number((number >> 1n) ^ -(number & 1n));
  }

  blob() {
    const length = this.long();
    require(length >= 0 && this.at + length <= this.bytes.length, "the event ends early");
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  map(values) {
    const entries = [];
    for (let count = this.long(); count !== 0; count = this.long()) {
      if (count < 0) this.long(); // the block's size in bytes
      require(Math.abs(count) <= 1024, "too many attributes");
      for (let left = Math.abs(count); left > 0; left -= 1) {
        entries.push([decodeUtf8(this.blob()), this.read(values)]);
      }
    }
    return Object.fromEntries(entries);
  }
}

function timeText(milliseconds) {
  const moment = new Date(Number(milliseconds));
  return Number.isNaN(moment.getTime()) ? `${milliseconds} ms` : moment.toISOString();
}

function toTheSecond(milliseconds) {
  return shortTime(milliseconds).replace(/\.\d+$/, "");
}

function shortTime(milliseconds) {
  return timeText(milliseconds).replace("T", " ").replace(/(\.000)?Z$/, "");
}

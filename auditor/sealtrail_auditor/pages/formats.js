// The byte formats of docs/format.md, read strictly: what the Python reader refuses is refused here.
"use strict";

class Refused extends Error {}
class UnknownVersion extends Error {}

const MAX_INT64 = (1n << 63n) - 1n;
const MAX_NOTE_BYTES = 1 << 20;
const MAX_EXTRA_BYTES = 65535;
const MAX_SIGNATURES = 64;
const MAX_HEADERS = 65535;
const LEAF_BYTES = 145;
const EMPTY_ROOT = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"; // SHA-256 of nothing
const KINDS = ["genesis", "event", "rejected", "heartbeat", "control"];

function require(condition, message) {
  if (!condition) throw new Refused(message);
}

// Base64 has one spelling: unused bits are otherwise free to flip.
function fromBase64(text) {
  let binary;
  try {
    binary = atob(text);
  } catch {
    throw new Refused("not base64");
  }
  require(btoa(binary) === text, "not the canonical base64 of its bytes");
  return Uint8Array.from(binary, (char) => char.charCodeAt(0));
}

function toBase64(bytes) {
  let binary = "";
  for (let at = 0; at < bytes.length; at += 8192) {
    binary += String.fromCharCode(...bytes.subarray(at, at + 8192));
  }
  return btoa(binary);
}

function toHex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function fromHex(text) {
  require(/^([0-9a-f]{2})*$/.test(text), "not lower-case hex");
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

function equalBytes(left, right) {
  return left.length === right.length && left.every((byte, at) => byte === right[at]);
}

function joinBytes(...parts) {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

function decodeUtf8(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Refused("not valid UTF-8");
  }
}

function encodeUtf8(text) {
  return new TextEncoder().encode(text);
}

async function sha256(...parts) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", joinBytes(...parts)));
}

function entryHash(leaf) {
  return sha256(Uint8Array.of(0), leaf); // RFC 6962: the hash of a leaf
}

function parseDecimal(text, atMost, what) {
  require(/^(0|[1-9][0-9]{0,18})$/.test(text), `${what} is not a decimal number`);
  const number = BigInt(text);
  require(number <= atMost, `${what} is too large`);
  return number;
}

// C2SP tlog-proof

function parseProof(bytes) {
  const blank = bytes.findIndex((byte, at) => byte === 10 && bytes[at + 1] === 10);
  const end = blank < 0 ? bytes.length : blank;
  require(bytes.subarray(0, end).every((byte) => byte < 128), "not a tlog-proof");
  const [first, ...lines] = decodeUtf8(bytes.subarray(0, end)).split("\n");
  if (first !== "c2sp.org/tlog-proof@v1") {
    if (first.startsWith("c2sp.org/tlog-proof@")) throw new UnknownVersion("an unknown version");
    throw new Refused("not a tlog-proof");
  }
  require(blank >= 0, "the proof has no blank line, and so no checkpoint");
  const extra = lines[0]?.startsWith("extra ") ? fromBase64(lines.shift().slice(6)) : null;
  require(extra === null || (extra.length > 0 && extra.length <= MAX_EXTRA_BYTES), "extra data of a wrong length");
  const index = parseIndex(lines.shift() ?? "");
  require(lines.length <= 63, "the path is too long");
  const path = lines.map(fromBase64);
  require(path.every((node) => node.length === 32), "a hash of the path has not 32 bytes");
  const checkpoint = bytes.subarray(blank + 2);
  require(checkpoint.length > 0 && checkpoint.length <= MAX_NOTE_BYTES, "a checkpoint of a wrong length");
  return { index, path, checkpoint, extra };
}

function parseIndex(line) {
  require(line.startsWith("index "), "the line before the path is not the index");
  return parseDecimal(line.slice(6), MAX_INT64 - 1n, "the index");
}

// C2SP signed-note and tlog-checkpoint

function parseNote(bytes) {
  require(bytes.length <= MAX_NOTE_BYTES, "the note is too long");
  const content = decodeUtf8(bytes);
  require(!/[\x00-\x09\x0b-\x1f]/.test(content), "the note holds a control character");
  const blank = content.lastIndexOf("\n\n");
  require(blank >= 0 && content.endsWith("\n") && blank + 2 < content.length, "not a signed note");
  const lines = content.slice(blank + 2, -1).split("\n");
  require(lines.length <= MAX_SIGNATURES, "too many signature lines");
  return { text: content.slice(0, blank + 1), signatures: lines.map(parseSignatureLine) };
}

function parseSignatureLine(line) {
  const [dash, name, encoded, ...more] = line.split(" ");
  require(dash === "\u2014" && encoded !== undefined && !more.length, "not a signature line");
  checkKeyName(name);
  const blob = fromBase64(encoded);
  require(blob.length > 4, "a signature is too short");
  return { name, keyId: blob.subarray(0, 4), signature: blob.subarray(4) };
}

function checkKeyName(name) {
  require(name !== "" && !/[\s+\x00-\x1f\x7f\x85]/.test(name), "not a key name");
}

function parseCheckpoint(text) {
  const lines = text.split("\n");
  require(lines.length === 4 && lines[3] === "", "not a checkpoint: origin, size and root");
  checkKeyName(lines[0]);
  const size = parseDecimal(lines[1], MAX_INT64, "the checkpoint's size");
  const root = fromBase64(lines[2]);
  require(root.length === 32, "the checkpoint's root has not 32 bytes");
  require(size > 0n || toHex(root) === EMPTY_ROOT, "a checkpoint of no entries has another root");
  return { origin: lines[0], size, root };
}

async function parseKey(vkey) {
  const [name, keyId, encoded] = splitKey(vkey);
  const material = fromBase64(encoded);
  require(material.length === 33 && material[0] === 1, "not an Ed25519 key");
  const publicKey = material.subarray(1);
  require(toHex(await keyIdOf(name, publicKey)) === keyId, "the key does not belong to its key ID");
  const digest = toBase64(await sha256(publicKey)).replace(/=+$/, "");
  return { name, publicKey, fingerprint: `SHA256:${digest}` };
}

function splitKey(vkey) {
  const parts = vkey.split("+");
  require(parts.length >= 3, "not a verifier key");
  checkKeyName(parts[0]);
  return [parts[0], parts[1], parts.slice(2).join("+")];
}

async function keyIdOf(name, publicKey) {
  return (await sha256(encodeUtf8(`${name}\n`), Uint8Array.of(1), publicKey)).subarray(0, 4);
}

// The leaf

function parseLeaf(bytes) {
  require(bytes.length >= 4 && toHex(bytes.subarray(0, 3)) === "53544c", "not a leaf");
  if (bytes[3] !== 1) throw new UnknownVersion(`leaf version ${bytes[3]} is unknown to this page`);
  require(bytes.length >= LEAF_BYTES, "the leaf is too short");
  if (bytes[4] >= KINDS.length) throw new UnknownVersion(`kind ${bytes[4]} is unknown to this page`);
  if (bytes[5] !== 1) throw new UnknownVersion(`hash algorithm ${bytes[5]} is unknown to this page`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  require(bytes.length === LEAF_BYTES + view.getUint16(143), "the leaf is of another length than it states");
  const leaf = {
    kind: KINDS[bytes[4]],
    sequence: view.getBigUint64(6),
    previousHash: bytes.subarray(14, 46),
    trailId: bytes.subarray(46, 78),
    payloadHash: bytes.subarray(78, 110),
    sourceTimestamp: view.getBigInt64(110),
    timestampType: bytes[118],
    chainedAt: view.getBigInt64(119),
    sourceOffset: view.getBigInt64(127),
    nextSourceOffset: view.getBigInt64(135),
  };
  checkLeaf(leaf);
  return leaf;
}

function checkLeaf(leaf) {
  const isGenesis = leaf.kind === "genesis";
  require(leaf.sequence <= MAX_INT64 - 1n, "the sequence is too large");
  require(isGenesis === (leaf.sequence === 0n), "sequence 0 is genesis and nothing else is");
  require(!isGenesis || leaf.previousHash.every((byte) => byte === 0), "genesis has an entry before it");
  require(leaf.timestampType <= 2, "no such timestamp type");
  require(leaf.timestampType !== 0 || leaf.sourceTimestamp === -1n, "a timestamp of the type none");
  require(leaf.chainedAt >= 0n, "chained before 1970");
  if (leaf.kind === "event" || leaf.kind === "rejected") {
    require(leaf.sourceOffset >= 0n && leaf.sourceOffset < leaf.nextSourceOffset, "the offsets do not fit");
  } else {
    const own = leaf.sourceOffset === -1n && leaf.nextSourceOffset >= 0n && leaf.timestampType === 0;
    require(own, "an entry of sealtrail's own has no source");
  }
}

// The payload

function parsePayload(bytes) {
  const reader = new PayloadReader(bytes);
  const salt = reader.take(16);
  const key = reader.optional();
  const headers = [];
  for (let left = reader.headerCount(); left > 0; left -= 1) {
    headers.push({ name: reader.blob(), value: reader.optional() });
  }
  if (headers.length) require(reader.byte() === 0, "a second block of headers");
  const value = reader.optional();
  require(reader.at === bytes.length, "bytes follow the value");
  return { salt, key, headers, value };
}

class PayloadReader {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  take(length) {
    require(this.at + length <= this.bytes.length, "the payload ends early");
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  byte() {
    return this.take(1)[0];
  }

  // The shortest zig-zag varint of a number that is not negative
  number() {
    let number = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.byte();
      number |= BigInt(byte & 127) << shift;
      if (byte >= 128) continue;
      require(byte !== 0 || shift === 0n, "a number that is not in its shortest form");
      require((number & 1n) === 0n && number >> 64n === 0n, "a number that is negative or too large");
      return Number(number >> 1n);
    }
    throw new Refused("a number of more than 64 bits");
  }

  blob() {
    return this.take(this.number());
  }

  optional() {
    const branch = this.byte();
    require(branch === 0 || branch === 2, "no such branch of a union");
    return branch === 0 ? null : this.blob();
  }

  headerCount() {
    const count = this.number();
    require(count <= MAX_HEADERS, "too many headers");
    return count;
  }
}

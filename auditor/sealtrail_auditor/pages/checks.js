// The checks of one entry, each judged on its own, under the names that `sealtrail verify-proof` uses.
// A check is [state, sentence]; the states are good, bad, unknown, hidden, unjudged, and cannot: this browser
// lacks what the check needs.

const good = (sentence) => ["good", sentence];
const bad = (sentence) => ["bad", sentence];
const unjudged = (what) => ["unjudged", `There is no ${what} to judge it by.`];

// What of the Web Crypto API is there; a browser may hide it from pages on disk, or not know Ed25519.
async function browserAbilities() {
  if (!globalThis.crypto?.subtle) return { hashes: false, signatures: false };
  // RFC 8032, section 7.1, test 2
  const key = fromHex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
  const signature = fromHex(
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da" +
      "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
  );
  try {
    const accepts = await verifyEd25519(key, signature, Uint8Array.of(0x72));
    const refuses = !(await verifyEd25519(key, signature, Uint8Array.of(0x73)));
    return { hashes: true, signatures: accepts && refuses };
  } catch {
    return { hashes: true, signatures: false };
  }
}

async function verifyEd25519(publicKey, signature, data) {
  const key = await crypto.subtle.importKey("raw", publicKey, { name: "Ed25519" }, false, ["verify"]);
  return crypto.subtle.verify({ name: "Ed25519" }, key, signature, data);
}

// Answers { checks, leaf, payload, entryHash, checkpoint }, with null for what could not be read.
async function checkEntry(entry, keys, abilities) {
  if (!abilities.hashes) return { checks: cannotCheck(entry) };
  const payloadBytes = entry.payload === null ? null : fromBase64(entry.payload);
  let proof;
  try {
    proof = parseProof(fromBase64(entry.proof));
  } catch (error) {
    return { checks: onlyForm(error) };
  }
  const checkpoint = readOrNull(() => parseCheckpoint(parseNote(proof.checkpoint).text));
  const [leaf, leafCheck] = checkLeafOf(proof);
  const [payload, payloadCheck] = await checkPayload(leaf, payloadBytes);
  const key = checkpoint && keyAt(keys, checkpoint.origin, leaf?.trailId, checkpoint.size);
  const checks = {
    form: good("The file is a tlog-proof, version 1."),
    leaf: leafCheck,
    payload: payloadCheck,
    inclusion: await checkInclusion(proof, checkpoint),
    signature: await checkSignature(proof.checkpoint, checkpoint, key, abilities),
  };
  const hash = proof.extra === null ? null : await entryHash(proof.extra);
  return { checks, proof, leaf, payload, entryHash: hash, checkpoint, key };
}

function cannotCheck() {
  const names = ["form", "leaf", "payload", "inclusion", "signature"];
  return Object.fromEntries(names.map((name) => [name, ["cannot", "This browser offers no Web Crypto here."]]));
}

function onlyForm(error) {
  const state = error instanceof UnknownVersion ? "unknown" : "bad";
  const rest = ["leaf", "payload", "inclusion", "signature"].map((name) => [name, unjudged("proof")]);
  return { form: [state, error.message], ...Object.fromEntries(rest) };
}

function readOrNull(read) {
  try {
    return read();
  } catch {
    return null;
  }
}

function checkLeafOf(proof) {
  if (proof.extra === null) return [null, bad("The proof does not hold the entry's leaf.")];
  let leaf;
  try {
    leaf = parseLeaf(proof.extra);
  } catch (error) {
    return [null, [error instanceof UnknownVersion ? "unknown" : "bad", error.message]];
  }
  if (leaf.sequence !== proof.index) {
    return [leaf, bad(`The leaf is of entry ${leaf.sequence}, the proof of entry ${proof.index}.`)];
  }
  return [leaf, good(`The leaf is that of entry ${leaf.sequence}.`)];
}

async function checkPayload(leaf, bytes) {
  if (bytes === null) return [null, ["hidden", "The payload is not shown; the leaf states its SHA-256."]];
  if (leaf === null) return [null, unjudged("leaf")];
  const digest = await sha256(bytes);
  if (!equalBytes(digest, leaf.payloadHash)) {
    return [null, bad(`The payload has SHA-256 ${toHex(digest)}, the leaf states ${toHex(leaf.payloadHash)}.`)];
  }
  const payload = readOrNull(() => parsePayload(bytes));
  if (payload === null) return [null, bad("The payload is not in its canonical form.")];
  return [payload, good("The payload has the SHA-256 that the leaf states.")];
}

async function checkInclusion(proof, checkpoint) {
  if (proof.extra === null) return unjudged("leaf");
  if (checkpoint === null) return unjudged("readable checkpoint");
  const root = await climb(proof.index, checkpoint.size, await entryHash(proof.extra), proof.path);
  if (root === null || !equalBytes(root, checkpoint.root)) {
    return bad("The path does not lead from the leaf to the checkpoint's root.");
  }
  return good(`The path leads from the leaf to the root of the ${checkpoint.size} entries of the checkpoint.`);
}

// RFC 9162, section 2.1.3.2; null where the path is too long or too short
async function climb(index, size, leafHash, path) {
  if (index >= size || size > MAX_INT64) return null;
  let [node, last, hash] = [index, size - 1n, leafHash];
  for (const sibling of path) {
    if (last === 0n) return null;
    const isRight = (node & 1n) === 1n || node === last;
    hash = await (isRight ? sha256(Uint8Array.of(1), sibling, hash) : sha256(Uint8Array.of(1), hash, sibling));
    while (isRight && node !== 0n && (node & 1n) === 0n) [node, last] = [node >> 1n, last >> 1n];
    [node, last] = [node >> 1n, last >> 1n];
  }
  return last === 0n ? hash : null;
}

async function checkSignature(note, checkpoint, key, abilities) {
  if (checkpoint === null) return bad("What should be a checkpoint can't be read as one.");
  if (!key) return ["unknown", `The pack's policy names no key of ${checkpoint.origin}.`];
  if (!abilities.signatures) return ["cannot", "This browser can't verify Ed25519 signatures."];
  const state = await openNote(note, key.name, key.publicKey);
  if (state === "unknown") return [state, `The key of ${key.name} has not signed the checkpoint.`];
  if (state === "bad") return bad(`The signature of ${key.name} does not fit the checkpoint.`);
  return good(`The key of ${key.name} has signed the checkpoint.`);
}

// Every line of the key has to fit; lines of other keys say nothing.
async function openNote(bytes, name, publicKey) {
  const { text, signatures } = parseNote(bytes);
  const keyId = await keyIdOf(name, publicKey);
  const own = signatures.filter((line) => line.name === name && equalBytes(line.keyId, keyId));
  if (!own.length) return "unknown";
  for (const line of own) {
    const fits = line.signature.length === 64 && (await verifyEd25519(publicKey, line.signature, encodeUtf8(text)));
    if (!fits) return "bad";
  }
  return "good";
}

// In a pack, the seal that holds the proof's checkpoint says more: which batch, when, kept until when.
async function checkSeal(result, seal, abilities) {
  if (!abilities.hashes) return ["cannot", "This browser offers no Web Crypto here."];
  if (!result.proof || !result.leaf || !result.checkpoint) return unjudged("leaf and checkpoint");
  const note = readOrNull(() => decodeUtf8(result.proof.checkpoint));
  if (!seal?.said || seal.said.checkpoint !== note) return bad("No seal of this pack holds the proof's checkpoint.");
  const key = result.key;
  if (!key) return ["unknown", `The pack's policy names no key of ${result.checkpoint.origin}.`];
  if (!abilities.signatures) return ["cannot", "This browser can't verify Ed25519 signatures."];
  const state = await openNote(seal.bytes, `${key.name}/seal`, key.publicKey);
  if (state === "unknown") return [state, `The key of ${key.name} has not signed the seal.`];
  if (state === "bad") return bad(`The signature of ${key.name} does not fit the seal.`);
  return coversEntry(seal.said, result.leaf)
    ? good("The seal is signed by the trail's key and covers the entry.")
    : bad("The seal is of other entries.");
}

function coversEntry(said, leaf) {
  const [first, last] = [BigInt(said.first.sequence), BigInt(said.last.sequence)];
  return said.trail_id === toHex(leaf.trailId) && first <= leaf.sequence && leaf.sequence <= last;
}

function readSeal(seal) {
  const bytes = fromBase64(seal.note);
  return { name: seal.name, bytes, said: readOrNull(() => JSON.parse(parseNote(bytes).text)) };
}

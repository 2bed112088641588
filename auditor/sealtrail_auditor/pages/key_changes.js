// Key changes: statements under two keys by which a trail's key was replaced, so that who trusts one finds the
// others. Each key is replaced at most once; where that is not so, none but the trusted key counts.

const CONTROL_FORMAT = "sealtrail/control/v1";
const MAX_CONTROL_BYTES = 1 << 14;

// Answers { old, new, size, origin, trailId, text }, or null where the note is no change that both keys signed.
async function openChange(change) {
  try {
    const bytes = fromBase64(change.note);
    require(bytes.length <= MAX_CONTROL_BYTES, "the statement is too long");
    const { text, signatures } = parseNote(bytes);
    const said = JSON.parse(text);
    require(said.format === CONTROL_FORMAT && said.control === "key-change", "no key change");
    const size = BigInt(said.sequence) + 1n;
    require(change.name.endsWith(`/${String(size).padStart(20, "0")}.note`), "of another size");
    const pair = [await parseKey(said.old), await parseKey(said.new)];
    require(signatures.length === 2, "not two signatures");
    for (const [index, key] of pair.entries()) {
      const name = `${said.origin}/control`;
      const [{ name: signed, keyId, signature }, own] = [signatures[index], await keyIdOf(name, key.publicKey)];
      require(key.name === said.origin && signed === name && equalBytes(keyId, own), "of another key");
      require(signature.length === 64, "not a signature");
      require(await verifyEd25519(key.publicKey, signature, encodeUtf8(text)), "the signature does not fit");
    }
    return { old: pair[0], new: pair[1], size, origin: said.origin, trailId: said.trail_id, text };
  } catch {
    return null;
  }
}

// The keys of a trail in the order in which they signed, and the last size of each but the newest.
function followKeys(trusted, changes) {
  const line = { keys: [trusted], sizes: [] };
  for (let found; (found = changes.filter((change) => isSameKey(change.new, line.keys[0]))).length; ) {
    if (found.length > 1 || line.keys.some((key) => isSameKey(key, found[0].old))) return alone(trusted);
    line.keys.unshift(found[0].old);
    line.sizes.unshift(found[0].size);
  }
  for (let found; (found = changes.filter((change) => isSameKey(change.old, line.keys.at(-1)))).length; ) {
    if (found.length > 1 || line.keys.some((key) => isSameKey(key, found[0].new))) return alone(trusted);
    line.keys.push(found[0].new);
    line.sizes.push(found[0].size);
  }
  const rises = line.sizes.every((size, index) => index === 0 || size > line.sizes[index - 1]);
  return rises ? line : alone(trusted);
}

const alone = (key) => ({ keys: [key], sizes: [] });
const isSameKey = (one, other) => one.name === other.name && equalBytes(one.publicKey, other.publicKey);

// The key that signs for a trail at a size; undefined where none of its origin is trusted.
function keyAt(keys, origin, trailId, size) {
  const trusted = keys.trusted.get(origin);
  if (!trusted || !trailId) return trusted;
  const ofTrail = keys.changes.filter((change) => change.origin === origin && change.trailId === toHex(trailId));
  const line = followKeys(trusted, ofTrail);
  const index = line.sizes.findIndex((last) => size <= last);
  return index < 0 ? line.keys.at(-1) : line.keys[index];
}

// The page of an evidence pack: reads the data that is embedded in it, checks all of it, and shows both.

// For each check: what it means that it is good, bad, or neither
const CHECK_TITLES = {
  form: ["The proof can be read", "The proof can't be read", "The proof"],
  leaf: ["The leaf belongs to this entry", "The leaf is not that of this entry", "The leaf"],
  payload: ["The payload is the one that was sealed", "The payload is not the one that was sealed", "The payload"],
  inclusion: ["The trail holds the leaf at this place", "The path does not lead to the trail's root", "The inclusion"],
  signature: ["The trail's key signed that root", "The signature does not fit", "The signature"],
  seal: ["A signed seal covers the entry", "No signed seal covers the entry", "The seal"],
};
const MARKS = { good: "✓", bad: "✗", unknown: "?", cannot: "?", hidden: "–", unjudged: "·" };
const COLOURS = { good: "green", hidden: "green", bad: "red" }; // anything else is grey
const PAGE_OF_ENTRIES = 200;
const MAX_WRONG_SHOWN = 20;

const NOT_SHOWN = "Key, headers and value are not shown, since they do not verify.";

const byId = (id) => document.getElementById(id);

function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

async function main() {
  const data = JSON.parse(byId("pack-data").textContent);
  document.title = oneLine(data.title);
  byId("title").textContent = oneLine(data.title);
  byId("selection").textContent = oneLine(data.selection);
  const abilities = await browserAbilities();
  const keys = await readKeys(data, abilities);
  const seals = abilities.hashes ? data.seals.map((seal) => readOrNull(() => readSeal(seal))).filter(Boolean) : [];
  showMissing(data.missing);
  const rows = [];
  for (const entry of data.entries) {
    rows.push(await checkRow(entry, keys, seals, abilities));
    if (rows.length % 50 === 0) await showProgress(rows.length, data.entries.length);
  }
  shortenLabels(data.entries);
  showKeys(keys);
  showVerdict(rows, data, abilities);
  showFacts(rows, data);
  showTimeline(rows);
  showEntries(rows, data);
  document.documentElement.dataset.done = "true";
}

// The keys of the pack's policy by origin, the key changes that opened, and all keys to which these lead.
async function readKeys(data, abilities) {
  const keys = { trusted: new Map(), changes: [], all: [] };
  if (!abilities.hashes) return keys;
  for (const vkey of data.keys) {
    const key = await parseKey(vkey).catch(() => null);
    if (key !== null) keys.trusted.set(key.name, key);
  }
  for (const change of abilities.signatures ? data.changes : []) {
    const opened = await openChange(change);
    if (opened !== null && !keys.changes.some((other) => other.text === opened.text)) keys.changes.push(opened);
  }
  keys.all = allKeys(keys);
  return keys;
}

function allKeys(keys) {
  const all = [];
  for (const trusted of keys.trusted.values()) {
    const trails = new Set(keys.changes.filter((change) => change.origin === trusted.name).map((one) => one.trailId));
    const lines = [...trails].map((trailId) =>
      followKeys(trusted, keys.changes.filter((change) => change.origin === trusted.name && change.trailId === trailId)),
    );
    for (const key of [trusted, ...lines.flatMap((line) => line.keys)]) {
      if (!all.some((other) => isSameKey(other, key))) all.push(key);
    }
  }
  return all;
}

async function checkRow(entry, keys, seals, abilities) {
  let result;
  try {
    result = await checkEntry(entry, keys, abilities);
    const seal = seals.find((each) => each.name === entry.seal);
    result.checks.seal = await checkSeal(result, seal, abilities);
  } catch (error) {
    const checks = { ...onlyForm(new Refused(error.message)), seal: unjudged("proof") };
    result = { checks };
  }
  // What was read out of a payload is shown only with a payload that verifies.
  const shown = result.payload ? entry : { ...entry, read: null };
  return { ...result, entry: shown, colour: colourOf(Object.values(result.checks)) };
}

function colourOf(checks) {
  const colours = checks.map(([state]) => COLOURS[state] ?? "grey");
  return ["red", "grey", "green"].find((colour) => colours.includes(colour)) ?? "grey";
}

async function showProgress(done, total) {
  byId("verdict-title").textContent = `Checking entry ${done} of ${total} …`;
  await new Promise((resolve) => setTimeout(resolve)); // lets the page be drawn
}

// The verdict

function showVerdict(rows, data, abilities) {
  const of = (colour) => rows.filter((row) => row.colour === colour).length;
  const [red, grey] = [of("red"), of("grey")];
  const colour = red ? "red" : grey || !rows.length ? "grey" : "green";
  byId("verdict").className = `verdict ${colour}`;
  byId("verdict").dataset.colour = colour;
  byId("verdict-title").textContent = verdictTitle(colour, red, rows.length);
  byId("verdict-text").textContent = verdictText(colour, grey, rows.length, abilities);
  showWrong(rows.filter((row) => row.colour === "red"));
  byId("compare").hidden = false;
}

// The way to what is wrong, which may be one entry among thousands
function showWrong(rows) {
  const shown = rows.slice(0, MAX_WRONG_SHOWN).map(({ entry }) => {
    const button = make("button", { type: "button" }, oneLine(entry.label));
    button.addEventListener("click", () => openEntry(entry.id));
    return button;
  });
  const more = rows.length > shown.length ? [` and ${rows.length - shown.length} more`] : [];
  byId("wrong").replaceChildren(...shown, ...more);
}

function verdictTitle(colour, red, total) {
  if (colour === "red") return red === 1 ? "One entry does not verify" : `${red} of ${total} entries do not verify`;
  if (colour === "grey") return total ? "Not everything could be checked" : "There are no entries in this pack";
  return "Everything here fits together";
}

function verdictText(colour, grey, total, abilities) {
  if (!total) return "Nothing was selected, so nothing is shown.";
  if (colour === "red") {
    return "What is marked red is not what was sealed: it was changed, or put together wrongly, after the trail's key signed it. The entries below say what does not fit.";
  }
  if (colour === "green") {
    return `Of ${plural(total, "entry", "entries")}, this browser has just recomputed every payload hash, leaf hash and inclusion proof, and verified every signature.`;
  }
  if (!abilities.hashes) return "This browser offers no Web Crypto to pages on disk, so it can check nothing. Try a recent Chrome, Edge, Firefox or Safari, or check on the command line.";
  if (!abilities.signatures) return "This browser can compute the hashes but can't verify Ed25519 signatures. Try a recent Chrome, Edge, Firefox or Safari, or check on the command line.";
  return `${plural(grey, "entry", "entries")} can't be judged: the key or the format is not known here.`;
}

function plural(count, one, many) {
  return `${count} ${count === 1 ? one : many}`;
}

// The keys, and the reader's own copy

function showKeys(keys) {
  const items = keys.all.map((key) =>
    make("li", {}, make("span", { class: "origin" }, oneLine(key.name)), make("code", { class: "fingerprint" }, key.fingerprint)),
  );
  const none = make("li", {}, "This browser can't compute the fingerprint. README.txt in the pack has it.");
  byId("keys").replaceChildren(...(items.length ? items : [none]));
  const field = byId("own-fingerprint");
  field.addEventListener("input", () => compareFingerprint(field.value, keys));
}

function compareFingerprint(text, keys) {
  const typed = text.trim().replace(/^SHA256:/i, "").replace(/=+$/, "");
  const same = keys.all.filter((key) => key.fingerprint === `SHA256:${typed}`);
  const answer = byId("comparison");
  answer.className = typed === "" ? "" : same.length ? "same" : "different";
  if (typed === "") answer.textContent = "";
  else if (same.length) answer.textContent = `The same as the key of ${oneLine(same[0].name)}.`;
  else answer.textContent = "Not the fingerprint of a key of this pack.";
}

// Facts and what is missing

function showFacts(rows, data) {
  const events = rows.filter((row) => row.leaf?.kind === "event");
  const times = events.map(timeOf).sort((a, b) => a - b);
  const facts = {
    Entries: String(rows.length),
    Trails: [...new Set(rows.map((row) => row.checkpoint?.origin).filter(Boolean))].map(oneLine).join(", ") || "–",
    "First event": times.length ? toTheSecond(times[0]) : "–",
    "Last event": times.length ? toTheSecond(times.at(-1)) : "–",
    Seals: String(data.seals.length),
  };
  const pairs = Object.entries(facts).map(([name, text]) => make("div", {}, make("dt", {}, name), make("dd", {}, text)));
  byId("facts").replaceChildren(...pairs);
}

function showMissing(missing) {
  byId("missing").hidden = missing.length === 0;
  byId("missing-list").replaceChildren(...missing.map((text) => make("li", {}, oneLine(text))));
}

// When it happened by the event's word, else when it was published, else when it was chained
function timeOf({ entry, leaf }) {
  if (entry.read?.time_ms) return Number(entry.read.time_ms);
  if (!leaf) return null;
  return Number(leaf.timestampType ? leaf.sourceTimestamp : leaf.chainedAt);
}

function showTimeline(rows) {
  const events = rows.filter((row) => row.leaf?.kind === "event").map(timelineEvent);
  byId("timeline-part").hidden = events.length === 0;
  if (!events.length) return;
  const draw = () => drawTimeline(byId("timeline"), events, openEntry);
  draw();
  addEventListener("resize", draw);
}

function timelineEvent(row) {
  const read = row.entry.read ?? {};
  return {
    id: row.entry.id,
    time: timeOf(row),
    lane: row.payload ? (read.actor ?? "somebody") : "content not shown",
    label: `${shortTime(timeOf(row))}  ${headline(row)}`,
    isFailure: isFailure(read.outcome),
    isBroken: row.colour === "red",
  };
}

function headline(row) {
  const read = row.entry.read ?? {};
  const words = [actionOf(row), read.resource, read.outcome && `(${read.outcome})`];
  return oneLine(words.filter(Boolean).join(" "));
}

function actionOf({ entry, leaf }) {
  return entry.read?.action ?? entry.read?.event_type ?? ownWords(leaf);
}

function isFailure(outcome) {
  return outcome === "failure" || outcome === "denied";
}

function outcomeTag(outcome) {
  if (!outcome || outcome === "unknown") return [];
  return [" ", make("span", { class: isFailure(outcome) ? "tag failure" : "tag" }, oneLine(outcome))];
}

function ownWords(leaf) {
  const words = {
    genesis: "the beginning of the trail",
    rejected: "stands for an event that could not be chained",
    heartbeat: "nothing happened, and the chainer was there",
    control: "a control entry",
  };
  return words[leaf?.kind] ?? "an event";
}

// The entries

let shownRows = [];

function showEntries(rows, data) {
  const find = byId("find");
  const fill = () => {
    const wanted = find.value.trim().toLowerCase();
    shownRows = wanted ? rows.filter((row) => searchText(row).includes(wanted)) : rows;
    byId("entries").replaceChildren();
    showMore(data);
  };
  find.addEventListener("input", fill);
  byId("more").addEventListener("click", () => showMore(data));
  fill();
}

// Where all entries are of one trail, its name says nothing.
function shortenLabels(entries) {
  const trails = new Set(entries.map((entry) => entry.label.replace(/#.*/, "")));
  if (trails.size === 1) for (const entry of entries) entry.label = entry.label.replace(/.*#/, "#");
}

function searchText(row) {
  return `${row.entry.id} ${row.entry.read?.actor ?? ""} ${headline(row)} ${shortTime(timeOf(row) ?? 0)}`.toLowerCase();
}

function showMore(data) {
  const list = byId("entries");
  const from = list.childElementCount;
  const next = shownRows.slice(from, from + PAGE_OF_ENTRIES);
  list.append(...next.map((row) => entryElement(row, data)));
  byId("more").hidden = list.childElementCount >= shownRows.length;
  byId("count").textContent = `${list.childElementCount} of ${shownRows.length} shown`;
}

function openEntry(id) {
  byId("find").value = "";
  byId("find").dispatchEvent(new Event("input"));
  while (!byId(id) && !byId("more").hidden) byId("more").click();
  const element = byId(id);
  element.open = true;
  element.scrollIntoView({ block: "start" });
}

function entryElement(row, data) {
  const { entry, colour } = row;
  const element = make("details", { id: entry.id, class: `entry ${colour}`, "data-colour": colour });
  for (const [name, [state]] of Object.entries(row.checks)) element.dataset[name] = state;
  element.append(entrySummary(row));
  element.addEventListener("toggle", () => element.childElementCount > 1 || element.append(entryBody(row, data)), { once: true });
  return element;
}

function entrySummary(row) {
  const read = row.entry.read ?? {};
  const time = timeOf(row);
  return make(
    "summary",
    {},
    make("span", { class: "badge", title: row.colour }, { green: "✓", red: "✗", grey: "?" }[row.colour]),
    make("span", { class: "number" }, row.entry.label),
    make("time", {}, time === null ? "" : toTheSecond(time)),
    make("span", { class: "what" }, make("strong", {}, oneLine(actionOf(row))), ...outcomeTag(read.outcome)),
    make("span", { class: "who" }, oneLine([read.actor, read.resource].filter(Boolean).join(" → "))),
  );
}

function entryBody(row, data) {
  const body = make("div", { class: "body" });
  body.append(checksTable(row.checks), make("h4", {}, "What the entry says of itself"), fieldsTable(row));
  if (row.payload) body.append(...payloadParts(row.payload, data.audit_event));
  else if (row.entry.payload !== null) body.append(make("p", { class: "aside" }, NOT_SHOWN));
  body.append(make("h4", {}, "Hashes (SHA-256)"), hashesTable(row));
  body.append(make("p", { class: "files" }, `Files in the pack: ${row.entry.files.map(oneLine).join(", ")}`));
  return body;
}

function checksTable(checks) {
  const items = Object.entries(checks).map(([name, [state, sentence]]) =>
    make(
      "li",
      { class: `check ${COLOURS[state] ?? "grey"}`, "data-check": name, "data-state": state },
      make("span", { class: "badge" }, MARKS[state]),
      make("span", {}, make("strong", {}, checkTitle(name, state)), ` ${oneLine(sentence)}`),
    ),
  );
  return make("ul", { class: "checks" }, ...items);
}

function checkTitle(name, state) {
  const [whenGood, whenBad, otherwise] = CHECK_TITLES[name];
  return { good: whenGood, bad: whenBad, hidden: `${otherwise} is not shown` }[state] ?? `${otherwise} was not judged`;
}

function table(pairs) {
  const shown = pairs.filter(([, text]) => text !== null && text !== undefined && text !== "");
  const rows = shown.map(([name, text]) => make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, oneLine(text))));
  return make("table", {}, make("tbody", {}, ...rows));
}

function fieldsTable({ entry, leaf, checkpoint }) {
  const read = entry.read ?? {};
  const clock = ["", "by the producer's clock", "by the log's clock"];
  return table([
    ["trail", checkpoint?.origin],
    ["entry", leaf && String(leaf.sequence)],
    ["kind", leaf?.kind],
    ["happened at", read.time_ms && `${timeText(read.time_ms)} (the event's word)`],
    ["actor", read.actor],
    ["action", read.action],
    ["resource", read.resource],
    ["outcome", read.outcome],
    ["event type", read.event_type],
    ["event id", read.event_id],
    ["published at", leaf?.timestampType ? `${timeText(leaf.sourceTimestamp)} (${clock[leaf.timestampType]})` : null],
    ["chained at", leaf && timeText(leaf.chainedAt)],
    ["source offset", leaf && leaf.sourceOffset >= 0n ? String(leaf.sourceOffset) : null],
  ]);
}

function payloadParts({ key, headers, value }, auditEvent) {
  const parts = [make("h4", {}, "Key and headers")];
  parts.push(table([["key", bytesAsLine(key)], ...headers.map(({ name, value: text }) => [bytesAsLine(name), bytesAsLine(text)])]));
  const [form, text] = value === null ? ["null", "null"] : valueAsText(value, auditEvent);
  parts.push(make("h4", {}, `Value (${value === null ? 0 : value.length} bytes, ${form})`), make("pre", {}, text));
  return parts;
}

function hashesTable({ leaf, entryHash: hash, checkpoint }) {
  return table([
    ["entry", hash && toHex(hash)],
    ["entry before", leaf && toHex(leaf.previousHash)],
    ["payload", leaf && toHex(leaf.payloadHash)],
    ["root", checkpoint && toHex(checkpoint.root)],
    ["trail id", leaf && toHex(leaf.trailId)],
  ]);
}

main().catch((error) => {
  byId("verdict").className = "verdict grey";
  byId("verdict").dataset.colour = "grey";
  byId("verdict-title").textContent = "This page can't read its own data";
  byId("verdict-text").textContent = oneLine(String(error?.message ?? error));
  document.documentElement.dataset.done = "true";
});

// The picture of events over time: one lane for each actor, made from the data by this page.
//
//   drawTimeline(place, events, onChoose)
//
// An event is { id, time, lane, label, isFailure, isBroken }; `time` is in milliseconds since the Unix epoch.

const MAX_LANES = 8;
const LANE_HEIGHT = 46;
const MARGIN = { top: 8, right: 18, bottom: 34, left: 18 };
const STEPS_MS = [
  1, 5, 15, 30, 60, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 604800, 2592000, 31536000,
].map((seconds) => seconds * 1000);

function svg(name, attributes = {}, text = null) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== null) element.textContent = text;
  return element;
}

function drawTimeline(place, events, onChoose) {
  const width = Math.max(place.clientWidth, 280);
  const lanes = chooseLanes(events);
  const height = MARGIN.top + lanes.length * LANE_HEIGHT + MARGIN.bottom;
  const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img" });
  picture.append(svg("title", {}, `${events.length} events over time; the list below holds the same`));
  const scale = timeScale(events, width);
  drawAxis(picture, scale, width, height);
  lanes.forEach((lane, number) => drawLane(picture, lane, MARGIN.top + (number + 1) * LANE_HEIGHT, width, scale, onChoose));
  place.replaceChildren(picture);
}

// The actors with the most events, in the order of their first; the others share a lane.
function chooseLanes(events) {
  const byName = Map.groupBy ? Map.groupBy(events, (event) => event.lane) : groupByLane(events);
  const lanes = [...byName].map(([name, its]) => ({ name, events: its }));
  if (lanes.length <= MAX_LANES) return lanes;
  const kept = new Set([...lanes].sort((a, b) => b.events.length - a.events.length).slice(0, MAX_LANES - 1));
  const others = lanes.filter((lane) => !kept.has(lane));
  const rest = { name: `${others.length} others`, events: others.flatMap((lane) => lane.events) };
  return [...lanes.filter((lane) => kept.has(lane)), rest];
}

function groupByLane(events) {
  const groups = new Map();
  for (const event of events) groups.set(event.lane, [...(groups.get(event.lane) ?? []), event]);
  return groups;
}

function timeScale(events, width) {
  const times = events.map((event) => event.time);
  const [from, to] = [times.reduce((a, b) => Math.min(a, b)), times.reduce((a, b) => Math.max(a, b))];
  const room = Math.max(to - from, 1000) * 0.02;
  const [low, high] = [from - room, Math.max(to, from + 1000) + room];
  const inner = width - MARGIN.left - MARGIN.right;
  return { low, high, x: (time) => MARGIN.left + ((time - low) / (high - low)) * inner };
}

function drawAxis(picture, scale, width, height) {
  const bottom = height - MARGIN.bottom + 10;
  const fits = Math.max(2, Math.floor(width / 165));
  const step = STEPS_MS.find((each) => (scale.high - scale.low) / each <= fits) ?? (scale.high - scale.low) / fits;
  for (let tick = Math.ceil(scale.low / step) * step; tick <= scale.high; tick += step) {
    const x = scale.x(tick);
    picture.append(svg("line", { x1: x, x2: x, y1: MARGIN.top, y2: bottom, class: "tick" }));
    const anchor = x < 70 ? "start" : x > width - 70 ? "end" : "middle";
    picture.append(svg("text", { x, y: bottom + 16, class: "tick", "text-anchor": anchor }, tickText(tick, step)));
  }
}

function tickText(time, step) {
  const text = shortTime(Math.round(time));
  if (step >= 86400000) return text.slice(0, 10);
  return step >= 60000 ? text.slice(0, 16) : text.slice(0, 19);
}

function drawLane(picture, lane, y, width, scale, onChoose) {
  const middle = y - 12;
  picture.append(svg("line", { x1: MARGIN.left, x2: width - MARGIN.right, y1: middle, y2: middle, class: "lane" }));
  const room = Math.floor((width - MARGIN.left - MARGIN.right) / 6.6) - 7;
  const name = oneLine(lane.name);
  const count = `  ${lane.events.length}`;
  const label = svg("text", { x: MARGIN.left, y: y - 26, class: "lane" }, shorten(name, room));
  label.append(svg("tspan", { class: "count" }, count), svg("title", {}, name));
  picture.append(label);
  const weight = (event) => 2 * event.isBroken + event.isFailure; // what matters most lies on top
  const events = [...lane.events].sort((a, b) => weight(a) - weight(b));
  for (const event of events) picture.append(drawMark(event, scale.x(event.time), middle, onChoose));
}

// The end tells actors apart, not the beginning.
function shorten(text, room) {
  return text.length <= room ? text : `…${text.slice(text.length - room + 1)}`;
}

// The shape says what the colour says: a circle went well, a diamond failed, a cross does not verify.
function drawMark(event, x, y, onChoose) {
  const group = svg("g", { class: `mark${event.isFailure ? " failure" : ""}${event.isBroken ? " broken" : ""}` });
  if (event.isBroken) {
    group.append(svg("path", { d: `M${x - 5} ${y - 5}l10 10m0 -10l-10 10` }));
  } else if (event.isFailure) {
    group.append(svg("path", { d: `M${x} ${y - 6}l6 6l-6 6l-6 -6z` }));
  } else {
    group.append(svg("circle", { cx: x, cy: y, r: 5 }));
  }
  group.append(svg("title", {}, event.label));
  group.addEventListener("click", () => onChoose(event.id));
  return group;
}

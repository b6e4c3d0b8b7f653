// How numbers, times and events are written, and how elements are made. Data only ever becomes text of an element:
// nothing here or elsewhere turns it into markup.

/** The text with characters replaced that are not for reading or turn the direction of what follows. */
function printable(text) {
  const bad = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffe\uffff]/g;
  return String(text).replace(bad, "\ufffd");
}

/** A moment of the run as h:mm:ss, with `digits` decimals, rounded down. */
function clock(seconds, digits = 0) {
  if (!(seconds >= 0)) return "";
  const unit = 10 ** digits;
  const parts = Math.floor(seconds * unit + 1e-6);
  const whole = Math.floor(parts / unit);
  const two = (value) => String(value).padStart(2, "0");
  const fraction = digits ? `.${String(parts % unit).padStart(digits, "0")}` : "";
  return `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}${fraction}`;
}

/** A span of time in the unit that suits it. */
function span(seconds) {
  if (!(seconds >= 0)) return "";
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 120) return `${seconds.toFixed(1)} s`;
  if (seconds < 7200) return `${(seconds / 60).toFixed(1)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

function grouped(value) {
  return Number.isFinite(value) ? Math.round(value).toString().replace(/\B(?=(\d{3})+$)/g, "\u202f") : "";
}

function percent(fraction) {
  return Number.isFinite(fraction) ? `${(fraction * 100).toFixed(1)} %` : "";
}

function bytes(count) {
  if (!Number.isFinite(count)) return "";
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  while (count >= 1000 && unit < units.length - 1) {
    count /= 1000;
    unit += 1;
  }
  return `${unit && count < 100 ? count.toFixed(1) : Math.round(count)} ${units[unit]}`;
}

function plural(count, one, many = `${one}s`) {
  return `${grouped(count)} ${count === 1 ? one : many}`;
}

/** A text of at most so many characters, with an ellipsis where something is missing. */
function shortened(text, most) {
  const characters = Array.from(text);
  return characters.length > most ? `${characters.slice(0, most - 1).join("")}…` : text;
}

/** A text that sorts by plain comparison as a reader expects: without case, and numbers by their size. */
function sortable(text) {
  return text.toLowerCase().replace(/\d+/g, (digits) => digits.padStart(12, "0"));
}

/** An element with attributes, properties for events (`onclick`), and children that are elements or texts. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** A fault by its kind and what else is said of it. */
function faultText(kind, reason) {
  return reason.includes(kind) ? reason : `${reason} ${kind}`.trim();
}

const STATUS_WORDS = { ShuttingDown: "shutting down" };
const KIND_WORDS = {
  peer_up: "up", peer_down: "down", deployment_accepted: "accepted", deployment_refused: "refused",
  round_opened: "asks for bids for", bid_made: "bids for", committed: "commits to",
  allocation_created: "allocation created", address_given: "address given", port_mapped: "port mapped",
  suspected: "suspects", restart_ordered: "orders a restart", redeployment_started: "redeployment starts",
  deployment_handed_over: "hands over",
};

/** What a row of the history says in a few words: without its time, and without `without` (peer or deployment). */
function eventText(model, row, without = "") {
  const { history } = model;
  const text = (column) => model.text("history", column, row);
  const kind = text("kind"), state = text("state"), reason = text("reason");
  const peer = history.peer[row], deployment = history.deployment[row];
  const what = [text("node"), text("allocation")].filter(Boolean).join("/");
  const generation = history.generation[row] > 0 ? ` (generation ${history.generation[row]})` : "";
  const words = [];
  if (kind === "fault_begins" || kind === "fault_ends") {
    return `${faultText(state, reason)} ${kind === "fault_begins" ? "begins" : "ends"}`;
  }
  if (kind === "left_out") return `${reason} more ${state || "rows"} are not recorded one by one`;
  if (deployment >= 0 && without !== "deployment") words.push(`#${deployment}`);
  if (peer >= 0 && without !== "peer") words.push(shortened(model.peerName(peer), 40));
  if (kind === "deployment_status") words.push((STATUS_WORDS[state] || state).toLowerCase());
  else if (kind === "stage_failed") words.push(`${state || "a stage"} fails`);
  else if (kind === "allocation_state") words.push(what + generation, state);
  else {
    words.push(KIND_WORDS[kind] || kind.replaceAll("_", " "));
    if (what) words.push(what + generation);
    else if (/ for$/.test(words[words.length - 1])) words[words.length - 1] = words[words.length - 1].slice(0, -4);
    if (state && kind !== "peer_down") words.push(state);
    if (kind === "peer_down" && state === "machine") words.push("(machine)");
  }
  return words.join(" ") + (reason ? `: ${reason}` : "");
}

/** A tone by which an event is marked: bad, good, or none. */
function eventTone(model, row) {
  const kind = model.text("history", "kind", row), state = model.text("history", "state", row).toLowerCase();
  if (/down|failed|refused|suspected|unanswered|fault_begins|redeployment/.test(kind)) return "bad";
  if (/failed|lost/.test(state)) return "bad";
  if (kind === "fault_ends" || state === "running" || state === "completed") return "good";
  return "";
}

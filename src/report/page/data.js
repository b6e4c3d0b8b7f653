"use strict";
// The data of the page: unpacking it, its columns and look-ups, and the course of the run, that is everything that
// changes the picture at a known time, so that any moment can be reached from any other.

/** What a column of rows of another table holds where there is none. */
const NONE = -1;

const TEXT_COLUMNS = {
  peers: ["peer", "role", "organization", "city", "country", "continent", "memberships"],
  deployments: ["name", "ensemble", "status", "outcome", "reason"],
  allocations: ["node", "allocation", "kind", "end"],
  refusals: ["stage", "reason", "amount_class", "example", "meaning"],
  history: ["kind", "node", "allocation", "state", "reason", "concerned"],
  messages: ["behaviour", "end"],
};
/** Rows of other tables. */
const ROW_COLUMNS = {
  peers: [],
  deployments: ["orchestrator"],
  allocations: ["deployment", "peer"],
  refusals: ["deployment", "first_peer"],
  history: ["peer", "deployment", "generation"],
  messages: ["deployment", "from", "to"],
};
const NUMBER_COLUMNS = {
  peers: ["lat", "lon", "up_fraction", "crashes"],
  deployments: ["submitted_s", "running_s", "ended_s", "rounds", "attempts", "bids", "redeployments"],
  allocations: ["generation", "committed_s", "started_s", "ended_s", "cpu_cores", "ram_bytes", "wanted_s", "served_s"],
  refusals: ["row", "count", "first_time_s"],
  history: ["time_ms"],
  messages: ["message", "is_broadcast", "size_bytes", "sent_ms", "arrived_ms", "ended_ms"],
};

/** The JSON of the page: packed into it, or under a server beside it. */
async function loadData() {
  const element = document.getElementById("data");
  if (element.dataset.url) {
    const answer = await fetch(element.dataset.url);
    if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
    return answer.json();
  }
  const packed = element.textContent.trim();
  if (!packed) return {};
  if (typeof DecompressionStream === "undefined") {
    throw new Error("this browser is too old: it needs one of 2023 or newer");
  }
  const binary = atob(packed);
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at += 1) bytes[at] = binary.charCodeAt(at);
  // The text is not needed any more, and may be large.
  element.textContent = "";
  const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(unpacked).json();
}

/** One table with typed columns; a column that is missing holds nothing. */
function readTable(raw, name) {
  const source = raw[name] || {};
  const count = Math.max(0, ...Object.values(source).map((column) => column.length));
  const table = { size: count };
  for (const column of TEXT_COLUMNS[name]) table[column] = Int32Array.from(source[column] || new Int32Array(count));
  for (const column of ROW_COLUMNS[name]) {
    const given = source[column];
    table[column] = given ? Int32Array.from(given, (row) => row ?? NONE) : new Int32Array(count).fill(NONE);
  }
  for (const column of NUMBER_COLUMNS[name]) {
    const given = source[column];
    table[column] = given ? Float64Array.from(given, (value) => value ?? NaN) : new Float64Array(count).fill(NaN);
  }
  return table;
}

/** Puts the rows of a table into the order of a column, rows of the same value as they were. */
function orderBy(table, column) {
  const keys = table[column];
  let ordered = true;
  for (let row = 1; row < table.size && ordered; row += 1) ordered = keys[row - 1] <= keys[row];
  if (ordered) return;
  const order = Array.from(keys.keys()).sort((a, b) => keys[a] - keys[b]);
  for (const [name, values] of Object.entries(table)) {
    if (name !== "size") table[name] = values.map((_, row) => values[order[row]]);
  }
}

/** Rows by what a column says, in their order: `rowsOf(groups, key)`. */
function groupRows(keys, groups) {
  const starts = new Int32Array(groups + 1);
  for (const key of keys) if (key >= 0 && key < groups) starts[key + 1] += 1;
  for (let group = 0; group < groups; group += 1) starts[group + 1] += starts[group];
  const rows = new Int32Array(starts[groups]), next = starts.slice();
  keys.forEach((key, row) => {
    if (key >= 0 && key < groups) rows[next[key]++] = row;
  });
  return { starts, rows };
}

function rowsOf(groups, key) {
  return groups.rows.subarray(groups.starts[key], groups.starts[key + 1]);
}

/** The first place in ascending values whose value is above a limit. */
function placeAbove(values, limit, count = values.length) {
  let low = 0, high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Everything of the run in one object, see the functions above and below for its parts. */
function buildModel(raw) {
  const strings = (raw.strings || [""]).map(printable);
  const model = { run: raw.run || {}, strings, leftOut: (raw.left_out || []).map(printable), land: raw.land || [] };
  for (const name of Object.keys(TEXT_COLUMNS)) model[name] = readTable(raw, name);
  const { peers, deployments, allocations, refusals, history, messages } = model;
  history.time_s = history.time_ms.map((time) => time / 1000);
  for (const name of ["sent", "arrived", "ended"]) messages[`${name}_s`] = messages[`${name}_ms`].map((t) => t / 1000);
  orderBy(history, "time_s");
  orderBy(messages, "sent_s");
  model.initiallyDown = raw.initially_down || [];
  model.duration = model.run.duration_s || history.time_s[history.size - 1] || 0;
  model.text = (table, column, row) => strings[model[table][column][row]] ?? "";
  model.peerName = (peer) => (peer >= 0 && peer < peers.size ? strings[peers.peer[peer]] : "nobody");
  model.peerByName = new Map(Array.from(peers.peer, (name, peer) => [strings[name], peer]));
  model.stringNumber = new Map(strings.map((text, number) => [text, number]));
  model.byDeployment = {
    history: groupRows(history.deployment, deployments.size),
    allocations: groupRows(allocations.deployment, deployments.size),
    refusals: groupRows(refusals.deployment, deployments.size),
    messages: groupRows(messages.deployment, deployments.size),
  };
  model.byPeer = {
    history: groupRows(history.peer, peers.size),
    allocations: groupRows(allocations.peer, peers.size),
    deployments: groupRows(deployments.orchestrator, peers.size),
  };
  model.faults = readFaults(model);
  model.notable = notableRows(model);
  return model;
}

/** What happens so often that a list of events would show nothing else; everything else is notable. */
const QUIET_KINDS = new Set(["round_opened", "bid_made", "committed", "allocation_created", "address_given", "named",
  "port_mapped", "allocation_state", "released", "left_out"]);

function notableRows(model) {
  const { history, strings } = model;
  const quiet = strings.map((text) => QUIET_KINDS.has(text));
  return Int32Array.from(history.kind.keys()).filter((row) => !quiet[history.kind[row]]);
}

/** The peers of a text such as `0-99 120`. */
function peersOfRanges(text, count) {
  const peers = [];
  for (const part of text.trim().split(/[\s,]+/).filter(Boolean)) {
    const [first, last = first] = part.split("-").map(Number);
    if (!Number.isInteger(first) || !Number.isInteger(last)) continue;
    for (let peer = Math.max(0, first); peer <= last && peer < count; peer += 1) peers.push(peer);
  }
  return peers;
}

/** Faults that are over as soon as they begin, if nothing says when they end. */
const SUDDEN_FAULTS = new Set(["crash", "restart", "move"]);

/** Faults as {kind, label, begin, end, sides}, in the order in which they begin. */
function readFaults(model) {
  const { history, strings, peers } = model;
  const begins = model.stringNumber.get("fault_begins"), ends = model.stringNumber.get("fault_ends");
  const faults = [], open = new Map();
  for (let row = 0; row < history.size; row += 1) {
    const kind = history.kind[row];
    if (kind !== begins && kind !== ends) continue;
    const state = strings[history.state[row]], reason = strings[history.reason[row]];
    const key = `${state} ${/fault \d+/.exec(reason)?.[0] ?? ""}`;
    if (kind === begins) {
      const time = history.time_s[row];
      const sides = strings[history.concerned[row]].split("/").map((text) => peersOfRanges(text, peers.size));
      const end = SUDDEN_FAULTS.has(state) ? time : model.duration;
      const fault = { kind: state, label: faultText(state, reason), begin: time, end, sides, row };
      faults.push(fault);
      if (!open.has(key)) open.set(key, []);
      open.get(key).push(fault);
    } else {
      const fault = open.get(key)?.shift();
      if (fault) fault.end = history.time_s[row];
    }
  }
  return faults;
}

// Kinds of changes in the course of a run.
const PEER = 0, ALLOCATION = 1, DEPLOYMENT = 2, FAULT = 3;
// Phases of an allocation.
const COMMITTED = 1, RUNNING = 2, OVER = 3;

/** States of a peer, three for each side of a partition (side 0: none). */
const STATES = 3, DOWN = 0, UP = 1, BUSY = 2, SIDES = 5;

/** All changes as [time, kind, subject, new value], by time. */
function changesOf(model) {
  const { history, allocations, deployments, duration } = model;
  const times = [], kinds = [], subjects = [], values = [];
  const add = (time, kind, subject, value) => {
    times.push(time);
    kinds.push(kind);
    subjects.push(subject);
    values.push(value);
  };
  const number = (text) => model.stringNumber.get(text);
  const up = number("peer_up"), down = number("peer_down"), status = number("deployment_status");
  for (let row = 0; row < history.size; row += 1) {
    const kind = history.kind[row], peer = history.peer[row], deployment = history.deployment[row];
    if (kind === up && peer >= 0) add(history.time_s[row], PEER, peer, 1);
    else if (kind === down && peer >= 0) add(history.time_s[row], PEER, peer, 0);
    else if (kind === status && deployment >= 0 && deployment < deployments.size) {
      add(history.time_s[row], DEPLOYMENT, deployment, history.state[row]);
    }
  }
  for (let row = 0; row < allocations.size; row += 1) {
    const steps = [[allocations.committed_s, COMMITTED], [allocations.started_s, RUNNING], [allocations.ended_s, OVER]];
    for (const [column, phase] of steps) if (column[row] >= 0) add(column[row], ALLOCATION, row, phase);
  }
  model.faults.forEach((fault, row) => {
    add(fault.begin, FAULT, row, 1);
    if (fault.end < duration) add(fault.end, FAULT, row, 0);
  });
  const order = Array.from(times.keys()).sort((a, b) => times[a] - times[b]);
  const sorted = (column) => order.map((place) => column[place]);
  return { times: Float64Array.from(sorted(times)), kinds: Uint8Array.from(sorted(kinds)),
    subjects: Int32Array.from(sorted(subjects)), values: Int32Array.from(sorted(values)) };
}

/**
 * The state of the run at one time, which moves in both directions.
 *
 * Each change remembers what was before it, so going back costs as much as going forward: a jump over the whole run
 * of a million changes takes some milliseconds, and nothing is copied to return to.
 */
class Course {
  constructor(model) {
    this.model = model;
    const changes = changesOf(model);
    this.times = changes.times;
    this.kinds = changes.kinds;
    this.subjects = changes.subjects;
    this.values = changes.values;
    this.before = new Int32Array(this.times.length);
    this.cursor = 0;
    this.time = 0;
    this.peerUp = new Uint8Array(model.peers.size).fill(1);
    for (const peer of model.initiallyDown) this.peerUp[peer] = 0;
    this.upCount = this.peerUp.reduce((sum, up) => sum + up, 0);
    this.peerRuns = new Int32Array(model.peers.size);
    this.peerSide = new Uint8Array(model.peers.size);
    this.phase = new Uint8Array(model.allocations.size);
    this.runningCount = 0;
    this.live = [];
    this.livePlace = new Int32Array(model.allocations.size).fill(NONE);
    this.status = new Int32Array(model.deployments.size);
    this.statusCount = new Int32Array(model.strings.length);
    const used = new Set(this.values.filter((_, at) => this.kinds[at] === DEPLOYMENT));
    this.statusTexts = [...used].map((number) => [number, model.strings[number].toLowerCase()]);
    this.faultActive = new Uint8Array(model.faults.length);
    // Told of single peers that changed, and once of many.
    this.onPeer = null;
    this.onAll = null;
    this.sidesChanged = false;
    this.curves = this.walk();
  }

  /** Goes through the run once to learn what was before each change, and samples curves for the time line. */
  walk() {
    const bins = 1200, up = new Float32Array(bins), running = new Float32Array(bins);
    let next = 0;
    const total = this.times.length;
    for (let bin = 0; bin < bins; bin += 1) {
      const end = (bin + 1) / bins * this.model.duration;
      let lowest = this.upCount;
      while (next < total && (this.times[next] <= end || bin === bins - 1)) {
        this.step(next, true);
        next += 1;
        lowest = Math.min(lowest, this.upCount);
      }
      up[bin] = lowest;
      running[bin] = this.runningCount;
    }
    this.cursor = total;
    this.moveTo(0);
    return { up, running };
  }

  /** Applies the next changes or takes back the last ones, until the state is that of `time`. */
  moveTo(time) {
    const { times } = this;
    const target = placeAbove(times, time);
    const many = Math.abs(target - this.cursor) > 20000;
    const tell = this.onPeer;
    if (many) this.onPeer = null;
    while (this.cursor < target) {
      this.step(this.cursor, true);
      this.cursor += 1;
    }
    while (this.cursor > target) {
      this.cursor -= 1;
      this.step(this.cursor, false);
    }
    this.onPeer = tell;
    this.time = time;
    if (this.sidesChanged) this.setSides();
    else if (many && this.onAll) this.onAll();
  }

  step(at, forward) {
    const subject = this.subjects[at];
    const value = forward ? this.values[at] : this.before[at];
    const kind = this.kinds[at];
    if (kind === PEER) {
      if (forward) this.before[at] = this.peerUp[subject];
      this.upCount += value - this.peerUp[subject];
      this.peerUp[subject] = value;
      if (this.onPeer) this.onPeer(subject);
    } else if (kind === ALLOCATION) {
      if (forward) this.before[at] = this.phase[subject];
      this.setPhase(subject, value);
    } else if (kind === DEPLOYMENT) {
      if (forward) this.before[at] = this.status[subject];
      this.statusCount[this.status[subject]] -= 1;
      this.statusCount[value] += 1;
      this.status[subject] = value;
    } else {
      if (forward) this.before[at] = this.faultActive[subject];
      this.faultActive[subject] = value;
      if (this.model.faults[subject].kind === "partition") this.sidesChanged = true;
    }
  }

  setPhase(allocation, phase) {
    const was = this.phase[allocation], peer = this.model.allocations.peer[allocation];
    this.phase[allocation] = phase;
    const lived = was === COMMITTED || was === RUNNING, lives = phase === COMMITTED || phase === RUNNING;
    if (lives && !lived) {
      this.livePlace[allocation] = this.live.length;
      this.live.push(allocation);
    } else if (lived && !lives) {
      // The last one takes its place, so that the list has no holes.
      const place = this.livePlace[allocation], last = this.live.pop();
      if (last !== allocation) {
        this.live[place] = last;
        this.livePlace[last] = place;
      }
      this.livePlace[allocation] = NONE;
    }
    const change = (phase === RUNNING) - (was === RUNNING);
    this.runningCount += change;
    if (change && peer >= 0) {
      this.peerRuns[peer] += change;
      if (this.onPeer) this.onPeer(peer);
    }
  }

  /** Sides of the partitions that hold now; where two hold, the later one counts. */
  setSides() {
    this.sidesChanged = false;
    this.peerSide.fill(0);
    this.model.faults.forEach((fault, row) => {
      if (!this.faultActive[row] || fault.kind !== "partition") return;
      fault.sides.forEach((peers, side) => {
        for (const peer of peers) this.peerSide[peer] = 1 + side % (SIDES - 1);
      });
    });
    if (this.onAll) this.onAll();
  }

  /** In which of the states a peer is drawn: three times its side, and its state. */
  category(peer) {
    const state = this.peerUp[peer] ? (this.peerRuns[peer] > 0 ? BUSY : UP) : DOWN;
    return this.peerSide[peer] * STATES + state;
  }

  /** Deployments in a state that is written so, in whatever case. */
  deploymentsIn(...states) {
    let count = 0;
    for (const [number, text] of this.statusTexts) if (states.includes(text)) count += this.statusCount[number];
    return count;
  }
}

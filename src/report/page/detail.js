// The panel with the details of one thing: a deployment, a peer, a refusal, or the peers of one dot of the map.

/** Most lines of bars in one picture. */
const MOST_BARS = 60;
/** So many letters fit about into a bar of the whole width. */
const BAR_LETTERS = 52;
/** Most links to things of one kind in one list. */
const MOST_LINKS = 40;

/**
 * Bars over time from `from` to `to`: `lines` are {label, parts: [{begin, end, tone, text, brief}]}. A click calls
 * `seek(time)`; `setTime(time)` moves the mark of the present.
 */
function timeBars({ from, to, lines, seek }) {
  const digits = to - from < 5 ? 2 : to - from < 120 ? 1 : 0;
  const length = to - from || 1, share = (time) => Math.max(0, Math.min(1, (time - from) / length));
  const cursor = make("div", { class: "cursor" });
  const element = make("div", { class: "bars" }, ...lines.slice(0, MOST_BARS).map(({ label, parts }) => {
    const track = make("div", { class: "track" }, ...parts.map(({ begin, end, tone, text, brief = text }) => {
      const until = end >= 0 ? end : to;
      const room = (Math.min(until, to) - Math.max(begin, from)) / length * BAR_LETTERS;
      const title = `${text}: ${clock(begin, digits)} to ${end >= 0 ? clock(end, digits) : "the end"}`;
      const part = make("div", { class: `part ${tone}`, title },
        [text, brief].find((words) => words.length < room) ?? "");
      part.style.left = `${share(begin) * 100}%`;
      part.style.width = `${(share(until) - share(begin)) * 100}%`;
      return part;
    }));
    track.addEventListener("click", (event) => {
      const box = track.getBoundingClientRect();
      seek(from + (event.clientX - box.left) / box.width * length);
    });
    return make("div", { class: "line" }, make("div", { class: "label", title: label }, label), track);
  }), make("div", { class: "cursors", "aria-hidden": "true" }, cursor),
  make("div", { class: "axis" }, ...[0, 0.5, 1].map((part) => make("span", {}, clock(from + part * length, digits)))));
  if (lines.length > MOST_BARS) {
    element.append(make("p", { class: "soft" }, `${plural(lines.length - MOST_BARS, "more line")} not drawn.`));
  }
  const setTime = (time) => {
    cursor.hidden = time < from || time > to;
    cursor.style.left = `${share(time) * 100}%`;
  };
  return { element, setTime };
}

/** Tones of a bar by what state it stands for. */
function stateTone(state) {
  const small = state.toLowerCase();
  if (/fail|lost|discard/.test(small)) return "bad";
  if (/running|completed|succeeded/.test(small)) return "good";
  return /commit|provision|updat/.test(small) ? "waits" : "calm";
}

class DetailPanel {
  /** `actions` are what the panel may ask of the page: show(kind, id), close(), seek(time), follow(deployment), ... */
  constructor(model, actions) {
    this.model = model;
    this.actions = actions;
    this.element = document.getElementById("panel");
    this.shown = null;
    this.past = [];
    this.watchers = [];
  }

  /** Shows one thing; what was shown before can be returned to. */
  open(kind, id) {
    if (this.shown && this.shown.kind === kind && this.shown.id === id) return;
    if (!this.shown) this.returnTo = document.activeElement;
    if (this.shown && !this.isReturning) this.past.push(this.shown);
    this.isReturning = false;
    this.shown = { kind, id };
    this.watchers = [];
    const build = { deployment: this.deployment, peer: this.peer, refusal: this.refusal, peers: this.several }[kind];
    this.element.hidden = false;
    this.element.replaceChildren(...build.call(this, id).filter(Boolean));
    this.element.scrollTop = 0;
    document.body.classList.add("with-panel");
    document.documentElement.style.setProperty("--panel", `${this.element.offsetWidth}px`);
    // Tables learn how much room they have only when they are part of the page.
    for (const watcher of this.watchers) {
      watcher.table?.render();
      watcher.reveal?.();
    }
    this.element.querySelector("h2").focus({ preventScroll: true });
  }

  close() {
    if (!this.shown) return;
    this.shown = null;
    this.past = [];
    this.watchers = [];
    this.element.hidden = true;
    this.element.replaceChildren();
    document.body.classList.remove("with-panel");
    if (this.returnTo?.isConnected) this.returnTo.focus({ preventScroll: true });
  }

  /** Tells the panel the time of the replay. */
  setTime(time) {
    this.time = time;
    for (const watcher of this.watchers) watcher.setTime(time);
  }

  // ---- Parts

  head(title, kind) {
    const button = (text, label, onclick) =>
      make("button", { type: "button", "aria-label": label, title: label, onclick }, text);
    const back = this.past.length ? button("←", "Back", () => {
      const { kind: last, id } = this.past.pop();
      this.isReturning = true;
      this.actions.show(last, id);
    }) : null;
    return make("header", {}, back, make("h2", { tabindex: "-1" }, make("small", {}, kind), title),
      button("×", "Close", () => this.actions.close()));
  }

  about(entries) {
    const parts = [];
    for (const [name, value, tone] of entries) {
      if (value === "" || value === null || value === undefined) continue;
      parts.push(make("dt", {}, name), make("dd", { class: tone }, value));
    }
    return make("dl", { class: "about" }, ...parts);
  }

  link(text, action) {
    return make("button", { type: "button", class: "link", onclick: action }, text);
  }

  peerLink(peer) {
    return peer >= 0 ? this.link(this.model.peerName(peer), () => this.actions.show("peer", peer)) : "";
  }

  deploymentLink(deployment) {
    if (deployment < 0) return "";
    const name = this.model.text("deployments", "name", deployment);
    return this.link(`#${deployment} ${shortened(name, 60)}`, () => this.actions.show("deployment", deployment));
  }

  timeLink(time, digits = 0) {
    return time >= 0 ? this.link(clock(time, digits), () => this.actions.seek(time)) : "";
  }

  bars(options) {
    const bars = timeBars({ ...options, seek: (time) => this.actions.seek(time) });
    this.watch(bars);
    return bars.element;
  }

  watch(part) {
    this.watchers.push(part);
    if (this.time !== undefined) part.setTime(this.time);
  }

  /** A list of rows of the history; what is past at the time of the replay is shaded. */
  history(rows, without) {
    const { model } = this, { history } = model;
    const columns = [
      { title: "time", width: 104, text: (row) => clock(history.time_s[row], 2) },
      { title: "what", width: 300, text: (row) => eventText(model, row, without) },
    ];
    return this.timed("History", rows, columns, (row) => history.time_s[row], (row) => eventTone(model, row));
  }

  timed(title, rows, columns, timeOf, toneOf) {
    const heading = make("h3", {}, `${title} `, make("span", { class: "soft" }, grouped(rows.length)));
    if (!rows.length) return [heading, make("p", { class: "soft" }, "None.")];
    const table = new RowTable({ label: title, columns, rows, plain: true, height: 300,
      open: (row) => this.actions.seek(timeOf(row)) });
    const times = Float64Array.from(rows, timeOf);
    let past = 0;
    table.marked = (row, place) => `${toneOf(row)}${place < past ? " past" : ""}`;
    const setTime = (time) => {
      const now = placeAbove(times, time + 1e-6);
      if (now === past) return;
      past = now;
      table.later();
    };
    // What happened last at the time of the replay is in sight at first.
    this.watch({ setTime, table, reveal: () => past > 6 && past < rows.length && table.scrollToPlace(past) });
    return [heading, make("p", { class: "soft hint" }, "A click moves the replay there."), table.element];
  }

  links(title, rows, link) {
    if (!rows.length) return [];
    const list = make("p", {});
    rows.slice(0, MOST_LINKS).forEach((row, number) => list.append(number ? ", " : "", link(row)));
    if (rows.length > MOST_LINKS) list.append(` and ${plural(rows.length - MOST_LINKS, "more", "more")}`);
    return [make("h3", {}, title), list];
  }

  // ---- A deployment

  deployment(row) {
    const { model } = this, { deployments } = model;
    const text = (column) => model.text("deployments", column, row);
    const submitted = deployments.submitted_s[row], ended = deployments.ended_s[row];
    const outcome = [...new Set([text("status"), text("outcome")])].filter(Boolean).join(", ");
    const whole = make("button", { type: "button", onclick: () => this.actions.toggleFollow(row) });
    this.watch({ setTime: () => {
      const isFollowed = this.actions.following() === row;
      whole.textContent = isFollowed ? "Show everything on the map" : "Show only this on the map";
    } });
    if (this.time === undefined) this.setTime(0);
    return [
      this.head(text("name") || "(no name)", `Deployment ${row}`),
      this.about([
        ["outcome", outcome, stateTone(outcome) === "bad" ? "bad" : stateTone(outcome) === "good" ? "good" : ""],
        ["reason", text("reason"), "bad"], ["orchestrator", this.peerLink(deployments.orchestrator[row])],
        ["ensemble", text("ensemble")], ["submitted", this.timeLink(submitted)],
        ["running after", span(deployments.running_s[row] - submitted)], ["ended", this.timeLink(ended)],
        ["asked", `${plural(deployments.rounds[row], "round")} of bids, ${plural(deployments.bids[row], "bid")}, `
          + plural(deployments.attempts[row], "attempt")],
        ["redeployments", deployments.redeployments[row] ? grouped(deployments.redeployments[row]) : ""]]),
      make("div", { class: "actions" }, make("button", { type: "button", class: "main",
        onclick: () => this.actions.playDeployment(row) }, "Play it from its start"), whole),
      ...this.lives(row),
      ...this.deploymentRefusals(row),
      ...this.history(rowsOf(model.byDeployment.history, row), "deployment"),
      ...this.messages(row),
    ];
  }

  /** States and allocations over time: the whole life, and where that hides it, the start by itself. */
  lives(row) {
    const { model } = this, { deployments, history, allocations } = model;
    const submitted = deployments.submitted_s[row], running = deployments.running_s[row];
    const end = deployments.ended_s[row] >= 0 ? deployments.ended_s[row] : model.duration;
    const status = model.stringNumber.get("deployment_status");
    const changes = Array.from(rowsOf(model.byDeployment.history, row)).filter((at) => history.kind[at] === status);
    const states = changes.map((at, number) => {
      const text = model.text("history", "state", at);
      return { begin: history.time_s[at], end: number + 1 < changes.length ? history.time_s[changes[number + 1]] : end,
        tone: stateTone(text), text };
    });
    const lines = states.length ? [{ label: "state", parts: states }] : [];
    let last = end;
    for (const at of rowsOf(model.byDeployment.allocations, row)) {
      const parts = this.allocationParts(at, `${model.peerName(allocations.peer[at])}: `);
      last = Math.max(last, ...parts.map((part) => (part.end >= 0 ? part.end : 0)));
      const generation = allocations.generation[at] > 0 ? ` (${allocations.generation[at]})` : "";
      const name = [model.text("allocations", "node", at), model.text("allocations", "allocation", at)].filter(Boolean);
      lines.push({ label: `${name.join("/")}${generation}`, parts });
    }
    const heading = make("h3", {}, "States and allocations");
    if (!lines.length) return [heading, make("p", { class: "soft" }, "None are recorded.")];
    const parts = [];
    if (running - submitted < 0.1 * (last - submitted)) {
      const until = submitted + Math.max(0.5, (running - submitted) * 1.15);
      const early = lines.filter((line) => line.parts.some((part) => part.begin < until));
      parts.push(make("h3", {}, "Its start"), this.bars({ from: submitted, to: until, lines: early }));
    }
    return [...parts, heading,
      this.bars({ from: submitted, to: Math.max(last, submitted + 0.5), lines })];
  }

  allocationParts(row, where = "") {
    const { model } = this, { allocations } = model;
    const committed = allocations.committed_s[row], started = allocations.started_s[row];
    const ended = allocations.ended_s[row], end = model.text("allocations", "end", row), parts = [];
    const waited = started >= 0 ? started : ended;
    if (!(waited <= committed)) parts.push({ begin: committed, end: waited, tone: "waits",
      text: `${where}committed`, brief: "committed" });
    if (started >= 0) {
      const tone = /fail|lost|discard/.test(end) ? "bad" : "good";
      const text = end ? `ran, then ${end}` : "running";
      parts.push({ begin: started, end: ended, tone, text: where + text, brief: end || text });
    }
    return parts;
  }

  deploymentRefusals(row) {
    const { model } = this, rows = rowsOf(model.byDeployment.refusals, row);
    const heading = make("h3", {}, "Refusals ", make("span", { class: "soft" }, grouped(rows.length)));
    if (!rows.length) return [heading, make("p", { class: "soft" }, "Nobody refused anything to it.")];
    const columns = [
      { title: "stage", width: 92, text: (at) => model.text("refusals", "stage", at) },
      { title: "count", width: 66, number: true, text: (at) => grouped(model.refusals.count[at]) },
      { title: "reason", width: 260, text: (at) =>
        ["reason", "amount_class"].map((column) => model.text("refusals", column, at)).filter(Boolean).join(", ") }];
    const table = new RowTable({ label: "Refusals of this deployment", columns, rows, plain: true, height: 210,
      open: (at) => this.actions.show("refusal", at) });
    this.watchers.push({ setTime() {}, table });
    return [heading, table.element];
  }

  messages(row) {
    const { model } = this, { messages } = model;
    const columns = [
      { title: "sent", width: 104, text: (at) => clock(messages.sent_s[at], 2) },
      { title: "behaviour", width: 196, text: (at) => model.text("messages", "behaviour", at) },
      { title: "from, to", width: 180, text: (at) =>
        `${model.peerName(messages.from[at])} → ${model.peerName(messages.to[at])}` },
      { title: "took", width: 68, number: true, text: (at) => span(messages.arrived_s[at] - messages.sent_s[at]) },
      { title: "end", width: 100, text: (at) => model.text("messages", "end", at) || "under way" },
      { title: "size", width: 80, number: true, text: (at) => bytes(messages.size_bytes[at]) }];
    const tone = (at) => (messages.arrived_s[at] >= 0 ? "" : "bad");
    return this.timed("Messages", rowsOf(model.byDeployment.messages, row), columns, (at) => messages.sent_s[at], tone);
  }

  // ---- A peer

  peer(row) {
    const { model } = this, { peers } = model;
    const text = (column) => model.text("peers", column, row);
    const place = [text("city"), text("country"), text("continent")].filter(Boolean).join(", ");
    const orchestrated = Array.from(rowsOf(model.byPeer.deployments, row));
    const lines = [{ label: "up and down", parts: this.upParts(row) }];
    for (const at of rowsOf(model.byPeer.allocations, row)) {
      const deployment = model.allocations.deployment[at], node = model.text("allocations", "node", at);
      lines.push({ label: `#${deployment} ${node}`, parts: this.allocationParts(at) });
    }
    const ran = Array.from(new Set(Array.from(rowsOf(model.byPeer.allocations, row),
      (at) => model.allocations.deployment[at]))).filter((deployment) => deployment >= 0);
    return [
      this.head(model.peerName(row), `Peer, row ${row + 1} of peers.csv`),
      this.about([["role", text("role")], ["organization", text("organization")],
        ["place", place || "none"], ["up", percent(peers.up_fraction[row])],
        ["crashes and departures", grouped(peers.crashes[row])], ["memberships", text("memberships")]]),
      make("div", { class: "actions" }, make("button", { type: "button", onclick: () => this.actions.centre(row) },
        "Find it on the map")),
      make("h3", {}, "Up, down, and what it ran"),
      this.bars({ from: 0, to: model.duration, lines }),
      ...this.links("Deployments that it orchestrates", orchestrated, (at) => this.deploymentLink(at)),
      ...this.links("Deployments that it ran parts of", ran, (at) => this.deploymentLink(at)),
      ...this.history(rowsOf(model.byPeer.history, row), "peer"),
    ];
  }

  /** When a peer was up and down. */
  upParts(peer) {
    const { model } = this, { history } = model, parts = [];
    let isUp = !model.initiallyDown.includes(peer), since = 0;
    const add = (end) => {
      if (end > since) parts.push({ begin: since, end, tone: isUp ? "good" : "off", text: isUp ? "up" : "down" });
      since = end;
    };
    for (const row of rowsOf(model.byPeer.history, peer)) {
      const kind = model.text("history", "kind", row);
      if (kind !== "peer_up" && kind !== "peer_down") continue;
      add(history.time_s[row]);
      isUp = kind === "peer_up";
    }
    add(model.duration);
    return parts;
  }

  // ---- A refusal

  refusal(row) {
    const { model } = this, { refusals } = model, text = (column) => model.text("refusals", column, row);
    const command = `dmsim explain RUN --refusal ${refusals.row[row]}`;
    const code = make("code", {}, command);
    return [
      this.head(text("reason") || "(no reason)", `Refusal ${refusals.row[row]}, stage ${text("stage")}`),
      make("p", {}, text("meaning")),
      this.about([["stage", text("stage")], ["reason", text("reason")], ["amount class", text("amount_class")],
        ["how often", plural(refusals.count[row], "time")],
        ["deployment", this.deploymentLink(refusals.deployment[row]) || "none is concerned"],
        ["first", this.timeLink(refusals.first_time_s[row], 2)],
        ["first peer", this.peerLink(refusals.first_peer[row])]]),
      make("h3", {}, "The first in full"),
      make("pre", { dir: "auto" }, text("example") || "No example was recorded."),
      make("h3", {}, "Every token, link and rule of it"),
      make("div", { class: "copy" }, code, make("button", { type: "button",
        onclick: (event) => copyText(command, code, event.target) }, "Copy")),
      make("p", { class: "soft" }, "RUN is the folder of this run, the one that holds this page."),
    ];
  }

  // ---- Several peers

  several(peers) {
    const { model } = this;
    const columns = [
      { title: "peer", width: 170, text: (row) => model.peerName(row) },
      { title: "now", width: 90, text: (row) => this.actions.peerState(row) },
      { title: "place", width: 180, text: (row) =>
        [model.text("peers", "city", row), model.text("peers", "country", row)].filter(Boolean).join(", ") }];
    const table = new RowTable({ label: "Peers of this dot", columns, rows: peers, height: 620,
      open: (row) => this.actions.show("peer", row) });
    this.watch({ setTime: () => table.later(), table });
    return [this.head(plural(peers.length, "peer"), "In one dot of the map"),
      make("p", { class: "soft" }, "Zoom in to tell them apart on the map."), table.element];
  }
}

/** Copies a text; where the browser does not allow that, selects it. */
async function copyText(text, element, button) {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(element);
    button.textContent = "Selected";
  }
  setTimeout(() => {
    button.textContent = "Copy";
  }, 1500);
}

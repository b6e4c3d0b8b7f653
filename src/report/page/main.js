// Puts the parts of the page together.

/** The tables of deployments, peers and refusals. */
function makeTables(model, show) {
  const host = (id) => document.getElementById(`all-${id}`);
  const fill = (id, options, bar) => {
    const section = host(id);
    section.hidden = false;
    const count = options.rows.length;
    if (!count) {
      section.append(make("p", { class: "soft" }, bar.none));
      return null;
    }
    const table = new RowTable(options);
    return { table, ...searchable(section, table, { label: id, ...bar }) };
  };
  const deployments = fill("deployments", { label: "Deployments", columns: deploymentColumns(model),
    rows: Int32Array.from(model.deployments.name.keys()), open: (row) => show("deployment", row) },
  { hint: "a name, a peer, a status, a reason", one: "deployment", none: "No deployment was asked for." });
  if (model.leftOut.length) host("deployments").append(make("p", { class: "soft" }, model.leftOut.join(" ")));
  fill("peers", { label: "Peers", columns: peerColumns(model), rows: Int32Array.from(model.peers.peer.keys()),
    open: (row) => show("peer", row) },
  { hint: "a name, a city, an organization", one: "peer", none: "No peer is recorded." });
  makeRefusals(model, fill, show);
  return deployments;
}

function deploymentColumns(model) {
  const { deployments } = model;
  const text = (column) => (row) => model.text("deployments", column, row);
  const number = (column) => ({ number: true, text: (row) => grouped(deployments[column][row]),
    key: (row) => deployments[column][row] });
  const toRunning = (row) => deployments.running_s[row] - deployments.submitted_s[row];
  return [
    { title: "#", width: 56, number: true, text: String, key: (row) => row },
    { title: "name", width: 136, text: text("name") },
    { title: "orchestrator", width: 118, text: (row) => model.peerName(deployments.orchestrator[row]) },
    { title: "ensemble", width: 112, text: text("ensemble") },
    { title: "submitted", width: 106, number: true, text: (row) => clock(deployments.submitted_s[row]),
      key: (row) => deployments.submitted_s[row] },
    { title: "to running", width: 110, number: true, text: (row) => span(toRunning(row)), key: toRunning },
    { title: "ended", width: 84, number: true, text: (row) => clock(deployments.ended_s[row]),
      key: (row) => deployments.ended_s[row] },
    { title: "status", width: 100, text: text("status") },
    { title: "outcome", width: 100, text: text("outcome") },
    { title: "reason", width: 150, wide: true, text: text("reason") },
    { title: "rounds", width: 84, ...number("rounds") },
    { title: "attempts", width: 96, ...number("attempts") },
    { title: "bids", width: 66, ...number("bids") },
    { title: "moved", width: 80, ...number("redeployments") },
  ];
}

function peerColumns(model) {
  const { peers } = model, text = (column) => (row) => model.text("peers", column, row);
  const ran = (row) => rowsOf(model.byPeer.allocations, row).length;
  return [
    { title: "peer", width: 170, text: text("peer") },
    { title: "role", width: 110, text: text("role") },
    { title: "organization", width: 140, text: text("organization") },
    { title: "city", width: 150, text: text("city") },
    { title: "country", width: 92, text: text("country") },
    { title: "continent", width: 104, text: text("continent") },
    { title: "up", width: 84, number: true, text: (row) => percent(peers.up_fraction[row]),
      key: (row) => peers.up_fraction[row] },
    { title: "crashes", width: 98, number: true, text: (row) => grouped(peers.crashes[row]),
      key: (row) => peers.crashes[row] },
    { title: "allocations", width: 110, number: true, text: (row) => grouped(ran(row)), key: ran },
    { title: "memberships", width: 180, text: text("memberships") },
  ];
}

/** Refusals, one line a kind (the row of its first one stands for it) or one line a deployment. */
function makeRefusals(model, fill, show) {
  const { refusals } = model, text = (column) => (row) => model.text("refusals", column, row);
  const all = Int32Array.from(refusals.row.keys()), kinds = new Map();
  for (const row of all) {
    const key = `${refusals.stage[row]} ${refusals.reason[row]} ${refusals.amount_class[row]}`;
    const kind = kinds.get(key) ?? { row, count: 0, deployments: 0 };
    kind.count += refusals.count[row];
    kind.deployments += refusals.deployment[row] >= 0;
    if (refusals.first_time_s[row] < refusals.first_time_s[kind.row]) kind.row = row;
    kinds.set(key, kind);
  }
  const sums = new Map([...kinds.values()].map((kind) => [kind.row, kind]));
  const summed = Int32Array.from([...kinds.values()].sort((a, b) => b.count - a.count), (kind) => kind.row);
  let isSummed = true;
  const count = (row) => (isSummed ? sums.get(row)?.count : refusals.count[row]) ?? NaN;
  const deployments = (row) => (isSummed ? sums.get(row)?.deployments : refusals.deployment[row]) ?? NaN;
  const columns = [
    { title: "stage", width: 104, text: text("stage") },
    { title: "reason", width: 260, text: text("reason") },
    { title: "amount class", width: 200, text: text("amount_class") },
    { title: "count", width: 84, number: true, text: (row) => grouped(count(row)), key: count },
    { title: "deployments", width: 130, number: true, text: (row) => {
      const value = deployments(row);
      return isSummed ? grouped(value) : value >= 0 ? `#${value}` : "";
    }, key: deployments },
    { title: "first", width: 92, number: true, text: (row) => clock(refusals.first_time_s[row]),
      key: (row) => refusals.first_time_s[row] },
    { title: "first peer", width: 140, text: (row) => model.peerName(refusals.first_peer[row]) },
    { title: "example", width: 300, text: text("example") },
  ];
  const choice = make("select", { "aria-label": "Lines of the refusals table" },
    make("option", { value: "kind" }, "one line a kind"),
    make("option", { value: "deployment" }, "one line a deployment"));
  const made = fill("refusals", { label: "Refusals", columns, rows: summed, open: (row) => show("refusal", row) },
    { hint: "a stage, a reason, a peer", one: "line", extra: choice, none: "Nothing was refused." });
  choice.onchange = () => {
    isSummed = choice.value === "kind";
    made.table.setRows(isSummed ? summed : all);
    made.tell();
  };
}

/** Why there is no replay, or nothing. */
function missingReplay(model) {
  if (!model.peers.size) return "This run has no peers, so there is nothing to replay.";
  if (!model.history.size && !model.allocations.size) {
    return "This run was made without a history, so there is no replay.";
  }
  return "";
}

/** The page after its data was read. */
class Page {
  constructor(model) {
    this.model = model;
    this.course = new Course(model);
    this.map = new WorldMap(model, this.course, document.getElementById("world"));
    this.replay = new Replay(model, this.course, this.map);
    this.panel = new DetailPanel(model, this.panelActions());
    this.address = new AddressBar(() => this.describe());
    this.deployments = makeTables(model, (kind, id) => this.show(kind, id));
    this.showReplay();
    this.replay.listeners.push((time, settled) => this.timeChanged(time, settled));
    enliveMap(this.map, (peers) => (peers.length > 1 ? this.show("peers", peers) : this.show("peer", peers[0])),
      (peers) => this.describePeers(peers));
    this.map.onView = () => this.replay.ask();
    this.replay.onOpen = (row) => this.openEvent(row);
    listenToKeys({ replay: this.replay, focusSearch: () => this.focusSearch(), close: () => this.close(),
      help: () => document.getElementById("help").showModal() });
    document.getElementById("help-open").onclick = () => document.getElementById("help").showModal();
    this.watchWindow();
    this.panel.setTime(0);
    this.goToAddress();
    addEventListener("hashchange", () => this.goToAddress());
  }

  showReplay() {
    const { model } = this, find = (id) => document.getElementById(id), missing = missingReplay(model);
    find("replay").hidden = false;
    find("replay-none").hidden = !missing;
    find("replay-none").textContent = missing;
    for (const id of ["replay-body", "legend", "help-open"]) find(id).hidden = Boolean(missing);
    const arcs = `At most ${MOST_ARCS} arcs of allocations are drawn at a time, and of many bids or commits a part; the `
      + "counts are exact.";
    const sentences = model.allocations.count > MOST_ARCS ? [...model.leftOut, arcs] : model.leftOut;
    find("left-out").replaceChildren(...sentences.map((sentence) => make("li", {}, sentence)));
    if (this.map.isAbstract && !missing) {
      find("left-out").append(make("li", {}, "No peer has a place: they are laid out by their numbers."));
    }
    this.hasReplay = !missing;
  }

  watchWindow() {
    const redraw = () => {
      if (!this.hasReplay) return;
      this.map.resize();
      this.replay.drawStrip();
      this.replay.ask();
    };
    new ResizeObserver(redraw).observe(document.getElementById("replay-body"));
    const recolor = () => {
      this.map.setColors();
      fillLegend(document.getElementById("legend"), this.map, this.model);
      redraw();
    };
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolor);
    recolor();
  }

  panelActions() {
    const { replay } = this;
    return {
      show: (kind, id) => this.show(kind, id),
      close: () => this.close(),
      seek: (time) => replay.seek(time),
      following: () => replay.following,
      toggleFollow: (row) => {
        this.follow(replay.following === row ? NONE : row);
        this.panel.setTime(replay.time);
      },
      playDeployment: (row) => {
        if (replay.following !== row) this.follow(row);
        replay.seek(Math.max(0, this.model.deployments.submitted_s[row] - LEAD_S));
        replay.play();
        this.revealMap();
      },
      centre: (row) => {
        const scale = Math.max(this.map.scale, this.map.fitScale * 8), place = this.map.peerPlace[row];
        this.map.setView(scale, this.map.width / 2 - (this.map.placeLon[place] - WEST) * scale,
          this.map.height / 2 - (NORTH - this.map.placeLat[place]) * scale);
        this.revealMap();
      },
      peerState: (row) => ["down", "up", "busy"][this.course.category(row) % STATES],
    };
  }

  revealMap() {
    const box = document.getElementById("world").getBoundingClientRect();
    // In a narrow window the details cover its lower half.
    const isNarrow = matchMedia("(max-width: 1099px)").matches;
    if (isNarrow) document.getElementById("world").scrollIntoView();
    else if (box.top < 0 || box.bottom > innerHeight) document.getElementById("replay").scrollIntoView();
  }

  describePeers(peers) {
    const { model } = this;
    const city = model.text("peers", "city", peers[0]), place = [city, model.text("peers", "country", peers[0])];
    const where = place.filter(Boolean).join(", ");
    if (peers.length === 1) return [shortened(model.peerName(peers[0]), 60), where].filter(Boolean).join(" · ");
    return `${plural(peers.length, "peer")}${where ? ` around ${where}` : ""}`;
  }

  /** Opens something in the panel, and shows on the map what belongs to it. */
  show(kind, id) {
    this.panel.open(kind, id);
    const { replay } = this;
    if (kind === "deployment") this.follow(id);
    else if (kind !== "refusal" && replay.following >= 0) this.follow(NONE);
    replay.selectPeer(kind === "peer" ? id : NONE);
    this.panel.setTime(replay.time);
    this.address.changed();
  }

  /** What a row of the history is about; of the deployment that is followed, its time. */
  openEvent(row) {
    const { history } = this.model, deployment = history.deployment[row], peer = history.peer[row];
    if (deployment >= 0 && deployment === this.replay.following) this.replay.seek(history.time_s[row]);
    else if (deployment >= 0) this.show("deployment", deployment);
    else if (peer >= 0) this.show("peer", peer);
    else this.replay.seek(history.time_s[row]);
  }

  follow(deployment) {
    this.replay.follow(deployment);
    const note = document.getElementById("follow-note");
    note.hidden = deployment < 0;
    if (deployment >= 0) {
      const name = shortened(this.model.text("deployments", "name", deployment), 60);
      note.replaceChildren(make("span", {}, `Following deployment ${deployment}, ${name}`),
        make("button", { type: "button", onclick: () => this.follow(NONE) }, "Show everything"));
    }
    this.panel.setTime(this.replay.time);
    this.address.changed();
  }

  close() {
    this.panel.close();
    if (this.replay.following >= 0) this.follow(NONE);
    this.replay.selectPeer(NONE);
    this.address.changed();
  }

  focusSearch() {
    this.deployments?.input.focus();
    document.getElementById("all-deployments").scrollIntoView({ block: "start" });
  }

  timeChanged(time, settled) {
    this.panel.setTime(time);
    if (settled || this.replay.isPlaying) this.address.changed();
  }

  /** The part of the address that names what is shown. */
  describe() {
    const { shown } = this.panel, parts = [];
    if (this.replay.time > 0) parts.push(`t=${Number(this.replay.time.toFixed(3))}`);
    if (shown?.kind === "deployment") parts.push(`deployment=${shown.id}`);
    else if (this.replay.following >= 0) parts.push(`deployment=${this.replay.following}`);
    if (shown?.kind === "peer") parts.push(`peer=${encodeURIComponent(this.model.peerName(shown.id))}`);
    if (shown?.kind === "refusal") parts.push(`refusal=${this.model.refusals.row[shown.id]}`);
    return parts.join("&");
  }

  goToAddress() {
    const wanted = readAddress(this.model);
    if (!wanted) return;
    if (wanted.t !== undefined) this.replay.seek(wanted.t);
    if (wanted.deployment !== undefined) this.show("deployment", wanted.deployment);
    if (wanted.peer !== undefined) this.show("peer", wanted.peer);
    if (wanted.refusal !== undefined) this.show("refusal", wanted.refusal);
    // Following moves the time to where the deployment lives; an address that names a time knows better.
    if (wanted.t !== undefined) this.replay.seek(wanted.t);
    if (this.hasReplay && (wanted.t ?? wanted.deployment ?? wanted.peer) !== undefined) this.revealMap();
  }
}

async function start() {
  document.querySelectorAll("table.sortable").forEach(enliven);
  let model;
  try {
    model = buildModel(await loadData());
  } catch (error) {
    const note = document.getElementById("replay-none");
    document.getElementById("replay").hidden = false;
    document.getElementById("replay-body").hidden = true;
    note.hidden = false;
    note.textContent = `The data of this page could not be read: ${error.message}. `
      + "The CSV files beside it hold the same.";
    throw error;
  }
  const page = new Page(model);
  const { replay } = page;
  window.dmsimReplay = { frames: replay.frames, intervals: replay.intervals, state: () => replay.state(),
    seek: (time) => replay.seek(time), play: () => replay.play(), pause: () => replay.pause(),
    follow: (deployment) => (deployment === null ? page.close() : page.show("deployment", deployment)),
    spot: (name) => page.map.spot(model.peerByName.get(name)),
    counts: { peers: model.peers.size, deployments: model.deployments.size, refusals: model.refusals.size,
      history: model.history.size, messages: model.messages.size } };
  if (location.hash && !location.hash.includes("=")) document.getElementById(location.hash.slice(1))?.scrollIntoView();
}

start();

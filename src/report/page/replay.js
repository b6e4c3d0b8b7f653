// The replay: its time, playing it at a speed, the time line, and what is to be drawn at a time.

/** Speeds to choose from, in simulated seconds a second. */
const SPEEDS = [0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 86400];
/** How long the whole run takes at the speed that is chosen at first, in seconds. */
const WHOLE_RUN_S = 60;
/** For how long something that just happened stays on the map, in seconds of playback. */
const LINGER_S = 0.9;
/** Most arcs of living allocations, and most rows of the history that one picture looks back at. */
const MOST_ARCS = 500, MOST_RECENT = 4000;
/** Most rings around peers that just went down. */
const MOST_FALLS = 40;
/** Most ends of arcs of bids and of commits of about the same age. */
const MOST_BIDS = 300, MOST_COMMITS = 120;
const KEPT_FRAMES = 600;
/** So long before its submission a deployment is watched from; what happens slowly begins a little earlier. */
const LEAD_S = 0.05;
/** Rows of the list of what happens. */
const LISTED = 11;

/** Speeds at which one deployment can be watched: slow where much happens, fast over its quiet times. */
function watchingSpeeds(model, deployment) {
  const { history, messages, duration } = model, times = [];
  for (const row of rowsOf(model.byDeployment.history, deployment)) times.push(history.time_s[row]);
  for (const row of rowsOf(model.byDeployment.messages, deployment)) {
    times.push(messages.sent_s[row]);
    if (messages.arrived_s[row] >= 0) times.push(messages.arrived_s[row]);
  }
  times.sort((a, b) => a - b);
  const bursts = [];
  for (const time of times) {
    const last = bursts[bursts.length - 1];
    if (last && time - last.end < 4) {
      last.end = time;
      last.count += 1;
    } else bursts.push({ begin: time, end: time, count: 1 });
  }
  const parts = [];
  let at = 0;
  const quiet = (until) => {
    if (until > at) parts.push({ end: until, speed: Math.max(1, (until - at) / 1.5) });
    at = Math.max(at, until);
  };
  for (const { begin, end, count } of bursts) {
    quiet(Math.max(at, begin - 2 * LEAD_S));
    const until = Math.min(duration, end + 0.4);
    parts.push({ end: until, speed: (until - at) / Math.max(2, Math.min(14, count * 0.4)) });
    at = until;
  }
  quiet(duration);
  return parts;
}

/** A speed as it is offered. */
function speedText(speed, digits = 3) {
  return `${Number(speed.toPrecision(digits))}×`;
}

class Replay {
  constructor(model, course, map) {
    this.model = model;
    this.course = course;
    this.map = map;
    this.time = 0;
    this.isPlaying = false;
    this.following = NONE;
    this.selectedPeer = NONE;
    this.frames = [];
    this.intervals = [];
    this.listeners = [];
    this.calm = matchMedia("(prefers-reduced-motion: reduce)");
    const number = (text) => model.stringNumber.get(text) ?? NONE;
    this.kinds = Object.fromEntries(["round_opened", "bid_made", "committed", "stage_failed", "redeployment_started",
      "suspected", "deployment_status", "peer_down", "deployment_refused"].map((kind) => [kind, number(kind)]));
    this.speed = Math.max(0.02, model.duration / WHOLE_RUN_S);
    this.watching = null;
    this.controls();
  }

  // ---- Controls

  controls() {
    const find = (id) => document.getElementById(id);
    const ids = { slider: "slider", clock: "clock", play: "play", speed: "speed", rate: "rate", now: "now",
      counts: "counts", faults: "active-faults", strip: "strip", title: "now-title" };
    this.parts = Object.fromEntries(Object.entries(ids).map(([name, id]) => [name, find(id)]));
    find("clock-end").textContent = clock(this.model.duration);
    this.parts.slider.max = this.model.duration;
    this.parts.slider.addEventListener("input", () => this.seek(Number(this.parts.slider.value)));
    this.parts.slider.addEventListener("pointermove", (event) => this.tellTime(event));
    this.parts.play.onclick = () => (this.isPlaying ? this.pause() : this.play());
    find("before").onclick = () => this.stepEvent(-1);
    find("after").onclick = () => this.stepEvent(1);
    this.parts.speed.onchange = () => this.setSpeed(this.parts.speed.value);
    this.offerSpeeds();
    this.parts.countValues = ["peers up", "deployments running", "deployments in preparation", "allocations running"]
      .map((name) => {
        const value = make("dd", {});
        this.parts.counts.append(make("div", {}, make("dt", {}, name), value));
        return value;
      });
    this.parts.lines = Array.from({ length: LISTED }, () => {
      const line = { time: make("time", {}), row: NONE };
      line.text = make("button", { type: "button", onclick: () => line.row >= 0 && this.onOpen?.(line.row) });
      line.element = make("li", { hidden: true }, line.time, line.text);
      return line;
    });
    this.parts.now.append(...this.parts.lines.map((line) => line.element));
  }

  /** Says which time is under the pointer on the time line, and which faults hold then. */
  tellTime(event) {
    const box = this.parts.strip.getBoundingClientRect();
    const time = Math.max(0, (event.clientX - box.left) / box.width) * this.model.duration;
    const slack = this.model.duration / box.width * 2;
    const faults = this.model.faults.filter(({ begin, end }) => begin - slack <= time && time <= end + slack);
    const title = [clock(Math.min(time, this.model.duration)), ...faults.map((fault) => fault.label)].join(" · ");
    if (this.parts.slider.title !== title) this.parts.slider.title = title;
  }

  offerSpeeds() {
    const { speed } = this.parts, whole = this.model.duration / WHOLE_RUN_S;
    const speeds = [...new Set([...SPEEDS.filter((value) => value <= whole * 12 || value <= 1), whole])];
    speeds.sort((a, b) => a - b);
    this.speeds = speeds;
    const options = speeds.map((value) => make("option", { value: String(value) },
      `${speedText(value)}${value === whole ? " (all in 1 min)" : ""}`));
    if (this.following >= 0) options.unshift(make("option", { value: "watch" }, "as it happens"));
    speed.replaceChildren(...options);
    speed.value = this.watching ? "watch" : String(this.speed);
  }

  setSpeed(value) {
    if (value === "watch") this.watching = watchingSpeeds(this.model, this.following);
    else {
      this.watching = null;
      this.speed = Number(value);
    }
    this.parts.speed.value = String(value);
    this.ask();
  }

  changeSpeed(step) {
    const now = this.rate();
    const next = step > 0 ? this.speeds.find((value) => value > now * 1.01)
      : this.speeds.findLast((value) => value < now * 0.99);
    if (next) this.setSpeed(next);
  }

  /** Simulated seconds a second at the present time. */
  rate() {
    if (!this.watching) return this.speed;
    return (this.watching.find((part) => part.end > this.time) ?? this.watching[this.watching.length - 1])?.speed || 1;
  }

  // ---- Time

  play() {
    if (this.isPlaying || !this.map.scale) return;
    if (this.time >= this.model.duration) this.time = 0;
    this.isPlaying = true;
    this.last = 0;
    this.tellPlaying();
    this.ask();
  }

  pause() {
    if (!this.isPlaying) return;
    this.isPlaying = false;
    this.tellPlaying();
    this.ask();
    this.tell(true);
  }

  tellPlaying() {
    this.parts.play.classList.toggle("playing", this.isPlaying);
    this.parts.play.setAttribute("aria-label", this.isPlaying ? "Pause" : "Play");
  }

  seek(time) {
    this.time = Math.max(0, Math.min(this.model.duration, time));
    this.ask();
    this.tell(true);
  }

  /** Calls those who follow the time; `settled` when it was chosen, and did not just go on. */
  tell(settled = false) {
    for (const listener of this.listeners) listener(this.time, settled);
  }

  /** The times at which a step may stop. */
  stops() {
    const { history, byDeployment, byPeer, notable } = this.model;
    if (this.following >= 0) return rowsOf(byDeployment.history, this.following);
    if (this.selectedPeer >= 0 && rowsOf(byPeer.history, this.selectedPeer).length) {
      return rowsOf(byPeer.history, this.selectedPeer);
    }
    return notable.length ? notable : Int32Array.from(history.kind.keys());
  }

  stepEvent(direction) {
    this.pause();
    const rows = this.stops(), { time_s } = this.model.history;
    const past = this.placeOf(rows, this.time + 1e-6);
    if (direction > 0) {
      if (past < rows.length) this.seek(time_s[rows[past]]);
      return;
    }
    const before = this.placeOf(rows, this.time - 1e-6);
    if (before > 0) this.seek(time_s[rows[before - 1]]);
  }

  /** How many of these rows of the history happened until a time. */
  placeOf(rows, time) {
    const { time_s } = this.model.history;
    let low = 0, high = rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (time_s[rows[middle]] <= time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Asks for one picture, or the next one while playing. */
  ask() {
    if (this.asked) return;
    this.asked = true;
    requestAnimationFrame((now) => this.frame(now));
  }

  frame(now) {
    this.asked = false;
    if (this.isPlaying) {
      if (this.last) {
        this.keep(this.intervals, now - this.last);
        // A window that was hidden goes on where it was.
        this.advance(Math.min(0.25, (now - this.last) / 1000));
      }
      this.last = now;
    }
    const start = performance.now();
    this.show(now);
    this.keep(this.frames, performance.now() - start);
    if (this.isPlaying) {
      this.tell();
      this.ask();
    }
  }

  keep(list, value) {
    list.push(value);
    if (list.length > KEPT_FRAMES) list.shift();
  }

  advance(seconds) {
    // A part of the run with its own speed may end within the picture.
    for (let left = seconds, turn = 0; left > 1e-9 && turn < 50; turn += 1) {
      const part = this.watching?.find((one) => one.end > this.time);
      const rate = this.rate(), reach = part ? Math.min(left, (part.end - this.time) / rate + 1e-9) : left;
      this.time += reach * rate;
      left -= reach;
    }
    if (this.time >= this.model.duration) {
      this.time = this.model.duration;
      this.pause();
    }
  }

  // ---- Following

  follow(deployment) {
    const { allocations, deployments, byDeployment } = this.model;
    this.following = deployment ?? NONE;
    this.watching = null;
    if (this.following >= 0) {
      const peers = new Set([deployments.orchestrator[deployment]]);
      for (const row of rowsOf(byDeployment.allocations, deployment)) peers.add(allocations.peer[row]);
      peers.delete(NONE);
      this.map.setFocus([...peers]);
      this.watching = watchingSpeeds(this.model, deployment);
      const begin = deployments.submitted_s[deployment], end = deployments.ended_s[deployment];
      if (this.time < begin - 1 || this.time > (end >= 0 ? end : Infinity)) this.time = Math.max(0, begin - LEAD_S);
    } else this.map.setFocus(null);
    this.offerSpeeds();
    this.drawStrip();
    this.listedAt = 0;
    this.ask();
    this.tell(true);
  }

  selectPeer(peer) {
    this.selectedPeer = peer;
    this.ask();
  }

  // ---- The picture

  show(now) {
    this.course.moveTo(this.time);
    if (this.map.scale) this.map.draw(this.scene());
    this.parts.slider.value = this.time;
    const text = clock(this.time, this.rate() < 2 ? 2 : 0);
    if (this.parts.clock.textContent !== text) this.parts.clock.textContent = text;
    // Text that changes at every picture cannot be read anyway.
    if (this.isPlaying && now - this.listedAt < 140) return;
    this.listedAt = now;
    this.parts.slider.setAttribute("aria-valuetext", clock(this.time));
    this.list();
  }

  /** How far back something is recent, in simulated seconds. */
  get recent() {
    return Math.max(this.rate() * LINGER_S, 0.05);
  }

  /**
   * What is on the map beside the peers: arcs `under` and `over` them as {pairs: [from, to, ...], color, width, alpha,
   * dash}, `rings` and crosses around peers, `messages` on their way, `labels`.
   */
  scene() {
    const scene = { under: [], over: [], rings: [], messages: [], labels: [] };
    this.addLiving(scene);
    this.addRecent(scene);
    if (this.following >= 0) this.addFollowed(scene);
    if (this.selectedPeer >= 0) {
      scene.rings.push({ peer: this.selectedPeer, color: "ink", radius: 10, width: 2 });
      scene.labels.unshift({ peer: this.selectedPeer, text: this.label(this.selectedPeer), strong: true });
    }
    return scene;
  }

  label(peer) {
    return shortened(this.model.peerName(peer), this.map.width < 600 ? 16 : 26);
  }

  addLiving(scene) {
    const { allocations, deployments } = this.model, { live, phase, peerUp } = this.course;
    const runs = [], waits = [], lost = [];
    const followed = this.following >= 0;
    // Of too many, the same ones are drawn in each picture: those whose numbers a power of two divides.
    let mask = 0;
    while (!followed && live.length / (mask + 1) > MOST_ARCS) mask = mask * 2 + 1;
    for (const row of live) {
      const peer = allocations.peer[row], deployment = allocations.deployment[row];
      if (peer < 0 || deployment < 0 || (followed ? deployment !== this.following : row & mask)) continue;
      const from = deployments.orchestrator[deployment];
      if (from < 0) continue;
      (peerUp[peer] ? (phase[row] === RUNNING ? runs : waits) : lost).push(from, peer);
    }
    const alpha = followed ? 0.9 : Math.max(0.22, 0.6 - live.length / 500);
    scene.under.push({ pairs: runs, color: "running", width: followed ? 2 : 1, alpha },
      { pairs: waits, color: "commit", width: followed ? 2 : 1, alpha: 0.85, dash: [5, 4] },
      { pairs: lost, color: "alarm", width: 1.4, alpha: 0.8, dash: [2, 4] });
  }

  /** Arcs and rings of what happened a moment ago, in three steps of age. */
  addRecent(scene) {
    const { model, kinds, recent, time } = this, { history, deployments } = model;
    const rows = this.following >= 0 ? rowsOf(model.byDeployment.history, this.following) : null;
    let at = rows ? this.placeOf(rows, time) : placeAbove(history.time_s, time);
    const bids = [[], [], []], commits = [[], [], []], moves = [[], [], []];
    for (let looked = 0; at > 0 && looked < MOST_RECENT; looked += 1) {
      at -= 1;
      const row = rows ? rows[at] : at, age = (time - history.time_s[row]) / recent;
      if (age > 1) break;
      const step = Math.min(2, Math.floor(age * 3));
      const peer = history.peer[row], deployment = history.deployment[row], kind = history.kind[row];
      const orchestrator = deployments.orchestrator[deployment] ?? NONE;
      if (kind === kinds.bid_made && peer >= 0 && orchestrator >= 0) {
        if (bids[step].length < MOST_BIDS) bids[step].push(peer, orchestrator);
      } else if (kind === kinds.committed && peer >= 0 && orchestrator >= 0) {
        const pairs = history.generation[row] > 0 ? moves[step] : commits[step];
        if (pairs.length < MOST_COMMITS) pairs.push(orchestrator, peer);
      } else if (scene.rings.length < 150) this.addRing(scene, row, kind, orchestrator, peer, age);
    }
    // Many arcs at a time are drawn more lightly, so that what lies below is seen.
    const count = [...bids, ...commits].reduce((sum, pairs) => sum + pairs.length / 2, 0);
    const light = Math.max(0.45, Math.min(1, 60 / count));
    bids.forEach((pairs, step) =>
      scene.over.push({ pairs, color: "bid", width: 1, alpha: light * [0.75, 0.45, 0.2][step] }));
    commits.forEach((pairs, step) =>
      scene.over.push({ pairs, color: "commit", width: light < 1 ? 1.6 : 2.4, alpha: [0.95, 0.6, 0.3][step] }));
    moves.forEach((pairs, step) =>
      scene.over.push({ pairs, color: "alarm", width: 2.4, dash: [9, 3], alpha: [0.95, 0.6, 0.3][step] }));
  }

  addRing(scene, row, kind, orchestrator, peer, age) {
    const { kinds } = this, state = this.model.text("history", "state", row).toLowerCase();
    const grown = this.calm.matches ? 12 : 7 + 14 * age, alpha = this.calm.matches ? 0.8 : 1 - age;
    const ring = (where, color, shape, radius = grown) => {
      // Of many things of a kind at one peer the newest is shown.
      const isThere = scene.rings.some((one) => one.peer === where && one.color === color && one.shape === shape);
      if (where >= 0 && !isThere) scene.rings.push({ peer: where, color, shape, radius, alpha });
    };
    if (kind === kinds.round_opened) ring(orchestrator, "bid", "ring");
    else if (kind === kinds.stage_failed || kind === kinds.deployment_refused) ring(orchestrator, "alarm", "cross", 9);
    else if (kind === kinds.redeployment_started) ring(orchestrator, "alarm", "double", grown);
    else if (kind === kinds.suspected) ring(this.providerOf(row, peer), "commit", "double", 9);
    else if (kind === kinds.peer_down) {
      if (scene.rings.length < MOST_FALLS) ring(peer, "alarm", "ring", this.calm.matches ? 8 : 12 - 6 * age);
    } else if (kind === kinds.deployment_status) {
      if (state === "failed") ring(orchestrator, "alarm", "cross", 9);
      else if (state === "running") ring(orchestrator, "running", "ring");
    }
  }

  /** The peer with the allocation that a row of the history is about, or else another one. */
  providerOf(row, other) {
    const { history, allocations, byDeployment } = this.model;
    for (const at of rowsOf(byDeployment.allocations, history.deployment[row])) {
      const isIt = allocations.node[at] === history.node[row] && allocations.generation[at] === history.generation[row];
      if (isIt && allocations.peer[at] >= 0) return allocations.peer[at];
    }
    return other;
  }

  addFollowed(scene) {
    const { model, time, following } = this, { messages, deployments, allocations } = model;
    const orchestrator = deployments.orchestrator[following];
    const rows = rowsOf(model.byDeployment.messages, following);
    let low = 0, high = rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (messages.sent_s[rows[middle]] <= time) low = middle + 1;
      else high = middle;
    }
    const ways = [];
    // No message is on its way for longer than this, or it is not worth looking for.
    for (let at = low - 1; at >= 0 && low - at < MOST_RECENT && time - messages.sent_s[rows[at]] < 60; at -= 1) {
      const row = rows[at], sent = messages.sent_s[row];
      const isLost = !(messages.arrived_s[row] >= 0), end = isLost ? messages.ended_s[row] : messages.arrived_s[row];
      const until = end >= 0 ? Math.max(end, sent + 0.01) : sent + 1;
      if (time > until || messages.from[row] < 0 || messages.to[row] < 0) continue;
      const share = (time - sent) / (until - sent) * (isLost ? 0.5 : 1);
      scene.messages.push({ from: messages.from[row], to: messages.to[row], share,
        outgoing: messages.from[row] === orchestrator, lost: isLost && share > 0.4 });
      ways.push(messages.from[row], messages.to[row]);
    }
    scene.over.push({ pairs: ways, color: "soft", width: 0.8, alpha: 0.55 });
    if (orchestrator >= 0) {
      scene.rings.push({ peer: orchestrator, color: "ink", radius: 11, width: 1.6 });
      scene.labels.push({ peer: orchestrator, text: this.label(orchestrator), strong: true });
    }
    for (const row of rowsOf(model.byDeployment.allocations, following)) {
      const phase = this.course.phase[row];
      if ((phase === COMMITTED || phase === RUNNING) && allocations.peer[row] >= 0 && scene.labels.length < 24) {
        scene.labels.push({ peer: allocations.peer[row], text: this.label(allocations.peer[row]) });
      }
    }
  }

  // ---- Texts beside the map

  list() {
    const { model, course, parts } = this, { history } = model;
    const values = [[grouped(course.upCount), ` of ${grouped(model.peers.size)}`],
      [grouped(course.deploymentsIn("running", "updating")), ` of ${grouped(model.deployments.size)}`],
      [grouped(course.deploymentsIn("preparing", "committing", "provisioning", "generating", "submitted"))],
      [grouped(course.runningCount)]];
    values.forEach(([value, of], number) => {
      const text = value + (of ?? ""), element = parts.countValues[number];
      if (element.said === text) return;
      element.said = text;
      element.replaceChildren(value, of ? make("small", {}, of) : "");
    });
    const active = model.faults.filter((_, fault) => course.faultActive[fault]).map((fault) => fault.label);
    if (parts.faults.said !== active.join("\n")) {
      parts.faults.said = active.join("\n");
      parts.faults.replaceChildren(...active.map((label) => make("span", { class: "chip" }, shortened(label, 80))));
    }
    parts.rate.textContent = this.watching ? speedText(this.rate(), 2) : "";
    const rows = this.following >= 0 ? rowsOf(model.byDeployment.history, this.following) : model.notable;
    const end = this.placeOf(rows, this.time);
    parts.title.textContent = this.following >= 0 ? `What happens to deployment ${this.following}` : "What happens";
    parts.now.classList.toggle("fine", this.following >= 0);
    parts.lines.forEach((line, number) => {
      const place = end - 1 - number;
      line.element.hidden = place < 0 && number > 0;
      line.row = place < 0 ? NONE : rows[place];
      line.text.disabled = place < 0;
      if (place < 0) {
        line.time.textContent = "";
        line.text.textContent = number ? "" : "Nothing yet.";
        line.element.className = "none";
        return;
      }
      const row = rows[place], text = eventText(model, row, this.following >= 0 ? "deployment" : "");
      line.time.textContent = clock(history.time_s[row], this.following >= 0 ? 2 : 0);
      line.text.textContent = line.text.title = text;
      const old = this.time - history.time_s[row] > this.recent;
      line.element.className = `${eventTone(model, row)}${old ? " old" : ""}`;
    });
  }

  /** The time line: peers up as an area, running allocations as a line, faults as bands, failures as marks. */
  drawStrip() {
    const { strip } = this.parts, { colors } = this.map, { model, course } = this;
    const width = strip.clientWidth, height = strip.clientHeight, ratio = window.devicePixelRatio || 1;
    if (!width) return;
    strip.width = Math.round(width * ratio);
    strip.height = Math.round(height * ratio);
    const context = strip.getContext("2d");
    context.scale(ratio, ratio);
    const x = (time) => time / (model.duration || 1) * width, low = height - 8;
    context.strokeStyle = colors.line;
    context.strokeRect(0.5, 0.5, width - 1, height - 1);
    const curve = (values, most) => {
      context.beginPath();
      values.forEach((value, bin) =>
        context.lineTo((bin + 0.5) / values.length * width, low - value / (most || 1) * (low - 8)));
    };
    curve(course.curves.up, model.peers.size);
    context.strokeStyle = colors.up;
    context.lineWidth = 1.4;
    context.stroke();
    context.lineTo(width, low);
    context.lineTo(0, low);
    context.globalAlpha = 0.16;
    context.fillStyle = colors.up;
    context.fill();
    context.globalAlpha = 1;
    this.stripFaults(context, x, height);
    curve(course.curves.running, Math.max(...course.curves.running) * 1.25);
    context.strokeStyle = colors.running;
    context.lineWidth = 1.6;
    context.stroke();
    context.fillStyle = colors.alarm;
    const failed = model.stringNumber.get("failed");
    for (let row = 0; row < model.deployments.size; row += 1) {
      const end = model.deployments.ended_s[row];
      if (model.deployments.outcome[row] === failed && end >= 0) context.fillRect(x(end) - 1, height - 12, 2, 12);
    }
    if (this.following >= 0) {
      const begin = model.deployments.submitted_s[this.following], end = model.deployments.ended_s[this.following];
      context.fillStyle = colors.ink;
      context.fillRect(x(begin), height - 5, Math.max(3, x(end >= 0 ? end : model.duration) - x(begin)), 5);
    }
  }

  stripFaults(context, x, height) {
    const colors = this.map.colors;
    for (const { begin, end } of this.model.faults) {
      const left = x(begin), wide = Math.max(2, x(end) - left);
      context.save();
      context.beginPath();
      context.rect(left, 0, wide, height);
      context.clip();
      context.beginPath();
      for (let at = left - height; at < left + wide; at += 6) {
        context.moveTo(at, height);
        context.lineTo(at + height, 0);
      }
      context.strokeStyle = colors["side-1"];
      context.lineWidth = 1.2;
      context.globalAlpha = 0.75;
      context.stroke();
      context.fillStyle = colors["side-1"];
      context.globalAlpha = 0.14;
      context.fillRect(left, 0, wide, height);
      context.globalAlpha = 1;
      context.fillRect(left, 0, wide, 3);
      context.restore();
    }
  }

  state() {
    return { time_s: this.time, playing: this.isPlaying, speed: this.rate(),
      following: this.following >= 0 ? this.following : null,
      peer: this.selectedPeer >= 0 ? this.model.peerName(this.selectedPeer) : null, 
      view: this.map.view(), peers_up: this.course.upCount,
      allocations_running: this.course.runningCount, duration_s: this.model.duration };
  }
}

/** Small pictures that say what is what on the map. */
function fillLegend(host, map, model) {
  const ratio = window.devicePixelRatio || 1, { colors } = map;
  const entry = (text, draw, width = 22) => {
    const canvas = make("canvas", { width: width * ratio, height: 20 * ratio, "aria-hidden": "true" });
    canvas.style.width = `${width}px`;
    canvas.style.height = "20px";
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    draw(context);
    return make("span", {}, canvas, text);
  };
  const peer = (category) => (context) => drawPeer(context, colors, category, 11, 10, 4.5);
  const line = (color, width, dash = []) => (context) => {
    context.beginPath();
    context.moveTo(2, 16);
    context.quadraticCurveTo(15, -2, 28, 16);
    context.strokeStyle = colors[color];
    context.lineWidth = width;
    context.setLineDash(dash);
    context.stroke();
  };
  const ring = (color, shape) => (context) =>
    WorldMap.prototype.drawRing.call({ context, colors, spot: () => [11, 10] },
      { peer: 0, color, shape, radius: shape === "double" ? 4 : 6 });
  const message = (outgoing) => (context) => WorldMap.prototype.drawMessage.call(
    { context, colors, spot: (x) => [x, 10], bend: () => [11, 10] }, { from: 0, to: 22, share: 0.5, outgoing });
  const several = (context) => {
    context.fillStyle = colors.up;
    context.beginPath();
    context.moveTo(11, 10);
    context.arc(11, 10, 8, -1, 3.6);
    context.fill();
    context.beginPath();
    context.moveTo(11, 10);
    context.arc(11, 10, 8, 3.6, -1);
    context.closePath();
    context.strokeStyle = colors.down;
    context.stroke();
  };
  const sides = Math.max(0, ...model.faults.filter((one) => one.kind === "partition").map((one) => one.sides.length));
  const parts = [entry("up", peer(UP)), entry("runs allocations", peer(BUSY)), entry("down", peer(DOWN)),
    entry("several peers", several)];
  for (let side = 1; side <= Math.min(sides, SIDES - 1); side += 1) {
    parts.push(entry(`side ${side} of a partition`, peer(side * STATES + UP)));
  }
  parts.push(entry("asks for bids", ring("bid", "ring")), entry("bid", line("bid", 1), 30),
    entry("commit", line("commit", 2.4), 30), entry("waits to start", line("commit", 1.4, [5, 4]), 30),
    entry("allocation runs", line("running", 1.6), 30), entry("its peer is down", line("alarm", 1.4, [2, 4]), 30),
    entry("redeployment", ring("alarm", "double")), entry("its commit", line("alarm", 2.4, [9, 3]), 30),
    entry("failure", ring("alarm", "cross")),
    entry("message from the orchestrator", message(true)), entry("message to it", message(false)));
  host.replaceChildren(...parts);
}

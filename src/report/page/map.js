// The map: where peers are drawn, and the drawing itself. It is an equirectangular map of the inhabited world; peers
// that would lie on each other are one bigger dot, cut like a pie by their states, until there is room for each.

const NORTH = 80, SOUTH = -58, WEST = -180;
/** Greatest zoom, in pixels a degree. */
const CLOSEST = 420;
/** Peers of places nearer than this many pixels are drawn as one dot. */
const CELL = 11;
const GOLDEN_ANGLE = Math.PI * (3 - Math.sqrt(5));
const CATEGORIES = SIDES * STATES;
/** Where peers without a place are drawn, if others have one: in the empty South Pacific. */
const NOWHERE = { lat: -36, lon: -132 };

/** Colours of the style sheet that the canvas needs, for the scheme that holds now. */
function readColors() {
  const style = getComputedStyle(document.documentElement);
  const colors = {};
  for (const name of ["sea", "land", "coast", "up", "running", "down", "alarm", "bid", "commit", "halo", "ink", "soft",
    "line", "card", "link", "side-1", "side-2", "side-3", "side-4"]) {
    colors[name] = style.getPropertyValue(`--${name}`).trim();
  }
  return colors;
}

function categoryColor(colors, category) {
  const side = Math.floor(category / STATES), state = category % STATES;
  if (state === DOWN) return colors.down;
  if (side > 0) return colors[`side-${side}`];
  return state === BUSY ? colors.running : colors.up;
}

/** The outline of a peer: a circle, and for the sides of a partition a square, a triangle, a diamond, a pentagon. */
function outline(context, side, x, y, radius) {
  const corners = [0, 4, 3, 4, 5][side];
  if (!corners) {
    context.moveTo(x + radius, y);
    context.arc(x, y, radius, 0, 2 * Math.PI);
    return;
  }
  const turn = side === 1 ? Math.PI / 4 : -Math.PI / 2, reach = radius * (corners === 3 ? 1.4 : 1.2);
  for (let corner = 0; corner < corners; corner += 1) {
    const angle = turn + corner * 2 * Math.PI / corners;
    const point = [x + reach * Math.cos(angle), y + reach * Math.sin(angle)];
    if (corner) context.lineTo(...point);
    else context.moveTo(...point);
  }
  context.closePath();
}

/** Draws one peer: hollow with a cross when down, filled when up, with a ring when it runs something. */
function drawPeer(context, colors, category, x, y, radius) {
  const side = Math.floor(category / STATES), state = category % STATES;
  context.lineWidth = 1.4;
  if (state === DOWN) {
    const arm = radius * 0.55;
    context.beginPath();
    outline(context, side, x, y, radius * 0.9);
    context.fillStyle = colors.halo;
    context.fill();
    context.moveTo(x - arm, y - arm);
    context.lineTo(x + arm, y + arm);
    context.moveTo(x + arm, y - arm);
    context.lineTo(x - arm, y + arm);
    context.strokeStyle = side > 0 ? colors[`side-${side}`] : colors.down;
    context.stroke();
    return;
  }
  context.beginPath();
  outline(context, side, x, y, radius + 1);
  context.fillStyle = colors.halo;
  context.fill();
  context.beginPath();
  outline(context, side, x, y, radius);
  context.fillStyle = categoryColor(colors, category);
  context.fill();
  if (state !== BUSY) return;
  context.beginPath();
  context.arc(x, y, radius + 2.6, 0, 2 * Math.PI);
  context.strokeStyle = colors.running;
  context.lineWidth = 1.6;
  context.stroke();
}

class WorldMap {
  constructor(model, course, host) {
    this.model = model;
    this.course = course;
    this.host = host;
    this.land = document.getElementById("map-land");
    this.top = document.getElementById("map-top");
    this.context = this.top.getContext("2d");
    this.scale = 0;
    this.offsetX = 0;
    this.offsetY = 0;
    this.focus = null;
    this.focusSpots = new Map();
    this.onView = null;
    this.findPlaces();
    const count = model.peers.size;
    this.peerX = new Float32Array(count);
    this.peerY = new Float32Array(count);
    this.peerCluster = new Int32Array(count).fill(NONE);
    this.peerCategory = new Uint8Array(count);
    course.onPeer = (peer) => this.recount(peer);
    course.onAll = () => this.countAll();
    this.setColors();
  }

  setColors() {
    this.colors = readColors();
    this.sprites = null;
    this.pieCache = new Map();
    this.pies?.fill(null);
    if (this.scale) this.drawLand();
  }

  // ---- Places

  /** Peers by place, and how far the next place is, in degrees. */
  findPlaces() {
    const { peers } = this.model, count = peers.size;
    const placed = peers.lat.some((lat) => Number.isFinite(lat));
    this.isAbstract = !placed;
    this.nowhere = NONE;
    const places = new Map(), lats = [], lons = [];
    this.peerPlace = new Int32Array(count);
    for (let peer = 0; peer < count; peer += 1) {
      let lat = peers.lat[peer], lon = peers.lon[peer];
      const known = Number.isFinite(lat) && Number.isFinite(lon);
      if (!placed) {
        // Nobody has a place: a spiral by number that fills the map.
        const share = Math.sqrt((peer + 0.5) / count), angle = peer * GOLDEN_ANGLE;
        lat = (NORTH + SOUTH) / 2 + 62 * share * Math.sin(angle);
        lon = 160 * share * Math.cos(angle);
      } else if (!known) ({ lat, lon } = NOWHERE);
      const key = `${lat},${lon}`;
      let place = places.get(key);
      if (place === undefined) {
        place = lats.length;
        places.set(key, place);
        lats.push(lat);
        lons.push(lon);
        if (placed && !known) this.nowhere = place;
      }
      this.peerPlace[peer] = place;
    }
    this.placeLat = Float64Array.from(lats);
    this.placeLon = Float64Array.from(lons);
    this.peersOfPlace = groupRows(this.peerPlace, lats.length);
    this.near = this.nearest();
  }

  nearest() {
    const cells = new Map(), { placeLat, placeLon } = this, near = new Float64Array(placeLat.length);
    const key = (x, y) => x * 1000 + y, cell = (value) => Math.floor(value / 2) + 200;
    placeLat.forEach((lat, place) => {
      const at = key(cell(placeLon[place]), cell(lat));
      if (!cells.has(at)) cells.set(at, []);
      cells.get(at).push(place);
    });
    for (let place = 0; place < near.length; place += 1) {
      const x = cell(placeLon[place]), y = cell(placeLat[place]);
      let best = 2;
      for (let around = 0; around < 9; around += 1) {
        for (const other of cells.get(key(x - 1 + around % 3, y - 1 + Math.floor(around / 3))) ?? []) {
          if (other === place) continue;
          best = Math.min(best, Math.hypot(placeLon[other] - placeLon[place], placeLat[other] - placeLat[place]));
        }
      }
      near[place] = best;
    }
    return near;
  }

  // ---- View

  resize() {
    const width = this.host.clientWidth;
    if (!width) return;
    const height = Math.round(Math.max(250, Math.min(width * (NORTH - SOUTH) / 360, 640)));
    const ratio = Math.min(window.devicePixelRatio || 1, 3);
    if (width === this.width && height === this.height && ratio === this.ratio) return;
    const zoom = this.scale ? this.scale / this.fitScale : 1;
    const middle = this.scale
      ? [(this.width / 2 - this.offsetX) / this.scale, (this.height / 2 - this.offsetY) / this.scale]
      : [180, (NORTH - SOUTH) / 2];
    Object.assign(this, { width, height, ratio });
    this.host.style.height = `${height}px`;
    for (const canvas of [this.land, this.top]) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    this.fitScale = Math.min(width / 360, height / (NORTH - SOUTH));
    this.sprites = null;
    this.setView(this.fitScale * zoom, width / 2 - middle[0] * this.fitScale * zoom,
      height / 2 - middle[1] * this.fitScale * zoom);
  }

  setView(scale, offsetX, offsetY) {
    scale = Math.max(this.fitScale, Math.min(CLOSEST, scale));
    const keep = (offset, size, room) => (size <= room ? (room - size) / 2
      : Math.min(room * 0.25, Math.max(room * 0.75 - size, offset)));
    this.offsetX = keep(offsetX, 360 * scale, this.width);
    this.offsetY = keep(offsetY, (NORTH - SOUTH) * scale, this.height);
    if (scale !== this.scale || !this.clusterX) {
      this.scale = scale;
      this.sprites = null;
      this.arrange();
    }
    this.drawLand();
    this.onView?.();
  }

  zoomAt(factor, x, y) {
    const scale = Math.max(this.fitScale, Math.min(CLOSEST, this.scale * factor)), ratio = scale / this.scale;
    this.setView(scale, x - (x - this.offsetX) * ratio, y - (y - this.offsetY) * ratio);
  }

  fit() {
    this.setView(this.fitScale, 0, 0);
  }

  /** What is in the upper left corner, and pixels a degree. */
  view() {
    return { lon: WEST - this.offsetX / this.scale, lat: NORTH + this.offsetY / this.scale, scale: this.scale };
  }

  worldX(place) {
    return (this.placeLon[place] - WEST) * this.scale;
  }

  worldY(place) {
    return (NORTH - this.placeLat[place]) * this.scale;
  }

  get radius() {
    const least = this.width < 600 ? 2.1 : 3;
    return Math.min(5.5, least + 0.5 * Math.log2(this.scale / this.fitScale));
  }

  /** Decides for the present zoom which peers are dots of their own, and which are one dot with others. */
  arrange() {
    const step = this.radius * 2.2, cells = new Map(), dots = [];
    for (let place = 0; place < this.placeLat.length; place += 1) {
      const peers = rowsOf(this.peersOfPlace, place), x = this.worldX(place), y = this.worldY(place);
      const reach = step * Math.sqrt(peers.length) + this.radius;
      if (peers.length > 1 && (reach < 0.5 * this.near[place] * this.scale || this.scale >= CLOSEST * 0.6)) {
        peers.forEach((peer, number) => {
          const away = step * Math.sqrt(number);
          this.peerX[peer] = x + away * Math.cos(number * GOLDEN_ANGLE);
          this.peerY[peer] = y + away * Math.sin(number * GOLDEN_ANGLE);
          this.peerCluster[peer] = NONE;
          dots.push(peer);
        });
        continue;
      }
      const key = Math.floor(x / CELL) * 1e6 + Math.floor(y / CELL);
      let cell = cells.get(key);
      if (!cell) cells.set(key, cell = { x: 0, y: 0, count: 0, places: [] });
      cell.x += x * peers.length;
      cell.y += y * peers.length;
      cell.count += peers.length;
      cell.places.push(place);
    }
    const clusters = [...cells.values()].sort((a, b) => b.count - a.count);
    const many = clusters.filter((cell) => cell.count > 1), least = this.width < 600 ? 2 : 3;
    this.clusterX = Float32Array.from(many, (cell) => cell.x / cell.count);
    this.clusterY = Float32Array.from(many, (cell) => cell.y / cell.count);
    this.clusterSize = Int32Array.from(many, (cell) => cell.count);
    this.clusterRadius = Float32Array.from(many, (cell) => 
      Math.min(13, this.radius + 0.27 * least * Math.sqrt(cell.count)));
    clusters.forEach((cell, cluster) => {
      for (const place of cell.places) {
        for (const peer of rowsOf(this.peersOfPlace, place)) {
          this.peerX[peer] = cell.x / cell.count;
          this.peerY[peer] = cell.y / cell.count;
          this.peerCluster[peer] = cell.count > 1 ? cluster : NONE;
          if (cell.count === 1) dots.push(peer);
        }
      }
    });
    this.dots = Int32Array.from(dots);
    this.pieCache = new Map();
    this.countAll();
    this.placeFocus();
  }

  countAll() {
    if (!this.clusterX) return;
    this.counts = new Int32Array(this.clusterX.length * CATEGORIES);
    this.pies = new Array(this.clusterX.length).fill(null);
    for (let peer = 0; peer < this.peerCategory.length; peer += 1) {
      const category = this.course.category(peer), cluster = this.peerCluster[peer];
      this.peerCategory[peer] = category;
      if (cluster >= 0) this.counts[cluster * CATEGORIES + category] += 1;
    }
  }

  recount(peer) {
    if (!this.counts) return;
    const was = this.peerCategory[peer], is = this.course.category(peer), cluster = this.peerCluster[peer];
    if (was === is) return;
    this.peerCategory[peer] = is;
    if (cluster < 0) return;
    this.counts[cluster * CATEGORIES + was] -= 1;
    this.counts[cluster * CATEGORIES + is] += 1;
    this.pies[cluster] = null;
  }

  /** Peers that are drawn apart and on top, the rest faintly; none for nobody. */
  setFocus(peers) {
    this.focus = peers;
    this.placeFocus();
  }

  placeFocus() {
    this.focusSpots.clear();
    const used = new Map();
    for (const peer of this.focus ?? []) {
      const place = this.peerPlace[peer], number = used.get(place) ?? 0, away = 11 * Math.sqrt(number);
      used.set(place, number + 1);
      this.focusSpots.set(peer, [this.worldX(place) + away * Math.cos(number * GOLDEN_ANGLE),
        this.worldY(place) + away * Math.sin(number * GOLDEN_ANGLE)]);
    }
  }

  /** Where a peer is on the screen. */
  spot(peer) {
    const spot = this.focusSpots.get(peer);
    const x = spot ? spot[0] : this.peerX[peer], y = spot ? spot[1] : this.peerY[peer];
    return [x + this.offsetX, y + this.offsetY];
  }

  /** The peers under a point: those of the dot that it is on, or else of all dots within so many pixels. */
  peersAt(x, y, within = 10) {
    const found = [];
    const look = (px, py, own, what) => {
      const away = Math.max(0, Math.hypot(px + this.offsetX - x, py + this.offsetY - y) - own);
      if (away < within) found.push({ away, ...what });
    };
    for (const [peer, [px, py]] of this.focusSpots) look(px, py, 0, { peer });
    if (found.length) return found.sort((a, b) => a.away - b.away).slice(0, 1).map((one) => one.peer);
    for (const peer of this.dots ?? []) look(this.peerX[peer], this.peerY[peer], 0, { peer });
    for (let cluster = 0; cluster < (this.clusterX?.length ?? 0); cluster += 1) {
      look(this.clusterX[cluster], this.clusterY[cluster], this.clusterRadius[cluster], { cluster });
    }
    found.sort((a, b) => a.away - b.away);
    const near = found.length && found[0].away <= 3 ? found.slice(0, 1) : found;
    return near.flatMap(({ peer, cluster }) => (peer !== undefined ? [peer]
      : Array.from(this.peerCluster.keys()).filter((one) => this.peerCluster[one] === cluster)));
  }

  // ---- Drawing

  drawLand() {
    const context = this.land.getContext("2d"), { colors, scale, offsetX, offsetY, ratio } = this;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = colors.sea;
    context.fillRect(0, 0, this.width, this.height);
    if (this.isAbstract) return;
    context.beginPath();
    for (const ring of this.model.land) {
      ring.forEach(([lon, lat], number) => {
        const x = (lon - WEST) * scale + offsetX, y = (NORTH - lat) * scale + offsetY;
        if (number) context.lineTo(x, y);
        else context.moveTo(x, y);
      });
      context.closePath();
    }
    context.fillStyle = colors.land;
    context.fill("evenodd");
    context.strokeStyle = colors.coast;
    context.lineWidth = 0.7;
    context.stroke();
    if (this.nowhere === NONE) return;
    const x = this.worldX(this.nowhere) + offsetX, y = this.worldY(this.nowhere) + offsetY;
    context.fillStyle = colors.soft;
    context.font = "11px system-ui, sans-serif";
    context.textAlign = "center";
    context.fillText("without a place", x, y + 22);
  }

  /** Small pictures of peers, one a category: copying them is much faster than drawing each. */
  makeSprites() {
    const size = Math.ceil(this.radius * 2 + 10);
    this.spriteSize = size;
    this.sprites = Array.from({ length: CATEGORIES }, (_, category) => {
      const canvas = document.createElement("canvas");
      canvas.width = canvas.height = Math.ceil(size * this.ratio);
      const context = canvas.getContext("2d");
      context.scale(this.ratio, this.ratio);
      drawPeer(context, this.colors, category, size / 2, size / 2, this.radius);
      return canvas;
    });
  }

  /** Draws everything that moves. What `scene` holds is said where it is made, in the replay. */
  draw(scene) {
    if (!this.scale) return;
    const { context, ratio } = this;
    if (!this.sprites) this.makeSprites();
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, this.width, this.height);
    if (!this.focus) for (const arcs of scene.under) this.drawArcs(arcs);
    context.globalAlpha = this.focus ? 0.22 : 1;
    this.drawClusters();
    this.drawDots();
    context.globalAlpha = 1;
    if (this.focus) for (const arcs of scene.under) this.drawArcs(arcs);
    for (const arcs of scene.over) this.drawArcs(arcs);
    for (const [peer] of this.focusSpots) this.drawFocused(peer);
    for (const ring of scene.rings) this.drawRing(ring);
    for (const message of scene.messages) this.drawMessage(message);
    this.drawLabels(scene.labels);
  }

  drawDots() {
    const { context, sprites, spriteSize, peerX, peerY, peerCategory, width, height } = this, half = spriteSize / 2;
    for (const peer of this.dots) {
      const x = peerX[peer] + this.offsetX, y = peerY[peer] + this.offsetY;
      if (x < -half || y < -half || x > width + half || y > height + half) continue;
      context.drawImage(sprites[peerCategory[peer]], x - half, y - half, spriteSize, spriteSize);
    }
  }

  /** Dots of several peers. Each is a picture that is kept until one of its peers changes. */
  drawClusters() {
    const { context, clusterX, clusterY, width, height, pies } = this;
    for (let cluster = 0; cluster < clusterX.length; cluster += 1) {
      const x = clusterX[cluster] + this.offsetX, y = clusterY[cluster] + this.offsetY;
      if (x < -20 || y < -20 || x > width + 20 || y > height + 20) continue;
      const { canvas, size } = pies[cluster] ??= this.pie(cluster);
      context.drawImage(canvas, x - size / 2, y - size / 2, size, size);
    }
  }

  /** The picture of a dot of several peers, cut like a pie by what they do; the same for all that look the same. */
  pie(cluster) {
    const counts = this.counts.subarray(cluster * CATEGORIES, (cluster + 1) * CATEGORIES);
    const total = this.clusterSize[cluster], radius = Math.round(this.clusterRadius[cluster] * 2) / 2;
    // What is there is seen, however small its part is.
    const parts = Array.from(counts, (count) => Math.ceil(count / total * 24));
    const key = `${radius} ${parts}`;
    let pie = this.pieCache.get(key);
    if (pie) return pie;
    if (this.pieCache.size > 3000) this.pieCache.clear();
    const size = Math.ceil(radius * 2 + 8), canvas = document.createElement("canvas");
    canvas.width = canvas.height = Math.ceil(size * this.ratio);
    const context = canvas.getContext("2d");
    context.setTransform(canvas.width / size, 0, 0, canvas.width / size, canvas.width / 2, canvas.width / 2);
    this.drawPie(context, parts, radius);
    pie = { canvas, size };
    this.pieCache.set(key, pie);
    return pie;
  }

  drawPie(context, parts, radius) {
    const { colors } = this, sum = parts.reduce((total, part) => total + part, 0);
    const disc = (reach) => {
      context.beginPath();
      context.arc(0, 0, reach, 0, 2 * Math.PI);
    };
    disc(radius + 1.2);
    context.fillStyle = colors.halo;
    context.fill();
    let turned = -Math.PI / 2, busy = false, down = false;
    // From the busy ones to those that are down, so that the parts are always in the same order.
    for (let order = 0; order < CATEGORIES; order += 1) {
      const category = Math.floor(order / STATES) * STATES + (STATES - 1 - order % STATES), part = parts[category];
      if (!part) continue;
      const to = turned + part / sum * 2 * Math.PI;
      busy ||= category % STATES === BUSY;
      if (category % STATES === DOWN) down = true;
      else {
        context.beginPath();
        if (part < sum) context.moveTo(0, 0);
        context.arc(0, 0, radius, turned, to);
        context.closePath();
        context.fillStyle = categoryColor(colors, category);
        context.fill();
      }
      turned = to;
    }
    // The part of those that are down is hollow, inside of an edge.
    if (down) {
      disc(radius - 0.5);
      context.strokeStyle = colors.down;
      context.lineWidth = 1;
      context.stroke();
    }
    if (!busy) return;
    disc(radius + 2);
    context.strokeStyle = colors.running;
    context.lineWidth = 1.6;
    context.stroke();
  }

  drawFocused(peer) {
    const [x, y] = this.spot(peer);
    drawPeer(this.context, this.colors, this.peerCategory[peer], x, y, 5.5);
  }

  /** Where an arc between two peers bends: above its middle, so that both directions are the same. */
  bend([x, y], [toX, toY]) {
    const length = Math.hypot(toX - x, toY - y);
    return [(x + toX) / 2, (y + toY) / 2 - Math.min(0.28 * length, 110)];
  }

  drawArcs({ pairs, color, width = 1, alpha = 1, dash = null }) {
    if (!pairs.length) return;
    const { context } = this;
    context.beginPath();
    for (let at = 0; at < pairs.length; at += 2) {
      const from = this.spot(pairs[at]), to = this.spot(pairs[at + 1]);
      context.moveTo(from[0], from[1]);
      context.quadraticCurveTo(...this.bend(from, to), to[0], to[1]);
    }
    context.globalAlpha = alpha;
    context.strokeStyle = this.colors[color];
    context.lineWidth = width;
    if (dash) context.setLineDash(dash);
    context.stroke();
    if (dash) context.setLineDash([]);
    context.globalAlpha = 1;
  }

  drawRing({ peer, color, radius, alpha = 1, shape = "ring", width = 2 }) {
    const { context } = this, [x, y] = this.spot(peer);
    context.globalAlpha = alpha;
    context.strokeStyle = this.colors[color];
    context.lineWidth = width;
    context.beginPath();
    if (shape === "cross") {
      const arm = radius * 0.75;
      context.moveTo(x - arm, y - arm);
      context.lineTo(x + arm, y + arm);
      context.moveTo(x + arm, y - arm);
      context.lineTo(x - arm, y + arm);
    } else {
      context.arc(x, y, radius, 0, 2 * Math.PI);
      if (shape === "double") {
        context.moveTo(x + radius + 4, y);
        context.arc(x, y, radius + 4, 0, 2 * Math.PI);
      }
    }
    context.stroke();
    context.globalAlpha = 1;
  }

  /** A message on its way: a disc from the orchestrator, a hollow one to it; a lost one ends in a cross half way. */
  drawMessage({ from, to, share, outgoing, lost }) {
    const { context, colors } = this, a = this.spot(from), b = this.spot(to), c = this.bend(a, b);
    const rest = 1 - share;
    const x = rest * rest * a[0] + 2 * rest * share * c[0] + share * share * b[0];
    const y = rest * rest * a[1] + 2 * rest * share * c[1] + share * share * b[1];
    context.beginPath();
    context.lineWidth = 1.8;
    context.strokeStyle = lost ? colors.alarm : outgoing ? colors.halo : colors.commit;
    if (lost) {
      context.moveTo(x - 4, y - 4);
      context.lineTo(x + 4, y + 4);
      context.moveTo(x + 4, y - 4);
      context.lineTo(x - 4, y + 4);
    } else {
      context.arc(x, y, 3.6, 0, 2 * Math.PI);
      context.fillStyle = outgoing ? colors.bid : colors.halo;
      context.fill();
    }
    context.stroke();
  }

  /** Names beside peers; one that would lie on another is left out. */
  drawLabels(labels) {
    const { context, colors } = this, taken = [];
    context.textBaseline = "middle";
    context.lineJoin = "round";
    for (const { peer, text, strong } of labels) {
      const [x, y] = this.spot(peer);
      context.font = `${strong ? 600 : 400} 12px system-ui, sans-serif`;
      const width = context.measureText(text).width, left = x + 11 + width > this.width - 4;
      const box = [Math.max(4, left ? x - 11 - width : x + 11), y - 8, width, 16];
      const clash = taken.some((other) => box[0] < other[0] + other[2] && other[0] < box[0] + box[2]
        && box[1] < other[1] + other[3] && other[1] < box[1] + box[3]);
      if (clash) continue;
      taken.push(box);
      context.textAlign = "left";
      context.strokeStyle = colors.halo;
      context.lineWidth = 3.5;
      context.strokeText(text, box[0], y);
      context.fillStyle = colors.ink;
      context.fillText(text, box[0], y);
    }
  }
}

/** Wheel, drag, pinch by two fingers, double click and buttons of a map; `onPick(peers)` for a click on some. */
function enliveMap(map, onPick, describe) {
  const { host, top } = map, pointers = new Map();
  let moved = 0;
  const at = (event) => {
    const box = host.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  top.addEventListener("wheel", (event) => {
    event.preventDefault();
    map.zoomAt(Math.exp(-Math.max(-240, Math.min(240, event.deltaY)) * 0.0022), ...at(event));
  }, { passive: false });
  top.addEventListener("pointerdown", (event) => {
    top.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, at(event));
    moved = pointers.size > 1 ? Infinity : 0;
  });
  top.addEventListener("pointermove", (event) => {
    const point = at(event), last = pointers.get(event.pointerId);
    if (!last) {
      const peers = map.peersAt(...point);
      top.classList.toggle("pointing", peers.length > 0);
      const title = peers.length ? describe(peers) : "";
      if (top.title !== title) top.title = title;
      return;
    }
    moved += Math.hypot(point[0] - last[0], point[1] - last[1]);
    if (pointers.size === 2) {
      const other = [...pointers].find(([id]) => id !== event.pointerId)[1];
      const spread = (a) => Math.hypot(a[0] - other[0], a[1] - other[1]) || 1;
      map.zoomAt(spread(point) / spread(last), (point[0] + other[0]) / 2, (point[1] + other[1]) / 2);
    } else if (moved > 4) {
      top.classList.add("dragging");
      map.setView(map.scale, map.offsetX + point[0] - last[0], map.offsetY + point[1] - last[1]);
    }
    pointers.set(event.pointerId, point);
  });
  const release = (event) => {
    const was = pointers.delete(event.pointerId);
    top.classList.remove("dragging");
    if (!was || moved > 4 || event.type !== "pointerup") return;
    const peers = map.peersAt(...at(event));
    if (peers.length) onPick(peers);
  };
  top.addEventListener("pointerup", release);
  top.addEventListener("pointercancel", release);
  top.addEventListener("dblclick", () => map.fit());
  const middle = (factor) => () => map.zoomAt(factor, map.width / 2, map.height / 2);
  document.getElementById("zoom-in").onclick = middle(1.8);
  document.getElementById("zoom-out").onclick = middle(1 / 1.8);
  document.getElementById("zoom-fit").onclick = () => map.fit();
}

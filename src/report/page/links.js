// The address of the page and the keyboard. The part of the address after # always names what is shown, as in
// `#t=3600&deployment=12`, `#peer=alice` or `#refusal=3`; anything else, as `#failures`, is a place in the page.

/** What an address asks for: {t, deployment, peer, refusal}, with what it does not name left out. */
function readAddress(model) {
  const text = location.hash.slice(1);
  if (!text.includes("=")) return null;
  const asked = new URLSearchParams(text), wanted = {};
  const number = (name, most) => {
    const value = Number(asked.get(name));
    return asked.get(name) && Number.isFinite(value) && value >= 0 && value <= most ? value : undefined;
  };
  wanted.t = number("t", Infinity);
  const deployment = number("deployment", model.deployments.size - 1);
  if (Number.isInteger(deployment)) wanted.deployment = deployment;
  const peer = model.peerByName.get(asked.get("peer"));
  if (peer !== undefined) wanted.peer = peer;
  const refusal = model.refusals.row.indexOf(number("refusal", Infinity));
  if (refusal >= 0) wanted.refusal = refusal;
  return wanted;
}

/** Keeps the address; browsers allow few changes in a short time, so changes wait for each other. */
class AddressBar {
  constructor(describe) {
    this.describe = describe;
    this.waiting = 0;
  }

  /** Says that something else is shown than before. */
  changed() {
    if (this.waiting) return;
    this.waiting = setTimeout(() => {
      this.waiting = 0;
      this.write();
    }, 300);
  }

  write() {
    const text = `#${this.describe()}`;
    if (text === location.hash || (text === "#" && !location.hash)) return;
    try {
      history.replaceState(null, "", text);
    } catch {
      // Some browsers forbid it for local files; the page works without.
    }
  }
}

/** Whether a key press belongs to the element that has the focus. */
function usesKey(element, key) {
  const isText = element.matches?.("input:not([type=range]), textarea, select");
  if (isText) return key !== "Escape";
  if (key === " " || key === "Enter") return element.matches?.("button, a, summary, table.rows tr") ?? false;
  return false;
}

/** Keys of the page, see the help in the template. */
function listenToKeys({ replay, focusSearch, close, help }) {
  const actions = {
    " ": () => (replay.isPlaying ? replay.pause() : replay.play()),
    ArrowLeft: (event) => (event.shiftKey ? replay.stepEvent(-1) : replay.seek(replay.time - replay.rate())),
    ArrowRight: (event) => (event.shiftKey ? replay.stepEvent(1) : replay.seek(replay.time + replay.rate())),
    Home: () => replay.seek(0),
    End: () => replay.seek(replay.model.duration),
    "+": () => replay.changeSpeed(1),
    "=": () => replay.changeSpeed(1),
    "-": () => replay.changeSpeed(-1),
    "/": focusSearch,
    "?": help,
    Escape: close,
  };
  document.addEventListener("keydown", (event) => {
    const action = actions[event.key];
    if (!action || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (document.querySelector("dialog[open]") || usesKey(event.target, event.key)) return;
    event.preventDefault();
    action(event);
  });
}

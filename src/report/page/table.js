// A table of any number of rows: only those in sight are elements. It can be searched and sorted; a click or Enter
// on a row opens it, and the arrow keys walk through the rows.

const ROW_HEIGHT = 34;
/** Rows above and below those in sight, so that scrolling shows no gaps. */
const SPARE_ROWS = 8;

class RowTable {
  /**
   * `columns` are {title, width (px), number, text(row), key(row) for sorting by number, wide}: the wide one, or the
   * last, has the room that is left. `open(row)` is called for a chosen row; `label` names the table for screen
   * readers; a `plain` one has no sorting; `height` is the most that it takes, in pixels.
   */
  constructor({ label, columns, rows, open, plain = false, height = 560 }) {
    this.columns = columns;
    this.all = rows;
    this.shown = rows;
    this.open = open;
    this.words = [];
    this.sorted = { column: NONE, down: false };
    this.active = 0;
    this.pool = [];
    this.hay = null;
    this.build(label, plain, height);
    this.render();
  }

  build(label, plain, height) {
    this.heads = this.columns.map((column, number) => {
      const content = plain ? column.title
        : make("button", { type: "button", onclick: () => this.sort(number) }, column.title);
      return make("th", { scope: "col", class: column.number ? "number" : null }, content);
    });
    const widths = this.columns.map(() => make("col"));
    const marked = this.columns.findIndex((column) => column.wide), wide = marked >= 0 ? marked : widths.length - 1;
    widths.forEach((element, number) => {
      if (number !== wide) element.style.width = `${this.columns[number].width}px`;
    });
    this.above = make("tr", { class: "spacer", "aria-hidden": "true" });
    this.below = make("tr", { class: "spacer", "aria-hidden": "true" });
    this.body = make("tbody", {}, this.above, this.below);
    this.table = make("table", { class: "rows", "aria-label": label }, make("colgroup", {}, ...widths),
      make("thead", {}, make("tr", {}, ...this.heads)), this.body);
    this.table.style.minWidth = `${this.columns.reduce((sum, column) => sum + column.width, 0)}px`;
    this.empty = make("p", { class: "empty", hidden: true }, "No row has that.");
    this.element = make("div", { class: "scroll virtual", role: "region", "aria-label": label, tabindex: "-1" },
      this.table, this.empty);
    this.element.style.maxHeight = `${height}px`;
    this.height = height;
    this.element.addEventListener("scroll", () => this.later(), { passive: true });
    this.body.addEventListener("click", (event) => this.choose(event));
    this.body.addEventListener("keydown", (event) => this.key(event));
  }

  later() {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = 0;
      this.render();
    });
  }

  /** Shows other rows, searched and sorted as before. */
  setRows(rows) {
    this.all = rows;
    this.hay = null;
    this.update();
  }

  search(text) {
    this.words = text.toLowerCase().split(/\s+/).filter(Boolean);
    this.update();
    return this.shown.length;
  }

  sort(column) {
    const down = this.sorted.column === column && !this.sorted.down;
    this.sorted = { column, down };
    this.heads.forEach((head, number) => {
      if (number === column) head.setAttribute("aria-sort", down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
    this.update();
  }

  update() {
    let rows = this.all;
    if (this.words.length) {
      // The texts of all rows in small letters are made once, when the first search needs them.
      this.hay ??= Array.from(this.all, (row) =>
        this.columns.map((column) => column.text(row)).join("\u0001").toLowerCase());
      rows = rows.filter((_, place) => this.words.every((word) => this.hay[place].includes(word)));
    }
    if (this.sorted.column >= 0) rows = this.inOrder(rows);
    this.shown = rows;
    this.active = 0;
    this.element.scrollTop = 0;
    this.render();
  }

  /** The rows by the sorted column; what is missing comes last in both directions. */
  inOrder(rows) {
    const { key, text } = this.columns[this.sorted.column], sign = this.sorted.down ? -1 : 1;
    const keys = Array.from(rows, (row) => {
      if (!key) return sortable(text(row)) || null;
      const value = key(row);
      return Number.isNaN(value) ? null : value;
    });
    const order = Array.from(keys.keys()).sort((a, b) => {
      const x = keys[a], y = keys[b];
      if (x === null || y === null) return (x === null) - (y === null) || a - b;
      return x < y ? -sign : x > y ? sign : a - b;
    });
    return order.map((place) => rows[place]);
  }

  render() {
    const total = this.shown.length;
    const sight = Math.ceil(this.height / ROW_HEIGHT);
    const top = Math.floor(this.element.scrollTop / ROW_HEIGHT);
    const first = Math.max(0, Math.min(top - SPARE_ROWS, total - sight - SPARE_ROWS));
    const count = Math.min(total - first, sight + 2 * SPARE_ROWS);
    while (this.pool.length < count) {
      const cells = this.columns.map((column) => make("td", { class: column.number ? "number" : null }));
      this.pool.push(make("tr", {}, ...cells));
    }
    const focused = this.body.contains(document.activeElement);
    this.above.style.height = `${first * ROW_HEIGHT}px`;
    this.below.style.height = `${Math.max(0, total - first - count) * ROW_HEIGHT}px`;
    for (let place = 0; place < this.pool.length; place += 1) this.fill(this.pool[place], first + place, place < count);
    this.first = first;
    this.count = count;
    this.empty.hidden = total > 0;
    this.table.setAttribute("aria-rowcount", total + 1);
    if (focused) this.rowElement(this.active)?.focus({ preventScroll: true });
  }

  fill(element, place, used) {
    if (!used) {
      element.remove();
      return;
    }
    if (element.parentNode !== this.body) this.body.insertBefore(element, this.below);
    const row = this.shown[place];
    element.place = place;
    element.tabIndex = place === this.active ? 0 : -1;
    element.setAttribute("aria-rowindex", place + 2);
    this.columns.forEach((column, number) => {
      const cell = element.cells[number], text = column.text(row);
      if (cell.firstChild?.data !== text) cell.textContent = text;
      const title = text.length > 12 ? text : "";
      if (cell.title !== title) cell.title = title;
    });
    element.className = this.marked?.(row, place) ?? "";
  }

  rowElement(place) {
    return this.pool.find((element) => element.parentNode && element.place === place);
  }

  choose(event) {
    const element = event.target.closest("tr");
    if (!element || element.place === undefined) return;
    this.activate(element.place);
    this.open?.(this.shown[element.place]);
  }

  activate(place) {
    this.active = Math.max(0, Math.min(place, this.shown.length - 1));
    const top = this.active * ROW_HEIGHT, head = this.table.tHead.offsetHeight;
    const room = this.element.clientHeight - head;
    if (top < this.element.scrollTop) this.element.scrollTop = top;
    else if (top + ROW_HEIGHT > this.element.scrollTop + room) this.element.scrollTop = top + ROW_HEIGHT - room;
    this.render();
    this.rowElement(this.active)?.focus({ preventScroll: true });
  }

  key(event) {
    const page = Math.floor(this.height / ROW_HEIGHT) - 1;
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (event.key in steps) this.activate(this.active + steps[event.key]);
    else if (event.key === "Enter" || event.key === " ") this.open?.(this.shown[this.active]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Brings a place into sight without moving the focus. */
  scrollToPlace(place) {
    this.element.scrollTop = Math.max(0, place * ROW_HEIGHT - this.height / 3);
    this.later();
  }
}

/** A heading bar with a search field and a count over a table, put into `host`. */
function searchable(host, table, { label, hint, one, extra = null }) {
  const count = make("span", { class: "soft count", role: "status" });
  const tell = () => {
    const shown = table.shown.length, total = table.all.length;
    count.textContent = shown === total ? plural(total, one)
      : `${grouped(shown)} of ${plural(total, one)}`;
  };
  const input = make("input", { type: "search", placeholder: `Search: ${hint}`, "aria-label": `Search ${label}` });
  let waiting = 0;
  input.addEventListener("input", () => {
    clearTimeout(waiting);
    // A large table is searched when the typing pauses.
    waiting = setTimeout(() => {
      table.search(input.value);
      tell();
    }, table.all.length > 20000 ? 120 : 0);
  });
  tell();
  host.append(make("div", { class: "bar" }, input, extra, count), table.element);
  return { input, tell };
}

/** Tables that are part of the page's markup: sorting and filtering of their rows. */
function enliven(table) {
  const heads = [...table.tHead.rows[0].cells], body = table.tBodies[0];
  const key = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.sort !== undefined ? Number(cell.dataset.sort) : sortable(cell.textContent);
  };
  heads.forEach((head, column) => head.firstElementChild.addEventListener("click", () => {
    const down = head.getAttribute("aria-sort") === "ascending", sign = down ? -1 : 1;
    heads.forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    body.append(...[...body.rows].sort((a, b) => {
      const x = key(a, column), y = key(b, column);
      return x < y ? -sign : x > y ? sign : 0;
    }));
  }));
  const id = table.id.replace(/-table$/, "");
  const input = document.querySelector(`input[data-filters="${id}"]`);
  const shown = document.querySelector(`[data-shown="${id}"]`);
  input?.addEventListener("input", () => {
    const wanted = input.value.toLowerCase();
    let count = 0;
    for (const row of body.rows) {
      row.hidden = !row.textContent.toLowerCase().includes(wanted);
      count += row.hidden ? 0 : 1;
    }
    shown.textContent = count;
  });
}

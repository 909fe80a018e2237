/* The page of a lesson. It draws what the kernel declares (`frame`), shows what the kernel says (the other traits)
   and answers with messages alone; numbers are made, checked and worded in Python. */

const STYLE = "page.css", PLOT = "plot.js", PLOT_NAME = "plot.name";
const FIRST_ADDRESS = location.search;
const ECHO = 24; // milliseconds that a key's mark waits for its picture
let pages = 0;
// the plots of a page share one script, and wait for it
const G = (globalThis[Symbol.for("gradprod")] ??= {});
const scripts = (G.scripts ??= {});
let fonts; // a promise, once MathJax's have been asked for
scripts[PLOT_NAME] ??= import(URL.createObjectURL(new Blob([PLOT], { type: "text/javascript" })));

// ---- small tools ----

const SVG = "http://www.w3.org/2000/svg";
const ALLOWED = new Set(("a b i em strong sub sup br p div span small ul ol li dl dt dd table thead tbody tr th td code pre h3 h4 " +
  "svg g path line polyline polygon circle ellipse rect text tspan defs marker title desc").split(" "));

/** HTML from the kernel, without anything that could act: it may quote a link or a file. */
function safe(text) {
  const box = document.createElement("template");
  box.innerHTML = text;
  for (const node of [...box.content.querySelectorAll("*")]) {
    if (!ALLOWED.has(node.localName)) { node.replaceWith(...(/^(script|style|iframe|object|template)$/.test(node.localName) ? [] : node.childNodes)); continue; }
    for (const { name } of [...node.attributes]) if (/^on|^(href|src|action|formaction)$|:/i.test(name)) node.removeAttribute(name);
  }
  return box.content;
}
function write(node, text = "") {
  if (node.written === text) return;
  node.written = text;
  node.replaceChildren(safe(text));
}
/** Element with properties (`class`, `on…`, attributes) and children; a string child is text, `{html}` is HTML. */
function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key === "html") write(node, value);
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.filter(child => child !== null && child !== undefined));
  return node;
}
const button = (text, onclick, props = {}) => el("button", { type: "button", onclick, ...props }, text);
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);
/** HTML as a child of `el`. */
const rich = text => safe(text ?? "");
const spoken = text => { const box = el("div", { html: text }); for (const raised of box.querySelectorAll("sup")) raised.prepend("^"); return box.textContent; };
const clip = (value, low, high) => Math.min(high, Math.max(low, value));
const tidy = value => Number(value.toPrecision(12));
/** Arrow keys in a set of radio buttons. */
const along = key => ({ ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 })[key] ?? 0;

// ---- controls: each has `node`, `put(state)` and perhaps `mark(note)` ----

class Control {
  constructor(page, spec) {
    this.page = page; this.spec = spec; this.name = spec.name; this.sent = 0;
    this.id = `${page.id}-${spec.name}`;
    this.message = el("p", { class: "message", id: `${this.id}-m`, hidden: true });
    this.node = el("div", { class: `control ${spec.kind}`, "data-name": spec.name, title: spec.title || null });
    this.build();
  }
  set(value) { this.typed = this.draft = false; this.sent = Infinity; this.page.set(this.name, value); }
  type(text) { this.typed = true; this.draft = false; this.sent = Infinity; this.page.type(this.name, text); }
  /** Whether the kernel has answered the newest change; before, its word is older than the reader's. */
  get settled() { return this.sent <= this.page.model.get("done"); }
  /** Whether a box holds something that was not taken (yet), which nothing else may overwrite. */
  get holds() { return this.draft || this.typed && (!this.settled || this.page.refuses(this.name)); }
  label(target) { return el("label", { for: target }, ...(this.spec.symbol ? [el("span", { class: "symbol", html: this.spec.symbol }), " "] : []), el("span", {}, rich(this.spec.label))); }
  mark(note) {
    this.message.hidden = !note;
    this.message.classList.toggle("error", !!note?.error);
    write(this.message, note?.text ?? "");
    for (const box of this.node.querySelectorAll("input.number")) note?.error ? box.setAttribute("aria-invalid", "true") : box.removeAttribute("aria-invalid");
  }
}

class Real extends Control {
  build() {
    const { spec, page } = this;
    this.box = el("input", { class: "number", id: `${this.id}-n`, inputmode: "decimal", autocomplete: "off", spellcheck: "false", "aria-label": spec.spoken, "aria-describedby": this.message.id,
      oninput: () => { this.draft = true; }, onchange: () => this.entered(), onblur: () => { if (this.box.value === this.text) this.draft = false; } });
    this.back = button("↺", () => { this.set(spec.start); this.box.focus(); }, { class: "back" });
    this.node.append(el("div", { class: "head" }, this.label(this.box.id), el("span", { class: "value" }, spec.slider ? this.back : null, this.box)));
    if (spec.slider) {
      this.range = el("input", { type: "range", min: this.place(spec.low), step: "any", "aria-label": spec.spoken, oninput: () => this.moved(this.value(Number(this.range.value))), onkeydown: event => this.key(event) });
      this.ticks = el("div", { class: "ticks", "aria-hidden": "true" });
      this.node.append(el("div", { class: "track" }, this.range, this.ticks));
      this.scale();
    }
    this.node.append(this.message);
  }
  /** How far the slider goes: another control may say so. */
  get most() { const { most, high } = this.spec; return Math.min(high, most && this.page.model.get("values").controls?.[most]?.v || high); }
  scale() {
    const { spec, most } = this, low = this.place(spec.low), high = this.place(most);
    if (this.scaled === most) return;
    this.scaled = most;
    this.range.max = high;
    const named = most < spec.high ? [...spec.ticks.filter(([value]) => value < 0.9 * most), [most, this.page.number(most)]] : spec.ticks;
    this.ticks.replaceChildren(...named.map(([value, text], i) => el("span", { class: i === named.length - 1 && text.length > 5 ? "end" : null, style: `--p:${high > low ? (this.place(value) - low) / (high - low) : 0}` }, text)));
  }
  place(value) { return this.spec.log ? Math.log10(value) : value; }
  /** The value at a place of the slider: on the grid of steps; on a log scale two digits. */
  value(place) {
    const { low, step, log, whole } = this.spec;
    let value = log ? 10 ** place : Math.round(place / step) * step;
    if (log) { const unit = 10 ** Math.max(whole ? 0 : -12, Math.floor(Math.log10(value)) - 1); value = Math.round(value / unit) * unit; }
    return clip(tidy(value), low, this.most);
  }
  key(event) {
    const { low, step } = this.spec, high = this.most, now = this.now ?? low;
    const by = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10 }[event.key];
    const to = event.key === "Home" ? low : event.key === "End" ? high : by ? this.stepped(now, by, step) : null;
    if (to === null) return;
    event.preventDefault();
    const value = clip(to, low, high);
    this.set(this.now = value);
    this.page.echo(this, () => this.show(value, this.page.number(value)));
  }
  stepped(now, by, step) {
    const at = now / step, from = by > 0 ? Math.floor(at + 1e-9) : Math.ceil(at - 1e-9);
    return tidy((from + by) * step);
  }
  moved(value) { this.set(value); this.show(value, this.page.number(value)); }
  entered() {
    if (this.box.value !== this.text) this.type(this.box.value);
    else if (this.page.refuses(this.name)) this.set(this.now);
  }
  show(value, text) {
    this.now = value; this.text = text;
    if (this.range) { this.scale(); this.range.value = this.place(value); this.range.setAttribute("aria-valuetext", text); }
    if (!this.holds) this.box.value = text;
    this.back.classList.toggle("idle", value === this.spec.start);
  }
  put({ v, text }) {
    this.page.echoes.delete(this);
    this.show(v, text);
    const name = this.page.text("reset_name", { name: this.spec.spoken });
    this.back.setAttribute("aria-label", name);
    this.back.title = this.page.text("reset", { value: this.page.number(this.spec.start) });
  }
}

class Interval extends Control {
  build() {
    const { spec } = this;
    this.boxes = [0, 1].map(i => el("input", { class: "number", inputmode: "decimal", autocomplete: "off", "aria-label": `${spec.spoken} ${spoken(spec.words[i] || String(i + 1))}`, "aria-describedby": this.message.id,
      oninput: () => { this.draft = true; }, onchange: () => this.type(this.boxes.map(box => box.value).join("…")) }));
    this.node.append(el("span", { class: "pair" }, spec.label && el("span", { class: "label" }, rich(spec.label)), spec.symbol && el("span", { class: "symbol", html: spec.symbol }),
      ...this.boxes.flatMap((box, i) => [spec.words[i] ? el("span", { class: "label" }, rich(spec.words[i])) : null, box])), this.message);
  }
  put({ v }) { if (!this.holds) this.boxes.forEach((box, i) => { box.value = v[i]; }); }
}

class Several extends Control {
  build() {
    this.boxes = []; this.row = el("div", { class: "several-row" });
    this.node.append(el("div", { class: "head" }, el("span", { class: "label" }, rich(this.spec.label))), this.row, this.message);
  }
  box(i) {
    return el("input", { class: "number", inputmode: "decimal", autocomplete: "off", "aria-label": `${this.spec.spoken} ${i + 1}`, "aria-describedby": this.message.id,
      oninput: () => { this.draft = true; }, onchange: () => this.type(`${this.all.map((value, j) => this.boxes[j]?.value ?? value).join(";")};`) });
  }
  put({ v }) {
    const shown = this.page.model.get("values").controls[this.spec.over].v;
    while (this.boxes.length > shown) this.boxes.pop().parentNode.remove();
    while (this.boxes.length < shown) { const i = this.boxes.length; this.boxes.push(this.box(i)); this.row.append(el("label", {}, el("span", { class: "symbol", html: this.spec.symbol.replace(/<\/i>$/, `<sub>${i + 1}</sub></i>`) }), this.boxes[i])); }
    this.all = Array.from({ length: Math.max(shown, v.length) }, (_, i) => v[i % v.length]);
    if (!this.holds) this.boxes.forEach((box, i) => { box.value = this.all[i]; });
  }
}

class Choice extends Control {
  build() { this.spec.menu ? this.menu() : this.toggle(); this.node.append(this.message); }
  menu() {
    const { spec } = this;
    this.select = el("select", { id: `${this.id}-s`, onchange: () => this.set(this.select.value) }, ...spec.options.map(([value, label]) => el("option", { value }, spoken(label))));
    this.node.append(el("div", { class: "head" }, el("label", { for: this.select.id }, rich(spec.label))), this.select);
  }
  toggle() {
    const { spec } = this, id = `${this.id}-l`;
    this.buttons = spec.options.map(([value, label], i) => button("", () => this.set(value), { role: "radio", html: label, onkeydown: event => {
      const by = along(event.key), next = this.buttons[(i + by + this.buttons.length) % this.buttons.length];
      if (by) { event.preventDefault(); next.click(); next.focus(); }
    } }));
    this.node.append(el("div", { class: "head" }, el("span", { class: "label", id }, rich(spec.label))), el("div", { class: "segments", role: "radiogroup", "aria-labelledby": id }, ...this.buttons));
  }
  put({ v }) {
    if (this.select) { this.select.value = v; return; }
    this.spec.options.forEach(([value], i) => { this.buttons[i].setAttribute("aria-checked", value === v); this.buttons[i].tabIndex = value === v ? 0 : -1; });
  }
}

class Input extends Choice {
  build() {
    const { spec, page } = this;
    this.file = el("input", { type: "file", accept: ".csv,.txt,text/csv,text/plain", "aria-label": spec.upload, class: "sr", tabindex: "-1", onchange: () => this.send(this.file.files[0]) });
    this.menu();
    this.select.onchange = null;
    this.select.addEventListener("change", event => { if (this.select.value === "csv" && !this.has) { event.stopImmediatePropagation(); this.select.value = this.now; this.file.click(); } }, true);
    this.pick = button(spec.upload, () => this.file.click(), { class: "upload", title: spec.limits });
    this.column = el("select", { "aria-label": spec.column, hidden: true, onchange: () => page.act("upload", { name: this.label, column: this.column.value }) });
    this.node.append(this.pick, this.column, this.file, this.message);
  }
  async send(file) {
    this.file.value = "";
    if (!file) return;
    if (file.size > this.spec.most) { this.mark({ error: true, text: fill(this.spec.too_large, { size: (file.size / 1e6).toFixed(1) }) }); return; }
    this.page.act("upload", { name: file.name }, [await file.arrayBuffer()]);
  }
  put({ v, file }) {
    this.now = v; this.has = !!file; this.select.value = v; this.column.hidden = v !== "csv" || !file || file.columns.length < 2;
    this.pick.hidden = v !== "csv";
    const option = this.select.querySelector('option[value="csv"]');
    option.textContent = file ? file.name : this.spec.options.find(([value]) => value === "csv")[1];
    if (!file) return;
    this.label = file.name;
    this.column.replaceChildren(...file.columns.map(name => el("option", { value: name, selected: name === file.column }, name)));
  }
}

class Switch extends Control {
  build() {
    this.box = el("input", { type: "checkbox", id: `${this.id}-c`, onchange: () => this.set(this.box.checked) });
    this.node.append(el("span", { class: "check" }, this.box, this.label(this.box.id)), this.message);
  }
  put({ v }) { this.box.checked = v; }
}

class Layer extends Control {
  build() { this.node = button("", () => this.set(!this.on), { class: "layer", html: this.spec.label }); }
  put({ v }) { this.on = v; this.node.setAttribute("aria-pressed", v); this.page.room(this.spec, v); }
  mark() {}
}

/** Some of many: a menu with a button that adds, and a chip for each that is in, which takes it out. */
class Picks extends Control {
  build() {
    const { spec, page } = this;
    this.all = [];
    this.names = new Map(spec.groups.flatMap(([, options]) => options));
    this.menu = el("select", { id: `${this.id}-s`, "aria-describedby": this.message.id }, ...spec.groups.map(([title, options]) => el("optgroup", { label: title }, ...options.map(([value, label]) => el("option", { value }, label)))));
    this.chips = el("ul", { class: "picked" });
    this.node.append(el("label", { class: "label", for: this.menu.id }, rich(spec.label)), this.menu, button(page.text("add"), () => this.choose([...this.all, this.menu.value]), { "aria-label": `${page.text("add")}, ${spec.spoken}` }), this.chips, this.message);
  }
  choose(all) { this.show(all); this.set(all); }
  out(value) {
    const at = this.all.indexOf(value);
    this.choose(this.all.filter(one => one !== value));
    (this.chips.children[Math.min(at, this.all.length - 1)]?.firstChild ?? this.menu).focus();
  }
  show(all) {
    if (this.chips.childElementCount === all.length && all.every((value, i) => value === this.all[i])) return;
    const focused = this.chips.contains(document.activeElement) ? document.activeElement.dataset.value : null;
    this.all = all;
    this.chips.replaceChildren(...all.map(value => el("li", {}, button(`${this.names.get(value) ?? value} ✕`, () => this.out(value), { "data-value": value, "aria-label": this.page.text("remove", { name: this.names.get(value) ?? value }) }))));
    this.chips.hidden = !all.length;
    if (focused) this.chips.querySelector(`[data-value="${focused}"]`)?.focus();
    for (const option of this.menu.options) option.disabled = all.includes(option.value);
    if (this.menu.selectedOptions[0]?.disabled) this.menu.value = ([...this.menu.options].slice(this.menu.selectedIndex).find(option => !option.disabled) ?? [...this.menu.options].find(option => !option.disabled))?.value;
  }
  put({ v }) { this.show(v); }
}

class Action extends Control {
  build() { this.node = button(rich(this.spec.label), () => this.page.act("run", { action: this.name }), { class: "action" }); }
  put() {}
  mark() {}
}

const KINDS = { real: Real, interval: Interval, several: Several, choice: Choice, input: Input, switch: Switch, layer: Layer, picks: Picks, action: Action };

// ---- the page ----

class Page {
  constructor({ model, el: root, host, signal }) {
    Object.assign(this, { model, root, host, signal });
    this.id = `gp${++pages}`;
    this.seq = model.get("done"); this.waiting = { values: {}, texts: {} }; this.flying = null; this.refused = []; this.plots = new Map(); this.timers = {}; this.echoes = new Map();
    root.classList.add("gradprod");
    root.dataset.lmSuppressShortcuts = "true";
    this.live = el("div", { class: "sr", "aria-live": "polite" });
    this.offline = el("div", { class: "offline", role: "alert", hidden: true });
    this.sheet = el("div", { class: "sheet" });
    root.replaceChildren(this.sheet);
    this.theme = this.remembered("theme") ?? (document.body.dataset.jpThemeLight === "false" ? "dark" : "light");
    this.dress();
    const listen = (name, handle) => { model.on(`change:${name}`, handle); };
    listen("frame", () => this.draw());
    for (const name of ["values", "words", "notes", "address", "done"]) listen(name, () => this[`put_${name}`]());
    // what is long to lay out comes after the pictures
    const later = task => (G.later ?? (now => now()))(task);
    (G.along ??= new Set()).add(this.resound);
    (G.ahead ??= new Set()).add(this.hurry);
    signal?.addEventListener("abort", () => { G.along.delete(this.resound); G.ahead.delete(this.hurry); });
    for (const name of ["cards", "numbers", "table"]) {
      const put = () => this[`put_${name}`]();
      listen(name, () => later(put));
    }
    model.on("msg:custom", (message, buffers) => this.heard(message, buffers));
    const keys = event => this.key(event);
    const app = model.get("frame").app;
    if (!document.getElementById("gradprod-style")) { const style = el("style", { id: "gradprod-style" }); style.textContent = STYLE; document.head.append(style); }
    // a link's own picture is the first to be seen
    root.classList.toggle("opening", app && new URLSearchParams(FIRST_ADDRESS).size > 0);
    (app ? document : root).addEventListener("keydown", keys, { signal });
    if (app) {
      addEventListener("popstate", () => { this.resting = null; this.act("query", { query: location.search }); }, { signal });
      root.classList.add("app");
      for (let up = root.parentElement; up && up !== document.documentElement; up = up.parentElement) if (getComputedStyle(up).overflow !== "visible") up.style.overflow = "visible";
    }
    // the kernel of a page that is left ends, and must not call it back
    addEventListener("beforeunload", () => { this.leaving = true; setTimeout(() => { this.leaving = false; }, 10_000); }, { signal });
    this.watch();
    this.draw();
    this.act("hello", { ...this.look(), ...this.sizes(), query: app ? FIRST_ADDRESS : "" });
    this.told = this.frame.number;
  }
  get frame() { return this.model.get("frame"); }
  text(key, values = {}) { return fill(this.frame.labels[key], values); }
  number(value) {
    const text = String(Number(value.toPrecision(10)));
    return text.replace("-", "\u2212");
  }
  remembered(key, value) {
    try { if (value === undefined) return localStorage.getItem(`gradprod-${key}`); localStorage.setItem(`gradprod-${key}`, value); } catch { return null; }
  }
  look() { return { theme: this.theme, presenting: this.root.classList.contains("present"), touch: matchMedia("(pointer: coarse)").matches }; }
  sizes() { return { lesson: this.frame.number, sizes: Object.fromEntries([...this.sheet.querySelectorAll(".plot")].map(node => [node.dataset.name, [node.clientWidth, node.clientHeight]])) }; }

  // -- talking with the kernel: one change under way, the newest of each control waits --

  set(name, value) { delete this.waiting.texts[name]; this.waiting.values[name] = value; this.flush(); }
  type(name, text) { delete this.waiting.values[name]; this.waiting.texts[name] = text; this.flush(); }
  flush(now = false) {
    const { values, texts } = this.waiting;
    if (this.flying && !now || !(Object.keys(values).length + Object.keys(texts).length)) return;
    this.waiting = { values: {}, texts: {} };
    this.send("set", { values, texts });
    this.flying = { seq: this.seq, values, texts };
    for (const name in { ...values, ...texts }) this.controls.get(name).sent = this.seq;
  }
  /** A key's own mark on the page comes with the picture that it makes: a frame of its own would hold that up. */
  echo(control, show) {
    this.echoes.set(control, show);
    this.timers.echo ??= setTimeout(this.resound, ECHO);
  }
  resound = () => {
    clearTimeout(this.timers.echo);
    delete this.timers.echo;
    for (const [control, show] of this.echoes) { this.echoes.delete(control); show(); }
  };
  /** Before anything but a change: what waits goes first, or it would come after and undo it. */
  hurry = () => this.flush(true);
  refuses(name) { return !!this.model.get("notes")[name]?.error; }
  act(what, data = {}, buffers = []) { this.hurry(); this.send(what, data, buffers); }
  send(what, data, buffers = []) {
    this.model.send({ do: what, with: data, seq: ++this.seq }, undefined, buffers);
    this.progress();
  }
  /** After a lost connection: what was under way may not have arrived, nor the answers. */
  again() {
    const { values = {}, texts = {} } = this.flying ?? {}, newer = this.waiting;
    const older = (mine, other) => Object.fromEntries(Object.entries(mine).filter(([name]) => !(name in other)));
    this.waiting = { values: { ...older(values, newer.texts), ...newer.values }, texts: { ...older(texts, newer.values), ...newer.texts } };
    this.flying = null;
    this.send("again");
    this.flush();
  }
  heard(message, buffers) {
    if (message.code) this.copy(this.asker, message.code);
    if (message.file) this.save(message.file, new Blob([buffers[0]], { type: "text/csv" }));
  }
  /** A line over the picture from 250 ms on, a way to stop it from 2 s on. */
  progress() {
    clearTimeout(this.timers.line); clearTimeout(this.timers.stop);
    const open = () => !this.alone && this.model.get("done") < this.seq;
    this.root.classList.toggle("pending", open());
    if (!open()) { this.root.classList.remove("computing", "long"); return; }
    this.timers.line = setTimeout(() => open() && this.root.classList.add("computing"), 250);
    this.timers.stop = setTimeout(async () => {
      if (!open()) return;
      this.root.classList.add("long");
      if (this.kernel && !await this.ask(`api/kernels/${this.kernel.id}`)) this.gone();
    }, 2000);
  }
  put_done() {
    if (this.flying?.seq <= this.model.get("done")) { this.flying = null; this.flush(); }
    this.root.classList.remove("opening"); this.put_values(); this.progress();
  }

  // -- the frame --

  draw() {
    const f = this.frame, t = key => this.text(key);
    const focus = this.root.contains(document.activeElement) ? document.activeElement.dataset.keep : null;
    const moved = this.drawn !== undefined && this.drawn !== f.number;
    this.drawn = f.number;
    this.controls = new Map(); this.refused = []; this.rooms = {};
    this.root.lang = f.lang;
    this.root.classList.toggle("square", f.square);
    const make = spec => { const made = new KINDS[spec.kind](this, spec); this.controls.set(spec.name, made); return made.node; };
    const skip = el("a", { class: "skip", href: `#${this.id}-picture`, onclick: event => { event.preventDefault(); this.land(); } }, t("skip_link"));

    // predict, verdict, pictures
    this.predict = el("section", { class: "predict", hidden: !f.predict, "aria-label": t("ask") });
    this.verdict = el("div", { class: "verdict" });
    const slot = picture => this.slot(picture);
    const at = place => f.pictures.filter(picture => picture.place === place).map(slot);
    const stop = button(t("stop"), () => this.stop(), { class: "stop" });
    this.layers = el("div", { class: "layers", role: "group", "aria-label": t("show") }, f.layers.length || f.pins ? el("span", { class: "label" }, t("show")) : "", ...f.layers.map(make));
    if (f.pins) this.layers.append(button(t("pin"), () => this.act("pin", { on: true }), { class: "layer pin" }), this.unpin = button(t("unpin"), () => this.act("pin", { on: false }), { class: "layer unpin" }));
    this.rule = el("p", { class: "rule" });
    this.details = el("details", { class: "numbers", ontoggle: () => this.act("table", { open: this.details.open }) }, el("summary", {}, t("numbers")), this.tablebox = el("div", { class: "tablebox" }));
    this.picture = el("section", { class: "picture", id: `${this.id}-picture`, tabindex: "-1", "aria-label": f.title },
      this.predict, el("div", { class: "pinned", tabindex: "-1" }, this.verdict, el("div", { class: "charts" }, ...at("main"), stop)),
      el("div", { class: "under" }, this.layers, ...f.under.map(make), this.rule), ...at("below"), this.details);

    // controls
    this.presets = el("div", { class: "chips" }, ...f.presets.map(([label, title], i) => button("", () => this.act("preset", { index: i }), { html: label, title: title || null, "aria-label": /<sup/.test(label) ? spoken(label) : null, "aria-pressed": "false" })));
    this.general = el("p", { class: "message error", hidden: true });
    const group = g => g.folded ? el("details", { class: "group" }, el("summary", {}, rich(g.title)), ...g.controls.map(make)) : el("fieldset", {}, el("legend", {}, rich(g.title)), ...g.controls.map(make));
    this.panel = el("aside", { class: "controls", "aria-label": t("controls") },
      f.presets.length ? el("div", { class: "presets", role: "group", "aria-label": t("presets") }, el("span", { class: "label" }, t("presets")), this.presets) : "",
      this.general, ...f.groups.map(group), button(t("reset_all"), () => this.act("reset"), { class: "reset-all" }));

    // side
    this.claim = el("section", { class: "claim" });
    this.readouts = el("dl");
    const panel = (made, kind) => [made.name, el("section", { class: `panel ${kind}` }, el("h2", {}, rich(made.title)), el("div"))];
    this.panels = new Map([...f.panels.map(made => panel(made, made.presented ? "presented" : "")), ...f.diagrams.map(made => panel(made, "diagram"))]);
    const drawn = place => f.diagrams.filter(made => made.place === place).map(made => this.panels.get(made.name));
    this.details.before(...drawn("below"));
    this.picture.querySelector(".charts").prepend(...drawn("main"));
    for (const made of f.diagrams) if (made.points) this.pointed(made, this.panels.get(made.name));
    const side = name => name === "claims" ? this.claim : name === "readouts" ? this.measured = el("section", { class: "measured" }, el("h2", {}, rich(f.readouts_title)), this.readouts)
      : this.panels.get(name) ?? f.pictures.filter(picture => picture.name === name).map(picture => el("section", { class: "where" }, el("h2", {}, rich(picture.title)), slot(picture), el("p", { class: "hint" }, rich(picture.hint))))[0];

    // title
    this.formula = el("div", { class: "formula", role: "math", "aria-label": f.formula_text || null }, f.formula_text);
    this.heading = el("h1", { tabindex: "-1" }, el("span", { class: "no" }, String(f.number)), " ", rich(f.title));
    this.linknotes = el("ul", { class: "linknotes", role: "status", hidden: true });
    this.sheet.replaceChildren(skip, this.top(), this.offline, el("main", {}, el("section", { class: "intro" }, el("div", { class: "about" }, this.heading, el("p", { class: "lead", html: f.lead })), this.formula, this.linknotes),
      this.picture, this.panel, el("aside", { class: "side", "aria-label": spoken(f.readouts_title) }, ...f.side.map(side).filter(Boolean)), ...this.path()), this.foot(), this.live);
    this.typeset();
    for (const name of ["values", "words", "cards", "numbers", "table", "notes", "address"]) this[`put_${name}`]();
    if (focus) this.sheet.querySelector(`[data-keep="${focus}"]`)?.focus();
    if (this.told !== undefined && this.told !== f.number) { this.told = f.number; this.act("look", { ...this.look(), ...this.sizes() }); }
    if (moved) { scrollTo(0, 0); this.heading.focus({ preventScroll: true }); }
    if (this.alone !== undefined) this.disable(this.alone);
  }
  top() {
    const f = this.frame, t = key => this.text(key);
    const select = keep => f.languages.length > 1 ? el("select", { class: "lang", "aria-label": t("language"), "data-keep": keep, onchange: event => this.act("look", { lang: event.target.value }) }, ...f.languages.map(([code, name]) => el("option", { value: code, selected: code === f.lang }, name))) : "";
    this.languages = select;
    const go = number => event => { event.preventDefault(); this.go(number); };
    const open = f.lessons.filter(lesson => lesson[2]), place = open.findIndex(([number]) => number === f.number);
    const arrow = (to, sign, name) => to ? el("a", { class: "arrow", href: `?lesson=${to[0]}`, "aria-label": `${t(name)}: ${to[0]} ${to[1]}`, onclick: go(to[0]) }, sign) : el("span", { class: "arrow" });
    const strip = f.lessons.length ? [
      el("a", { class: "brand", href: "?", "aria-label": "gradprod", onclick: go(open[0][0]) }, "grad", el("b", {}, "prod")),
      el("nav", { class: "lessons", "aria-label": t("lessons") }, el("ol", {}, ...f.lessons.map(([number, name, there]) => el("li", {}, el(there ? "a" : "span", { href: there ? `?lesson=${number}` : null, title: name, "aria-current": number === f.number ? "page" : null, onclick: go(number) }, el("span", { class: "no" }, String(number)), " ", el("span", { class: "name" }, name)))))),
      el("div", { class: "pick" }, arrow(open[place - 1], "‹", "previous"), el("select", { "aria-label": t("lessons"), onchange: event => this.go(Number(event.target.value)) }, ...open.map(([number, name]) => el("option", { value: number, selected: number === f.number }, `${number}  ${name}`))), arrow(open[place + 1], "›", "next")),
    ] : [];
    this.dark = button(t("dark"), () => this.turn(), { class: "theme", "aria-pressed": this.theme === "dark", "data-keep": "dark" });
    return el("header", { class: "top" }, ...strip, el("span", { class: "where-title" }, `${f.number} ${f.title}`),
      el("div", { class: "tools" }, select("lang"), this.dark, button(t("present"), () => this.present(true), { class: "presenter", title: "P", "data-keep": "present" })),
      el("span", { class: "leave" }, f.predict ? button(t("ask"), () => this.act("ask"), { title: "Q" }) : "", button(t("leave"), () => this.present(false), { class: "plain" })));
  }
  /** From one lesson to the next, and back. */
  path() {
    const open = this.frame.lessons.filter(lesson => lesson[2]), place = open.findIndex(([number]) => number === this.frame.number);
    const step = (to, before, after) => to ? el("a", { href: `?lesson=${to[0]}`, onclick: event => { event.preventDefault(); this.go(to[0]); } }, `${before}${to[0]} ${to[1]}${after}`) : el("span");
    return open.length > 1 ? [el("nav", { class: "path", "aria-label": `${this.text("previous")}, ${this.text("next")}` }, step(open[place - 1], "‹ ", ""), step(open[place + 1], "", " ›"))] : [];
  }
  foot() {
    const f = this.frame, t = key => this.text(key), copied = (key, text) => { const it = button(t(key), () => this.copy(it, text())); return it; };
    this.link = el("input", { id: `${this.id}-link`, readonly: true });
    return el("footer", {}, f.app ? el("div", { class: "address" }, el("label", { for: this.link.id }, t("link")), this.link, copied("copy_link", () => this.link.value)) : "",
      el("div", { class: "downloads", role: "group", "aria-label": t("copy") }, el("span", {}, t("copy")), button(t("copy_call"), event => { this.asker = event.target; this.act("code"); }), copied("copy_formula", () => f.formula)),
      el("div", { class: "downloads", role: "group", "aria-label": t("download") }, el("span", {}, t("download")), button(t("csv"), () => this.act("csv")), button(t("png"), () => this.image("png")), button(t("svg"), () => this.image("svg"))),
      f.languages.length > 1 ? el("div", { class: "lang2" }, el("span", { "aria-hidden": "true" }, t("language")), this.languages("lang2")) : "");
  }
  /** The place of a picture; its plot is made once and moves along. */
  slot(picture) {
    const kept = this.plots.get(picture.view) ?? el("div", { class: "plot", "data-name": picture.name });
    if (!this.plots.has(picture.view)) { this.plots.set(picture.view, kept); this.mount(picture.view, kept); }
    const [desk, tablet, phone] = picture.heights, moves = Object.entries(picture.moves);
    const node = el("div", { class: `slot ${picture.place}`, style: `--desk:${desk}px;--tablet:${tablet}px;--phone:${phone}px`, "data-slot": picture.name }, kept);
    if (moves.length) {
      node.tabIndex = 0; node.setAttribute("role", "group"); node.setAttribute("aria-label", `${spoken(picture.title || this.frame.title)}. ${spoken(picture.hint)}`);
      node.classList.add("moves");
      node.addEventListener("keydown", event => {
        const [axis, by] = { ArrowLeft: ["x", -1], ArrowRight: ["x", 1], ArrowUp: ["y", 1], ArrowDown: ["y", -1] }[event.key] ?? [];
        if (!axis || !picture.moves[axis]) return;
        event.preventDefault();
        const [name, step] = picture.moves[axis], control = this.controls.get(name);
        control.moved(clip(control.stepped(control.now, by, step), control.spec.low, control.spec.high));
      });
    }
    if (picture.points) this.pointed(picture, node);
    return node;
  }
  /** What the pointer is over, or where the arrow keys lead, is put into focus by the kernel. */
  pointed({ name, title, hint = "" }, node) {
    let last;
    node.tabIndex = 0; node.setAttribute("role", "group"); node.setAttribute("aria-label", `${spoken(title || this.frame.title)}. ${spoken(hint)}`);
    node.classList.add("points");
    node.addEventListener("keydown", event => {
      const [right, up] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key] ?? [];
      if (right === undefined) return;
      event.preventDefault(); last = null;
      this.act("walk", { name, right, up });
    });
    const point = event => {
      const part = event.target.closest("[data-node], [data-edge]"), at = part?.dataset.node ?? part?.dataset.edge;
      if (!at || at === last) return;
      this.act("point", { name, at: last = at });
    };
    // what comes to lie under a pointer at rest isn't pointed at
    node.addEventListener("pointermove", event => { if (event.movementX || event.movementY) point(event); });
    node.addEventListener("pointerdown", point);
  }
  async mount(view, node) {
    const { host, signal } = this;
    while (host?.getWidget && !signal.aborted) {
      // anywidget gives up after ten seconds, which a busy browser may need
      try { return (await host.getWidget(`anywidget:${view}`)).render({ el: node, signal }); } catch (error) { if (!/Timed out/.test(error?.message)) throw error; }
    }
    if (host?.getWidget) return;
    const manager = this.model.widget_manager;
    node.append((await manager.create_view(await manager.get_model(view))).el);
  }
  room(spec, on) {
    this.rooms[spec.name] = on ? spec.room : 0;
    this.root.style.setProperty("--room", `${Object.values(this.rooms).reduce((sum, px) => sum + px, 0)}px`);
  }

  // -- what the kernel says --

  put_values() {
    const { controls, preset, hidden } = this.model.get("values");
    if (!controls) return;
    for (const [name, control] of this.controls) {
      const state = controls[name];
      if (!state) continue;
      control.node.hidden = !!state.hidden;
      control.node.classList.toggle("live", !!state.live);
      if (control.settled) control.put(state);
    }
    [...this.presets.children].forEach((node, i) => node.setAttribute("aria-pressed", i === preset));
    for (const node of this.sheet.querySelectorAll("[data-slot]")) node.hidden = hidden.includes(node.dataset.slot);
  }
  put_words() {
    const words = this.model.get("words");
    if (words.veiled === undefined) return;
    this.root.classList.toggle("predicting", words.veiled);
    this.hold();
    this.verdict.dataset.kind = words.kind ?? "hidden";
    if (words.veiled) this.verdict.replaceChildren();
    else {
      if (!this.verdict.firstChild || this.verdict.childElementCount !== 2) this.verdict.replaceChildren(el("span", { class: "chip" }), el("p", { class: "sentence" }));
      const [chip, sentence] = this.verdict.children;
      const clauses = words.sentence.replace(/(\d) /g, "$1\u00a0").split(/;\s/); // a number stays with its unit
      write(chip, words.name); write(sentence, clauses.map((clause, i) => `<span>${clause}${i < clauses.length - 1 ? ";" : ""}</span>`).join(" "));
      this.announce(words.spoken);
    }
    write(this.rule, words.rule);
    this.linknotes.hidden = !words.link?.length;
    this.linknotes.replaceChildren(...(words.link ?? []).map(text => el("li", { html: text })));
  }
  /** One polite live region, 700 ms after the last change; nothing at the start. */
  announce(text) {
    clearTimeout(this.timers.live);
    if (this.said === undefined) { this.said = text; return; }
    this.timers.live = setTimeout(() => { if (this.said !== text) this.live.textContent = this.said = text; }, 700);
  }
  put_cards() {
    const { claim, predict } = this.model.get("cards");
    const t = key => this.text(key);
    this.claim.hidden = !claim;
    if (claim) {
      const pager = claim.n > 1 ? el("span", { class: "pager" }, button("‹", () => this.act("claim", { step: -1 }), { "aria-label": t("previous"), "data-keep": "claim-back" }), this.text("of", claim), button("›", () => this.act("claim", { step: 1 }), { "aria-label": t("next"), "data-keep": "claim-on" })) : "";
      const test = button(t("test"), () => this.act("claim", { test: true }), { "aria-pressed": String(!!claim.testing), "data-keep": "claim-test" });
      this.keeping(() => this.claim.replaceChildren(el("div", { class: "head" }, el("h2", {}, t("often")), pager), el("blockquote", { html: `“${claim.says}”` }), el("small", {}, claim.source),
        ...(claim.mark ? [el("p", {}, el("b", { class: "tag" }, `${claim.mark} ${claim.tag}`), " ", el("span", { html: claim.why })), test] : [])));
    }
    if (predict) this.put_predict(predict);
  }
  /** Rebuild something and leave the focus where it was. */
  keeping(rebuild) {
    const keep = document.activeElement?.dataset?.keep;
    rebuild();
    if (keep && document.activeElement?.dataset?.keep !== keep) this.sheet.querySelector(`[data-keep="${keep}"]`)?.focus();
  }
  put_predict({ stage, guess, words, reveal }) {
    const p = this.frame.predict, t = key => this.text(key), node = this.predict;
    const mid = this.predict.dataset.stage === "open" && stage === "open" && node.querySelector("input");
    node.dataset.stage = stage;
    if (mid) { write(this.words, words); mid.setAttribute("aria-valuetext", spoken(words)); return; }
    const ask = label => button(label, () => this.act("ask"), { class: "again", title: "Q", "data-keep": "ask" });
    if (stage === "idle") node.replaceChildren(ask(t("ask")), el("span", { html: p.question }));
    if (stage === "done") node.replaceChildren(el("p", { html: reveal }), ask(t("again")));
    if (stage === "open") {
      const range = el("input", { type: "range", min: p.low, max: p.high, step: p.step, value: guess, "aria-label": t("guess"), "aria-valuetext": spoken(words), oninput: () => this.guess(Number(range.value)) });
      const ends = p.ends.map(([at, text], i) => el("span", { class: i === 0 ? "first" : i === p.ends.length - 1 ? "end" : null, style: `--p:${(at - p.low) / (p.high - p.low)}` }, text));
      this.words = el("output", { html: words });
      node.replaceChildren(el("h2", {}, t("ask")), el("p", { html: p.question }), el("div", { class: "guess" }, el("div", { class: "track" }, range, el("div", { class: "ticks", "aria-hidden": "true" }, ...ends)), this.words),
        el("div", { class: "actions" }, button(p.show, () => this.act("commit"), { class: "primary" }), button(t("skip"), () => this.act("skip"), { class: "plain" })), el("small", {}, t("held")));
      range.focus({ preventScroll: true });
    } else if (this.stage === "open") node.querySelector("button")?.focus({ preventScroll: true });
    this.stage = stage;
  }
  guess(value) { this.act("guess", { guess: value }); }
  put_numbers() {
    const { readouts, panels } = this.model.get("numbers");
    if (!readouts) return;
    if (this.unpin) this.unpin.hidden = !this.model.get("numbers").pins;
    while (this.readouts.children.length > readouts.length) this.readouts.lastChild.remove();
    readouts.forEach(([name, value, how], i) => {
      const row = this.readouts.children[i] ?? this.readouts.appendChild(el("div", {}, el("dt"), el("dd", {}, el("b"), el("small"))));
      write(row.firstChild, name); write(row.lastChild.firstChild, value); write(row.lastChild.lastChild, how);
    });
    for (const [name, node] of this.panels) { node.hidden = !panels[name]; write(node.lastChild, panels[name] ?? ""); }
  }
  put_table() {
    const { head, rows } = this.model.get("table");
    this.tablebox.replaceChildren(head ? el("table", {}, el("thead", {}, el("tr", {}, ...head.map(cell => el("th", { scope: "col", html: cell })))), el("tbody", {}, ...rows.map(row => el("tr", {}, ...row.map(cell => el("td", { html: cell })))))) : "");
  }
  put_notes() {
    const notes = this.model.get("notes"), before = this.refused, values = this.model.get("values").controls ?? {};
    this.refused = Object.keys(notes).filter(name => notes[name].error);
    for (const [name, control] of this.controls) {
      control.mark(notes[name]);
      if (before.includes(name) && !this.refuses(name) && values[name] && control.settled) control.put(values[name]);
    }
    this.general.hidden = !notes[""]; write(this.general, notes[""]?.text ?? "");
    const fresh = this.refused.find(name => !before.includes(name));
    if (fresh !== undefined) this.announce(spoken(notes[fresh].text));
  }
  put_address() {
    const address = this.model.get("address"), lesson = query => new URLSearchParams(query).get("lesson"), to = lesson(address);
    if (!this.frame.app || to !== String(this.frame.number)) return; // it is another lesson's still
    const url = new URL(location.href);
    url.search = address;
    this.link.value = url.href;
    document.title = `${this.frame.number} ${spoken(this.frame.title)} · gradprod`;
    if (this.model.get("done") === 0) return;
    // a lesson is a step of the browser's history; what is moved in it is not, and is written once it rests,
    // since writing takes several milliseconds of a drag
    if (this.arrived && lesson(location.search) !== to) { this.rest(); history.pushState(history.state, "", url); return; }
    this.resting = url;
    clearTimeout(this.timers.address);
    if (this.arrived) this.timers.address = setTimeout(() => this.rest(), 300); else this.rest();
    this.arrived = true;
  }
  rest() {
    clearTimeout(this.timers.address);
    if (this.resting && location.search !== this.resting.search) history.replaceState(history.state, "", this.resting);
    this.resting = null;
  }

  // -- what the reader does --

  go(number) { if (number !== this.frame.number) { this.act("lesson", { number }); } }
  dress() {
    this.root.dataset.theme = this.theme;
    if (this.frame.app) document.body.dataset.gradprod = this.theme;
  }
  turn() {
    this.theme = this.theme === "dark" ? "light" : "dark";
    this.dress();
    this.dark.setAttribute("aria-pressed", this.theme === "dark");
    this.remembered("theme", this.theme);
    this.act("look", this.look());
  }
  present(on) {
    if (on === this.root.classList.contains("present")) return;
    this.root.classList.toggle("present", on);
    // the top layer: nothing that a notebook puts around a cell can hold it back
    if (on) { this.root.popover = "manual"; try { this.root.showPopover(); } catch { this.root.removeAttribute("popover"); } } else { try { this.root.hidePopover(); } catch { /* was not open */ } this.root.removeAttribute("popover"); }
    this.act("look", { ...this.look(), ...this.sizes() });
    (on ? this.picture : this.sheet.querySelector('[data-keep="present"]'))?.focus({ preventScroll: true });
  }
  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.('input:not([type="range"]), select, textarea, [contenteditable]')) return;
    const key = event.key.toLowerCase(), presenting = this.root.classList.contains("present");
    if (key === "p") this.present(!presenting);
    else if (key === "q" && this.frame.predict) this.act("ask");
    else if (key === "escape" && this.root.classList.contains("predicting")) this.act("skip");
    else if (key === "escape" && presenting) this.present(false);
    else return;
    event.preventDefault(); event.stopPropagation();
  }
  async copy(node, text) {
    try { await navigator.clipboard.writeText(text); } catch {
      const box = el("textarea", { class: "sr" }); box.value = text; this.sheet.append(box); box.select(); document.execCommand("copy"); box.remove();
    }
    const label = node.dataset.label ??= node.textContent; // a second press finds “Copied” there
    node.textContent = this.text("copied");
    setTimeout(() => { node.textContent = label; }, 1500);
  }
  save(name, blob) {
    const a = el("a", { href: URL.createObjectURL(blob), download: name });
    this.sheet.append(a); a.click(); a.remove();
    setTimeout(() => URL.revokeObjectURL(a.href), 10_000);
  }
  async image(format) {
    const { hidden } = this.model.get("values"), main = this.frame.pictures.find(({ place, name }) => place === "main" && !hidden.includes(name));
    const view = G.views?.get(main?.view);
    if (!view) return;
    const url = await view.export(format, { scale: format === "png" ? 2 : 1, background: getComputedStyle(this.sheet).backgroundColor, caption: this.caption() });
    const [head, body] = [url.slice(0, url.indexOf(",")), url.slice(url.indexOf(",") + 1)];
    const bytes = head.endsWith("base64") ? Uint8Array.from(atob(body), sign => sign.charCodeAt(0)) : decodeURIComponent(body);
    this.save(`gradprod-${this.frame.number}.${format}`, new Blob([bytes], { type: format === "svg" ? "image/svg+xml" : "image/png" }));
  }
  /** What a saved picture says of itself: lesson, verdict, and the settings as its link has them. */
  caption() {
    const { name, sentence } = this.model.get("words"), settings = [...new URLSearchParams(this.model.get("address"))].filter(([key]) => key !== "lesson" && key !== "lang");
    const lines = [""], wide = Math.max(40, Math.floor((this.picture.querySelector(".slot.main:not([hidden])")?.clientWidth ?? 680) / 8));
    for (const [key, value] of settings) {
      const word = `${key} = ${value}`.replace(/[<&]/g, sign => ({ "<": "&lt;", "&": "&amp;" })[sign]);
      if (lines.at(-1) && lines.at(-1).length + word.length > wide) lines.push("");
      lines[lines.length - 1] += `${lines.at(-1) ? ",  " : ""}${word}`;
    }
    return [`<b>gradprod ${this.frame.number}  ${this.frame.title}</b>`, ...(sentence ? `<b>${name}</b>  ${spoken(sentence).length > wide - 12 ? sentence.replace(/; /, ";\n") : sentence}`.split("\n") : []), ...lines.filter(Boolean)];
  }
  /** Focus the picture: on a narrow page its section is no box of its own, which not every browser focuses. */
  land() {
    this.picture.focus();
    if (document.activeElement !== this.picture) this.picture.querySelector(".pinned").focus();
  }
  stop() { try { this.kernel?.interrupt(); } catch { /* the line stays */ } }
  /** TeX by the page's own MathJax, once nothing more urgent is left; the formula stands there as text until then. */
  async typeset() {
    const { formula } = this.frame, manager = this.model.widget_manager, node = this.formula;
    const typesetter = (manager?._rendermime ?? manager?.rendermime)?.latexTypesetter;
    if (!formula || !typesetter) return;
    await this.painted();
    const box = el("div", { class: "tex" }, `$$${formula}$$`);
    node.append(box);
    try { await typesetter.typeset(box); } catch { /* stays text */ }
    for (let i = 0; i < 200 && !box.querySelector("mjx-container"); i++) await new Promise(done => setTimeout(done, 50));
    const math = box.querySelector("mjx-assistive-mml math");
    if (![...document.fonts].some(font => /MJX/.test(font.family))) await this.mathFonts();
    // a page without MathJax's fonts shows its MathML instead, which the browser sets itself
    if (math && ![...document.fonts].some(font => /MJX/.test(font.family))) box.replaceChildren(math);
    if (!box.querySelector("mjx-container, math")) { box.remove(); return; }
    // a prime is raised by its font already
    for (const sup of box.querySelectorAll("math msup")) if (/^[′″]$/.test(sup.lastElementChild.textContent)) sup.replaceWith(...sup.children);
    for (const sign of box.querySelectorAll("math mo")) sign.classList.toggle("large", /^[∏∑]$/.test(sign.textContent.trim()));
    box.classList.remove("tex");
    node.replaceChildren(box);
  }
  /** MathJax's fonts are named in the styles that Voilà ships; of these our page takes nothing else. */
  mathFonts() {
    if (!this.frame.app) return null;
    const before = new Set(document.styleSheets), script = el("script", { src: `${this.base()}voila/static/voila-style.js` });
    return fonts ??= new Promise(done => {
      script.onerror = done;
      script.onload = () => {
        const sheets = [...document.styleSheets].filter(sheet => !before.has(sheet));
        const faces = sheets.flatMap(sheet => [...sheet.cssRules]).filter(rule => rule instanceof CSSFontFaceRule && /MJX/.test(rule.style.fontFamily));
        for (const sheet of sheets) sheet.ownerNode.remove();
        document.head.append(el("style", {}, faces.map(rule => rule.cssText).join("\n")));
        done();
      };
      document.head.append(script);
    });
  }
  async painted() {
    for (let i = 0; i < 100 && !this.picture.querySelector(".js-plotly-plot .main-svg"); i++) await new Promise(done => setTimeout(done, 100));
    await new Promise(done => (globalThis.requestIdleCallback ?? setTimeout)(done));
  }

  // -- when the kernel is gone --

  watch() {
    const kernel = this.kernel = this.model.widget_manager?.kernel, on = (signal, handle) => { signal?.connect(handle); this.signal?.addEventListener("abort", () => signal?.disconnect(handle)); };
    on(kernel?.statusChanged, (_, status) => ["restarting", "autorestarting", "dead", "terminating"].includes(status) && this.gone());
    on(kernel?.connectionStatusChanged, (_, status) => {
      if (status === "disconnected") this.gone();
      if (status === "connected" && this.cut && !this.lost) this.again();
      this.cut = status !== "connected";
      if (status === "connecting") setTimeout(async () => { if (kernel.connectionStatus !== "connected" && !await this.ask(`api/kernels/${kernel.id}`)) this.gone(); }, 1500);
    });
  }
  base() { try { return JSON.parse(document.getElementById("jupyter-config-data").textContent).baseUrl; } catch { return "/"; } }
  async ask(path) { try { return (await fetch(this.base() + path, { cache: "no-store" })).ok; } catch { return false; } }
  disable(on) {
    this.alone = on;
    for (const node of this.sheet.querySelectorAll(".controls :is(input, select, button), .predict :is(input, button), .under :is(input, select, button), .claim button, .downloads button[data-kernel]")) node.disabled = on;
    this.root.classList.toggle("waiting", on);
    this.hold();
  }
  /** A control moved while a question is open would change the question. */
  hold() {
    const on = !!this.alone || this.root.classList.contains("predicting");
    for (const node of this.sheet.querySelectorAll(".controls :is(input, select, button), .under :is(input, select, button)")) node.disabled = on;
  }
  /** Open the page anew, not more than three times a minute by itself: a computation that dies at once would do so for ever. */
  reopen(asked) {
    let times = [];
    try { times = JSON.parse(sessionStorage.getItem("gradprod-reopened") ?? "[]").filter(time => Date.now() - time < 60_000); sessionStorage.setItem("gradprod-reopened", JSON.stringify([...times, Date.now()])); } catch { /* none kept */ }
    if (asked || times.length < 3) location.reload();
  }
  async gone() {
    this.lost = true;
    await new Promise(done => setTimeout(done, 200)); // what leaves the page says so only after its kernel has ended
    if (this.alone || this.leaving) return;
    this.disable(true);
    this.root.classList.remove("computing", "long");
    this.offline.hidden = false;
    if (!this.frame.app) { this.offline.replaceChildren(el("b", {}, this.text("restart"))); return; }
    const count = el("span"), again = button(this.text("try"), () => attempt());
    this.offline.replaceChildren(el("b", {}, this.text("gone")), count, again, button(this.text("reopen"), () => this.reopen(true)));
    let wait = 1, left = wait + 0.5;
    const say = () => { count.textContent = this.text("trying", { n: Math.ceil(left) }); };
    const attempt = async () => { if (await this.ask("healthz")) this.reopen(); else { wait = Math.min(10, wait * 2); left = wait; say(); } };
    const tick = async () => { left -= 0.5; say(); if (left <= 0) { left = Infinity; await attempt(); } if (!this.signal?.aborted) setTimeout(tick, 500); };
    say(); tick();
  }
}

export default { render(context) { new Page(context); } };

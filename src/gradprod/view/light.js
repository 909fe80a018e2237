/* What a view draws itself: notes, and the markers along lines. plotly draws every annotation twice and every marker on
   its own, which is most of what a step of a slider takes. plot.js goes on where this file ends; what is saved as a
   picture is drawn by plotly alone, from the whole figure.

     lighten(figure)       {data, layout, notes, markers}: the figure without what these two draw
     new Overlay(plot)     .draw(notes, markers) after plotly has drawn, .place() when an axis moved */

const G = (globalThis[Symbol.for("gradprod")] ??= {});
const GLYPHS = { // symbol -> outline from half its size
  circle: (r) => `M${r},0A${r},${r} 0 1,1 0,${-r}A${r},${r} 0 0,1 ${r},0Z`,
  square: (r) => `M${r},${r}H${-r}V${-r}H${r}Z`,
  diamond: (r) => `M${1.3 * r},0L0,${1.3 * r}L${-1.3 * r},0L0,${-1.3 * r}Z`,
  cross: (r) => `M${1.2 * r},${0.4 * r}h${-0.8 * r}v${0.8 * r}h${-0.8 * r}v${-0.8 * r}h${-0.8 * r}v${-0.8 * r}h${0.8 * r}` +
    `v${-0.8 * r}h${0.8 * r}v${0.8 * r}h${0.8 * r}Z`,
  "triangle-up": (r) => `M${-1.1547 * r},${r / 2}H${1.1547 * r}L0,${-r}Z`,
};
const NOTE_KEYS = new Set(
  ("text font align opacity bgcolor borderpad x y xref yref xanchor yanchor xshift yshift " +
    "showarrow ax ay arrowhead arrowwidth arrowcolor standoff").split(" "),
);
const FONT_KEYS = new Set(["size", "color", "family"]);
const MARKER_KEYS = new Set(["symbol", "size", "color", "line"]);
const RAISED = { SUP: "-.6em", SUB: ".3em" };
const SVG = "http://www.w3.org/2000/svg";

const only = (object, keys) => Object.keys(object ?? {}).every((key) => keys.has(key));
const listed = (value) => Array.isArray(value) || ArrayBuffer.isView(value);

const texts = new Map(); // those met lately

function textNodes(text) {
  if (!texts.has(text)) {
    if (texts.size > 500) texts.clear();
    texts.set(text, parsed(text));
  }
  return texts.get(text);
}

/* The nodes of a text in plotly's HTML, or undefined for what is rarer than bold, slanted, raised, lowered, coloured. */
function parsed(text) {
  if (/[$\n]|%\{/.test(text)) return undefined;
  const { content } = Object.assign(document.createElement("template"), { innerHTML: text });
  for (const node of content.querySelectorAll("*")) {
    const { color } = node.style;
    if (!/^(B|I|SUB|SUP|BR|SPAN)$/.test(node.tagName)) return undefined;
    if ([...node.attributes].some(({ name }) => name !== "style" || node.style.length !== (color ? 1 : 0))) return undefined;
    const raise = RAISED[node.tagName];
    node.style.cssText = raise ? `font-size: 70%; line-height: 0; position: relative; top: ${raise}` : "";
    Object.assign(node.style, { color, fontFamily: "inherit", verticalAlign: "baseline" });
  }
  return content;
}

const axisOf = (ref, layout) => layout[ref.replace(ref[0], `${ref[0]}axis`)];

/* How many pixels long an axis is. */
function pixels(ref, layout) {
  const { domain = [0, 1] } = axisOf(ref, layout) ?? {}, { l = 80, r = 80, t = 100, b = 80 } = layout.margin ?? {};
  return (ref[0] === "x" ? layout.width - l - r : layout.height - t - b) * (domain[1] - domain[0]);
}

/* Where on the page: an axis keeps its range, so that the note needs no room of its own. */
function steady(ref, letter, layout) {
  if (ref === "paper" || new RegExp(`^${letter}\\d* domain$`).test(ref)) return true;
  const axis = new RegExp(`^${letter}\\d*$`).test(ref) && axisOf(ref, layout);
  return Boolean(axis?.range?.every(Number.isFinite)) && !axis.autorange && /^(linear|log|undefined)$/.test(axis.type);
}

const isLight = (note, layout) =>
  only(note, NOTE_KEYS) && only(note.font, FONT_KEYS) && !layout.template && typeof note.text === "string" &&
  [note.x, note.y].every(Number.isFinite) && (note.showarrow === false || note.arrowhead === 0) &&
  steady(note.xref ?? "x", "x", layout) && steady(note.yref ?? "y", "y", layout) && textNodes(note.text) !== undefined;

const alike = (values) => values.length > 0 && values.every((value) => value === values[0]);

/* What stands at each point of a line, if it is the same everywhere, else undefined. */
function lightMarker({ type = "scatter", mode, marker, ...trace }, layout) {
  if (type !== "scatter" || !/^(lines\+)?markers$/.test(mode) || !only(marker, MARKER_KEYS)) return undefined;
  if (layout.template || (layout.showlegend !== false && trace.showlegend !== false)) return undefined;
  const { symbol = "circle", size = 6, line = {} } = marker ?? {};
  const glyph = GLYPHS[symbol.replace?.("-open", "")];
  const color = listed(marker?.color) && alike(marker.color) ? marker.color[0] : marker?.color;
  if (!glyph || !(size > 0) || typeof color !== "string" || !only(line, new Set(["color", "width"]))) return undefined;
  if ([line.color, line.width].some(listed)) return undefined;
  if (trace.fill || trace.stackgroup || trace.selectedpoints || (trace.line?.shape ?? "linear") !== "linear") return undefined;
  const { x, y } = trace, there = (i) => y[i] !== null && Number.isFinite(y[i]) && (!x || Number.isFinite(x[i]));
  if (!listed(y) || y.length < 2 || (x && x.length !== y.length)) return undefined;
  for (const ref of [trace.xaxis ?? "x", trace.yaxis ?? "y"]) {
    // Markers make room for themselves where an axis has no range yet; on a logarithmic one a point may be nowhere.
    if (!steady(ref, ref[0], layout) || axisOf(ref, layout).type === "log") return undefined;
    // A line ends at the axes, also where markers don't: none may lose more than a pixel.
    const { range: [from, to] } = axisOf(ref, layout), scale = pixels(ref, layout) / Math.abs(to - from);
    const reach = 0.6 * size + (line.width ?? 0) / 2 - 1;
    const close = (value) => scale * Math.min(Math.abs(value - from), Math.abs(value - to)) < reach;
    if (trace.cliponaxis === false && trace[ref[0]]?.some(close)) return undefined;
  }
  for (let i = 0; i < y.length; i++) {
    if ([y[i], x?.[i]].some((value) => typeof value === "string")) return undefined; // a date, a category
    if (there(i) && !there(i - 1) && !there(i + 1)) return undefined; // a point alone has no line
  }
  const open = symbol.endsWith("-open");
  return {
    color, d: glyph(size / 2), fill: open ? "none" : color,
    stroke: open ? color : line.color ?? "#444", width: (line.width ?? 0) || (open ? 1 : 0),
  };
}

function lighten({ data, layout, config = {} }) {
  // What the reader may move, or select, has to be plotly's.
  const moved = config.editable || config.edits;
  const chosen = moved || config.displayModeBar || /select|lasso/.test([layout.dragmode, layout.clickmode]);
  const notes = moved ? [] : (layout.annotations ?? []).filter((note) => isLight(note, layout));
  const markers = data.map((trace) => (chosen ? undefined : lightMarker(trace, layout)));
  const bare = (trace, marker) => {
    if (!marker) return trace;
    const { marker: taken, ...rest } = trace;
    const line = { ...trace.line, simplify: false, ...(trace.mode === "markers" && { color: "rgba(0,0,0,0)" }) };
    const hoverlabel = { bgcolor: marker.color, ...trace.hoverlabel }; // as plotly takes it from the marker
    return { ...rest, mode: "lines", line, ...(!layout.hoverlabel?.bgcolor && { hoverlabel }) };
  };
  return {
    notes, markers,
    data: data.map((trace, i) => bare(trace, markers[i])),
    layout: notes.length ? { ...layout, annotations: layout.annotations.filter((note) => !notes.includes(note)) } : layout,
  };
}

class Overlay {
  constructor(plot) {
    this.plot = plot;
    this.name = `gradprod-${(G.overlays = (G.overlays ?? 0) + 1)}`;
    this.node = document.createElement("div");
    this.node.style.cssText = "all: initial; position: absolute; inset: 0; pointer-events: none; forced-color-adjust: none";
    this.drawing = this.node.appendChild(document.createElementNS(SVG, "svg"));
    this.drawing.style.cssText = "position: absolute; width: 100%; height: 100%";
    this.defs = this.drawing.appendChild(document.createElementNS(SVG, "defs"));
    this.notes = [];
    this.boxes = []; // {node, key, size, arrow}: of the last notes
  }

  draw(notes, markers) {
    const above = this.plot.querySelector(".hoverlayer")?.closest("svg");
    if (above && above.previousSibling !== this.node) above.before(this.node);
    this.notes = notes;
    this.place();
    this.mark(markers);
  }

  // ---- notes ----

  place() {
    const { _fullLayout: full } = this.plot;
    const reset = (box) => [box.node, box.arrow].forEach((node) => node && (node.style.display = "none"));
    this.boxes.slice(this.notes.length).forEach(reset);
    const arrows = [];
    this.notes.forEach((note, i) => {
      const box = (this.boxes[i] ??= { node: this.node.appendChild(document.createElement("div")) });
      this.write(box, note, full.font);
      const [x, y] = ["x", "y"].map((letter) => this.where(note, letter, full));
      if (!x || !y) return reset(box);
      const at = [x, y].map(({ at, part }) => `calc(${at}px - ${part}%)`);
      const moved = `translate(${at})`;
      if (box.moved !== moved) box.node.style.transform = box.moved = moved;
      box.node.style.display = "";
      if (note.showarrow !== false) arrows.push([box, note, x, y]);
      else if (box.arrow) box.arrow.style.display = "none";
    });
    for (const [box, note, x, y] of arrows) this.point(box, note, x, y);
  }

  write(box, { text, font, align = "center", opacity = 1, bgcolor = "", borderpad = 1 }, base) {
    const { size = base.size, color = base.color, family = base.family } = font ?? {};
    const key = [text, size, color, family, align, opacity, bgcolor, borderpad].join("\n");
    if (box.key === key) return;
    const { node } = box;
    Object.assign(box, { key, size: undefined });
    node.className = "annotation-text";
    node.style.cssText = `position: absolute; left: 0; top: 0; white-space: pre; line-height: 1.3; transform: ${box.moved ?? "none"}`;
    Object.assign(node.style, {
      fontFamily: family, fontSize: `${size}px`, color, textAlign: align, opacity, backgroundColor: bgcolor,
      padding: `${Math.max(0, borderpad - 0.075 * size)}px ${borderpad}px`,
    });
    node.replaceChildren(textNodes(text).cloneNode(true));
  }

  /* Of one coordinate: where the text is held, which part of it (in %) lies before, where an arrow ends. */
  where(note, letter, full) {
    const across = letter === "x", ref = note[`${letter}ref`] ?? letter, value = note[letter];
    const { l, t, w, h } = full._size;
    const axis = full[ref.replace(" domain", "").replace(letter, `${letter}axis`)];
    const inside = across ? value : 1 - value;
    let at, near = inside;
    if (ref === "paper" || !axis) at = across ? l + w * inside : t + h * inside;
    else if (ref.endsWith("domain")) at = axis._offset + axis._length * inside;
    else {
      const place = axis.r2p(value);
      if (!(place >= 0 && place <= axis._length)) return undefined;
      at = axis._offset + place;
      near = 0.5;
    }
    const shift = (note[`${letter}shift`] ?? 0) * (across ? 1 : -1), head = at + shift;
    if (note.showarrow !== false) {
      near = 0.5;
      at = Math.max(0, Math.min(across ? full.width : full.height, at + (note[`a${letter}`] ?? (across ? -10 : -30))));
    }
    const anchor = note[`${letter}anchor`] ?? "auto";
    const auto = near < 1 / 3 ? 0 : near > 2 / 3 ? 100 : 50;
    const part = { left: 0, top: 0, center: 50, middle: 50, right: 100, bottom: 100 }[anchor] ?? auto;
    return { at: Math.round(100 * (at + shift)) / 100, part, head };
  }

  /* The line of an arrow, from its head to the edge of the text. */
  point(box, { arrowwidth = 2, arrowcolor = "#444", standoff = 0 }, x, y) {
    box.arrow ??= this.drawing.appendChild(document.createElementNS(SVG, "path"));
    box.size ??= [box.node.offsetWidth, box.node.offsetHeight];
    const [wide, tall] = box.size;
    const middle = [x.at + wide * (0.5 - x.part / 100), y.at + tall * (0.5 - y.part / 100)];
    const dx = middle[0] - x.head, dy = middle[1] - y.head, far = Math.hypot(dx, dy);
    const edge = 1 - Math.min(wide / 2 / Math.abs(dx), tall / 2 / Math.abs(dy)), start = standoff / far;
    box.arrow.style.display = edge > start ? "" : "none";
    const d = `M${x.head + dx * start},${y.head + dy * start}L${x.head + dx * edge},${y.head + dy * edge}`;
    if (edge > start) box.arrow.setAttribute("d", d);
    box.arrow.style.stroke = arrowcolor;
    box.arrow.style.strokeWidth = arrowwidth;
  }

  // ---- markers ----

  mark(markers) {
    const lines = this.plot.querySelectorAll(".scatterlayer .trace");
    for (const group of lines) {
      const { trace } = group.__data__[0], marker = markers[trace.index];
      const name = `${this.name}-${trace.index}`;
      for (const line of group.querySelectorAll(".js-line")) {
        const style = marker ? `url("#${name}")` : "";
        if (line.style.markerMid !== style) line.style.marker = style;
      }
      if (marker) this.define(name, marker);
    }
  }

  define(name, { d, fill, stroke, width }) {
    const key = [d, fill, stroke, width].join();
    const made = [...this.defs.children].find((node) => node.id === name);
    const node = made ?? this.defs.appendChild(document.createElementNS(SVG, "marker"));
    if (node.key === key) return;
    Object.assign(node, { id: name, key });
    node.setAttribute("markerUnits", "userSpaceOnUse");
    node.style.overflow = "visible";
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", d);
    path.style.cssText = "stroke-dasharray: none";
    Object.assign(path.style, { fill, stroke, strokeWidth: width });
    node.replaceChildren(path);
  }
}

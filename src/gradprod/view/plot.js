/* Draws the figures of PlotView, behind light.js in one module. anywidget evaluates it once for every view, so that what
   a page has only once hangs on one global object, `G = globalThis[Symbol.for("gradprod")]`:

     G.plotly  promise of plotly.js; undefined until somebody asks, and after a failure
     G.views   Map: model_id -> {root, export}. `await view.export(format, {width, height, scale, background, caption})` is a
               data URL of what the view shows now, zoom and legend included, from all points; format is "png" or
               "svg", caption a list of lines over it, every option may be missing. It is also `(await host.getWidget(ref)).exports.export`.

     G.along   functions that mark on the page what belongs to the picture which is about to be drawn.
     G.ahead   functions that send what the page still holds back, before a click goes.
     G.later   has a function called once all pictures are drawn and shown.
     G.hold    has a function called at once, or as soon as the picture is shown that is on its way to the screen.

   From the kernel come {n, set: [[path, value] or [path], …], arrays: [[type, shape], …], awaited} with one buffer an
   array, and any of the facts description, hover and words; and {plotly: version} with plotly.js itself, gzip'd.
   To the kernel go {taken: {model_id: n, …}} of what is awaited, once a frame, {click: point}, {want: "figure"}, {want: "plotly"}; size
   and the point under the pointer are traits, which ipywidgets holds back while the kernel is busy. */

G.views ??= new Map();
G.screens ??= new Set();
G.due ??= new Set(); // those with something new to paint
G.taken ??= new Map(); // kernel -> {model, numbers}: what the next frame acknowledges
G.lost ??= new Set(); // screens that wait for somebody to try again

const TYPES = {
  i1: Int8Array, u1: Uint8Array, i2: Int16Array, u2: Uint16Array,
  i4: Int32Array, u4: Uint32Array, f4: Float32Array, f8: Float64Array,
};
const DEFAULT_HEIGHT = 450;
const PATIENCE = 100; // milliseconds after which a lesser view is painted in the main one's frame
const SLICE = 8; // milliseconds of painting after which a frame leaves the rest to the next one
const WAIT = 30000; // milliseconds after which plotly.js isn't expected any more
const coarse = matchMedia("(pointer: coarse)");

// ---- plotly.js: from the page, its server, the browser's store, or the kernel ----

const run = (src) =>
  new Promise((done) => {
    const script = document.createElement("script");
    Object.assign(script, { src, onload: done, onerror: done });
    document.head.append(script);
  });

const unzip = (bytes) => new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).blob();

async function load(version, ask) {
  const others = globalThis.Plotly?.version === version ? undefined : globalThis.Plotly;
  const ours = () => {
    const found = globalThis.Plotly;
    if (found?.version !== version) return undefined;
    if (others) globalThis.Plotly = others; // another plotly.js in this page stays what its owners expect
    return found;
  };
  const runBlob = async (blob) => {
    const url = URL.createObjectURL(new Blob([blob], { type: "text/javascript" }));
    await run(url);
    URL.revokeObjectURL(url);
    return ours();
  };

  const early = document.querySelector("script[data-plotly]"); // started by the page; takes itself out when it fails
  if (early && !ours()) {
    await new Promise((done) => {
      for (const event of ["load", "error"]) early.addEventListener(event, done);
      setTimeout(done, WAIT);
    });
  }
  if (ours()) return globalThis.Plotly;

  const name = `gradprod/plotly-${version}.js`;
  const page = document.getElementById("jupyter-config-data");
  if (page) {
    await run(JSON.parse(page.textContent).baseUrl + name);
    const found = ours();
    if (found) return found;
  }
  const key = `${location.origin}/${name}`;
  const store = await globalThis.caches?.open("gradprod").catch(() => undefined); // only on https and localhost
  const kept = await store?.match(key);
  const found = kept && (await runBlob(await kept.blob()));
  if (found) return found;
  const blob = await unzip(await ask());
  const sent = await runBlob(blob);
  if (!sent) throw new Error("plotly.js does not run here");
  for (const old of (await store?.keys()) ?? []) await store.delete(old);
  await store?.put(key, new Response(blob)).catch(() => {});
  return sent;
}

/* Without a kernel nobody hears it, and the picture lives on. */
function tell(message) {
  try {
    message();
  } catch (error) {
    console.debug(error);
  }
}

// ---- one drawing a frame for all views of the page ----

/* Soon, if nothing has been painted since the last frame was shown, else as soon as that frame has been. */
function ask() {
  if (!(G.due.size + G.taken.size) || G.asked) return;
  G.asked = true;
  if (!G.painted) soon();
}

const after = new MessageChannel(); // what is posted in a frame comes after it
const soon = () => after.port2.postMessage("tick");
after.port1.onmessage = ({ data }) => {
  if (data === "shown") {
    G.painted = false;
    release();
    if (G.asked) tick();
  } else if (G.asked && !G.painted) tick();
  if (!G.painted) calm();
};

const unread = [];
let limit; // a page that isn't seen shows no pictures

G.hold ??= (task) => {
  if (!(G.asked || G.painted || unread.length)) return task();
  unread.push(task);
  limit ??= setTimeout(release, PATIENCE);
};

function release() {
  clearTimeout(limit);
  limit = undefined;
  for (const task of unread.splice(0)) {
    try {
      task();
    } catch (error) {
      reportError(error); // as if it had been alone
    }
  }
}

/* What can wait is done when all pictures are drawn and shown, or after PATIENCE. */
G.later ??= (task) => {
  waiting.add(task);
  if (G.asked || G.painted) patience ??= setTimeout(calm, PATIENCE);
  else calm();
};
const waiting = new Set();
let patience;

function calm() {
  clearTimeout(patience);
  patience = undefined;
  const tasks = [...waiting];
  waiting.clear();
  for (const task of tasks) task();
}

function tick() {
  G.asked = false;
  G.painted = true;
  requestAnimationFrame(() => after.port2.postMessage("shown"));
  // First, so that the kernel computes while this page paints.
  for (const { model, numbers } of G.taken.values()) tell(() => model.send({ taken: Object.fromEntries(numbers) }));
  G.taken.clear();
  const ready = [...G.screens].filter((screen) => screen.visible && screen.Plotly);
  const due = ready.filter((screen) => G.due.has(screen));
  if (!due.length) return;
  const main = ready.reduce((a, b) => (b.area() > a.area() ? b : a));
  due.sort((a, b) => (b === main) - (a === main) || a.since - b.since);
  const start = performance.now();
  G.along?.forEach((mark) => mark());
  due.forEach((screen, i) => {
    // the main one has a frame to itself, unless another has waited long
    const waits = due[0] === main && start - screen.since < PATIENCE;
    if (i > 0 && (waits || performance.now() - start > SLICE)) return;
    G.due.delete(screen);
    screen.paint();
  });
  ask();
}

// ---- figures ----

function revive(tree, arrays, buffers) {
  const array = ([type, shape], bytes) => {
    const { buffer, byteOffset, byteLength } = bytes;
    const flat = new TYPES[type](buffer.slice(byteOffset, byteOffset + byteLength)); // offsets aren't aligned
    const cut = (from, [length, ...inner]) => {
      if (!inner.length) return flat.subarray(from, from + length);
      const step = inner.reduce((a, b) => a * b);
      return Array.from({ length }, (_, i) => cut(from + i * step, inner));
    };
    return cut(0, shape);
  };
  const made = arrays.map((spec, i) => array(spec, buffers[i]));
  const walk = (node) => {
    if (Array.isArray(node)) return node.map(walk);
    if (node === null || typeof node !== "object") return node;
    if ("$" in node) return made[node.$];
    return Object.fromEntries(Object.entries(node).map(([k, v]) => [k, walk(v)]));
  };
  return walk(tree);
}

const plain = (value) => value?.constructor === Object;

/* Traces that plotly may write into. Their lists of numbers keep their identity, by which plotly sees that they are
   still the same. */
function copy(value) {
  if (Array.isArray(value)) return plain(value[0]) ? value.map(copy) : value;
  return plain(value) ? Object.fromEntries(Object.entries(value).map(([k, v]) => [k, copy(v)])) : value;
}

/* A layout that plotly may write into. It writes into lists there as well, but for those by whose identity it sees that
   an axis is still the same: a picture in which only an image or a note's colour changed is not drawn anew. */
function fresh(value, key) {
  if (key === "tickvals" || key === "ticktext") return value;
  if (Array.isArray(value)) return value.map((inner) => fresh(inner));
  return plain(value) ? Object.fromEntries(Object.entries(value).map(([k, v]) => [k, fresh(v, k)])) : value;
}

/* Places of the first, lowest, highest and last point of each column of pixels, and of the ends of each gap: their line
   looks like the line through all points. undefined where x runs back. Far outside of the range columns are wide, so
   that panning meets a line. */
export function columns(at, y, length, low, high, count) {
  const kept = [], far = Math.abs(high - low);
  let start = 0;
  while (start < length && !Number.isFinite(at(start))) start++;
  const fine = far / count, wide = Math.max(fine, (at(length - 1) - at(start)) / count);
  let column, first, least, most, last, before = -Infinity;
  const flush = () => {
    for (const i of [first, Math.min(least, most), Math.max(least, most), last]) if (!(i <= kept.at(-1))) kept.push(i);
  };
  for (let i = 0; i < length; i++) {
    const x = at(i);
    if (!(x >= before)) return undefined;
    before = x;
    const near = x >= low - far && x <= high + far;
    const place = near ? Math.floor((x - low) / fine) : Math.floor((x - low) / wide) + 0.5;
    const now = Number.isFinite(y[i]) && i >= start ? place : "gap";
    if (now !== column) {
      if (i) flush();
      column = now;
      first = least = most = i;
    }
    if (y[i] < y[least]) least = i;
    if (y[i] > y[most]) most = i;
    last = i;
  }
  if (length) flush();
  return kept;
}

function pick(value, length, kept, picked) {
  const part = ([key, inner]) => [key, pick(inner, length, kept, picked)];
  if (plain(value)) return Object.fromEntries(Object.entries(value).map(part));
  if (typeof value === "string" || value?.length !== length) return value;
  if (picked.get(value)?.kept !== kept) {
    const few = ArrayBuffer.isView(value) ? new value.constructor(kept.length) : new Array(kept.length);
    kept.forEach((from, to) => (few[to] = value[from]));
    picked.set(value, { kept, few });
  }
  return picked.get(value).few;
}

/* The trace as it is drawn, and the places of its points in the whole one if they are fewer. memory keeps arrays the
   same from drawing to drawing while they are. */
function thin(trace, layout, memory) {
  const { type = "scatter", mode = "lines", x, y, x0 = 0, dx = 1 } = trace;
  const ref = trace.xaxis ?? "x", axis = axisOf(ref, layout) ?? {};
  const count = Math.ceil(pixels(ref, layout) * devicePixelRatio);
  const length = y?.length, number = (values) => typeof values.find((v) => v !== null) === "number";
  const line = /^scatter(gl)?$/.test(type) && /lines/.test(mode) && trace.line?.shape !== "spline";
  const alone = !trace.stackgroup && !/^to(self|next)$/.test(trace.fill);
  if (!line || !alone || !(length > count && count > 0) || !number(y)) return [trace];
  if ((x && (x.length !== length || !number(x))) || !/^(linear|log|-|undefined)$/.test(axis.type)) return [trace];
  const value = x ? (i) => x[i] : (i) => x0 + i * dx;
  const at = axis.type === "log" ? (i) => Math.log10(value(i)) : value;
  const range = axis.autorange !== true && axis.range;
  const key = [range, count, x0, dx, axis.type].join();
  let known = memory.lines.get(y);
  if (known?.key !== key || known.x !== x) {
    let start = 0;
    while (start < length - 1 && !Number.isFinite(at(start))) start++;
    const [low, high] = range ? [Math.min(...range), Math.max(...range)] : [at(start), at(length - 1)];
    const kept = columns(at, y, length, low, high, count);
    known = { key, x, kept, xs: kept && !x && kept.map(value) };
    memory.lines.set(y, known);
  }
  const { kept, xs } = known;
  return kept ? [{ ...pick(trace, length, kept, memory.picked), ...(xs && { x: xs }) }, kept] : [trace];
}

/* The colour that an element stands on: a picture carries it away, or its light text would be on nothing. */
function ground(element) {
  for (let at = element; at; at = at.parentElement) {
    const { backgroundColor } = getComputedStyle(at);
    if (!/^(transparent|rgba\(.*, 0\))$/.test(backgroundColor)) return backgroundColor;
  }
  return "white";
}

// ---- one view's model, and its screens: a notebook may show the same view twice ----

export default () => {
  const state = { n: -1 };
  const screens = new Set();
  let deliver; // called with plotly.js when the kernel sends it

  function take(message, buffers, model) {
    const { figure, set, arrays, ...facts } = message;
    if (figure) state.figure = revive(figure, arrays, buffers);
    else if (message.n !== state.n + 1) {
      if (message.n > state.n && !state.asked) tell(() => model.send({ want: "figure" })); // one got lost on the way
      state.asked ||= message.n > state.n;
      return;
    } else {
      for (const [path, ...value] of set) {
        const last = path.at(-1), place = path.slice(0, -1).reduce((node, key) => node[key], state.figure);
        if (value.length) place[last] = revive(value[0], arrays, buffers);
        else delete place[last];
      }
    }
    const { awaited = true, ...said } = facts;
    Object.assign(state, said, { asked: false });
    if (awaited) {
      if (!G.taken.has(state.kernel)) G.taken.set(state.kernel, { model, numbers: new Map() });
      G.taken.get(state.kernel).numbers.set(state.id, state.n);
    }
    screens.forEach((screen) => screen.renew());
    ask();
  }

  function plotly(model) {
    const fetch = () =>
      new Promise((done, fail) => {
        deliver = done;
        setTimeout(fail, WAIT, new Error("the kernel did not send plotly.js"));
        model.send({ want: "plotly" });
      });
    G.plotly ??= load(state.plotly, fetch).catch((error) => {
      G.plotly = undefined;
      throw error;
    });
    return G.plotly;
  }

  async function toImage(format, options = {}) {
    const Plotly = await G.plotly;
    const screen = [...screens].find((s) => s.plot.layout) ?? [...screens][0];
    if (!screen) throw new Error("the view is not on the page");
    const { data, layout, config } = screen.figure();
    const now = screen.plot; // with what the reader switched and moved
    const whole = data.map((trace, i) => ({ ...trace, ...(now.data?.[i] && { visible: now.data[i].visible }) }));
    const drawn = G.due.has(screen) || !now.layout ? layout : structuredClone(now.layout);
    drawn.annotations = layout.annotations;
    const { background, caption = [], ...rest } = options;
    if (caption.length) {
      const size = 14, room = Math.ceil(1.3 * size * caption.length) + 20;
      drawn.height += room;
      drawn.margin = { ...drawn.margin, t: (drawn.margin?.t ?? 100) + room };
      drawn.title = {
        text: caption.join("<br>"), font: { size, color: drawn.font?.color },
        x: 0, xref: "container", xanchor: "left", y: 1, yref: "container", yanchor: "top", pad: { t: 8 + size, l: 8 },
      };
    }
    const seeThrough = /^transparent$|, *0\)$/.test(drawn.paper_bgcolor);
    if (background || seeThrough) drawn.paper_bgcolor = background ?? ground(screen.root);
    return Plotly.toImage({ data: whole, layout: drawn, config }, { scale: 2, ...rest, format });
  }

  return {
    initialize({ model }) {
      model.on("msg:custom", (message, buffers) => {
        if (message.plotly && !message.figure) deliver?.(buffers[0]);
        else if ("n" in message) take(message, buffers, model);
      });
      const { buffers, ...whole } = model.get("_state");
      take(whole, buffers, model);
      plotly(model).catch(() => {}); // each screen says so
      return { export: toImage };
    },

    render({ model, el }) {
      const [root, plot, alert] = ["div", "div", "p"].map((tag) => document.createElement(tag));
      root.className = "gradprod-plot";
      root.style.cssText = "position: relative; width: 100%; height: 100%; contain: layout paint style";
      plot.style.cssText = "position: absolute; inset: 0";
      root.setAttribute("role", "img");
      root.append(plot);
      el.append(root);
      alert.setAttribute("role", "alert");
      alert.style.cssText = "position: absolute; inset: 0 0 auto; margin: 0; padding: 12px";
      const memory = { lines: new WeakMap(), picked: new WeakMap() };
      const overlay = new Overlay(plot);
      const held = new Map(); // axis -> the range that the reader chose, undefined once they let it go
      let turns = 0, revision, filling, bound, kept = [], pointer;
      let drawn, stepping = false; // the figure that stands, as it was given to plotly; whether another is being drawn

      const screen = {
        root, plot, visible: false,
        area: () => root.clientWidth * root.clientHeight,
        renew() {
          root.setAttribute("aria-label", state.description);
          if (!G.due.has(screen)) screen.since = performance.now();
          G.due.add(screen);
          ask();
        },
        figure() {
          const { data, layout, config } = state.figure;
          const touch = coarse.matches && { dragmode: false }; // a finger on the picture scrolls the page
          const shown = { uirevision: true, ...touch, ...fresh(layout) };
          if (shown.uirevision !== revision) held.clear();
          revision = shown.uirevision;
          const { width = Infinity, height = Infinity } = layout; // the figure's own size, where there is room for it
          shown.width = Math.min(width, root.clientWidth || 700);
          shown.height = Math.min(height, root.clientHeight || DEFAULT_HEIGHT);
          // plotly lets go of a zoom as soon as the figure brings another range; here it stays until a double click.
          for (const [axis, range] of held) shown[axis] = { ...shown[axis], uirevision: turns, ...range };
          const ours = { displayModeBar: false, displaylogo: false, doubleClick: false };
          return { data: copy(data), layout: shown, config: { ...ours, ...config } };
        },
        async paint() {
          const empty = !state.figure.data.length && !Object.keys(state.figure.layout).length;
          if (empty && !plot.layout) return; // nothing was shown yet: no axes around nothing
          try {
            const figure = screen.figure();
            const thinned = figure.data.map((trace) => thin(trace, figure.layout, memory));
            kept = thinned.map(([, places]) => places);
            const { notes, markers, ...light } = lighten({ ...figure, data: thinned.map(([trace]) => trace) });
            const now = { ...light, config: figure.config };
            const changes = drawn && bound === plot.on && differences(drawn, now);
            drawn = undefined;
            stepping = true;
            const way = changes ? await step(screen.Plotly, plot, changes) : "react";
            if (way === "newPlot") bound = undefined; // it forgets who listens
            if (way) await screen.Plotly[way](plot, copy(now.data), fresh(now.layout), now.config);
            drawn = now;
            overlay.draw(notes, markers);
            if (bound !== plot.on) listen();
            recover();
            const under = pointer && document.elementFromPoint(pointer.clientX, pointer.clientY);
            if (plot.contains(under)) under.dispatchEvent(new MouseEvent("mousemove", pointer)); // the newest value
          } catch (error) {
            say(state.words.broken.replace("{reason}", error?.message ?? error));
          } finally {
            stepping = false;
          }
        },
      };

      function listen() {
        bound = plot.on;
        const point = ({ curveNumber: curve, pointNumber, pointIndex = pointNumber, x, y, z }) => {
          return { curve, index: kept[curve]?.[pointIndex] ?? pointIndex, x, y, z };
        };
        const hover = (value) => {
          if (state.hover) write("_hover", value);
        };
        plot.on("plotly_click", ({ points }) => {
          if (!points.length) return;
          G.ahead?.forEach((send) => send());
          tell(() => model.send({ click: point(points[0]) }));
        });
        plot.on("plotly_hover", ({ points }) => points.length && hover(point(points[0])));
        plot.on("plotly_unhover", () => hover(null));
        plot.on("plotly_doubleclick", () => {
          turns += 1;
          held.forEach((_, axis) => held.set(axis, undefined));
          screen.renew();
        });
        plot.on("plotly_relayout", (changes) => {
          if (stepping) return; // it was us
          for (const key of Object.keys(changes)) {
            const [, axis, what] = key.match(/^([xy]axis\d*)\.(range|autorange)/) ?? [];
            const chosen = what === "range" && { range: [...plot.layout[axis].range], autorange: false };
            if (axis) held.set(axis, chosen || { range: undefined, autorange: true });
          }
          if (kept.some(Boolean)) screen.renew(); // other columns of pixels, other points
        });
        for (const moved of ["plotly_relayout", "plotly_relayouting"]) plot.on(moved, () => overlay.place());
      }

      const write = (name, value) => {
        model.set(name, value);
        tell(() => model.save_changes());
      };

      function recover() {
        alert.remove();
        root.setAttribute("role", "img");
      }

      function say(sentence, again) {
        if (alert.isConnected && alert.firstChild.data === sentence) return; // has been said
        root.setAttribute("role", "group"); // a reader is told nothing from inside of an image
        alert.textContent = sentence;
        alert.style.background = ground(root);
        if (again) {
          const button = Object.assign(document.createElement("button"), { textContent: state.words.again });
          button.onclick = () => [...G.lost].forEach((start) => start());
          alert.append(" ", button);
          G.lost.add(again);
        }
        root.append(alert);
      }

      function start() {
        G.lost.delete(start);
        plotly(model).then(
          (found) => {
            if (!screens.has(screen)) return;
            recover();
            screen.Plotly = found;
            screen.renew();
          },
          () => say(state.words.lost, start),
        );
      }

      const resized = new ResizeObserver(() => {
        if (!root.clientWidth) return; // not displayed
        filling ??= root.clientHeight > 0; // plot takes no room itself: the page gave a height, or nobody did
        if (!filling) root.style.height = `${state.figure.layout.height ?? DEFAULT_HEIGHT}px`;
        screen.renew();
        write("size", [root.clientWidth, root.clientHeight]);
      });
      const seen = new IntersectionObserver((entries) => {
        screen.visible = entries.at(-1).isIntersecting; // the newest of those that a busy page left waiting
        ask();
      });
      plot.addEventListener("mousemove", ({ clientX, clientY }) => (pointer = { clientX, clientY, bubbles: true }));
      plot.addEventListener("mouseleave", () => (pointer = undefined));

      screens.add(screen);
      G.screens.add(screen);
      G.views.set(state.id, { root, export: toImage });
      resized.observe(root);
      seen.observe(root);
      screen.renew();
      start();
      return () => {
        resized.disconnect();
        seen.disconnect();
        screens.delete(screen);
        G.screens.delete(screen);
        G.due.delete(screen);
        G.lost.delete(start);
        if (!screens.size) G.views.delete(state.id);
        screen.Plotly?.purge(plot);
        root.remove();
      };
    },
  };
};

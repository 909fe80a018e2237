/* Draws a step: a figure that differs in values alone from the one that stands. Plotly.react asks of every attribute of
   a figure anew what it is, and draws all of it anew: most of what a step of a slider takes. Here plotly's own traces
   calculate and draw what differs; axes with listed ticks slide, others are drawn as when somebody pans. What isn't sure to
   come out as react draws it is left to react: other axes, shapes, styles, categories, axes that fit themselves to the
   data, or are tied to others.

     differences(old, now)         what differs, undefined where that is more than values
     step(Plotly, plot, changes)   draws it; else a promise of the function of plotly's that has to draw it all: "react"
                                   where nothing was touched, "newPlot" where something was and it went wrong */

const LISTS = { // type of a trace -> its lists that may differ; the first are numbers
  scatter: [["x", "y"], ["text", "hovertext", "customdata"]],
  bar: [["x", "y", "base"], ["text", "hovertext", "customdata"]],
  heatmap: [["x", "y", "z"], ["text", "hovertext", "customdata"]],
};
const INVOLVED = // what makes one trace's drawing depend on more than its own values
  "stackgroup ids selectedpoints error_x error_y xperiod yperiod transpose transforms texttemplate zorder".split(" ");
const AXIS = /^[xy]axis\d*$/;
const OUTLINES = new Set(["path", "rect", "line"]);
const MEMBERS = { shapes: new Set(["path", "x0", "x1", "y0", "y1"]), images: new Set(["x", "y"]) };

const inside = (value) => value !== null && typeof value === "object" && !listed(value);

function same(a, b) {
  if (a === b || Object.is(a, b)) return true;
  if (listed(a) && listed(b)) return a.length === b.length && a.every((value, i) => same(value, b[i]));
  if (!inside(a) || !inside(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => key in b && same(a[key], b[key]));
}

/* The members of `now` that differ, as an object; undefined if one may not. */
function members(old, now, may) {
  const found = {};
  for (const key of new Set([...Object.keys(old), ...Object.keys(now)])) {
    if (same(old[key], now[key])) continue;
    if (!may(key, old[key], now[key])) return undefined;
    found[key] = now[key];
  }
  return found;
}

const numeric = (list) => ArrayBuffer.isView(list) ||
  list.every((value) => value === null || typeof value === "number" || (listed(value) && numeric(value)));

function traceChanges(old, now, layout) {
  const { type = "scatter" } = now, [numbers, others] = LISTS[type] ?? [[], []];
  return members(old, now, (key, before, after) => {
    if (INVOLVED.some((involved) => now[involved] !== undefined)) return false;
    if ([now.hovertemplate, now.hoverinfo].some(listed) || Object.values(now.hoverlabel ?? {}).some(listed)) return false;
    if (type === "heatmap" && ![now.zmin, now.zmax].every(Number.isFinite)) return false;
    if (key === "hovertemplate" || (key === "name" && layout.showlegend === false)) {
      return [before, after].every((value) => typeof value === "string");
    }
    const lists = [before, after].every((value) => listed(value) && value.length);
    return lists && (others.includes(key) || (numbers.includes(key) && numeric(before) && numeric(after)));
  });
}

const axisChanges = (old, now) => members(old, now, (key, before, after) => {
  if (key === "range") return [before, after].every((range) => range?.length === 2 && range.every(Number.isFinite));
  return /^tick(vals|text)$/.test(key) && listed(before) && listed(after);
});

function memberChanges(name, old, now) {
  return members(old, now, (key, before, after) => MEMBERS[name].has(key) && typeof before === typeof after);
}

function differences(old, now) {
  if (old.data.length !== now.data.length || !same(old.config, now.config)) return undefined;
  const found = { data: [], axes: {}, shapes: [], images: [] };
  for (const [i, trace] of now.data.entries()) {
    const changed = traceChanges(old.data[i], trace, now.layout);
    if (!changed) return undefined;
    if (Object.keys(changed).length) found.data[i] = changed;
  }
  const rest = members(old.layout, now.layout, (key, before, after) => {
    if (AXIS.test(key) && before && after) return (found.axes[key] = axisChanges(before, after)) !== undefined;
    if (!(key in MEMBERS) || before?.length !== after?.length) return false;
    return after.every((member, i) => {
      const changed = memberChanges(key, before[i], member);
      if (changed && Object.keys(changed).length) found[key][i] = changed;
      return changed;
    });
  });
  return rest && found;
}

const axisNamed = (full, ref) => full[ref.replace(ref[0], `${ref[0]}axis`)];
const straight = (axis) => Boolean(axis) && /^(linear|log)$/.test(axis.type);
const still = (axis) => straight(axis) && axis.autorange === false && !axis.automargin;

/* Whether plotly has drawn the figure as its traces and axes say, no more and no less. */
function simple(plot, { data, axes, shapes, images }) {
  const { _fullLayout: full, _fullData: traces, calcdata } = plot;
  if (!full?._plots || !calcdata || plot._dragging || plot._transitioning) return false;
  const trace = (_, i) => {
    const made = traces[i];
    if (made?._input !== plot.data[i] || made.index !== i || typeof made._module?.calc !== "function") return false;
    return still(axisNamed(full, made.xaxis)) && still(axisNamed(full, made.yaxis));
  };
  const altered = Object.keys(axes).map((name) => full[name]?._id);
  const tied = ({ _matchGroup, _constraintGroup: group }) =>
    _matchGroup || !Object.keys(group ?? {}).every((id) => altered.includes(id));
  const axis = (name) => still(full[name]) && !tied(full[name]);
  const member = (name) => (_, i) => {
    const made = full[name]?.[i];
    if (made?._input !== plot.layout[name][i] || made._index !== i) return false;
    // an image's place on a logarithmic axis is a logarithm, a shape's is not
    const on = name === "images" ? (axis) => axis?.type === "linear" : straight;
    return [made.xref, made.yref].every((ref) => ref === "paper" || (!ref.includes(" ") && on(axisNamed(full, ref))));
  };
  return data.every(trace) && Object.keys(axes).every(axis) && images.every(member("images")) &&
    shapes.every(member("shapes")) && shapes.every((_, i) => drawable(full.shapes[i]));
}

const drawable = ({ type, xsizemode, ysizemode, label }) =>
  OUTLINES.has(type) && !label?.text && [xsizemode, ysizemode].every((mode) => mode === "scaled");

async function step(Plotly, plot, changes) {
  try {
    if (!simple(plot, changes)) return "react";
    await change(Plotly, plot, changes);
  } catch (error) {
    console.debug(error); // another version of plotly?
    return "newPlot";
  }
}

async function change(Plotly, plot, changes) {
  const { _fullLayout: full, _fullData: traces } = plot, { data, axes, shapes, images } = changes;
  const assign = (given, made, values) => Object.assign(given, values) && Object.assign(made, values);
  shapes.forEach((values, i) => assign(plot.layout.shapes[i], full.shapes[i], values));
  images.forEach((values, i) => assign(plot.layout.images[i], full.images[i], values));
  data.forEach((values, i) => assign(plot.data[i], traces[i], values));
  calculate(plot, data);
  const names = Object.keys(axes), drawn = [...data], outlined = [...shapes];
  for (const name of names) {
    assign(plot.layout[name], full[name], axes[name]);
    for (const axis of [plot.layout[name], full[name]]) axis.range = [...axis.range]; // plotly may write into it
  }
  const moves = names.map((name) => sliding(plot, full[name]));
  if (!moves.every(Boolean)) {
    const ranges = names.map((name) => [`${name}.range`, [...plot.layout[name].range]]);
    // relayout makes all anew for axes that are tied; here all that are tied to each other fit already
    const groups = names.map((name) => [full[name], full[name]._constraintGroup]);
    for (const [axis] of groups) delete axis._constraintGroup;
    const done = Plotly.relayout(plot, Object.fromEntries(ranges));
    for (const [axis, group] of groups) if (group) axis._constraintGroup = group;
    await done;
    return;
  }
  for (const { traces, shapes, move } of moves) {
    move();
    for (const i of traces) drawn[i] ??= {};
    for (const i of shapes) outlined[i] ??= {};
  }
  draw(plot, drawn);
  outlined.forEach((_, i) => drawShape(plot, full.shapes[i], i));
  images.forEach((_, i) => drawImage(plot, full.images[i], i));
  plot.emit("plotly_afterplot");
}

/* What plotly keeps of every point, of the traces that differ. */
function calculate(plot, data) {
  const { _fullLayout: full, _fullData: traces, calcdata } = plot;
  const crossed = new Map(); // subplot -> ways in which bars and their like are arranged there
  data.forEach((_, i) => {
    const { xaxis, yaxis, _module: { crossTraceCalc } } = traces[i], subplot = full._plots[xaxis + yaxis];
    if (crossTraceCalc) crossed.set(subplot, (crossed.get(subplot) ?? new Set()).add(crossTraceCalc));
  });
  traces.forEach((trace, i) => {
    const arranged = crossed.get(full._plots[trace.xaxis + trace.yaxis])?.has(trace._module.crossTraceCalc);
    if (!(data[i] || arranged)) return; // bars are arranged from nothing, or they would be twice
    const lengths = [trace.x, trace.y].filter(listed).map(({ length }) => length);
    if (trace._length !== null) trace._length = Math.min(...lengths);
    if (trace.visible !== true) return;
    trace._extremes = {};
    let points = trace._module.calc(plot, trace);
    if (!points?.[0]) points = [{ x: undefined, y: undefined }];
    points[0].t ??= {};
    points[0].trace = trace;
    calcdata[i] = points;
  });
  for (const [subplot, arrange] of crossed) arrange.forEach((one) => one(plot, subplot));
}

const spelled = new Map(); // text of a tick -> what stands in its node, as plotly wrote it

/* How an axis goes to the range that it has now, with what moves along: its listed ticks, in texts that plotly has
   written before. undefined where only plotly can say how. */
function sliding(plot, axis) {
  const { _fullLayout: full, _fullData } = plot, { _id: id, _vals: before, _gridVals: lines, range, title, minor } = axis;
  const plain = axis.type === "linear" && axis.tickmode === "array" && listed(axis.ticktext) && axis.visible &&
    axis.showticklabels && axis.ticklabelposition === "outside" && axis.ticklabeloverflow === "allow" && axis.tickangle === 0 &&
    !axis.ticklabelshift && axis.ticklabelstep === 1 && axis.tickson !== "boundaries" && !axis.ticks && !axis.zeroline &&
    !minor?.ticks && !minor?.showgrid && [undefined, full._dfltTitle?.[id[0]]].includes(title?.text) &&
    !axis.rangeslider?.visible && axis._subplotsWith?.length === 1;
  const here = ({ xref, yref }) => xref === id || yref === id;
  if (!plain || ["annotations", "images", "selections"].some((name) => full[name]?.some(here))) return undefined;
  const places = (all, on) => [...all.keys()].filter((i) => on(all[i]));
  const traces = places(_fullData, ({ xaxis, yaxis, visible }) => visible === true && (xaxis === id || yaxis === id));
  const shapes = places(full.shapes ?? [], (shape) => shape.visible !== false && here(shape));
  const loose = ({ type, error_x, error_y }) => type in LISTS && !error_x?.visible && !error_y?.visible;
  if (!traces.every((i) => loose(_fullData[i])) || !shapes.every((i) => drawable(full.shapes[i]))) return undefined;

  const subplot = full._plots[axis._mainSubplot], across = id[0] === "x";
  const groups = [...subplot[`${id[0]}axislayer`].node().querySelectorAll(`g.${id}tick`)];
  const paths = !axis.showgrid ? [] : [...subplot.gridlayer.select(`.${id}`).node().querySelectorAll(`path.${id}grid`)];
  const texts = groups.map((group) => group.children.length === 1 && group.querySelector("text"));
  const known = axis.showgrid ? paths.length > 0 && paths.length === lines.length : true;
  if (!known || !groups.length || groups.length !== before.length) return undefined;
  for (const [i, text] of texts.entries()) {
    if (text?.parentNode !== groups[i]) return undefined;
    if (spelled.size > 500) spelled.clear();
    spelled.set(groups[i].__data__.text, [...text.childNodes]);
  }
  const start = texts[0].getAttribute("transform").match(/^translate\(([^,()]+),([^,()]+)\)$/);
  const beyond = (range[1] - range[0]) / 10000, ends = [range[0] - beyond, range[1] + beyond];
  const values = [...axis.tickvals].map((x, i) => ({ ...groups[0].__data__, x, text: String(axis.ticktext[i]) }))
    .filter(({ x }) => x > Math.min(...ends) && x < Math.max(...ends));
  if (!start || !values.length || !values.every(({ text }) => spelled.has(text) && !/<br/i.test(text))) return undefined;

  return { traces, shapes, move() {
    axis.setScale();
    const place = ({ x }) => axis._offset + axis.l2p(x);
    arrange(groups, values, (group, value) => {
      const text = group.firstChild, { x } = value;
      if (text.getAttribute("data-unformatted") !== value.text) {
        text.replaceChildren(...spelled.get(value.text).map((node) => node.cloneNode(true)));
        text.setAttribute("data-unformatted", value.text);
      }
      text.__data__ = value;
      const at = across ? [place({ x }), start[2]] : [start[1], place({ x })];
      text.setAttribute("transform", `translate(${at})`);
    });
    axis._vals = values;
    axis._gridVals = values.filter(({ x }) => axis.l2p(x) > 1 && axis.l2p(x) < axis._length - 1);
    if (axis.showgrid) arrange(paths, axis._gridVals, (path, value) => {
      path.setAttribute("transform", `translate(${across ? [place(value), 0] : [0, place(value)]})`);
    });
  } };
}

/* As many nodes as there are values, and each what its value says; the first is the model of those that are missing. */
function arrange(nodes, values, put) {
  nodes.slice(values.length).forEach((node) => node.remove());
  values.forEach((value, i) => {
    nodes[i] ??= nodes[0].cloneNode(true);
    if (!nodes[i].isConnected) nodes[i - 1].after(nodes[i]);
    nodes[i].__data__ = value;
    put(nodes[i], value);
  });
}

/* The layers of traces that differ. */
function draw(plot, data) {
  const { _fullLayout: full, _fullData: traces, calcdata } = plot;
  for (const subplot of Object.values(full._plots)) {
    const layers = subplot.plot?.selectAll("g.mlayer");
    layers?.each(({ className, plotMethod, cdModule }) => {
      const indices = cdModule.map(([first]) => first.trace.index);
      if (!indices.some((i) => data[i])) return;
      plotMethod(plot, subplot, indices.map((i) => calcdata[i]), subplot.plot.selectAll(`g.${className}`));
    });
    if (subplot.zoomScalePts) { // what grows and shrinks with a zoom
      const drawn = subplot.plot.selectAll("g.scatterlayer").selectAll(".trace");
      subplot.zoomScalePts = drawn.selectAll("path.point");
      subplot.zoomScaleTxt = drawn.selectAll(".textpoint");
    }
  }
  new Set(data.map((_, i) => traces[i]._module.style)).forEach((style) => style?.(plot));
}

/* Ways from a place along x and along y to pixels from the top left. */
function ways(full, { xref, yref }) {
  const { l, t, w, h } = full._size;
  const along = (ref, paper) => {
    const axis = ref !== "paper" && axisNamed(full, ref);
    return axis ? (value) => axis._offset + axis.r2p(axis.type === "log" ? axis.d2r(value) : value) : paper;
  };
  return { x: along(xref, (value) => l + w * value), y: along(yref, (value) => t + h * (1 - value)) };
}

const LETTERS = { M: "xy", L: "xy", H: "x", V: "y", Q: "xyxy", C: "xyxyxy", T: "xy", S: "xyxy", Z: "" };

function outline(full, shape) {
  const to = ways(full, shape), { type, path, x0, x1, y0, y1 } = shape;
  if (type === "line") return `M${to.x(x0)},${to.y(y0)}L${to.x(x1)},${to.y(y1)}`;
  if (type === "rect") return `M${to.x(x0)},${to.y(y0)}H${to.x(x1)}V${to.y(y1)}H${to.x(x0)}Z`;
  return path.replace(/([MLHVQCTSZ])([^MLHVQCTSZ]*)/g, (_, command, rest) => {
    let i = 0;
    return command + rest.replace(/[^\s,]+/g, (value) => to[LETTERS[command][i++]](Number(value)));
  });
}

function drawShape(plot, shape, i) {
  const node = plot.querySelector(`.shapelayer path[data-index="${i}"]`);
  node?.setAttribute("d", outline(plot._fullLayout, shape));
}

const BEFORE = { left: 0, top: 0, center: 0.5, middle: 0.5, right: 1, bottom: 1 }; // shares before an anchor

function drawImage(plot, image, i) {
  const node = [...plot.querySelectorAll(".imagelayer image")].find((one) => one.__data__?._index === i);
  const to = ways(plot._fullLayout, image);
  node?.setAttribute("x", to.x(image.x) - BEFORE[image.xanchor] * node.getAttribute("width"));
  node?.setAttribute("y", to.y(image.y) - BEFORE[image.yanchor] * node.getAttribute("height"));
}

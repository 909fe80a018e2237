/* Runs before anything else in every page that is measured: when each plot (or the floor page's echo) was painted, and
   when keys and pointers moved. A repaint is a frame that shows a change; its time is that frame's end. */
(() => {
  const watch = (globalThis.benchmark = { drawn: [], paints: [], events: [], targets: [] });
  const queue = [], channel = new MessageChannel();
  let inFrame = false;
  channel.port1.onmessage = () => { inFrame = false; const now = performance.now(); for (const f of queue.splice(0)) f(now); };
  const frame = window.requestAnimationFrame.bind(window);
  const afterThisFrame = () => { if (!inFrame) { inFrame = true; channel.port2.postMessage(0); } };
  window.requestAnimationFrame = f => frame(time => { afterThisFrame(); f(time); });
  const painted = f => { if (inFrame) queue.push(f); else window.requestAnimationFrame(() => queue.push(f)); };

  /* what a page shows: plots that have drawn a trace, and else the floor page's echo */
  const TRACE = '.js-line, .heatmaplayer image, .points path, .bars path, .contourlayer path, .gl-container canvas, .surface';
  const seen = e => { const b = e.getBoundingClientRect(); return b.width > 0 && b.height > 0; };
  const plots = () => [...document.querySelectorAll('.js-plotly-plot')].filter(e => seen(e) && e.querySelector(TRACE));
  const echoes = () => [...document.querySelectorAll('.echo')].filter(e => seen(e) && e.textContent.trim());
  const shown = () => { const p = plots(); return p.length ? p : echoes(); };
  const area = e => { const b = e.getBoundingClientRect(); return b.width * b.height; };
  const inView = e => { const b = e.getBoundingClientRect(); return b.bottom > 0 && b.top < innerHeight && b.right > 0 && b.left < innerWidth; };

  /* loading: look once a frame */
  const known = new Set();
  const look = () => {
    for (const node of shown()) if (!known.has(node)) { known.add(node); painted(now => watch.drawn.push([node, now])); }
    if (!watch.loaded) window.requestAnimationFrame(look);
  };
  document.addEventListener('readystatechange', look, { once: true });

  /* loaded: listen to what is there; the largest is the main plot and comes first */
  watch.attach = () => {
    watch.loaded = true;
    watch.targets = shown().sort((a, b) => area(b) - area(a));
    watch.targets.forEach((node, index) => {
      let waiting = false;
      const changed = () => {
        if (waiting) return;
        waiting = true;
        painted(now => { waiting = false; watch.paints.push([index, now]); });
      };
      const hover = e => e.closest?.('.hoverlayer');
      new MutationObserver(records => { if (!records.every(r => hover(r.target))) changed(); })
        .observe(node, { subtree: true, childList: true, characterData: true, attributeFilter: ['d', 'href', 'src', 'x', 'y', 'transform'] });
      node.on?.('plotly_afterplot', changed);
    });
    const drawn = new Map(watch.drawn);
    return watch.targets.map(node => ({ drawn: drawn.get(node) ?? null, visible: inView(node) }));
  };
  /* the slider to move: a native one or the handle of a stock one, with its track */
  watch.slider = index => {
    const e = [...document.querySelectorAll('input[type=range], .noUi-handle')].filter(seen)[index];
    e.scrollIntoView({ block: 'nearest' });
    e.focus();
    const track = (e.closest('.noUi-target') ?? e).getBoundingClientRect(), thumb = e.getBoundingClientRect();
    const part = e.matches('input') ? (e.value - e.min) / (e.max - e.min) : (thumb.x + thumb.width / 2 - track.x) / track.width;
    return { left: track.x, width: track.width, x: track.x + 8 + part * (track.width - 16), y: thumb.y + thumb.height / 2 };
  };
  watch.reset = () => { watch.paints = []; watch.events = []; };
  watch.report = () => ({ paints: watch.paints, events: watch.events });
  for (const type of ['keydown', 'pointerdown', 'pointermove', 'pointerup'])
    addEventListener(type, e => watch.events.push([type, e.timeStamp]), { capture: true, passive: true });
})();

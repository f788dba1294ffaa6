// The graph of a run on a canvas: what waited for what.  Drag moves it, Ctrl and the wheel zoom, arrow keys walk along the edges.

import { html, useEffect, useMemo, useRef, useState } from '../../vendor/preact.js';
import { count, duration } from '../format.js';
import { TOKEN, readColours } from '../store.js';
import { useSize } from './controls.js';
import { fitText } from './gantt.js';
import { BOX, graphOf, neighbourOf } from './graph_layout.js';

const MARGIN = 24;
const MOST_EDGES = 3000;
const SMALLEST = 0.02;
const LARGEST = 2.5;
const READABLE = 0.6;

/** @typedef {import('./graph_layout.js').Box} Box */

/**
 * @param {{nodes: import('./gantt_layout.js').Node[], selected: string | null, critical: Set<string> | null, filter: string, failedOnly: boolean,
 *   zoom: {current: {fit: () => void, by: (factor: number) => void} | null}, onSelect: (id: string | null) => void, onOpen: (node: import('./gantt_layout.js').Node) => void}} props
 */
export function Graph({ nodes, selected, critical, filter, failedOnly, zoom, onSelect, onOpen }) {
  const root = useRef(/** @type {HTMLElement | null} */ (null));
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  const { width, height } = useSize(root);
  const [expanded, setExpanded] = useState(/** @type {Set<string>} */ (new Set()));
  const [at, setAt] = useState(/** @type {string | null} */ (null));
  const shape = useMemo(() => nodes.map((node) => `${node.id}${node.key}${node.parents.length}`).join(), [nodes]);
  const graph = useMemo(() => graphOf(nodes, expanded), [shape, expanded]);
  /** Where the graph's corner is on the screen, and its scale; null until somebody moves it. */
  const view = useRef(/** @type {{x: number, y: number, scale: number} | null} */ (null));
  const held = useRef(/** @type {any} */ ({}));
  const frame = useRef(0);
  const text = filter.trim().toLowerCase();
  const fades = (/** @type {Box} */ box) => Boolean((text && !box.members.some((node) => node.label.toLowerCase().includes(text))) || (failedOnly && !box.failed) || (critical && !box.members.some((node) => critical.has(node.id))));
  const chosen = graph.boxes.find((box) => box.id === at) ?? (selected ? graph.boxOf.get(selected) : undefined);
  Object.assign(held.current, { graph, width, height, chosen, selected, fades });

  const fitted = () => {
    const { graph: g, width: w, height: h } = held.current;
    const scale = Math.max(SMALLEST, Math.min(1, (w - 2 * MARGIN) / Math.max(1, g.width), (h - 2 * MARGIN) / Math.max(1, g.height)));
    return { scale, x: Math.max(MARGIN, (w - g.width * scale) / 2), y: (h - g.height * scale) / 2 };
  };
  /** At first: all of it, or where that would be too small to read, its first failed task or its beginning. */
  const beginning = () => {
    const { graph: g, width: w, height: h } = held.current;
    const whole = fitted();
    if (whole.scale >= READABLE) return whole;
    const failed = g.boxes.find((/** @type {Box} */ box) => box.failed);
    const x = failed ? Math.min(MARGIN, Math.max(w - MARGIN - g.width * READABLE, w / 2 - (failed.x + BOX.width / 2) * READABLE)) : MARGIN;
    const y = g.height * READABLE <= h - 2 * MARGIN ? (h - g.height * READABLE) / 2 : h / 2 - ((failed ?? g.boxes[0])?.y ?? 0) * READABLE;
    return { scale: READABLE, x, y };
  };
  const looking = () => view.current ?? beginning();
  const schedule = () => { cancelAnimationFrame(frame.current); frame.current = requestAnimationFrame(() => draw(canvas.current, held.current, looking())); };
  useEffect(schedule);
  useEffect(() => {
    const changed = () => { held.current.colours = readColours(); schedule(); };
    changed();
    document.addEventListener('flowctl-theme', changed);
    return () => { cancelAnimationFrame(frame.current); document.removeEventListener('flowctl-theme', changed); };
  }, []);

  const zoomBy = (/** @type {number} */ factor, /** @type {{x: number, y: number}} */ point = { x: held.current.width / 2, y: held.current.height / 2 }) => {
    const now = looking();
    const scale = Math.min(LARGEST, Math.max(SMALLEST, now.scale * factor));
    view.current = { scale, x: point.x - ((point.x - now.x) / now.scale) * scale, y: point.y - ((point.y - now.y) / now.scale) * scale };
    schedule();
  };
  const fit = () => { view.current = fitted(); schedule(); };
  zoom.current = { fit, by: (factor) => zoomBy(1 / factor) };
  const pan = (/** @type {number} */ x, /** @type {number} */ y) => { const now = looking(); view.current = { ...now, x: now.x + x, y: now.y + y }; schedule(); };

  /** A box that was reached by a key or is chosen elsewhere comes into view. @param {Box} box */
  const reveal = (box) => {
    const now = looking();
    const scale = Math.max(now.scale, READABLE);
    const [x, y] = [now.x + box.x * now.scale, now.y + box.y * now.scale];
    if (scale === now.scale && x >= 0 && y >= 0 && x + BOX.width * scale <= width && y + BOX.height * scale <= height) return;
    view.current = { scale, x: width / 2 - (box.x + BOX.width / 2) * scale, y: height / 2 - (box.y + BOX.height / 2) * scale };
    schedule();
  };
  useEffect(() => { const box = selected && graph.boxOf.get(selected); if (box && width) reveal(box); }, [selected, Boolean(width)]);

  useEffect(() => {
    const element = root.current;
    if (!element) return;
    /** @param {WheelEvent} event */
    const wheel = (event) => {
      event.preventDefault();
      const box = element.getBoundingClientRect();
      if (event.ctrlKey || event.metaKey) zoomBy(Math.exp(-event.deltaY * 0.002), { x: event.clientX - box.left, y: event.clientY - box.top });
      else pan(event.shiftKey ? -event.deltaY : -event.deltaX, event.shiftKey ? 0 : -event.deltaY);
    };
    element.addEventListener('wheel', wheel, { passive: false });
    return () => element.removeEventListener('wheel', wheel);
  }, []);

  const boxAt = (/** @type {MouseEvent} */ event) => {
    const area = root.current?.getBoundingClientRect();
    const now = looking();
    const x = (event.clientX - (area?.left ?? 0) - now.x) / now.scale;
    const y = (event.clientY - (area?.top ?? 0) - now.y) / now.scale;
    const layer = graph.layers[Math.floor(x / (BOX.width + BOX.across))];
    return layer?.find((box) => x <= box.x + BOX.width && y >= box.y && y <= box.y + BOX.height);
  };
  const choose = (/** @type {Box | undefined} */ box) => {
    setAt(box?.id ?? null);
    onSelect(box && box.members.length === 1 ? (box.id === selected ? null : box.id) : null);
  };
  const open = (/** @type {Box} */ box) => {
    if (box.members.length === 1) { onOpen(box.members[0]); return; }
    setExpanded(new Set([...expanded, box.id]));
  };
  const drag = useRef(/** @type {{x: number, y: number, moved: boolean} | null} */ (null));
  const said = chosen ? `${chosen.label}, ${chosen.members.length > 1 ? `${count(chosen.members.length)} tasks, ${chosen.failed ? `${count(chosen.failed)} failed` : chosen.key}` : chosen.key}, waited for ${chosen.before.length}, awaited by ${chosen.after.length}` : '';
  return html`<div class="gantt graph" ref=${root} tabIndex="0" role="application" aria-label="Graph of tasks; the Tasks tab shows the same as a table"
      onKeyDown=${(event) => {
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        if (event.key.startsWith('Arrow')) {
          const next = neighbourOf(graph, chosen, /** @type {'ArrowUp'} */ (event.key));
          if (next) { setAt(next.id); onSelect(next.members.length === 1 ? next.id : null); reveal(next); }
        } else if (event.key === 'Enter' && chosen) open(chosen);
        else if (event.key === '+' || event.key === '=') zoomBy(1.4);
        else if (event.key === '-') zoomBy(1 / 1.4);
        else if (event.key === '0') fit();
        else return;
        event.preventDefault();
        event.stopPropagation();
      }}
      onPointerDown=${(event) => { if (event.button === 0) drag.current = { x: event.clientX, y: event.clientY, moved: false }; }}
      onPointerMove=${(event) => {
        const from = drag.current;
        if (from && event.buttons === 1) {
          const [x, y] = [event.clientX - from.x, event.clientY - from.y];
          if (from.moved || Math.hypot(x, y) > 3) { drag.current = { x: event.clientX, y: event.clientY, moved: true }; pan(x, y); }
        } else if (root.current) root.current.style.cursor = boxAt(event) ? 'pointer' : 'grab';
      }}
      onClick=${(event) => { if (drag.current?.moved) drag.current = null; else choose(boxAt(event)); }}
      onDblClick=${(event) => { const box = boxAt(event); if (box) open(box); }}>
    <canvas ref=${canvas} aria-hidden="true"></canvas><span class="sr" aria-live="polite">${said}</span>
    <p class="graph-hint">${expanded.size > 0 && html`<button type="button" class="btn small" onClick=${(e) => { e.stopPropagation(); setExpanded(new Set()); fit(); }}>Group again</button>`}
      ${chosen && chosen.members.length > 1 && html`<button type="button" class="btn small" onClick=${(e) => { e.stopPropagation(); open(chosen); }}>Show the ${count(chosen.members.length)} of ${chosen.label}</button>`}
      ${graph.edges.length === 0 && nodes.length > 1 && html`<span class="muted">No task waited for another.</span>`}</p></div>`;
}

/** @param {HTMLCanvasElement | null} canvas @param {any} p @param {{x: number, y: number, scale: number}} view */
function draw(canvas, { graph, width, height, chosen, colours: c, fades }, view) {
  if (!canvas || !width || !height || !c) return;
  const ratio = devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const g = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  g.setTransform(ratio, 0, 0, ratio, 0, 0);
  g.fillStyle = c.bg;
  g.fillRect(0, 0, width, height);
  g.setTransform(ratio * view.scale, 0, 0, ratio * view.scale, ratio * view.x, ratio * view.y);
  const [left, top] = [-view.x / view.scale, -view.y / view.scale];
  const [right, bottom] = [left + width / view.scale, top + height / view.scale];
  drawEdges(g, graph, chosen, c, view.scale, { left, top, right, bottom }, fades);
  g.textBaseline = 'middle';
  for (const layer of graph.layers) {
    const x = layer[0]?.x ?? 0;
    if (x > right || x + BOX.width < left) continue;
    const first = Math.max(0, Math.floor((top - (layer[0]?.y ?? 0)) / (BOX.height + BOX.down)));
    for (let i = first; i < layer.length && layer[i].y <= bottom; i++) {
      g.globalAlpha = fades(layer[i]) ? 0.22 : 1;
      drawBox(g, layer[i], c, view.scale, layer[i] === chosen);
    }
  }
  g.globalAlpha = 1;
}

/** @param {CanvasRenderingContext2D} g @param {import('./graph_layout.js').Graph} graph @param {Box | undefined} chosen @param {any} c @param {number} scale @param {{left: number, top: number, right: number, bottom: number}} area @param {(box: Box) => boolean} fades */
function drawEdges(g, graph, chosen, c, scale, area, fades) {
  let drawn = 0;
  const line = (/** @type {[Box, Box]} */ [from, to], /** @type {boolean} */ strong) => {
    const [x1, y1, x2, y2] = [from.x + BOX.width, from.y + BOX.height / 2, to.x, to.y + BOX.height / 2];
    if (x2 < area.left || x1 > area.right || Math.max(y1, y2) < area.top || Math.min(y1, y2) > area.bottom) return;
    if (!strong && ++drawn > MOST_EDGES) return;
    const bend = Math.min(BOX.across, (x2 - x1) / 2);
    g.globalAlpha = !strong && (fades(from) || fades(to)) ? 0.25 : 1;
    g.beginPath();
    g.moveTo(x1, y1);
    g.bezierCurveTo(x1 + bend, y1, x2 - bend, y2, x2, y2);
    g.stroke();
    if (scale > 0.4) { g.beginPath(); g.moveTo(x2 - 6, y2 - 3.5); g.lineTo(x2 - 0.5, y2); g.lineTo(x2 - 6, y2 + 3.5); g.stroke(); }
  };
  g.strokeStyle = c['line-2'];
  g.lineWidth = Math.max(1.2, 0.6 / scale);
  for (const edge of graph.edges) if (edge[0] !== chosen && edge[1] !== chosen) line(edge, false);
  g.strokeStyle = c.accent;
  g.lineWidth = Math.max(1.8, 0.9 / scale);
  if (chosen) for (const edge of graph.edges) if (edge[0] === chosen || edge[1] === chosen) line(edge, true);
  g.globalAlpha = 1;
}

/** @param {CanvasRenderingContext2D} g @param {Box} box @param {any} c @param {number} scale @param {boolean} isChosen */
function drawBox(g, box, c, scale, isChosen) {
  const fill = c[TOKEN[box.key] ?? box.key] ?? c.pending;
  const { x, y, members } = box;
  const shape = (/** @type {number} */ by) => { g.beginPath(); g.roundRect(x + by, y + by, BOX.width, BOX.height, 6); };
  if (scale < 0.16) { g.fillStyle = fill; g.fillRect(x, y, BOX.width, BOX.height); return; }
  g.lineWidth = isChosen ? 2.2 : 1;
  g.strokeStyle = isChosen ? c.accent : box.failed ? fill : c['line-2'];
  if (members.length > 1) { g.fillStyle = c.bg; shape(4); g.fill(); g.stroke(); }
  g.fillStyle = isChosen ? c['accent-soft'] : c.side;
  shape(0);
  g.fill();
  g.stroke();
  g.fillStyle = fill;
  g.beginPath();
  g.roundRect(x, y, 5, BOX.height, [6, 0, 0, 6]);
  g.fill();
  if (scale < 0.3) return;
  const node = members[0];
  const seconds = node.start != null ? ((node.end ?? Date.now()) - node.start) / 1000 : null;
  const side = members.length > 1 ? (box.failed ? `${count(box.failed)}/${count(members.length)} ✕` : `×${count(members.length)}`) : duration(seconds);
  g.font = '11px ui-monospace, Menlo, Consolas, monospace';
  const room = g.measureText(side).width;
  g.fillStyle = box.failed ? fill : c['text-3'];
  g.fillText(side, x + BOX.width - room - 8, y + BOX.height / 2 + 0.5);
  g.font = `${box.failed || members.length > 1 ? '600 ' : ''}12.5px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif`;
  g.fillStyle = c.text;
  const sub = box.kind === 'flow-run' ? '↳ ' : '';
  g.fillText(fitText(g, sub + box.label, BOX.width - room - 28), x + 14, y + BOX.height / 2 + 0.5);
}

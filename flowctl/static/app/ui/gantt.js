// The timeline of a run: one row a task, drawn on a canvas, only the rows and the time in view.

import { html, useEffect, useRef, useState } from '../../vendor/preact.js';
import { absolute, clock, count, duration, niceStep, stateLabel } from '../format.js';
import { TOKEN, readColours } from '../store.js';
import { everySecond, useSize } from './controls.js';
import { attemptWords } from './gantt_layout.js';

export const ROW = 24;
const AXIS = 24;

/**
 * @param {{
 *   rows: import('./gantt_layout.js').Row[], start: number, end: number | null, selected: string | null, critical: Set<string> | null,
 *   attempts: Map<string, import('./gantt_layout.js').Attempt[]>, zoom: {current: {fit: () => void, by: (factor: number) => void} | null},
 *   onSelect: (row: import('./gantt_layout.js').Row | null) => void, onOpen: (row: import('./gantt_layout.js').Row) => void, onToggle: (row: import('./gantt_layout.js').Row) => void,
 * }} props
 */
export function Gantt(props) {
  const scroller = useRef(/** @type {HTMLElement | null} */ (null));
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  const { width, height } = useSize(scroller);
  const [hover, setHover] = useState(/** @type {{row: number, x: number, y: number} | null} */ (null));
  const view = useRef(/** @type {{from: number, to: number} | null} */ (null));
  const held = useRef(/** @type {any} */ ({}));
  const frame = useRef(0);
  const { rows, start, end, selected } = props;
  const names = Math.min(260, Math.max(120, width * 0.32));
  Object.assign(held.current, { ...props, width, height, names, hover });

  const span = () => {
    const { start: from, end: to } = held.current;
    const last = Math.max(to ?? Date.now(), from + 10);
    return view.current ?? { from, to: last + (last - from) * 0.015 };
  };
  const schedule = () => { cancelAnimationFrame(frame.current); frame.current = requestAnimationFrame(() => draw(canvas.current, scroller.current, held.current, span())); };

  useEffect(schedule);
  useEffect(() => () => cancelAnimationFrame(frame.current), []);
  useEffect(() => {
    held.current.colours = readColours();
    const changed = () => { held.current.colours = readColours(); schedule(); };
    document.addEventListener('flowctl-theme', changed);
    schedule();
    return () => document.removeEventListener('flowctl-theme', changed);
  }, []);
  useEffect(() => (end == null ? everySecond(schedule) : undefined), [end == null]);

  const zoomBy = (/** @type {number} */ factor, /** @type {number} */ at = 0.5) => {
    const { from, to } = span();
    const centre = from + (to - from) * at;
    const next = { from: centre - (centre - from) * factor, to: centre + (to - centre) * factor };
    const limit = { from: start, to: Math.max(end ?? Date.now(), start + 10) };
    if (next.to - next.from >= (limit.to - limit.from) * 1.01) view.current = null;
    else if (next.to - next.from > 1) view.current = next;
    schedule();
  };
  props.zoom.current = { fit: () => { view.current = null; schedule(); }, by: (factor) => zoomBy(factor) };

  useEffect(() => {
    const element = scroller.current;
    if (!element) return;
    /** @param {WheelEvent} event */
    const wheel = (event) => {
      const { width: w, names: n } = held.current;
      if (event.ctrlKey || event.metaKey) {
        event.preventDefault();
        const at = (event.clientX - element.getBoundingClientRect().left - n) / (w - n);
        zoomBy(Math.exp(event.deltaY * 0.002), Math.min(1, Math.max(0, at)));
      } else if (view.current && (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY))) {
        event.preventDefault();
        pan(((event.deltaX || event.deltaY) / (w - n)) * (view.current.to - view.current.from));
      }
    };
    element.addEventListener('wheel', wheel, { passive: false });
    return () => element.removeEventListener('wheel', wheel);
  }, [start, end]);
  const pan = (/** @type {number} */ by) => {
    if (!view.current) return;
    view.current = { from: view.current.from + by, to: view.current.to + by };
    schedule();
  };

  // The selected row comes into view when it is chosen elsewhere.
  useEffect(() => {
    const at = rows.findIndex((row) => row.id === selected);
    const element = scroller.current;
    if (at < 0 || !element) return;
    const top = at * ROW;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top + ROW + AXIS > element.scrollTop + element.clientHeight) element.scrollTop = top + ROW + AXIS - element.clientHeight;
  }, [selected]);

  // So does the beginning of the critical path when it is asked for.
  useEffect(() => {
    const at = props.critical ? rows.findIndex((row) => props.critical?.has(row.id) || row.members?.some((node) => props.critical?.has(node.id))) : -1;
    if (at >= 0 && scroller.current) scroller.current.scrollTop = Math.max(0, (at - 2) * ROW);
  }, [props.critical]);

  const rowAt = (/** @type {MouseEvent} */ event) => {
    const box = scroller.current?.getBoundingClientRect();
    const y = event.clientY - (box?.top ?? 0) - AXIS;
    if (y < 0) return -1;
    const at = Math.floor((y + (scroller.current?.scrollTop ?? 0)) / ROW);
    return at < rows.length ? at : -1;
  };
  const drag = useRef(/** @type {{x: number, moved: boolean} | null} */ (null));
  const step = (/** @type {number} */ by) => {
    const at = rows.findIndex((row) => row.id === selected);
    const next = rows[Math.min(rows.length - 1, Math.max(0, at + by))];
    if (next) props.onSelect(next);
  };
  const current = () => rows.find((row) => row.id === selected);
  const tip = hover && rows[hover.row];

  return html`<div class="gantt" ref=${scroller} tabIndex="0" role="application" aria-label="Timeline of tasks; the Tasks tab shows the same as a table"
      onScroll=${() => { setHover(null); schedule(); }}
      onKeyDown=${(event) => {
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        const row = current();
        if (event.key === 'ArrowDown') step(1);
        else if (event.key === 'ArrowUp') step(-1);
        else if (event.key === 'Enter' && row) props.onOpen(row);
        else if ((event.key === 'ArrowRight' || event.key === 'ArrowLeft') && row && row.kind !== 'task') { if ((event.key === 'ArrowRight') !== Boolean(row.open)) props.onToggle(row); }
        else if (event.key === '+' || event.key === '=') zoomBy(0.7);
        else if (event.key === '-') zoomBy(1.4);
        else return;
        event.preventDefault();
        event.stopPropagation();
      }}
      onPointerDown=${(event) => { if (event.button === 0) drag.current = { x: event.clientX, moved: false }; }}
      onPointerMove=${(event) => {
        if (drag.current && event.buttons === 1 && view.current) {
          const by = drag.current.x - event.clientX;
          if (Math.abs(by) > 3 || drag.current.moved) {
            drag.current = { x: event.clientX, moved: true };
            pan((by / (width - names)) * (view.current.to - view.current.from));
          }
        }
        const row = rowAt(event);
        setHover(row < 0 ? null : { row, x: event.clientX, y: event.clientY });
      }}
      onPointerLeave=${() => setHover(null)}
      onClick=${(event) => {
        if (drag.current?.moved) { drag.current = null; return; }
        const row = rows[rowAt(event)];
        if (!row) { props.onSelect(null); return; }
        const x = event.clientX - (scroller.current?.getBoundingClientRect().left ?? 0);
        if (row.kind === 'group' || (row.kind === 'flow-run' && x < 52 + row.depth * 14)) props.onToggle(row);
        else props.onSelect(row.id === selected ? null : row);
      }}
      onDblClick=${(event) => { const row = rows[rowAt(event)]; if (row && row.kind !== 'group') props.onOpen(row); }}>
    <canvas ref=${canvas} aria-hidden="true"></canvas>
    <div style=${{ height: `${Math.max(0, rows.length * ROW + AXIS - height)}px` }}></div>
    ${tip && hover && html`<${Tip} row=${tip} attempts=${props.attempts.get(tip.id)} x=${hover.x} y=${hover.y} />`}</div>`;
}

/** @param {{row: import('./gantt_layout.js').Row, attempts?: import('./gantt_layout.js').Attempt[], x: number, y: number}} props */
function Tip({ row, attempts, x, y }) {
  const node = row.node;
  const seconds = row.start != null ? ((row.end ?? Date.now()) - row.start) / 1000 : null;
  return html`<div class="tip" style=${{ left: `${Math.min(x + 14, innerWidth - 300)}px`, top: `${Math.min(y + 16, innerHeight - 130)}px` }}>
    <b>${row.label}</b>
    <div class="s-${row.key}">${row.kind === 'group' ? `${count(row.members?.length ?? 0)} tasks${row.failed ? `, ${count(row.failed)} failed` : ''}` : node?.name || stateLabel(node?.type ?? '')}${seconds != null ? ` · ${duration(seconds)}` : ''}${row.attempts > 1 ? ` · attempt ${row.attempts}` : ''}</div>
    ${row.start != null && html`<div class="muted">${absolute(row.start).slice(0, 10)} ${clock(row.start)}${row.wait ? ` · waited ${duration((row.start - row.wait) / 1000)}` : ''}</div>`}
    ${attempts && html`<div class="muted">${attemptWords(attempts, Date.now())}</div>`}
    ${node?.message && (row.key === 'failed' || row.key === 'crashed') && html`<div class="failure">${node.message.slice(0, 200)}</div>`}</div>`;
}

/** @param {HTMLCanvasElement | null} canvas @param {HTMLElement | null} scroller @param {any} p @param {{from: number, to: number}} view */
function draw(canvas, scroller, p, view) {
  const { rows, width, height, names, colours: c } = p;
  if (!canvas || !scroller || !width || !height || !c) return;
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
  const top = scroller.scrollTop;
  const now = Date.now();
  const wide = width - names;
  /** @param {number} time */
  const x = (time) => names + ((time - view.from) / (view.to - view.from)) * wide;

  // grid
  const step = niceStep((view.to - view.from) / 1000, Math.max(2, wide / 110)) * 1000;
  const fine = view.to - view.from < 2000 ? fineStep((view.to - view.from) / Math.max(2, wide / 110)) : step;
  const marks = [];
  for (let t = Math.ceil((view.from - p.start) / fine) * fine; p.start + t <= view.to; t += fine) marks.push(t);
  g.fillStyle = c.line;
  for (const t of marks) g.fillRect(Math.round(x(p.start + t)), AXIS, 1, height);

  const first = Math.max(0, Math.floor(top / ROW));
  const last = Math.min(rows.length, Math.ceil((top + height - AXIS) / ROW));
  g.textBaseline = 'middle';
  for (let i = first; i < last; i++) {
    const row = rows[i];
    const y = AXIS + i * ROW - top;
    const dim = p.critical && !(row.members ? row.members.some((/** @type {any} */ m) => p.critical.has(m.id)) : p.critical.has(row.id));
    if (row.id === p.selected || p.hover?.row === i) {
      g.fillStyle = row.id === p.selected ? c['accent-soft'] : c.hover;
      g.fillRect(0, y, width, ROW);
      if (row.id === p.selected) { g.fillStyle = c.accent; g.fillRect(0, y, 3, ROW); }
    }
    const fill = c[TOKEN[row.key] ?? row.key] ?? c.pending;
    g.globalAlpha = dim ? 0.25 : 1;
    drawBar(g, row, p, { x, y, fill, c, now, names, width });
    g.globalAlpha = 1;
  }

  // names, on their own ground so that bars never run under them
  g.fillStyle = c.bg;
  g.fillRect(0, AXIS, names, height - AXIS);
  for (let i = first; i < last; i++) {
    const row = rows[i];
    const y = AXIS + i * ROW - top;
    if (row.id === p.selected || p.hover?.row === i) {
      g.fillStyle = row.id === p.selected ? c['accent-soft'] : c.hover;
      g.fillRect(0, y, names, ROW);
      if (row.id === p.selected) { g.fillStyle = c.accent; g.fillRect(0, y, 3, ROW); }
    }
    drawName(g, row, { y, c, names });
  }
  g.fillStyle = c.line;
  g.fillRect(names, 0, 1, height);

  // axis
  g.fillStyle = c.side;
  g.fillRect(0, 0, width, AXIS);
  g.fillStyle = c.line;
  g.fillRect(0, AXIS - 1, width, 1);
  g.font = '11px ui-monospace, Menlo, Consolas, monospace';
  g.fillStyle = c['text-3'];
  g.fillText(`${count(rows.length)} ${rows.length === 1 ? 'row' : 'rows'}`, 16, AXIS / 2);
  for (const t of marks) {
    const at = x(p.start + t);
    if (at >= names && at < width - 30) g.fillText(t === 0 ? '0' : duration(t / 1000), at + 4, AXIS / 2);
  }
  if (p.end == null && now >= view.from && now <= view.to) {
    g.fillStyle = c.accent;
    g.fillRect(Math.round(x(now)), AXIS, 1, height);
  }
}

/** @param {number} ms */
function fineStep(ms) {
  for (const step of [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]) if (ms <= step) return step;
  return 1000;
}

/** @param {CanvasRenderingContext2D} g @param {any} row @param {any} p @param {any} o */
function drawBar(g, row, p, { x, y, fill, c, now, names, width }) {
  if (row.start == null) return;
  const left = x(row.start);
  const right = x(row.end ?? now);
  if (row.wait != null && x(row.wait) < left) {
    const from = Math.max(names, x(row.wait));
    g.fillStyle = c['line-2'];
    if (left > from) g.fillRect(from, y + ROW / 2 - 1, left - from, 2);
    if (x(row.wait) >= names) g.fillRect(from, y + 8, 1, 8);
  }
  if (right < names || left > width) { return; }
  if (row.kind === 'group') drawGroup(g, row, { x, y, c, now, names });
  else {
    const attempts = p.attempts.get(row.id);
    if (attempts?.length > 1) drawAttempts(g, attempts, { x, y, c, now });
    else bar(g, left, right, y, fill, row.kind === 'flow-run');
    if (row.end == null) { g.fillStyle = c.bg; g.globalAlpha *= 0.35; for (let s = Math.max(left, names); s < right - 4; s += 8) g.fillRect(s, y + 6, 3, ROW - 12); g.globalAlpha = 1; }
  }
  const text = `${duration(((row.end ?? now) - row.start) / 1000)}${row.attempts > 1 ? `  ×${row.attempts}` : ''}`;
  g.font = '11px ui-monospace, Menlo, Consolas, monospace';
  g.fillStyle = row.key === 'failed' || row.key === 'crashed' ? fill : c['text-2'];
  const size = text.length * 6.7;
  if (right + size + 10 < width) g.fillText(text, Math.max(right, names) + 6, y + ROW / 2 + 0.5);
  else if (left - size - 6 > names) g.fillText(text, left - size - 4, y + ROW / 2 + 0.5);
}

/** Each attempt in the colour of its end, the waiting between them lighter. @param {CanvasRenderingContext2D} g @param {import('./gantt_layout.js').Attempt[]} attempts @param {any} o */
function drawAttempts(g, attempts, { x, y, c, now }) {
  const shade = g.globalAlpha;
  attempts.forEach(({ start, end, key }, i) => {
    const left = x(start);
    const next = attempts[i + 1] && x(attempts[i + 1].start);
    // Attempts that follow each other at once keep a gap, and the shortest one can be seen.
    const right = Math.max(left + 2, Math.min(x(end ?? now), (next ?? Infinity) - 1));
    if (next > right + 1) {
      g.globalAlpha = shade * 0.3;
      g.fillStyle = c.scheduled;
      g.fillRect(right, y + 8, next - right, ROW - 16);
      g.globalAlpha = shade;
    }
    bar(g, left, right, y, c[TOKEN[key] ?? key], false);
  });
}

/** @param {CanvasRenderingContext2D} g @param {number} left @param {number} right @param {number} y @param {string} fill @param {boolean} hollow */
function bar(g, left, right, y, fill, hollow) {
  const wide = Math.max(2, right - left);
  g.fillStyle = fill;
  g.beginPath();
  g.roundRect(left, y + 6, wide, ROW - 12, 3);
  if (!hollow) { g.fill(); return; }
  const alpha = g.globalAlpha;
  g.globalAlpha = alpha * 0.28;
  g.fill();
  g.globalAlpha = alpha;
  g.strokeStyle = fill;
  g.lineWidth = 1;
  g.stroke();
}

/** Members as thin strokes over a pale bar: where they ran, and which failed. @param {CanvasRenderingContext2D} g @param {any} row @param {any} o */
function drawGroup(g, row, { x, y, c, now, names }) {
  const alpha = g.globalAlpha;
  g.globalAlpha = alpha * 0.18;
  bar(g, x(row.start), x(row.end ?? now), y, c[TOKEN[row.key] ?? row.key] ?? c.pending, false);
  g.globalAlpha = alpha * 0.8;
  let drawn = -Infinity;
  for (const node of row.members) {
    if (node.start == null || node.key === 'failed' || node.key === 'crashed') continue;
    const left = x(node.start);
    const right = x(node.end ?? now);
    if (right < names || right <= drawn + 0.5) continue;
    g.fillStyle = c[TOKEN[node.key] ?? node.key] ?? c.pending;
    g.fillRect(Math.max(left, drawn), y + 8, Math.max(1, right - Math.max(left, drawn)), ROW - 16);
    drawn = right;
  }
  g.globalAlpha = alpha;
  for (const node of row.members) {
    if (node.start == null || (node.key !== 'failed' && node.key !== 'crashed')) continue;
    g.fillStyle = c[node.key];
    g.fillRect(x(node.start), y + 5, Math.max(3, x(node.end ?? now) - x(node.start)), ROW - 10);
  }
}

/** @param {CanvasRenderingContext2D} g @param {any} row @param {any} o */
function drawName(g, row, { y, c, names }) {
  let left = 16 + row.depth * 14;
  const middle = y + ROW / 2;
  g.fillStyle = c[TOKEN[row.key] ?? row.key] ?? c.pending;
  g.beginPath();
  g.roundRect(left, middle - 4, 8, 8, row.key === 'failed' || row.key === 'crashed' ? 2 : 4);
  g.fill();
  left += 15;
  if (row.kind !== 'task') {
    g.strokeStyle = c['text-2'];
    g.lineWidth = 1.4;
    g.beginPath();
    if (row.open) { g.moveTo(left, middle - 2); g.lineTo(left + 3.5, middle + 2); g.lineTo(left + 7, middle - 2); }
    else { g.moveTo(left + 1.5, middle - 3.5); g.lineTo(left + 5, middle); g.lineTo(left + 1.5, middle + 3.5); }
    g.stroke();
    left += 13;
  }
  const bad = row.key === 'failed' || row.key === 'crashed';
  g.font = `${bad || row.kind === 'group' ? '600 ' : ''}12.5px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif`;
  g.fillStyle = row.start == null && row.kind === 'task' ? c['text-3'] : c.text;
  const suffix = row.kind === 'group' ? ` ×${count(row.members.length)}` : '';
  g.fillText(fitText(g, row.label, names - left - 8 - (suffix ? g.measureText(suffix).width + 4 : 0)), left, middle + 0.5);
  if (suffix) {
    g.fillStyle = row.failed ? c.failed : c['text-3'];
    const text = row.failed ? `${count(row.failed)} of ${count(row.members.length)} failed` : suffix;
    g.font = '11px ui-monospace, Menlo, Consolas, monospace';
    g.textAlign = 'right';
    g.fillText(text, names - 8, middle + 0.5);
    g.textAlign = 'left';
  }
}

/** @type {Map<string, string>} */
const fitted = new Map();

/** @param {CanvasRenderingContext2D} g @param {string} text @param {number} room */
export function fitText(g, text, room) {
  const key = `${text}\0${Math.round(room)}\0${g.font}`;
  const known = fitted.get(key);
  if (known !== undefined) return known;
  if (fitted.size > 4000) fitted.clear();
  let shown = text;
  if (g.measureText(text).width > room) {
    let low = 0;
    let high = text.length;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (g.measureText(`${text.slice(0, middle)}…`).width <= room) low = middle;
      else high = middle - 1;
    }
    shown = `${text.slice(0, low)}…`;
  }
  fitted.set(key, shown);
  return shown;
}

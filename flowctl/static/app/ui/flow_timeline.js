// Runs of each flow on one time axis: names as links, bars on a canvas, now as a line, what is to come as ticks.

import { html, useEffect, useMemo, useRef, useState } from '../../vendor/preact.js';
import { TERMINAL, absolute, count, duration, stateKey, tickLabel, ticks } from '../format.js';
import { TOKEN, nameOf, navigate, readColours } from '../store.js';
import { layLanes } from './attention.js';
import { Link, everySecond, useSize } from './controls.js';

const ROW = 26;
const AXIS = 22;
const LANES = 3;
const ROWS_AT_FIRST = 14;
/** Failures are drawn over what worked. */
const ORDER = /** @type {Record<string, number>} */ ({ completed: 0, cancelled: 1, pending: 1, running: 2, crashed: 3, failed: 3 });

/**
 * @typedef {{run: any, start: number, end: number, live: boolean, key: string, lane: number}} Bar
 * @typedef {{flow: string, bars: Bar[], marks: {at: number, run: any}[], lanes: number, last: number}} Row
 */

/**
 * @param {any[]} runs @param {any[]} scheduled @param {number} gap @param {number} start @param {number} end  of the axis
 * @returns {Row[]}
 */
function rowsOf(runs, scheduled, gap, start, end) {
  /** @type {Map<string, Row>} */
  const rows = new Map();
  /** @param {string} flow */
  const row = (flow) => {
    const known = rows.get(flow) ?? { flow, bars: [], marks: [], lanes: 1, last: 0 };
    rows.set(flow, known);
    return known;
  };
  for (const run of runs) {
    if (!run.start_time) continue;
    const began = Date.parse(run.start_time);
    const live = !TERMINAL.has(run.state_type);
    const key = stateKey(run.state_type, run.state_name);
    const at = row(run.flow_id);
    at.bars.push({ run, start: began, end: live ? Infinity : Date.parse(run.end_time ?? run.start_time), live, key: TOKEN[key] ?? key, lane: 0 });
    at.last = Math.max(at.last, began);
  }
  for (const run of scheduled) {
    const at = Date.parse(run.next_scheduled_start_time ?? run.expected_start_time);
    if (at >= start && at < end) row(run.flow_id).marks.push({ at, run });
  }
  for (const each of rows.values()) {
    each.lanes = layLanes(each.bars, LANES, gap);
    each.bars.sort((a, b) => (ORDER[a.key] ?? 1) - (ORDER[b.key] ?? 1));
  }
  return [...rows.values()].sort((a, b) => (nameOf(a.flow) ?? '').localeCompare(nameOf(b.flow) ?? ''));
}

/**
 * @param {{runs: any[], scheduled: any[], start: number, end: number, names: number, onZoom: (from: number, to: number) => void}} props
 * `names` counts up when names of flows arrive
 */
export function FlowTimeline({ runs, scheduled, start, end, names, onZoom }) {
  const root = useRef(/** @type {HTMLElement | null} */ (null));
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  const { width } = useSize(root);
  const [all, setAll] = useState(false);
  const [hover, setHover] = useState(/** @type {{x: number, y: number, bar?: Bar, mark?: {at: number, run: any}} | null} */ (null));
  const [drag, setDrag] = useState(/** @type {[number, number] | null} */ (null));
  const colours = useRef(/** @type {Record<string, string>} */ ({}));
  const rows = useMemo(() => rowsOf(runs, scheduled, ((end - start) / Math.max(1, width)) * 2, start, end), [runs, scheduled, start, end, width, names]);
  const shown = all ? rows : rows.slice(0, ROWS_AT_FIRST);
  const height = shown.length * ROW + AXIS;
  /** @param {number} time */
  const x = (time) => ((time - start) / (end - start)) * width;

  const paint = () => draw(canvas.current, { rows: shown, width, height, x, start, end, c: colours.current });
  const held = useRef(paint);
  held.current = paint;
  useEffect(() => {
    colours.current = readColours();
    const changed = () => { colours.current = readColours(); held.current(); };
    document.addEventListener('flowctl-theme', changed);
    const stop = everySecond(() => held.current());
    return () => { document.removeEventListener('flowctl-theme', changed); stop(); };
  }, []);
  useEffect(() => { const frame = requestAnimationFrame(() => held.current()); return () => cancelAnimationFrame(frame); });

  /** @param {PointerEvent | MouseEvent} event */
  const at = (event) => {
    const box = canvas.current?.getBoundingClientRect();
    return { px: event.clientX - (box?.left ?? 0), py: event.clientY - (box?.top ?? 0) };
  };
  /** @param {PointerEvent | MouseEvent} event */
  const find = (event) => {
    const { px, py } = at(event);
    const row = shown[Math.floor(py / ROW)];
    if (!row) return {};
    const now = Date.now();
    const near = [...row.bars].reverse().filter((bar) => px >= x(bar.start) - 3 && px <= Math.max(x(bar.start) + 3, x(bar.live ? now : bar.end)) + 3);
    const lane = Math.floor(((py % ROW) / ROW) * row.lanes);
    const bar = near.find((each) => each.lane === lane) ?? near[0];
    return { bar, mark: bar ? undefined : row.marks.find((mark) => Math.abs(x(mark.at) - px) <= 4) };
  };

  return html`<div class="tl">
    <ul class="tl-names" style=${{ height: `${height}px` }}>${shown.map((row) => html`<li key=${row.flow}><${Link} to="/flows/flow/${row.flow}" class="cut" title=${nameOf(row.flow)}>${nameOf(row.flow) ?? '…'}<//>
      <span class="num faint" title="${count(row.bars.length)} runs">${count(row.bars.length)}</span></li>`)}</ul>
    <div class="tl-plot" ref=${root} role="img" aria-label=${`Runs by flow: ${shown.map((row) => `${nameOf(row.flow) ?? 'a flow'} ${row.bars.length} runs, ${row.bars.filter((bar) => bar.key === 'failed' || bar.key === 'crashed').length} failed`).join('; ') || 'none'}`}>
      <canvas ref=${canvas} style=${{ width: `${width}px`, height: `${height}px` }} class=${hover?.bar || hover?.mark ? 'is-hit' : ''}
        onPointerDown=${(event) => { if (event.button === 0 && !find(event).bar) { /** @type {Element} */ (event.currentTarget).setPointerCapture(event.pointerId); setDrag([at(event).px, at(event).px]); } }}
        onPointerMove=${(event) => { if (drag) setDrag([drag[0], at(event).px]); else setHover({ x: event.clientX, y: event.clientY, ...find(event) }); }}
        onPointerLeave=${() => setHover(null)} onPointerCancel=${() => setDrag(null)}
        onPointerUp=${() => {
          if (!drag) return;
          const [from, to] = [Math.max(0, Math.min(...drag)), Math.min(width, Math.max(...drag))];
          setDrag(null);
          if (to - from >= 5) onZoom(start + (from / width) * (end - start), start + (to / width) * (end - start));
        }}
        onClick=${(event) => { const found = find(event); const run = found.bar?.run ?? found.mark?.run; if (run) navigate(`/runs/flow-run/${run.id}`); }}></canvas>
      ${drag && html`<div class="tl-drag" style=${{ left: `${Math.min(...drag)}px`, width: `${Math.abs(drag[1] - drag[0])}px` }}></div>`}
      ${hover && (hover.bar || hover.mark) && html`<${Tip} ...${hover} />`}</div>
    ${rows.length > ROWS_AT_FIRST && html`<button type="button" class="btn small ghost tl-more" onClick=${() => setAll(!all)}>${all ? 'Show fewer' : `Show all ${count(rows.length)} flows`}</button>`}</div>`;
}

/** @param {{x: number, y: number, bar?: Bar, mark?: {at: number, run: any}}} props */
function Tip({ x, y, bar, mark }) {
  const run = bar?.run ?? mark?.run;
  const key = stateKey(run.state_type, run.state_name);
  return html`<div class="tip is-fixed" style=${{ left: `${Math.min(x + 14, innerWidth - 300)}px`, top: `${Math.min(y + 16, innerHeight - 110)}px` }}><b>${run.name}</b>
    <div class="tip-row s-${key}"><i></i>${run.state_name}${bar ? ` · ${duration(((bar.live ? Date.now() : bar.end) - bar.start) / 1000)}` : ''}</div>
    <div class="muted">${absolute(bar?.start ?? mark?.at)}</div></div>`;
}

/**
 * @param {HTMLCanvasElement | null} canvas
 * @param {{rows: Row[], width: number, height: number, x: (time: number) => number, start: number, end: number, c: Record<string, string>}} p
 */
function draw(canvas, { rows, width, height, x, start, end, c }) {
  if (!canvas || !width || !c.bg) return;
  const ratio = devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const g = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  g.setTransform(ratio, 0, 0, ratio, 0, 0);
  const now = Date.now();
  const foot = height - AXIS;
  const marks = ticks(start, end, width);
  g.fillStyle = c.line;
  for (const t of marks) g.fillRect(Math.round(x(t)), 0, 1, foot);
  for (let i = 1; i < rows.length; i++) g.fillRect(0, i * ROW, width, 1);
  if (now < end) { g.fillStyle = c.side; g.fillRect(x(now), 0, width - x(now), foot); }
  rows.forEach((row, i) => {
    const tall = Math.min(12, (ROW - 8) / row.lanes - 1);
    const top = i * ROW + (ROW - row.lanes * (tall + 1) + 1) / 2;
    for (const bar of row.bars) {
      const left = Math.max(0, x(bar.start));
      const right = Math.min(width, x(bar.live ? now : bar.end));
      if (right < 0 || left > width) continue;
      g.fillStyle = c[bar.key] ?? c.pending;
      g.globalAlpha = bar.key === 'completed' ? 0.8 : 1;
      g.beginPath();
      g.roundRect(left, top + bar.lane * (tall + 1), Math.max(2.5, right - left), tall, 2);
      g.fill();
    }
    g.globalAlpha = 1;
    let before = -Infinity;
    for (const mark of row.marks) {
      const at = x(mark.at);
      if (at < 0 || at > width || at - before < 7) continue;
      before = at;
      g.strokeStyle = mark.run.state_name === 'Late' || mark.at < now - 15_000 ? c.failed : c.scheduled;
      g.lineWidth = 1.5;
      g.beginPath();
      g.roundRect(at - 2, i * ROW + ROW / 2 - 4, 4, 8, 1.5);
      g.stroke();
    }
  });
  g.fillStyle = c['line-2'];
  g.fillRect(0, foot, width, 1);
  g.font = '10.5px ui-monospace, Menlo, Consolas, monospace';
  g.textBaseline = 'middle';
  g.fillStyle = c['text-3'];
  for (const t of marks) if (x(t) < width - 44 && (x(t) + 44 < x(now) - 15 || x(t) > x(now) + 18)) g.fillText(tickLabel(t, end - start), x(t) + 4, foot + 12);
  if (now > start && now < end) {
    g.fillStyle = c.accent;
    g.fillRect(Math.round(x(now)), 0, 1.5, foot);
    g.clearRect(x(now) - 15, foot + 2, 34, AXIS - 2);
    g.font = '600 10.5px system-ui, sans-serif';
    g.textAlign = 'center';
    g.fillText('now', x(now), foot + 12);
    g.textAlign = 'left';
  }
}

// History of runs as stacked bars, and their durations as a scatter: SVG by hand.

import { html, useMemo, useRef, useState } from '../../vendor/preact.js';
import { STATE_TYPES, absolute, count, duration, stateKey, stateLabel, tickLabel, ticks } from '../format.js';
import { useSize } from './controls.js';

const HEIGHT = 64;
const AXIS = 16;

/** @typedef {{start: number, end: number, counts: Record<string, number>, total: number}} Bucket */

/**
 * @param {any[]} history  answer of /flow_runs/history
 * @returns {Bucket[]}
 */
export function toBuckets(history) {
  return history.map((slot) => {
    /** @type {Record<string, number>} */
    const counts = {};
    let total = 0;
    for (const state of slot.states) {
      const type = state.state_type === 'CANCELLING' ? 'CANCELLED' : state.state_type;
      counts[type] = (counts[type] ?? 0) + state.count_runs;
      total += state.count_runs;
    }
    return { start: Date.parse(slot.interval_start), end: Date.parse(slot.interval_end), counts, total };
  });
}

/**
 * @param {{buckets: Bucket[], start: number, end: number, active: Set<string>, mode: string, runs: any[],
 *   onZoom: (start: number, end: number) => void, onOpen: (run: any) => void, stale?: boolean}} props
 */
export function History({ buckets, start, end, active, mode, runs, onZoom, onOpen, stale }) {
  const root = useRef(/** @type {HTMLElement | null} */ (null));
  const { width } = useSize(root);
  const [hover, setHover] = useState(/** @type {number | null} */ (null));
  const [drag, setDrag] = useState(/** @type {[number, number] | null} */ (null));
  const span = Math.max(1, end - start);
  /** @param {number} time */
  const x = (time) => ((time - start) / span) * width;
  /** @param {PointerEvent} event */
  const position = (event) => Math.min(width, Math.max(0, event.clientX - (root.current?.getBoundingClientRect().left ?? 0)));

  const bars = useMemo(() => (width ? drawBars(buckets, x, active) : null), [buckets, width, start, end, active]);
  const labels = width ? ticks(start, end, width) : [];
  const time = hover == null ? 0 : start + (hover / width) * span;
  const slot = hover != null && mode === 'bars' ? buckets.find((b) => b.start <= time && time < b.end) : undefined;

  return html`<div class="history ${stale ? 'is-stale' : ''}" ref=${root}
    role="img" aria-label=${summary(buckets)}
    onPointerDown=${(event) => {
      if (event.button !== 0 || /** @type {Element} */ (event.target).closest('.dot')) return;
      /** @type {HTMLElement} */ (event.currentTarget).setPointerCapture(event.pointerId);
      setDrag([position(event), position(event)]);
    }}
    onPointerMove=${(event) => { setHover(position(event)); if (drag) setDrag([drag[0], position(event)]); }}
    onPointerLeave=${() => setHover(null)}
    onPointerCancel=${() => setDrag(null)}
    onPointerUp=${() => {
      if (!drag) return;
      const [from, to] = drag[0] < drag[1] ? drag : [drag[1], drag[0]];
      setDrag(null);
      if (to - from >= 5) onZoom(start + (from / width) * span, start + (to / width) * span);
      else if (slot && slot.total) onZoom(slot.start, slot.end);
    }}>
    <svg width=${width} height=${HEIGHT + AXIS} aria-hidden="true">
      ${labels.map((t) => html`<line class="grid" key=${t} x1=${x(t)} x2=${x(t)} y1="0" y2=${HEIGHT} />`)}
      ${slot && html`<rect class="hover" x=${x(slot.start)} width=${Math.max(1, x(slot.end) - x(slot.start))} y="0" height=${HEIGHT} />`}
      ${mode === 'bars' ? bars : html`<${Scatter} runs=${runs} x=${x} width=${width} active=${active} onOpen=${onOpen} />`}
      <line class="base" x1="0" x2=${width} y1=${HEIGHT + 0.5} y2=${HEIGHT + 0.5} />
      ${labels.map((t) => (x(t) > width - 40 ? null : html`<text class="tick" key=${t} x=${x(t) + 4} y=${HEIGHT + 13}>${tickLabel(t, span)}</text>`))}
      ${drag && html`<rect class="drag" x=${Math.min(...drag)} width=${Math.abs(drag[1] - drag[0])} y="0" height=${HEIGHT} />`}
    </svg>
    ${slot && !drag && html`<div class="tip" style=${{ left: `${Math.min(Math.max(8, x(slot.start) + 12), Math.max(8, width - 190))}px` }}>
      <b>${absolute(slot.start).slice(5, 16)} – ${absolute(slot.end).slice(11, 16)}</b>
      ${slot.total ? [...STATE_TYPES].reverse().filter((type) => slot.counts[type]).map((type) => html`
        <span class="tip-row s-${stateKey(type)}" key=${type}><i></i>${stateLabel(type)}<em>${count(slot.counts[type])}</em></span>`) : html`<span class="muted">No runs</span>`}
    </div>`}</div>`;
}

/** @param {Bucket[]} buckets */
function summary(buckets) {
  /** @type {Record<string, number>} */
  const sums = {};
  for (const bucket of buckets) for (const [type, n] of Object.entries(bucket.counts)) sums[type] = (sums[type] ?? 0) + n;
  const parts = Object.entries(sums).map(([type, n]) => `${n} ${stateLabel(type).toLowerCase()}`);
  return `History of runs: ${parts.join(', ') || 'no runs'}`;
}

/** @param {Bucket[]} buckets @param {(time: number) => number} x @param {Set<string>} active */
function drawBars(buckets, x, active) {
  const most = Math.max(1, ...buckets.map((bucket) => bucket.total));
  return buckets.filter((bucket) => bucket.total).map((bucket) => {
    const left = x(bucket.start);
    const gap = x(bucket.end) - left > 5 ? 1.5 : 0.5;
    const wide = Math.max(1.5, x(bucket.end) - left - gap);
    let y = HEIGHT;
    const parts = [];
    for (const type of STATE_TYPES) {
      const n = bucket.counts[type];
      if (!n) continue;
      const tall = Math.max(2.5, (n / most) * (HEIGHT - 8));
      y -= tall;
      parts.push(html`<rect key=${type} class="bar s-${stateKey(type)} ${active.size && !active.has(type) ? 'is-off' : ''}" x=${left} y=${y} width=${wide} height=${Math.max(1.5, tall - 0.75)} rx="1" />`);
    }
    return html`<g key=${bucket.start}>${parts}</g>`;
  });
}

/** @param {{runs: any[], x: (time: number) => number, width: number, active: Set<string>, onOpen: (run: any) => void}} props */
function Scatter({ runs, x, width, onOpen }) {
  const dots = runs.filter((run) => run.start_time).slice(0, 1000);
  const seconds = dots.map((run) => Math.max(0.01, run.estimated_run_time || run.total_run_time || 0));
  const low = Math.log(Math.min(...seconds) / 1.5);
  const high = Math.log(Math.max(...seconds, 0.02) * 1.2);
  /** @param {number} value */
  const y = (value) => HEIGHT - 5 - ((Math.log(value) - low) / Math.max(0.1, high - low)) * (HEIGHT - 12);
  /** @type {number[]} */
  const marks = [];
  for (const mark of [0.01, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 18000, 86400, 604800]) {
    if (Math.log(mark) > low && y(mark) > 9 && (!marks.length || y(marks[marks.length - 1]) - y(mark) > 16)) marks.push(mark);
  }
  return html`<g>${marks.map((mark) => html`<g key=${mark}><line class="grid" x1="0" x2=${width} y1=${y(mark)} y2=${y(mark)} /><text class="tick" x=${width - 4} y=${y(mark) - 2} text-anchor="end">${duration(mark).replace('.0s', 's')}</text></g>`)}
    ${dots.map((run, i) => html`<circle key=${run.id} class="dot s-${stateKey(run.state_type, run.state_name)}" cx=${x(Date.parse(run.start_time))} cy=${y(seconds[i])} r="3.5"
      onClick=${() => onOpen(run)}><title>${run.name} · ${run.state_name} · ${duration(seconds[i])}</title></circle>`)}</g>`;
}

// A table that draws only the rows in view: real <table>, real rows, the others are two spacer rows.  And the lists that fill it.

import { html, useEffect, useLayoutEffect, useMemo, useRef, useState } from '../../vendor/preact.js';
import { post } from '../api.js';
import { TERMINAL, count, duration, plural, stateKey } from '../format.js';
import { loadReasons, nameOf, namesVersion, navigate, place, useActions } from '../store.js';
import { DurationBar, Icon, Link, Reason, StateBadge, Tags, Time, failureOf, rowHeight, secondsOf } from './controls.js';

/** Where lists stood when they were left, by history entry. @type {Map<string, number>} */
const scrollMemory = new Map();

const OVERSCAN = 6;

/**
 * @template T
 * @typedef {{key: string, head: any, class?: string, sort?: [string, string], cell: (row: T, index: number) => any, label?: string}} Column
 */

/**
 * @param {{
 *   label: string, rows: any[], columns: Column<any>[], total?: number, rowId: (row: any) => string,
 *   rowHeight: (row: any) => number, rowClass?: (row: any) => string, cursor?: number, onOpen?: (row: any, event: MouseEvent) => void,
 *   onEnd?: () => void, sort?: string, onSort?: (sort: string) => void, before?: any, after?: any, stale?: boolean,
 *   onScroll?: (top: number) => void, scroller?: {current: HTMLElement | null}, remember?: string,
 * }} props
 */
export function Table(props) {
  const { label, rows, columns, total = rows.length, rowId, rowHeight, rowClass, cursor = -1, onOpen, onEnd, sort, onSort, before, after, stale, onScroll, remember } = props;
  const own = useRef(/** @type {HTMLElement | null} */ (null));
  const scroller = props.scroller ?? own;
  const body = useRef(/** @type {HTMLElement | null} */ (null));
  const [view, setView] = useState({ top: 0, height: 900 });

  const offsets = useMemo(() => {
    const sums = new Float64Array(rows.length + 1);
    for (let i = 0; i < rows.length; i++) sums[i + 1] = sums[i] + rowHeight(rows[i]);
    return sums;
  }, [rows, rowHeight]);

  const measure = () => {
    const element = scroller.current;
    if (!element || !body.current) return;
    const head = body.current.offsetTop;
    const top = Math.max(0, element.scrollTop - head);
    setView((old) => (Math.abs(old.top - top) < 1 && old.height === element.clientHeight ? old : { top, height: element.clientHeight }));
    onScroll?.(element.scrollTop);
    if (onEnd && element.scrollTop + element.clientHeight * 2 > element.scrollHeight) onEnd();
  };

  useLayoutEffect(() => {
    measure();
    const observer = new ResizeObserver(measure);
    if (scroller.current) observer.observe(scroller.current);
    return () => observer.disconnect();
  }, []);

  // Back brings the list to where it was left.
  const memory = remember && `${place.peek().key}:${remember}`;
  useLayoutEffect(() => {
    if (!memory || !scroller.current) return;
    const saved = scrollMemory.get(memory);
    if (saved) scroller.current.scrollTop = saved;
    const element = scroller.current;
    const save = () => scrollMemory.set(memory, element.scrollTop);
    element.addEventListener('scroll', save, { passive: true });
    return () => element.removeEventListener('scroll', save);
  }, [memory]);

  useEffect(() => {
    const element = scroller.current;
    if (cursor < 0 || cursor >= rows.length || !element || !body.current) return;
    const top = offsets[cursor] + body.current.offsetTop;
    const bottom = top + rowHeight(rows[cursor]);
    const headHeight = /** @type {HTMLElement | null} */ (element.querySelector('thead'))?.offsetHeight ?? 0;
    if (top - headHeight < element.scrollTop) element.scrollTop = top - headHeight;
    else if (bottom > element.scrollTop + element.clientHeight) element.scrollTop = bottom - element.clientHeight;
  }, [cursor]);

  let first = search(offsets, view.top) - OVERSCAN;
  let last = search(offsets, view.top + view.height) + OVERSCAN;
  first = Math.max(0, first);
  last = Math.min(rows.length, last);

  return html`<div class="scroll ${stale ? 'is-stale' : ''}" ref=${scroller} onScroll=${measure} tabIndex="-1">
    ${before}
    <table class="vtable" aria-label=${label} aria-rowcount=${total + 1}>
      <colgroup>${columns.map((column) => html`<col key=${column.key} class="c-${column.key}" />`)}</colgroup>
      <thead><tr aria-rowindex="1">${columns.map((column) => html`<${HeadCell} key=${column.key} column=${column} sort=${sort} onSort=${onSort} />`)}</tr></thead>
      <tbody ref=${body}>
        ${first > 0 && html`<tr class="spacer" aria-hidden="true" key="before"><td style=${{ height: `${offsets[first]}px` }}></td></tr>`}
        ${rows.slice(first, last).map((row, i) => html`<tr key=${rowId(row)} aria-rowindex=${first + i + 2} aria-current=${first + i === cursor ? 'true' : undefined}
            class="row ${rowClass?.(row) ?? ''} ${first + i === cursor ? 'is-cursor' : ''}" style=${{ height: `${rowHeight(row)}px` }}
            onClick=${onOpen && ((event) => openRow(event, () => onOpen(row, event)))}>
          ${columns.map((column) => html`<td key=${column.key} class="c-${column.key}">${column.cell(row, first + i)}</td>`)}</tr>`)}
        ${last < rows.length && html`<tr class="spacer" aria-hidden="true" key="after"><td style=${{ height: `${offsets[rows.length] - offsets[last]}px` }}></td></tr>`}
      </tbody>
    </table>
    ${after}</div>`;
}

/** @param {{column: Column<any>, sort?: string, onSort?: (sort: string) => void}} props */
function HeadCell({ column, sort, onSort }) {
  const name = `c-${column.key} ${column.class ?? ''}`;
  if (!column.sort || !onSort) return html`<th scope="col" class=${name}>${column.head || html`<span class="sr">${column.label}</span>`}</th>`;
  const [down, up] = column.sort;
  const direction = sort === down ? 'descending' : sort === up ? 'ascending' : 'none';
  return html`<th scope="col" class=${name} aria-sort=${direction}>
    <button type="button" class="sort" onClick=${() => onSort(sort === down ? up : down)}>${column.head}<span class="sort-mark" aria-hidden="true">${direction === 'descending' ? '↓' : direction === 'ascending' ? '↑' : ''}</span></button></th>`;
}

/** @param {MouseEvent} event @param {() => void} open */
function openRow(event, open) {
  if (event.defaultPrevented || /** @type {Element} */ (event.target).closest('a, button, input, label')) return;
  if (String(getSelection() ?? '')) return;
  open();
}

/**
 * The index of the last offset that is not beyond `value`.
 * @param {Float64Array} offsets
 * @param {number} value
 */
function search(offsets, value) {
  let low = 0;
  let high = offsets.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (offsets[middle] <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}

// --- long lists: as many pages as were scrolled to, each a request of its own, so that no request grows without end ----------

export const PAGE = 200;
/** Pages of a list; who has more flows than that finds one by searching. */
export const PAGES = 10;

/**
 * @param {string} path  `…/paginate`
 * @param {Record<string, any>} body
 * @param {number} pages  so many, from the first
 * @param {AbortSignal} signal
 * @returns {Promise<{results: any[], count: number}>}  each object once
 */
export async function paged(path, body, pages, signal) {
  const answers = await Promise.all(Array.from({ length: pages }, (_, i) => post(path, { ...body, limit: PAGE, page: i + 1 }, { signal })));
  const found = new Map(answers.flatMap((answer) => answer.results.map((/** @type {any} */ each) => [each.id, each])));
  return { results: [...found.values()], count: answers[0]?.count ?? 0 };
}

/**
 * The same question about parts of many ids, its answers put together.
 * @template T
 * @param {string[]} ids
 * @param {(part: string[]) => Promise<T>} ask
 * @returns {Promise<T[]>}
 */
export const inParts = (ids, ask) => Promise.all(Array.from({ length: Math.ceil(ids.length / PAGE) }, (_, i) => ask(ids.slice(i * PAGE, (i + 1) * PAGE))));

/** What is at the end of a list. @param {number} shown @param {number} total @param {number} pages @param {string} words  `12 flows` @param {string} many */
export const endOfList = (shown, total, pages, words, many) =>
  shown >= total ? words : pages < PAGES ? `${shown.toLocaleString('en-US')} of ${total.toLocaleString('en-US')} ${many}` : `${shown.toLocaleString('en-US')} of ${total.toLocaleString('en-US')} ${many}; search to find the others`;

// --- runs of one flow or deployment: as small bars, in numbers, as a table ------------------------------------------------

export const BARS = 20;

/**
 * @typedef {{last: any, rate: number | null, median: number | null, p95: number | null, ended: number}} Stats
 * @param {any[]} runs  newest first
 * @returns {Stats}
 */
export function statsOf(runs) {
  const ended = runs.filter((run) => run.state_type === 'COMPLETED' || run.state_type === 'FAILED' || run.state_type === 'CRASHED');
  const lengths = ended.filter((run) => run.state_type === 'COMPLETED' && run.start_time && run.end_time).map((run) => secondsOf(run) ?? 0).sort((a, b) => a - b);
  /** @param {number} part */
  const at = (part) => (lengths.length ? lengths[Math.min(lengths.length - 1, Math.ceil(part * lengths.length) - 1)] : null);
  return {
    last: runs.find((run) => run.start_time) ?? null, ended: ended.length, median: at(0.5), p95: at(0.95),
    rate: ended.length ? ended.filter((run) => run.state_type === 'COMPLETED').length / ended.length : null,
  };
}

/** The last runs, the newest on the right; the taller the longer. `narrow`: no room for those to come @param {{runs: any[], narrow?: boolean}} props */
export function RunBars({ runs, narrow = false }) {
  const shown = runs.filter((run) => run.start_time).slice(0, BARS).reverse();
  const longest = Math.max(...shown.map((run) => secondsOf(run) ?? 0), 0.001);
  const words = `Last ${plural(shown.length, 'run')}: ${shown.filter((run) => run.state_type === 'COMPLETED').length} completed`;
  return html`<svg class="run-bars" width=${(narrow ? shown.length : BARS) * 7} height="22" role="img" aria-label=${shown.length ? words : 'No runs'}>${shown.map((run, i) => {
    const tall = Math.max(4, Math.sqrt((secondsOf(run) ?? 0) / longest) * 20);
    return html`<rect key=${run.id} class="bar s-${stateKey(run.state_type, run.state_name)}" x=${((narrow ? 0 : BARS - shown.length) + i) * 7} y=${22 - tall} width="5" height=${tall} rx="1"
      onClick=${(e) => { e.stopPropagation(); navigate(`/runs/flow-run/${run.id}`); }}><title>${run.name} · ${run.state_name} · ${duration(secondsOf(run))}</title></rect>`;
  })}</svg>`;
}

/**
 * @param {{label: string, runs: any[], total: number, stale?: boolean, group: string, deployments?: boolean, onEnd?: () => void, after?: any}} props
 * `group`: under which its keys are listed
 */
export function RunTable({ label, runs, total, stale, group, deployments = false, onEnd }) {
  namesVersion.value;
  useEffect(() => { loadReasons(runs).catch(() => {}); }, [runs.map((run) => run.state_id).join()]);
  const scroller = useRef(/** @type {HTMLElement | null} */ (null));
  const [cursor, setCursor] = useState(-1);
  const usual = useMemo(() => statsOf(runs).median ?? undefined, [runs]);
  const move = (/** @type {number} */ by) => setCursor((at) => Math.min(runs.length - 1, Math.max(0, at + by)));
  const open = (/** @type {any} */ run) => navigate(`/runs/flow-run/${run.id}`);
  useActions([
    { key: 'j', label: 'Next run', group, run: () => move(1) }, { key: 'k', label: 'Previous run', group, run: () => move(-1) },
    { key: 'ArrowDown', label: '', hidden: true, run: () => move(1) }, { key: 'ArrowUp', label: '', hidden: true, run: () => move(-1) },
    { key: 'Enter', label: 'Open the run', group, run: () => runs[cursor] && open(runs[cursor]) },
  ]);
  const columns = [
    { key: 'state', head: 'State', cell: (/** @type {any} */ run) => html`<${StateBadge} type=${run.state_type} name=${run.state_name} />` },
    {
      key: 'name', head: 'Run', cell: (/** @type {any} */ run) => html`<${Link} class="name" to="/runs/flow-run/${run.id}" title=${run.name}>${run.name}<//>
        ${run.parent_task_run_id && html`<span class="sub-mark" title="Subflow"><${Icon} name="subflow" size=${13} /></span>`}
        <${Reason} run=${run} />`,
    },
    ...(deployments ? [{ key: 'flow', head: 'Deployment', cell: (/** @type {any} */ run) => html`<span class="cut">${run.deployment_id ? nameOf(run.deployment_id) ?? '…' : ''}</span>` }] : []),
    { key: 'started', head: 'Started', cell: (/** @type {any} */ run) => html`<${Time} at=${run.start_time ?? run.expected_start_time} />` },
    { key: 'duration', head: 'Duration', cell: (/** @type {any} */ run) => html`<${DurationBar} run=${run} usual=${usual} />` },
    { key: 'tags', head: 'Tags', cell: (/** @type {any} */ run) => html`<${Tags} tags=${run.tags.filter((/** @type {string} */ tag) => tag !== 'auto-scheduled')} />` },
  ];
  return html`<${Table} label=${label} rows=${runs} columns=${columns} total=${total} rowId=${(run) => run.id} rowHeight=${rowHeight} cursor=${cursor} stale=${stale} scroller=${scroller} remember=${label}
    rowClass=${(run) => (failureOf(run) ? 'has-failure' : '')} onOpen=${open} onEnd=${onEnd}
    after=${html`<div class="table-foot">${runs.length < total ? `${count(runs.length)} of ${count(total)} runs` : plural(total, 'run')}</div>`} />`;
}

const RUNS = 200;
const ROUNDS = 3;

/**
 * The last runs of each flow or deployment.  Those that run often fill the first answer; the others are asked for again without them.
 * @param {'flow_id' | 'deployment_id'} by
 * @param {string[]} ids
 * @param {AbortSignal} signal
 */
export async function lastRuns(by, ids, signal) {
  /** @type {Map<string, any[]>} */
  const found = new Map(ids.map((id) => [id, []]));
  let missing = ids;
  for (let round = 0; round < ROUNDS && missing.length; round++) {
    const among = { [by === 'flow_id' ? 'flows' : 'deployments']: { id: { any_: missing } } };
    const runs = await post('/flow_runs/filter', { ...among, flow_runs: { start_time: { is_null_: false } }, sort: 'START_TIME_DESC', limit: RUNS }, { signal });
    for (const id of missing) found.set(id, []);
    for (const run of runs) found.get(run[by])?.push(run);
    if (runs.length < RUNS) break;
    missing = missing.filter((id) => (found.get(id)?.length ?? 0) < BARS);
  }
  return found;
}

/** @param {any[]} runs */
export const isBusy = (runs) => runs.some((run) => !TERMINAL.has(run.state_type) && run.state_type !== 'SCHEDULED' && run.state_type !== 'PAUSED');

// Runs of one flow or deployment: as a table, as small bars, and in numbers.

import { html, useEffect, useMemo, useRef, useState } from '../../vendor/preact.js';
import { post } from '../api.js';
import { TERMINAL, count, duration, plural, stateKey } from '../format.js';
import { loadReasons, nameOf, namesVersion, navigate, useActions } from '../store.js';
import { DurationBar, Icon, Link, Reason, StateBadge, Tags, Time, failureOf, rowHeight, secondsOf } from './controls.js';
import { Table } from './table.js';

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
      onClick=${(/** @type {Event} */ e) => { e.stopPropagation(); navigate(`/runs/flow-run/${run.id}`); }}><title>${run.name} · ${run.state_name} · ${duration(secondsOf(run))}</title></rect>`;
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
  return html`<${Table} label=${label} rows=${runs} columns=${columns} total=${total} rowId=${(/** @type {any} */ run) => run.id} rowHeight=${rowHeight} cursor=${cursor} stale=${stale} scroller=${scroller} remember=${label}
    rowClass=${(/** @type {any} */ run) => (failureOf(run) ? 'has-failure' : '')} onOpen=${open} onEnd=${onEnd}
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

// Work pools: who takes their runs, how full they are, what waits.

import { html, useMemo, useRef, useState } from '../../vendor/preact.js';
import { call, config, post, useLive } from '../api.js';
import { count, plural } from '../format.js';
import { navigate, place, setQuery, useActions, useQuery, useTitle } from '../store.js';
import { Command, Empty, ErrorBox, Icon, Link, Skeleton, Switch, Time } from '../ui/controls.js';
import { Table } from '../ui/table.js';

const PAGE = 200;
const LATE_MS = 15_000;

/** @param {any} run */
const dueAt = (run) => run.next_scheduled_start_time ?? run.expected_start_time;

/** @param {string} name */
export const poolPath = (name) => `/work-pools/work-pool/${encodeURIComponent(name)}`;

/** Whether somebody takes its runs. @param {{of: any}} props  a pool or a queue */
export function Taken({ of }) {
  const [look, word, why] = of.status === 'PAUSED' || of.is_paused ? ['paused', 'Paused', 'Its runs wait until it goes on']
    : of.status === 'READY' ? ['completed', 'Ready', 'Somebody asks for its runs'] : ['pending', 'No worker', 'Nobody asks for its runs'];
  return html`<span class="ready s-${look}" title=${why}><i></i>${word}</span>`;
}

/** How much of a limit is used. @param {{of: any}} props  a pool or a queue */
export const Used = ({ of }) => (of.concurrency_limit == null ? html`<span class="faint">no limit</span>` : html`<span class="num">${of.active_slots == null ? '' : `${count(of.active_slots)} of `}${count(of.concurrency_limit)}</span>`);

/**
 * Pause a pool or a queue, or let it go on.
 * @param {string} path @param {any} of
 */
export async function setPaused(path, of) {
  const { attempt, toast } = await import('../ui/actions.js');
  return attempt(async () => {
    await call('PATCH', path, { is_paused: !of.is_paused });
    toast(of.is_paused ? `${of.name} goes on.` : `${of.name} is paused: its runs wait.`);
    return true;
  });
}

export default function WorkPoolsPage() {
  const search = place.value.query.get('name') ?? '';
  useTitle('Work pools');
  const pools = useQuery('work pools', (signal) => post('/work_pools/filter', { limit: PAGE }, { signal }));
  const all = /** @type {any[]} */ (pools.data ?? []);
  const rows = useMemo(() => all.filter((pool) => pool.name.toLowerCase().includes(search.toLowerCase())), [pools.data, search]);
  const names = all.map((pool) => pool.name);
  const waiting = useQuery(names.length ? `work pools waiting ${names.join()}` : null, (signal) => post('/flow_runs/filter', {
    work_pools: { name: { any_: names } }, flow_runs: { state: { type: { any_: ['SCHEDULED'] } } }, sort: 'NEXT_SCHEDULED_START_TIME_ASC', limit: PAGE,
  }, { signal }));
  const reload = async () => { await Promise.all([pools.reload(), waiting.reload()]); };
  useLive((event) => /^prefect\.(work-pool|work-queue|worker|flow-run)\./.test(event.event), reload);

  const scroller = useRef(/** @type {HTMLElement | null} */ (null));
  const [cursor, setCursor] = useState(-1);
  const open = (/** @type {any} */ pool) => navigate(poolPath(pool.name));
  const toggle = async (/** @type {any} */ pool) => { if (await setPaused(`/work_pools/${encodeURIComponent(pool.name)}`, pool)) await pools.reload(); };
  const move = (/** @type {number} */ by) => setCursor((at) => Math.min(rows.length - 1, Math.max(0, at + by)));
  useActions([
    { key: '/', label: 'Search by name', group: 'Work pools', run: () => document.getElementById('pool-search')?.focus() },
    { key: 'j', label: 'Next work pool', group: 'Work pools', run: () => move(1) }, { key: 'k', label: 'Previous work pool', group: 'Work pools', run: () => move(-1) },
    { key: 'ArrowDown', label: '', hidden: true, run: () => move(1) }, { key: 'ArrowUp', label: '', hidden: true, run: () => move(-1) },
    { key: 'Enter', label: 'Open the work pool', group: 'Work pools', run: () => rows[cursor] && open(rows[cursor]) },
    { key: 'Escape', label: 'Clear the search', group: 'Work pools', run: () => setQuery({ name: null }) },
  ]);

  const none = html`<span class="faint">–</span>`;
  const columns = useMemo(() => {
    /** @param {any} pool */
    const runsOf = (pool) => (waiting.data ?? []).filter((/** @type {any} */ run) => run.work_pool_name === pool.name);
    /** @param {any} run */
    const late = (run) => Date.parse(dueAt(run)) < Date.now() - LATE_MS;
    return [
      { key: 'name', head: 'Work pool', cell: (/** @type {any} */ pool) => html`<${Link} class="name" to=${poolPath(pool.name)} title=${pool.name}>${pool.name}<//> <span class="muted">${pool.type}</span>` },
      { key: 'status', head: 'Status', cell: (/** @type {any} */ pool) => html`<${Taken} of=${pool} />` },
      { key: 'rate', head: 'Slots', cell: (/** @type {any} */ pool) => html`<${Used} of=${pool} />` },
      { key: 'count', head: 'Late', cell: (/** @type {any} */ pool) => { const n = runsOf(pool).filter(late).length; return n ? html`<span class="num is-low">${count(n)}</span>` : none; } },
      { key: 'next', head: 'Next run', cell: (/** @type {any} */ pool) => { const next = runsOf(pool).find((/** @type {any} */ run) => !late(run)); return next ? html`<${Link} class="quiet" to="/runs/flow-run/${next.id}" title=${next.name}><${Time} at=${dueAt(next)} /><//>` : none; } },
      { key: 'toggle', head: 'Active', cell: (/** @type {any} */ pool) => html`<${Switch} on=${!pool.is_paused} label="${pool.name} gives out runs" onChange=${() => toggle(pool)} />` },
    ];
  }, [waiting.data]);

  return html`<section class="page pools-page">
    <div class="page-head"><h1>Work pools</h1>
      <label class="search"><${Icon} name="search" /><span class="sr">Search by name</span><input id="pool-search" type="search" placeholder="Search by name" value=${search} autocomplete="off" spellcheck=${false}
        onInput=${(e) => setQuery({ name: e.target.value }, { replace: true })} /><kbd>/</kbd></label></div>
    <${ErrorBox} error=${pools.error ?? waiting.error} retry=${reload} />
    ${!pools.data ? !pools.error && html`<${Skeleton} />` : !all.length ? html`<${NoPools} />`
      : !rows.length ? html`<${Empty} title="No work pool matches"><p><button class="btn primary" onClick=${() => setQuery({ name: null })}>Clear the search</button></p><//>`
      : html`<${Table} label="Work pools" rows=${rows} columns=${columns} rowId=${(pool) => pool.id} rowHeight=${rowTall} cursor=${cursor} stale=${pools.stale} scroller=${scroller} remember="work pools" onOpen=${open}
          after=${html`<div class="table-foot" aria-live="polite">${plural(rows.length, 'work pool')}</div>`} />`}
  </section>`;
}

const rowTall = () => (document.documentElement.dataset.density === 'comfortable' ? 44 : 36);

const NoPools = () => html`<${Empty} title="No work pools yet"><p>A work pool hands the runs of its deployments to workers. Without one, <code>flow.serve()</code> starts runs by itself. Create one:</p>
  <${Command} lines=${`export PREFECT_API_URL=${config.api}
prefect work-pool create local --type process
prefect worker start --pool local`} /><//>`;

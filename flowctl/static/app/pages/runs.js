// Runs: what ran, what failed and with which error, as one dense live table under its history.

import { html, useEffect, useMemo, useRef, useState } from '../../vendor/preact.js';
import { post } from '../api.js';
import { STATE_TYPES, TERMINAL, count, elapsed, errorLine, median, niceStep, plural, stateKey, stateLabel, typeOfStateName } from '../format.js';
import { idsOf, useLive } from '../live.js';
import { listParam } from '../router.js';
import { loadNames, nameOf, namesVersion, navigate, place, readSetting, rememberNames, setQuery, useActions, useQuery, useTitle, writeSetting } from '../store.js';
import { History, toBuckets } from '../ui/chart.js';
import { Command, Copy, Duration, Empty, ErrorBox, Icon, Link, Menu, Segments, Skeleton, StateBadge, Tabs, Tags, Time } from '../ui/controls.js';
import { Table } from '../ui/table.js';

const PAGE = 200;
const WEEK = 7 * 86400;
const RANGES = /** @type {[number, string][]} */ ([[3600, '1 hour'], [21600, '6 hours'], [86400, '24 hours'], [WEEK, '7 days'], [30 * 86400, '30 days'], [365 * 86400, '1 year']]);
const CHIPS = [...STATE_TYPES].reverse();

const actions = () => import('../ui/actions.js');

/**
 * @typedef {{search: string, states: string[], names: string[], flows: string[], deployments: string[], pools: string[], tags: string[],
 *   topLevel: boolean, sort: string, seconds: number, start: number | null, end: number | null}} Filters
 */

/** @param {URLSearchParams} query @returns {Filters} */
export function readFilters(query) {
  const states = listParam(query, 'state');
  const fixed = query.get('rangeType') === 'range' && query.get('start') && query.get('end');
  return {
    search: query.get('flow-run-search') ?? '',
    states: states.map(typeOfStateName).filter((type) => type !== null),
    names: states.filter((name) => !typeOfStateName(name)),
    flows: listParam(query, 'flows'), deployments: listParam(query, 'deployments'),
    pools: listParam(query, 'work-pools'), tags: listParam(query, 'tags'),
    topLevel: query.get('subflows') === 'hide',
    sort: query.get('sort') ?? 'START_TIME_DESC',
    seconds: Math.abs(Number(query.get('seconds'))) || WEEK,
    start: fixed ? Date.parse(query.get('start') ?? '') : null,
    end: fixed ? Date.parse(query.get('end') ?? '') : null,
  };
}

/** @param {Filters} f */
const windowOf = (f) => (f.start && f.end ? { start: f.start, end: f.end } : { start: Date.now() - f.seconds * 1000, end: Date.now() });

/**
 * The body of /flow_runs/filter and its relatives.
 * @param {Filters} f
 * @param {boolean} withStates  the history counts all states, chosen or not
 */
function bodyOf(f, withStates) {
  const { start, end } = windowOf(f);
  /** @type {any} */
  const runs = { expected_start_time: { after_: new Date(start).toISOString() } };
  // Runs of the future are asked for by their state; without that they would fill the top of the list.
  if (f.end || !(withStates && f.states.includes('SCHEDULED'))) runs.expected_start_time.before_ = new Date(f.end ?? end + 2000).toISOString();
  if (f.search) runs.name = { like_: f.search };
  if (f.tags.length) runs.tags = { all_: f.tags };
  if (f.deployments.length) runs.deployment_id = { any_: f.deployments };
  if (f.topLevel) runs.parent_task_run_id = { is_null_: true };
  if (withStates && (f.states.length || f.names.length)) {
    const types = f.states.includes('CANCELLED') ? [...f.states, 'CANCELLING'] : f.states;
    runs.state = { operator: 'or_', ...(types.length && { type: { any_: types } }), ...(f.names.length && { name: { any_: f.names } }) };
  }
  return {
    flow_runs: runs,
    ...(f.flows.length && { flows: { id: { any_: f.flows } } }),
    ...(f.pools.length && { work_pools: { name: { any_: f.pools } } }),
  };
}

/** @param {any} run */
const seconds = (run) => (TERMINAL.has(run.state_type) && run.end_time ? elapsed(run.start_time, run.end_time, 0) : run.start_time ? elapsed(run.start_time, null, Date.now()) : null);

/** @param {any} run */
const failureOf = (run) => (run.state_type === 'FAILED' || run.state_type === 'CRASHED' ? errorLine(run.state?.message) : '');

const rowHeights = () => (document.documentElement.dataset.density === 'comfortable' ? [40, 58] : [32, 50]);
/** @param {any} run */
const rowHeight = (run) => rowHeights()[failureOf(run) ? 1 : 0];

export default function RunsPage() {
  const tab = place.value.query.get('tab') === 'task-runs' ? 'task-runs' : 'flow-runs';
  return tab === 'task-runs' ? html`<${TaskRuns} key="tasks" />` : html`<${FlowRuns} key="flows" />`;
}

/** @param {{tab: string, children?: any}} props */
function Head({ tab, children }) {
  return html`<div class="page-head"><h1>Runs</h1>
    <${Tabs} label="Kind of runs" value=${tab} tabs=${[['flow-runs', 'Flow runs'], ['task-runs', 'Task runs']]}
      onChange=${(/** @type {string} */ next) => navigate(next === 'task-runs' ? '/runs?tab=task-runs' : '/runs')} />
    ${children}</div>`;
}

function FlowRuns() {
  const query = place.value.query;
  const filters = useMemo(() => readFilters(query), [String(query)]);
  const key = JSON.stringify(filters);
  namesVersion.value;
  useTitle('Runs');

  const [taskCounts, setTaskCounts] = useState(/** @type {Record<string, number>} */ ({}));
  const extra = useRef({ key: '', rows: /** @type {any[]} */ ([]), loading: false });
  const [, redraw] = useState(0);
  const [hidden, setHidden] = useState(/** @type {Set<string>} */ (new Set()));

  const details = (/** @type {any[]} */ runs) => {
    if (!runs.length) return;
    loadNames(runs).catch(() => {});
    post('/ui/flow_runs/count-task-runs', { flow_run_ids: runs.slice(0, PAGE).map((run) => run.id) })
      .then((counts) => setTaskCounts((old) => ({ ...old, ...counts })), () => {});
  };
  const runs = useQuery(`runs ${key}`, async (signal) => {
    const answer = await post('/flow_runs/paginate', { ...bodyOf(filters, true), sort: filters.sort, limit: PAGE, page: 1 }, { signal });
    details(answer.results);
    return { rows: answer.results, count: answer.count };
  });
  const history = useQuery(`history ${key.replace(/"(states|names|sort)":(\[[^\]]*\]|"[^"]*"),?/g, '')}`, async (signal) => {
    const { start, end } = windowOf(filters);
    const step = niceStep((end - start) / 1000, 90);
    const answer = await post('/flow_runs/history', { ...bodyOf(filters, false), history_start: new Date(start).toISOString(), history_end: new Date(end).toISOString(), history_interval_seconds: step }, { signal });
    return { buckets: toBuckets(answer), start, end };
  });

  if (extra.current.key !== key) extra.current = { key, rows: [], loading: false };
  const base = runs.data?.rows;
  const rows = useMemo(() => {
    const seen = new Set();
    return [...(base ?? []), ...extra.current.rows].filter((run) => !hidden.has(run.id) && !seen.has(run.id) && seen.add(run.id));
  }, [base, extra.current.rows, hidden]);
  const total = Math.max(rows.length, (runs.data?.count ?? 0) - hidden.size);

  const loadMore = async () => {
    const held = extra.current;
    if (held.loading || !base || rows.length + hidden.size >= (runs.data?.count ?? 0) || runs.stale) return;
    held.loading = true;
    try {
      const page = Math.floor((base.length + held.rows.length) / PAGE) + 1;
      const answer = await post('/flow_runs/paginate', { ...bodyOf(filters, true), sort: filters.sort, limit: PAGE, page });
      if (extra.current === held) {
        extra.current = { ...held, rows: [...held.rows, ...answer.results], loading: false };
        details(answer.results);
        redraw((n) => n + 1);
      }
    } catch { held.loading = false; }
  };

  // --- live: states change at once, new runs wait behind a pill while the list is scrolled
  const scroller = useRef(/** @type {HTMLElement | null} */ (null));
  const [fresh, setFresh] = useState(/** @type {any} */ (null));
  const busy = rows.some((run) => run.state_type === 'RUNNING' || run.state_type === 'PENDING' || run.state_type === 'CANCELLING');
  const refresh = async () => {
    const answer = await post('/flow_runs/paginate', { ...bodyOf(filters, true), sort: filters.sort, limit: PAGE, page: 1 });
    details(answer.results.filter((/** @type {any} */ run) => !nameOf(run.flow_id) || !TERMINAL.has(run.state_type) || !(run.id in taskCounts)));
    history.reload();
    const known = new Set(rows.map((run) => run.id));
    const added = answer.results.filter((/** @type {any} */ run) => !known.has(run.id) && !hidden.has(run.id));
    const next = { rows: answer.results, count: answer.count };
    if (added.length && (scroller.current?.scrollTop ?? 0) > 160) {
      const updates = new Map(answer.results.map((/** @type {any} */ run) => [run.id, run]));
      setFresh({ next, count: added.length });
      runs.set({ rows: (base ?? []).map((/** @type {any} */ run) => updates.get(run.id) ?? run), count: answer.count });
    } else {
      setFresh(null);
      runs.set(next);
    }
  };
  useLive((event) => event.event.startsWith('prefect.flow-run.') || [...idsOf(event)].some((id) => id in taskCounts),
    () => refresh().catch(() => {}), {
      busy,
      onEvent: (event) => {
        const resource = event.resource;
        const id = resource['prefect.resource.id']?.replace('prefect.flow-run.', '');
        const at = base?.findIndex((/** @type {any} */ run) => run.id === id) ?? -1;
        if (at < 0 || !resource['prefect.state-type']) return;
        const next = [...(base ?? [])];
        next[at] = { ...next[at], state_type: resource['prefect.state-type'], state_name: resource['prefect.state-name'] ?? next[at].state_name, state: { ...next[at].state, message: resource['prefect.state-message'] ?? null } };
        runs.set({ rows: next, count: runs.data?.count ?? next.length });
      },
    });

  // --- counts for the chips: sums of the history
  const sums = useMemo(() => {
    /** @type {Record<string, number>} */
    const all = {};
    for (const bucket of history.data?.buckets ?? []) for (const [type, n] of Object.entries(bucket.counts)) all[type] = (all[type] ?? 0) + n;
    return all;
  }, [history.data]);
  const medians = useMemo(() => {
    /** @type {Map<string, number[]>} */
    const byFlow = new Map();
    for (const run of rows) if (run.state_type === 'COMPLETED' && run.end_time) byFlow.set(run.flow_id, [...(byFlow.get(run.flow_id) ?? []), seconds(run) ?? 0]);
    return new Map([...byFlow].map(([flow, values]) => [flow, median(values) ?? 0]));
  }, [rows]);

  // --- selection, cursor, keys
  const [selected, setSelected] = useState(/** @type {Set<string>} */ (new Set()));
  const [cursor, setCursor] = useState(-1);
  const anchor = useRef(-1);
  useEffect(() => { setSelected(new Set()); setCursor(-1); }, [key]);
  const toggle = (/** @type {number} */ at, range = false) => {
    const next = new Set(selected);
    if (range && anchor.current >= 0) for (let i = Math.min(anchor.current, at); i <= Math.max(anchor.current, at); i++) next.add(rows[i].id);
    else if (next.has(rows[at].id)) next.delete(rows[at].id);
    else next.add(rows[at].id);
    anchor.current = at;
    setSelected(next);
  };
  const open = (/** @type {any} */ run) => navigate(`/runs/flow-run/${run.id}`);
  const move = (/** @type {number} */ by) => setCursor((at) => Math.min(rows.length - 1, Math.max(0, at + by)));
  const toggleState = (/** @type {string} */ type, only = false) => {
    const next = only ? [type] : filters.states.includes(type) ? filters.states.filter((s) => s !== type) : [...filters.states, type];
    setQuery({ state: [...next.map(stateLabel), ...(only ? [] : filters.names)] });
  };
  const focusSearch = () => /** @type {HTMLInputElement | null} */ (document.getElementById('run-search'))?.focus();
  useActions([
    { key: '/', label: 'Search by name', group: 'Runs', run: focusSearch },
    { key: 'j', label: 'Next run', group: 'Runs', run: () => move(1) },
    { key: 'k', label: 'Previous run', group: 'Runs', run: () => move(-1) },
    { key: 'ArrowDown', label: '', hidden: true, run: () => move(1) },
    { key: 'ArrowUp', label: '', hidden: true, run: () => move(-1) },
    { key: 'Enter', label: 'Open the run', group: 'Runs', run: () => rows[cursor] && open(rows[cursor]) },
    { key: 'x', label: 'Select', group: 'Runs', run: () => cursor >= 0 && toggle(cursor) },
    { key: 'X', label: 'Select up to here', group: 'Runs', run: () => cursor >= 0 && toggle(cursor, true) },
    { key: '* a', label: 'Select all loaded', group: 'Runs', run: () => setSelected(new Set(rows.map((run) => run.id))) },
    { key: 'f', label: 'Failed and crashed only', group: 'Runs', run: () => setQuery({ state: filters.states.join() === 'FAILED,CRASHED' ? null : ['Failed', 'Crashed'] }) },
    { key: 'Escape', label: 'Clear selection, then filters', group: 'Runs', run: () => (selected.size ? setSelected(new Set()) : clearFilters()) },
  ]);
  const clearFilters = () => navigate('/runs');
  const filtered = Boolean(filters.search || filters.states.length || filters.names.length || filters.flows.length || filters.deployments.length || filters.pools.length || filters.tags.length || filters.topLevel);

  const [columnsOff, setColumnsOff] = useState(() => new Set(readSetting('runs.columns.off', '').split(',')));
  const columns = [
    {
      key: 'check', head: '', label: 'Select', cell: (/** @type {any} */ run, /** @type {number} */ i) => html`<label class="row-check"><input type="checkbox" checked=${selected.has(run.id)} aria-label="Select ${run.name}"
        onClick=${(/** @type {MouseEvent} */ e) => { e.stopPropagation(); toggle(i, e.shiftKey); }} /></label>`,
    },
    { key: 'state', head: 'State', cell: (/** @type {any} */ run) => html`<${StateBadge} type=${run.state_type} name=${run.state_name} />` },
    {
      key: 'name', head: 'Run', sort: /** @type {[string, string]} */ (['NAME_DESC', 'NAME_ASC']), cell: (/** @type {any} */ run) => {
        const failure = failureOf(run);
        return html`<${Link} class="name" to=${`/runs/flow-run/${run.id}`} title=${run.name}>${run.name}<//>
          ${run.parent_task_run_id && html`<span class="sub-mark" title="Subflow"><${Icon} name="subflow" size=${13} /></span>`}
          ${failure && html`<div class="failure" title=${run.state?.message}>${failure}</div>`}`;
      },
    },
    { key: 'flow', head: 'Flow', cell: (/** @type {any} */ run) => html`<span class="cut" title=${nameOf(run.flow_id)}>${nameOf(run.flow_id) ?? ''}${run.deployment_id && html`<span class="muted"> › ${nameOf(run.deployment_id) ?? ''}</span>`}</span>` },
    { key: 'started', head: 'Started', sort: /** @type {[string, string]} */ (['START_TIME_DESC', 'START_TIME_ASC']), cell: (/** @type {any} */ run) => html`<${Time} at=${run.start_time ?? run.expected_start_time} />` },
    { key: 'duration', head: 'Duration', cell: (/** @type {any} */ run) => html`<${DurationBar} run=${run} usual=${medians.get(run.flow_id)} />` },
    { key: 'tasks', head: 'Tasks', cell: (/** @type {any} */ run) => html`<span class="num">${taskCounts[run.id] ? count(taskCounts[run.id]) : html`<span class="faint">–</span>`}</span>` },
    { key: 'tags', head: 'Tags', cell: (/** @type {any} */ run) => html`<${Tags} tags=${run.tags} />` },
  ].filter((column) => !columnsOff.has(column.key));

  const { start, end } = history.data ?? windowOf(filters);
  const chart = readSetting('runs.chart', 'bars');
  const [mode, setMode] = useState(chart);
  const active = useMemo(() => new Set(filters.states), [key]);
  const nothingAtAll = runs.data && !runs.stale && !rows.length && !filtered && !history.data?.buckets.some((b) => b.total);

  return html`<section class="page runs-page">
    <${Head} tab="flow-runs">
      <label class="search"><${Icon} name="search" /><span class="sr">Search by name</span>
        <input id="run-search" type="search" placeholder="Search by name" value=${filters.search} autocomplete="off" spellcheck=${false}
          onInput=${(/** @type {any} */ e) => setQuery({ 'flow-run-search': e.target.value, page: null }, { replace: true })}
          onKeyDown=${(/** @type {KeyboardEvent} */ e) => { if (e.key === 'Escape' || e.key === 'Enter') /** @type {any} */ (e.target).blur(); }} /><kbd>/</kbd></label>
      <div class="pickers">
        <${EntityPicker} label="Flow" chosen=${filters.flows} path="/flows/filter" filter="flows" onChange=${(/** @type {string[]} */ ids) => setQuery({ flows: ids })} />
        <${EntityPicker} label="Deployment" chosen=${filters.deployments} path="/deployments/filter" filter="deployments" onChange=${(/** @type {string[]} */ ids) => setQuery({ deployments: ids })} />
        <${TagPicker} chosen=${filters.tags} rows=${rows} />
        <button type="button" class="btn ghost toggle" aria-pressed=${filters.topLevel} onClick=${() => setQuery({ subflows: filters.topLevel ? null : 'hide' })} title="Hide runs that another flow started">Hide subflows</button>
        ${filtered && html`<button type="button" class="btn ghost" onClick=${clearFilters} title="Clear all filters (Esc)"><${Icon} name="close" size=${14} />Clear</button>`}
      </div>
      <div class="head-right"><${RangePicker} filters=${filters} /></div>
    <//>
    <div class="filter-bar">
      <div class="chips" role="group" aria-label="States">${CHIPS.map((type) => html`<button type="button" key=${type} class="chip s-${stateKey(type)} ${sums[type] ? '' : 'is-zero'}"
        aria-pressed=${filters.states.includes(type)} title="${stateLabel(type)}: click to add or remove, Alt-click for only this"
        onClick=${(/** @type {MouseEvent} */ e) => toggleState(type, e.altKey)}><i></i><span>${stateLabel(type)}</span><em>${history.data ? count(sums[type] ?? 0) : ''}</em></button>`)}
        ${filters.names.map((name) => html`<button type="button" key=${name} class="chip s-${stateKey('SCHEDULED', name)}" aria-pressed="true" onClick=${() => setQuery({ state: [...filters.states.map(stateLabel), ...filters.names.filter((n) => n !== name)] })}><i></i><span>${name}</span><${Icon} name="close" size=${12} /></button>`)}
      </div>
      <div class="pickers view-tools">
        <${ColumnMenu} off=${columnsOff} onChange=${(/** @type {Set<string>} */ off) => { setColumnsOff(off); writeSetting('runs.columns.off', [...off].join()); }} />
        <${Segments} label="Chart" value=${mode} choices=${[['bars', html`<${Icon} name="bars" /><span class="sr">Bars</span>`], ['scatter', html`<${Icon} name="scatter" /><span class="sr">Durations</span>`]]} onChange=${(/** @type {string} */ m) => { setMode(m); writeSetting('runs.chart', m); }} />
      </div>
    </div>
    ${history.error ? html`<${ErrorBox} error=${history.error} retry=${history.reload} />` : !nothingAtAll && html`<${History} buckets=${history.data?.buckets ?? []} start=${start} end=${end} active=${active} mode=${mode} runs=${rows} stale=${history.stale} onOpen=${open}
      onZoom=${(/** @type {number} */ from, /** @type {number} */ to) => setQuery({ rangeType: 'range', start: new Date(from).toISOString(), end: new Date(to).toISOString(), seconds: null })} />`}
    ${selected.size > 0 && html`<${BulkBar} rows=${rows} selected=${selected} total=${total} setSelected=${setSelected} filters=${filters} refresh=${refresh} setHidden=${setHidden} />`}
    ${fresh && html`<button type="button" class="pill" onClick=${() => { runs.set(fresh.next); setFresh(null); if (scroller.current) scroller.current.scrollTop = 0; }}>${plural(fresh.count, 'new run')} <${Icon} name="up" size=${14} /></button>`}
    <${ErrorBox} error=${runs.error} retry=${runs.reload} />
    ${!base ? !runs.error && html`<${Skeleton} />`
      : rows.length === 0 ? html`<${NoRuns} filtered=${filtered} nothing=${nothingAtAll} clear=${clearFilters} seconds=${filters.seconds} />`
      : html`<${Table} label="Flow runs" rows=${rows} columns=${columns} total=${total} rowId=${(/** @type {any} */ run) => run.id} rowHeight=${rowHeight} cursor=${cursor} stale=${runs.stale}
          rowClass=${(/** @type {any} */ run) => `${selected.has(run.id) ? 'is-selected' : ''} ${failureOf(run) ? 'has-failure' : ''}`} scroller=${scroller} remember="runs"
          sort=${filters.sort} onSort=${(/** @type {string} */ sort) => setQuery({ sort: sort === 'START_TIME_DESC' ? null : sort })} onOpen=${open} onEnd=${loadMore}
          after=${html`<div class="table-foot" aria-live="polite">${rows.length < total ? `${count(rows.length)} of ${count(total)} runs loaded` : plural(total, 'run')}</div>`} />`}
  </section>`;
}

/** @param {{filtered: boolean, nothing: any, clear: () => void, seconds: number}} props */
function NoRuns({ filtered, clear, seconds: span }) {
  if (filtered) return html`<${Empty} title="No run matches these filters"><p><button class="btn primary" onClick=${clear}>Clear filters</button></p><//>`;
  if (span < 365 * 86400) return html`<${Empty} title="No runs in this time">
      <p>Start one, and it shows up here at once:</p>
      <${Command} lines=${example()} />
      <p class="muted">Looking for older runs? <button class="btn small" onClick=${() => setQuery({ rangeType: null, start: null, end: null, seconds: String(-365 * 86400) })}>Show one year</button></p><//>`;
  return html`<${Empty} title="No runs yet"><p>Start one, and it shows up here at once:</p><${Command} lines=${example()} /><//>`;
}

const example = () => `export PREFECT_API_URL=${new URL(document.querySelector('meta[name="flowctl-api"]')?.getAttribute('content') || '/api', location.href).href.replace(/\/$/, '')}
python -c '
from prefect import flow
@flow(log_prints=True)
def hello(): print("Hello from flowctl")
hello()'`;

/** Its length against the flow's median, which is the thin mark at one third. @param {{run: any, usual?: number}} props */
function DurationBar({ run, usual }) {
  const value = seconds(run);
  if (value == null) return html`<span class="faint">–</span>`;
  const part = usual ? Math.min(1, value / usual / 3) : Math.min(1, Math.log1p(value) / Math.log1p(3600));
  const live = !TERMINAL.has(run.state_type);
  return html`<span class="dur s-${stateKey(run.state_type, run.state_name)}"><span class="dur-track ${usual ? 'has-usual' : ''}" aria-hidden="true"><span class="dur-bar ${live ? 'is-live' : ''}" style=${{ width: `${Math.max(4, part * 100)}%` }}></span></span>
    <${Duration} start=${run.start_time} end=${live ? null : run.end_time} live=${run.state_type === 'RUNNING' || run.state_type === 'CANCELLING'} /></span>`;
}

/** @param {{filters: Filters}} props */
function RangePicker({ filters }) {
  const fixed = filters.start && filters.end;
  const label = fixed ? `${short(filters.start ?? 0)} – ${short(filters.end ?? 0)}` : RANGES.find(([s]) => s === filters.seconds)?.[1] ?? `${Math.round(filters.seconds / 3600)} hours`;
  return html`<${Menu} align="right" title="Time range" label=${html`${label}<${Icon} name="down" size=${14} />`}>${(/** @type {() => void} */ close) => html`
    ${RANGES.map(([value, text]) => html`<button type="button" class="menu-item ${!fixed && value === filters.seconds ? 'is-on' : ''}" key=${value}
      onClick=${() => { close(); setQuery({ rangeType: null, start: null, end: null, seconds: value === WEEK ? null : String(-value) }); }}>Last ${text}</button>`)}
    <form class="menu-form" onSubmit=${(/** @type {any} */ e) => {
      e.preventDefault();
      const from = new Date(e.target.from.value);
      const to = new Date(e.target.to.value);
      if (Number.isNaN(+from) || Number.isNaN(+to) || from >= to) return;
      close();
      setQuery({ rangeType: 'range', start: from.toISOString(), end: to.toISOString(), seconds: null });
    }}><label>From <input type="datetime-local" name="from" required value=${local(filters.start ?? Date.now() - filters.seconds * 1000)} /></label>
      <label>To <input type="datetime-local" name="to" required value=${local(filters.end ?? Date.now())} /></label><button class="btn small">Apply</button></form>`}<//>`;
}

/** @param {number} time */
const local = (time) => new Date(time - new Date(time).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
/** @param {number} time */
const short = (time) => local(time).slice(5).replace('T', ' ');

/** @param {{label: string, chosen: string[], path: string, filter: string, onChange: (ids: string[]) => void}} props */
function EntityPicker({ label, chosen, path, filter, onChange }) {
  const names = chosen.map((id) => nameOf(id)).filter(Boolean);
  const text = chosen.length === 0 ? label : names.length === 1 && chosen.length === 1 ? names[0] : `${label} · ${chosen.length}`;
  useEffect(() => { if (chosen.some((id) => !nameOf(id))) loadNames(chosen.map((id) => (filter === 'flows' ? { flow_id: id } : { deployment_id: id }))).catch(() => {}); }, [chosen.join()]);
  return html`<${Menu} class="btn ghost ${chosen.length ? 'is-on' : ''}" title=${label} label=${html`<span class="cut">${text}</span><${Icon} name="down" size=${14} />`}>
    ${() => html`<${PickerList} label=${label} chosen=${chosen} path=${path} filter=${filter} onChange=${onChange} />`}<//>`;
}

/** @param {{label: string, chosen: string[], path: string, filter: string, onChange: (ids: string[]) => void}} props */
function PickerList({ label, chosen, path, filter, onChange }) {
  const [text, setText] = useState('');
  const list = useQuery(`pick ${path} ${text}`, async (signal) => {
    const found = await post(path, { ...(text && { [filter]: { name: { like_: text } } }), sort: 'NAME_ASC', limit: 100 }, { signal });
    rememberNames(found);
    return found;
  });
  return html`<input class="menu-search" type="search" placeholder="Find a ${label.toLowerCase()}" aria-label="Find a ${label.toLowerCase()}" value=${text} onInput=${(/** @type {any} */ e) => setText(e.target.value)} />
    <div class="menu-list">${list.error ? html`<p class="muted">${list.error.message}</p>` : (list.data ?? []).map((/** @type {any} */ entity) => html`<label class="menu-item" key=${entity.id}>
      <input type="checkbox" checked=${chosen.includes(entity.id)} onChange=${() => onChange(chosen.includes(entity.id) ? chosen.filter((id) => id !== entity.id) : [...chosen, entity.id])} /><span class="cut">${entity.name}</span></label>`)}
      ${list.data && !list.data.length && html`<p class="muted">Nothing found.</p>`}</div>`;
}

/** @param {{chosen: string[], rows: any[]}} props */
function TagPicker({ chosen, rows }) {
  const tags = [...new Set([...chosen, ...rows.flatMap((run) => run.tags ?? [])])].sort();
  return html`<${Menu} class="btn ghost ${chosen.length ? 'is-on' : ''}" title="Tags" label=${html`<span class="cut">${chosen.length ? chosen.join(', ') : 'Tags'}</span><${Icon} name="down" size=${14} />`}>${() => html`
    <form onSubmit=${(/** @type {any} */ e) => { e.preventDefault(); const tag = e.target.tag.value.trim(); if (tag) setQuery({ tags: [...new Set([...chosen, tag])] }); e.target.reset(); }}><input class="menu-search" name="tag" placeholder="Add a tag" aria-label="Add a tag" autocomplete="off" /></form>
    <div class="menu-list">${tags.map((tag) => html`<label class="menu-item" key=${tag}><input type="checkbox" checked=${chosen.includes(tag)} onChange=${() => setQuery({ tags: chosen.includes(tag) ? chosen.filter((t) => t !== tag) : [...chosen, tag] })} /><span class="cut">${tag}</span></label>`)}
    ${!tags.length && html`<p class="muted">No tags on the loaded runs.</p>`}</div>`}<//>`;
}

const OPTIONAL = [['flow', 'Flow'], ['started', 'Started'], ['duration', 'Duration'], ['tasks', 'Tasks'], ['tags', 'Tags']];

/** @param {{off: Set<string>, onChange: (off: Set<string>) => void}} props */
function ColumnMenu({ off, onChange }) {
  return html`<${Menu} class="btn ghost icon-only wide-only" align="right" title="Columns" label=${html`<${Icon} name="columns" />`}>${() => html`
    ${OPTIONAL.map(([key, label]) => html`<label class="menu-item" key=${key}><input type="checkbox" checked=${!off.has(key)} onChange=${() => { const next = new Set(off); if (next.has(key)) next.delete(key); else next.add(key); onChange(next); }} />${label}</label>`)}
    <button type="button" class="menu-item" onClick=${() => { const compact = document.documentElement.dataset.density !== 'comfortable'; document.documentElement.dataset.density = compact ? 'comfortable' : ''; writeSetting('density', compact ? 'comfortable' : 'compact'); onChange(new Set(off)); }}>Toggle row height</button>`}<//>`;
}

/** @param {{rows: any[], selected: Set<string>, total: number, setSelected: (ids: Set<string>) => void, filters: Filters, refresh: () => Promise<void>, setHidden: (change: (old: Set<string>) => Set<string>) => void}} props */
function BulkBar({ rows, selected, total, setSelected, filters, refresh, setHidden }) {
  const ids = [...selected];
  const after = () => { setSelected(new Set()); return refresh().catch(() => {}); };
  const selectAll = async () => {
    const found = [];
    for (let page = 1; page <= 50; page++) {
      const answer = await post('/flow_runs/paginate', { ...bodyOf(filters, true), sort: filters.sort, limit: PAGE, page });
      found.push(...answer.results.map((/** @type {any} */ run) => run.id));
      if (found.length >= answer.count || !answer.results.length) break;
    }
    setSelected(new Set(found));
  };
  const cancel = async () => {
    const a = await actions();
    if (await a.confirm({ title: `Cancel ${plural(ids.length, 'run')}?`, yes: 'Cancel runs', danger: true })) await a.setStates(ids, { type: 'CANCELLING', name: 'Cancelling', message: 'Cancelled from the dashboard.' }, false, 'asked to stop').then(after);
  };
  const retry = async () => {
    const a = await actions();
    const able = rows.filter((run) => selected.has(run.id) && run.deployment_id).map((run) => run.id);
    if (!able.length) a.toast('Only runs of a deployment can be retried from here.', 'failed');
    else await a.setStates(able, { type: 'SCHEDULED', name: 'AwaitingRetry', message: 'Retried from the dashboard.', state_details: { scheduled_time: new Date().toISOString() } }, false, 'scheduled again').then(after);
  };
  const set = async () => {
    const a = await actions();
    const answer = await a.askState(`Set the state of ${plural(ids.length, 'run')}`);
    if (answer) await a.setStates(ids, answer.state, answer.force, `set to ${answer.state.name ?? stateLabel(answer.state.type)}`).then(after);
  };
  const remove = async () => {
    const a = await actions();
    if (ids.length > 1 && !(await a.confirm({ title: `Delete ${plural(ids.length, 'run')}?`, yes: 'Delete', danger: true, text: 'Their task runs, logs and states go with them.' }))) return;
    const unhide = () => setHidden((old) => new Set([...old].filter((id) => !selected.has(id))));
    setHidden((old) => new Set([...old, ...ids]));
    setSelected(new Set());
    a.withUndo(`${plural(ids.length, 'run')} deleted.`, async () => { await a.deleteRuns(ids); await refresh().catch(() => {}); unhide(); }, unhide);
  };
  return html`<div class="bulk" role="toolbar" aria-label="Selected runs"><b aria-live="polite">${count(ids.length)} selected</b>
    ${ids.length < total && html`<button class="btn ghost" onClick=${selectAll}>Select all ${count(total)} matching</button>`}
    <span class="grow"></span>
    <button class="btn" onClick=${cancel}>Cancel</button><button class="btn" onClick=${retry}>Retry</button><button class="btn" onClick=${set}>Set state</button>
    <button class="btn danger" onClick=${remove}>Delete</button><${Copy} text=${ids.join('\n')}>Copy ids<//>
    <button class="btn ghost icon-only" aria-label="Clear selection" title="Clear selection (Esc)" onClick=${() => setSelected(new Set())}><${Icon} name="close" /></button></div>`;
}

// --- task runs -------------------------------------------------------------------------------------------------------

function TaskRuns() {
  const query = place.value.query;
  const filters = useMemo(() => readFilters(query), [String(query)]);
  const search = query.get('task-run-search') ?? '';
  const key = JSON.stringify([filters, search]);
  useTitle('Task runs');
  const [flowRuns, setFlowRuns] = useState(/** @type {Map<string, any>} */ (new Map()));
  const extra = useRef({ key: '', rows: /** @type {any[]} */ ([]), loading: false });
  const [, redraw] = useState(0);
  const [cursor, setCursor] = useState(-1);

  const body = (/** @type {number} */ page) => {
    const { start, end } = windowOf(filters);
    /** @type {any} */
    const tasks = { expected_start_time: { after_: new Date(start).toISOString(), before_: new Date(filters.end ?? end + 2000).toISOString() } };
    if (search) tasks.name = { like_: search };
    if (filters.states.length) tasks.state = { type: { any_: filters.states } };
    if (filters.tags.length) tasks.tags = { all_: filters.tags };
    return { task_runs: tasks, ...(filters.flows.length && { flows: { id: { any_: filters.flows } } }), sort: 'EXPECTED_START_TIME_DESC', limit: PAGE, page };
  };
  const parents = async (/** @type {any[]} */ tasks) => {
    const missing = [...new Set(tasks.map((task) => task.flow_run_id))].filter((id) => id && !flowRuns.has(id)).slice(0, PAGE);
    if (!missing.length) return;
    const found = await post('/flow_runs/filter', { flow_runs: { id: { any_: missing } }, limit: PAGE });
    setFlowRuns((old) => new Map([...old, ...found.map((/** @type {any} */ run) => [run.id, run])]));
  };
  const tasks = useQuery(`task-runs ${key}`, async (signal) => {
    const answer = await post('/task_runs/paginate', body(1), { signal });
    parents(answer.results).catch(() => {});
    return { rows: answer.results, count: answer.count };
  });
  if (extra.current.key !== key) extra.current = { key, rows: [], loading: false };
  const base = tasks.data?.rows;
  const rows = useMemo(() => {
    const seen = new Set();
    return [...(base ?? []), ...extra.current.rows].filter((task) => !seen.has(task.id) && seen.add(task.id));
  }, [base, extra.current.rows]);
  const total = Math.max(rows.length, tasks.data?.count ?? 0);
  const loadMore = async () => {
    const held = extra.current;
    if (held.loading || !base || rows.length >= total || tasks.stale) return;
    held.loading = true;
    try {
      const answer = await post('/task_runs/paginate', body(Math.floor((base.length + held.rows.length) / PAGE) + 1));
      if (extra.current === held) {
        extra.current = { ...held, rows: [...held.rows, ...answer.results], loading: false };
        parents(answer.results).catch(() => {});
        redraw((n) => n + 1);
      }
    } catch { held.loading = false; }
  };
  useLive((event) => event.event.startsWith('prefect.task-run.'), tasks.reload, { busy: rows.some((task) => task.state_type === 'RUNNING') });
  const move = (/** @type {number} */ by) => setCursor((at) => Math.min(rows.length - 1, Math.max(0, at + by)));
  const open = (/** @type {any} */ task) => navigate(`/runs/task-run/${task.id}`);
  useActions([
    { key: '/', label: 'Search by name', group: 'Task runs', run: () => document.getElementById('task-search')?.focus() },
    { key: 'j', label: 'Next task run', group: 'Task runs', run: () => move(1) },
    { key: 'k', label: 'Previous task run', group: 'Task runs', run: () => move(-1) },
    { key: 'ArrowDown', label: '', hidden: true, run: () => move(1) },
    { key: 'ArrowUp', label: '', hidden: true, run: () => move(-1) },
    { key: 'Enter', label: 'Open the task run', group: 'Task runs', run: () => rows[cursor] && open(rows[cursor]) },
    { key: 'f', label: 'Failed and crashed only', group: 'Task runs', run: () => setQuery({ state: filters.states.join() === 'FAILED,CRASHED' ? null : ['Failed', 'Crashed'] }) },
  ]);
  const columns = [
    { key: 'state', head: 'State', cell: (/** @type {any} */ task) => html`<${StateBadge} type=${task.state_type} name=${task.state_name} />` },
    {
      key: 'name', head: 'Task run', cell: (/** @type {any} */ task) => html`<${Link} class="name" to=${`/runs/task-run/${task.id}`} title=${task.name}>${task.name}<//>
        ${failureOf(task) && html`<div class="failure" title=${task.state?.message}>${failureOf(task)}</div>`}`,
    },
    { key: 'flow', head: 'Flow run', cell: (/** @type {any} */ task) => (task.flow_run_id ? html`<${Link} class="cut quiet" to=${`/runs/flow-run/${task.flow_run_id}`}>${flowRuns.get(task.flow_run_id)?.name ?? ''}<//>` : html`<span class="faint">–</span>`) },
    { key: 'started', head: 'Started', cell: (/** @type {any} */ task) => html`<${Time} at=${task.start_time ?? task.expected_start_time} />` },
    { key: 'duration', head: 'Duration', cell: (/** @type {any} */ task) => html`<${DurationBar} run=${task} />` },
    { key: 'tasks', head: 'Attempts', cell: (/** @type {any} */ task) => html`<span class="num">${task.run_count || html`<span class="faint">–</span>`}</span>` },
    { key: 'tags', head: 'Tags', cell: (/** @type {any} */ task) => html`<${Tags} tags=${task.tags} />` },
  ];
  return html`<section class="page runs-page">
    <${Head} tab="task-runs">
      <label class="search"><${Icon} name="search" /><span class="sr">Search by name</span><input id="task-search" type="search" placeholder="Search by name" value=${search} autocomplete="off"
        onInput=${(/** @type {any} */ e) => setQuery({ 'task-run-search': e.target.value }, { replace: true })} /><kbd>/</kbd></label>
      <div class="head-right"><${RangePicker} filters=${filters} /></div>
    <//>
    <div class="filter-bar"><div class="chips" role="group" aria-label="States">${CHIPS.map((type) => html`<button type="button" key=${type} class="chip s-${stateKey(type)}" aria-pressed=${filters.states.includes(type)}
      onClick=${(/** @type {MouseEvent} */ e) => setQuery({ state: (e.altKey ? [type] : filters.states.includes(type) ? filters.states.filter((s) => s !== type) : [...filters.states, type]).map(stateLabel) })}><i></i><span>${stateLabel(type)}</span></button>`)}</div>
      <div class="pickers"><${EntityPicker} label="Flow" chosen=${filters.flows} path="/flows/filter" filter="flows" onChange=${(/** @type {string[]} */ ids) => setQuery({ flows: ids })} /></div></div>
    <${ErrorBox} error=${tasks.error} retry=${tasks.reload} />
    ${!base ? !tasks.error && html`<${Skeleton} />`
      : rows.length === 0 ? html`<${Empty} title="No task run matches"><p class="muted">Tasks of a flow appear here when they begin.</p><p><button class="btn" onClick=${() => navigate('/runs?tab=task-runs')}>Clear filters</button></p><//>`
      : html`<${Table} label="Task runs" rows=${rows} columns=${columns} total=${total} rowId=${(/** @type {any} */ task) => task.id} rowHeight=${rowHeight} cursor=${cursor} stale=${tasks.stale} remember="task-runs" rowClass=${(/** @type {any} */ task) => (failureOf(task) ? 'has-failure' : '')} onOpen=${open} onEnd=${loadMore}
          after=${html`<div class="table-foot">${rows.length < total ? `${count(rows.length)} of ${count(total)} task runs loaded` : plural(total, 'task run')}</div>`} />`}
  </section>`;
}

// Runs: what ran, what failed and with which error, as one dense live table under its history.

import { html, useEffect, useMemo, useRef, useState } from '../../vendor/preact.js';
import { config, idsOf, post, useLive } from '../api.js';
import { TERMINAL, count, median, niceStep, plural, stateKey, stateLabel } from '../format.js';
import { loadNames, loadReasons, loadTaskCounts, nameOf, namesVersion, navigate, place, readSetting, setQuery, useActions, useCommands, useQuery, useTitle, writeSetting } from '../store.js';
import { History, toBuckets } from '../ui/chart.js';
import { Command, DurationBar, Empty, ErrorBox, Icon, Lazy, Link, Reason, Segments, Skeleton, StateBadge, Tags, Time, failureOf, rowHeight, secondsOf } from '../ui/controls.js';
import { CHIPS, ColumnMenu, EntityPicker, Head, PAGE, RangePicker, TagPicker, bodyOf, readFilters, windowOf } from '../ui/run_filters.js';
import { Table } from '../ui/table.js';

const bulk = () => import('../ui/bulk.js');
const taskRuns = () => import('./task_runs.js');

export default function RunsPage() {
  const tab = place.value.query.get('tab') === 'task-runs' ? 'task-runs' : 'flow-runs';
  return tab === 'task-runs' ? html`<${Lazy} from=${taskRuns} name="TaskRuns" key="tasks" />` : html`<${FlowRuns} key="flows" />`;
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
    loadReasons(runs).catch(() => {});
    loadTaskCounts(runs).then((counts) => setTaskCounts((old) => ({ ...old, ...counts })), () => {});
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
    for (const run of rows) if (run.state_type === 'COMPLETED' && run.end_time) byFlow.set(run.flow_id, [...(byFlow.get(run.flow_id) ?? []), secondsOf(run) ?? 0]);
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
    { key: 'w', label: 'Why it waits or failed', group: 'Runs', run: () => { const run = rows[cursor]; if (run) import('../ui/why.js').then((m) => m.showWhy(run, refresh)); } },
    { key: 'x', label: 'Select', group: 'Runs', run: () => cursor >= 0 && toggle(cursor) },
    { key: 'X', label: 'Select up to here', group: 'Runs', run: () => cursor >= 0 && toggle(cursor, true) },
    { key: '* a', label: 'Select all loaded', group: 'Runs', run: () => setSelected(new Set(rows.map((run) => run.id))) },
    { key: 'f', label: 'Failed and crashed only', group: 'Runs', run: () => setQuery({ state: filters.states.join() === 'FAILED,CRASHED' ? null : ['Failed', 'Crashed'] }) },
    { key: 'Escape', label: 'Clear selection, then filters', group: 'Runs', run: () => (selected.size ? setSelected(new Set()) : clearFilters()) },
  ]);
  useCommands(() => ({ chosen: [...selected] }));
  const clearFilters = () => navigate('/runs');
  const filtered = Boolean(filters.search || filters.states.length || filters.names.length || filters.flows.length || filters.deployments.length || filters.pools.length || filters.tags.length || filters.topLevel);

  const [columnsOff, setColumnsOff] = useState(() => new Set(readSetting('runs.columns.off', '').split(',')));
  const columns = [
    {
      key: 'check', head: '', label: 'Select', cell: (/** @type {any} */ run, /** @type {number} */ i) => html`<label class="row-check"><input type="checkbox" checked=${selected.has(run.id)} aria-label="Select ${run.name}"
        onClick=${(e) => { e.stopPropagation(); toggle(i, e.shiftKey); }} /></label>`,
    },
    { key: 'state', head: 'State', cell: (/** @type {any} */ run) => html`<${StateBadge} type=${run.state_type} name=${run.state_name} />` },
    {
      key: 'name', head: 'Run', sort: /** @type {[string, string]} */ (['NAME_DESC', 'NAME_ASC']), cell: (/** @type {any} */ run) => {
        return html`<${Link} class="name" to=${`/runs/flow-run/${run.id}`} title=${run.name}>${run.name}<//>
          ${run.parent_task_run_id && html`<span class="sub-mark" title="Subflow"><${Icon} name="subflow" size=${13} /></span>`}
          <${Reason} run=${run} />`;
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
          onInput=${(e) => setQuery({ 'flow-run-search': e.target.value, page: null }, { replace: true })}
          onKeyDown=${(e) => { if (e.key === 'Escape' || e.key === 'Enter') /** @type {any} */ (e.target).blur(); }} /><kbd>/</kbd></label>
      <div class="pickers">
        <${EntityPicker} label="Flow" chosen=${filters.flows} path="/flows/filter" filter="flows" onChange=${(ids) => setQuery({ flows: ids })} />
        <${EntityPicker} label="Deployment" chosen=${filters.deployments} path="/deployments/filter" filter="deployments" onChange=${(ids) => setQuery({ deployments: ids })} />
        <${TagPicker} chosen=${filters.tags} rows=${rows} />
        <button type="button" class="btn ghost toggle" aria-pressed=${filters.topLevel} onClick=${() => setQuery({ subflows: filters.topLevel ? null : 'hide' })} title="Hide runs that another flow started">Hide subflows</button>
        ${filtered && html`<button type="button" class="btn ghost" onClick=${clearFilters} title="Clear all filters (Esc)"><${Icon} name="close" size=${14} />Clear</button>`}
      </div>
      <div class="head-right"><${RangePicker} filters=${filters} /></div>
    <//>
    <div class="filter-bar">
      <div class="chips" role="group" aria-label="States">${CHIPS.map((type) => html`<button type="button" key=${type} class="chip s-${stateKey(type)} ${sums[type] ? '' : 'is-zero'}"
        aria-pressed=${filters.states.includes(type)} title="${stateLabel(type)}: click to add or remove, Alt-click for only this"
        onClick=${(e) => toggleState(type, e.altKey)}><i></i><span>${stateLabel(type)}</span><em>${history.data ? count(sums[type] ?? 0) : ''}</em></button>`)}
        ${filters.names.map((name) => html`<button type="button" key=${name} class="chip s-${stateKey('SCHEDULED', name)}" aria-pressed="true" onClick=${() => setQuery({ state: [...filters.states.map(stateLabel), ...filters.names.filter((n) => n !== name)] })}><i></i><span>${name}</span><${Icon} name="close" size=${12} /></button>`)}
      </div>
      <div class="pickers view-tools">
        <${ColumnMenu} off=${columnsOff} onChange=${(/** @type {Set<string>} */ off) => { setColumnsOff(off); writeSetting('runs.columns.off', [...off].join()); }} />
        <${Segments} label="Chart" value=${mode} choices=${[['bars', html`<${Icon} name="bars" /><span class="sr">Bars</span>`], ['scatter', html`<${Icon} name="scatter" /><span class="sr">Durations</span>`]]} onChange=${(m) => { setMode(m); writeSetting('runs.chart', m); }} />
      </div>
    </div>
    ${history.error ? !runs.error && html`<${ErrorBox} error=${history.error} retry=${history.reload} />` : !nothingAtAll && html`<${History} buckets=${history.data?.buckets ?? []} start=${start} end=${end} active=${active} mode=${mode} runs=${rows} stale=${history.stale} onOpen=${open}
      onZoom=${(from, to) => setQuery({ rangeType: 'range', start: new Date(from).toISOString(), end: new Date(to).toISOString(), seconds: null })} />`}
    ${selected.size > 0 && html`<${Lazy} from=${bulk} name="BulkBar" quiet rows=${rows} selected=${selected} total=${total} setSelected=${setSelected} filters=${filters} refresh=${refresh} setHidden=${setHidden} />`}
    ${fresh && html`<button type="button" class="pill" onClick=${() => { runs.set(fresh.next); setFresh(null); if (scroller.current) scroller.current.scrollTop = 0; }}>${plural(fresh.count, 'new run')} <${Icon} name="up" size=${14} /></button>`}
    <${ErrorBox} error=${runs.error} retry=${() => { runs.reload(); if (history.error) history.reload(); }} />
    ${!base ? !runs.error && html`<${Skeleton} />`
      : rows.length === 0 ? html`<${NoRuns} filtered=${filtered} nothing=${nothingAtAll} clear=${clearFilters} seconds=${filters.seconds} />`
      : html`<${Table} label="Flow runs" rows=${rows} columns=${columns} total=${total} rowId=${(run) => run.id} rowHeight=${rowHeight} cursor=${cursor} stale=${runs.stale}
          rowClass=${(run) => `${selected.has(run.id) ? 'is-selected' : ''} ${failureOf(run) ? 'has-failure' : ''}`} scroller=${scroller} remember="runs"
          sort=${filters.sort} onSort=${(sort) => setQuery({ sort: sort === 'START_TIME_DESC' ? null : sort })} onOpen=${open} onEnd=${loadMore}
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

const example = () => `export PREFECT_API_URL=${config.api}
python -c '
from prefect import flow
@flow(log_prints=True)
def hello(): print("Hello from flowctl")
hello()'`;

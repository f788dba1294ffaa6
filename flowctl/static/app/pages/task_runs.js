// The second tab of Runs: task runs of all flows.

import { html, useMemo, useRef, useState } from '../../vendor/preact.js';
import { post, useLive } from '../api.js';
import { count, plural, stateKey, stateLabel } from '../format.js';
import { navigate, place, setQuery, useActions, useQuery, useTitle } from '../store.js';
import { DurationBar, Empty, ErrorBox, Icon, Link, Skeleton, StateBadge, Tags, Time, failureOf, rowHeight } from '../ui/controls.js';
import { CHIPS, EntityPicker, Head, PAGE, RangePicker, readFilters, windowOf } from '../ui/run_filters.js';
import { Table } from '../ui/table.js';

export function TaskRuns() {
  const query = place.value.query;
  const filters = useMemo(() => readFilters(query), [String(query)]);
  const search = query.get('task-run-search') ?? '';
  const key = JSON.stringify([filters, search]);
  useTitle('Task runs');
  const [flowRuns, setFlowRuns] = useState(/** @type {Map<string, any>} */ (new Map()));
  const extra = useRef({ key: '', rows: /** @type {any[]} */ ([]), loading: false });
  const [, redraw] = useState(0);
  const [cursor, setCursor] = useState(-1);

  const body = (/** @type {number} */ offset) => {
    const { start, end } = windowOf(filters);
    /** @type {any} */
    const tasks = { expected_start_time: { after_: new Date(start).toISOString(), before_: new Date(filters.end ?? end + 2000).toISOString() } };
    if (search) tasks.name = { like_: search };
    if (filters.states.length) tasks.state = { type: { any_: filters.states } };
    if (filters.tags.length) tasks.tags = { all_: filters.tags };
    return { task_runs: tasks, ...(filters.flows.length && { flows: { id: { any_: filters.flows } } }), sort: 'EXPECTED_START_TIME_DESC', limit: PAGE, offset };
  };
  const parents = async (/** @type {any[]} */ tasks) => {
    const missing = [...new Set(tasks.map((task) => task.flow_run_id))].filter((id) => id && !flowRuns.has(id)).slice(0, PAGE);
    if (!missing.length) return;
    const found = await post('/flow_runs/filter', { flow_runs: { id: { any_: missing } }, limit: PAGE });
    setFlowRuns((old) => new Map([...old, ...found.map((/** @type {any} */ run) => [run.id, run])]));
  };
  const tasks = useQuery(`task-runs ${key}`, async (signal) => {
    // `/task_runs/paginate` answers without the states' types and the attempts.
    const { task_runs, flows } = body(0);
    const [found, all] = await Promise.all([post('/task_runs/filter', body(0), { signal }), post('/task_runs/count', { task_runs, ...(flows && { flows }) }, { signal })]);
    parents(found).catch(() => {});
    return { rows: found, count: all };
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
      const found = await post('/task_runs/filter', body(base.length + held.rows.length));
      if (extra.current === held) {
        extra.current = { ...held, rows: [...held.rows, ...found], loading: false };
        parents(found).catch(() => {});
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
    { key: 'flow', head: 'Flow run', cell: (/** @type {any} */ task) => (task.flow_run_id ? html`<${Link} class="cut quiet" to=${`/runs/flow-run/${task.flow_run_id}`}>${flowRuns.get(task.flow_run_id)?.name ?? task.flow_run_id.slice(0, 8)}<//>` : html`<span class="faint">–</span>`) },
    { key: 'started', head: 'Started', cell: (/** @type {any} */ task) => html`<${Time} at=${task.start_time ?? task.expected_start_time} />` },
    { key: 'duration', head: 'Duration', cell: (/** @type {any} */ task) => html`<${DurationBar} run=${task} />` },
    { key: 'tasks', head: 'Attempts', cell: (/** @type {any} */ task) => html`<span class="num">${task.run_count || html`<span class="faint">–</span>`}</span>` },
    { key: 'tags', head: 'Tags', cell: (/** @type {any} */ task) => html`<${Tags} tags=${task.tags} />` },
  ];
  return html`<section class="page runs-page">
    <${Head} tab="task-runs">
      <label class="search"><${Icon} name="search" /><span class="sr">Search by name</span><input id="task-search" type="search" placeholder="Search by name" value=${search} autocomplete="off"
        onInput=${(e) => setQuery({ 'task-run-search': e.target.value }, { replace: true })} /><kbd>/</kbd></label>
      <div class="head-right"><${RangePicker} filters=${filters} /></div>
    <//>
    <div class="filter-bar"><div class="chips" role="group" aria-label="States">${CHIPS.map((type) => html`<button type="button" key=${type} class="chip s-${stateKey(type)}" aria-pressed=${filters.states.includes(type)}
      onClick=${(e) => setQuery({ state: (e.altKey ? [type] : filters.states.includes(type) ? filters.states.filter((s) => s !== type) : [...filters.states, type]).map(stateLabel) })}><i></i><span>${stateLabel(type)}</span></button>`)}</div>
      <div class="pickers"><${EntityPicker} label="Flow" chosen=${filters.flows} path="/flows/filter" filter="flows" onChange=${(ids) => setQuery({ flows: ids })} /></div></div>
    <${ErrorBox} error=${tasks.error} retry=${tasks.reload} />
    ${!base ? !tasks.error && html`<${Skeleton} />`
      : rows.length === 0 ? html`<${Empty} title="No task run matches"><p class="muted">Tasks of a flow appear here when they begin.</p><p><button class="btn" onClick=${() => navigate('/runs?tab=task-runs')}>Clear filters</button></p><//>`
      : html`<${Table} label="Task runs" rows=${rows} columns=${columns} total=${total} rowId=${(task) => task.id} rowHeight=${rowHeight} cursor=${cursor} stale=${tasks.stale} remember="task-runs" rowClass=${(task) => (failureOf(task) ? 'has-failure' : '')} onOpen=${open} onEnd=${loadMore}
          after=${html`<div class="table-foot">${rows.length < total ? `${count(rows.length)} of ${count(total)} task runs loaded` : plural(total, 'task run')}</div>`} />`}
  </section>`;
}

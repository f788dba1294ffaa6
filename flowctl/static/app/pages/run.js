// One run: its timeline above, its log below, why it failed on top, and what can be done about it.

import { html, useEffect, useMemo, useRef, useState } from '../../vendor/preact.js';
import { get, idsOf, post, useLive } from '../api.js';
import { TERMINAL, briefParameters, count, duration, elapsed, plural, stateKey, stateLabel } from '../format.js';
import { loadNames, loadSteps, nameOf, namesVersion, navigate, place, readSetting, setQuery, useActions, useCommands, useQuery, useTitle, writeSetting } from '../store.js';
import { Copy, Duration, ErrorBox, Icon, Lazy, Link, Menu, NotFound, Skeleton, StateBadge, Tabs, Tags, Time } from '../ui/controls.js';
import { Gantt } from '../ui/gantt.js';
import { attemptsOf, criticalPath, mergeGraphs, nodesOf, rowsOf } from '../ui/gantt_layout.js';
import { LogView } from '../ui/logview.js';

const PAGE = 200;
const WHOLE_GRAPH_BELOW = 500;
const BAD = new Set(['FAILED', 'CRASHED']);

const actions = () => import('../ui/actions.js');
const facts = () => import('../ui/facts.js');
const artifacts = () => import('../ui/artifacts.js');
const graphView = () => import('../ui/graph.js');
const tasktable = () => import('../ui/tasktable.js');
const why = () => import('../ui/why.js');

/** @param {{id: string}} props */
export default function RunPage({ id }) {
  const query = place.value.query;
  namesVersion.value;
  const run = useQuery(`run ${id}`, (signal) => get(`/flow_runs/${id}`, { signal }));
  const graph = useRef(/** @type {any} */ (null));
  const tasksById = useRef(/** @type {Map<string, any>} */ (new Map()));
  const graphQuery = useQuery(`graph ${id}`, async (signal) => {
    const known = graph.current?.id === id ? graph.current.graph : null;
    // A large graph is asked for what changed; 10 s of overlap cover clocks that differ.
    const since = known && known.nodes.length > WHOLE_GRAPH_BELOW ? `?since=${encodeURIComponent(new Date(graph.current.at - 10_000).toISOString())}` : '';
    const at = Date.now();
    const answer = await get(`/flow_runs/${id}/graph-v2${since}`, { signal });
    const next = since ? mergeGraphs(known, answer) : answer;
    graph.current = { id, graph: next, at };
    return next;
  });
  const tasks = useQuery(`tasks ${id}`, async (signal) => {
    const found = await post('/task_runs/filter', { task_runs: { flow_run_id: { any_: [id] } }, sort: 'EXPECTED_START_TIME_DESC', limit: PAGE }, { signal });
    const known = new Map(tasksById.current);
    for (const task of found) known.set(task.id, task);
    tasksById.current = known;
    return known;
  });
  const data = run.data;
  const state = data?.state_type;
  const active = Boolean(data) && !TERMINAL.has(state);

  const refresh = async () => { await Promise.all([run.reload(), graphQuery.reload(), tasks.reload()]); };
  useLive((event) => idsOf(event).has(id), refresh, { busy: active });
  // Task runs are recorded a moment after the run has ended.
  const wasActive = useRef(false);
  useEffect(() => {
    if (wasActive.current && !active) setTimeout(() => { graphQuery.reload(); tasks.reload(); }, 1500);
    wasActive.current = active;
  }, [active]);

  useTitle(data ? `${data.state_name} · ${data.name}` : 'Run', data && stateKey(data.state_type, data.state_name));

  const nodes = useMemo(() => nodesOf(graphQuery.data, tasks.data ?? new Map(), data?.start_time ? Date.parse(data.start_time) : 0), [graphQuery.data, tasks.data, data?.start_time]);
  const failedNodes = useMemo(() => nodes.filter((node) => BAD.has(node.type)).sort((a, b) => (a.end ?? 0) - (b.end ?? 0)), [nodes]);
  // In a large run the failed tasks may be beyond the first page; they are what matters.
  useEffect(() => {
    if (!tasks.data) return;
    const missing = failedNodes.filter((node) => node.kind === 'task-run' && !tasksById.current.has(node.id)).slice(0, 50).map((node) => node.id);
    if (!missing.length) return;
    post('/task_runs/filter', { task_runs: { id: { any_: missing } }, limit: PAGE }).then((found) => {
      tasksById.current = new Map([...tasksById.current, ...found.map((/** @type {any} */ task) => [task.id, task])]);
      tasks.set(tasksById.current);
    }, () => {});
  }, [failedNodes, Boolean(tasks.data)]);

  // Names, and the attempts of tasks that had several, in one request.
  const retried = useMemo(() => nodes.filter((node) => node.kind === 'task-run' && node.attempts > 1).slice(0, PAGE), [nodes]);
  const [attempts, setAttempts] = useState(/** @type {Map<string, import('../ui/gantt_layout.js').Attempt[]>} */ (new Map()));
  useEffect(() => {
    if (!data || !(tasks.data || tasks.error)) return;
    loadNames([data]).catch(() => {});
    loadSteps(retried.map((node) => node.id)).then((steps) => setAttempts(new Map(Object.entries(steps).map(([task, states]) => [task, attemptsOf(states)]))), () => {});
  }, [data?.id, Boolean(tasks.data || tasks.error), retried.map((node) => `${node.id} ${node.attempts} ${node.name}`).join()]);

  const selected = query.get('task');
  const select = (/** @type {string | null} */ task) => setQuery({ task }, { replace: true });
  const names = useMemo(() => new Map(nodes.map((node) => [node.id, node.label])), [nodes]);

  const act = useMemo(() => runActions(data, refresh), [data]);
  const failedAt = useRef(-1);
  const stepFailed = (/** @type {number} */ by) => {
    if (!failedNodes.length) return;
    failedAt.current = (failedAt.current + by + failedNodes.length) % failedNodes.length;
    select(failedNodes[failedAt.current].id);
  };
  const sibling = async (/** @type {boolean} */ newer) => {
    const next = data && await neighbour(data, newer);
    if (next) navigate(`/runs/flow-run/${next.id}`);
    else if (data) (await actions()).toast(newer ? 'This is the newest run of the flow.' : 'This is the oldest run of the flow.', 'done');
  };
  useActions([
    ...act.filter((action) => action.key && action.enabled).map((action) => ({ key: String(action.key), label: action.label, group: 'Run', run: action.run })),
    ...act.filter((action) => !action.key && action.enabled).map((action) => ({ key: action.label, label: action.label, group: 'Run', hidden: true, run: action.run })),
    { key: 't', label: 'Timeline', group: 'Run', run: () => setQuery({ view: null }) },
    { key: 'g g', label: 'Graph', group: 'Run', run: () => setQuery({ view: 'graph' }) },
    { key: 'a', label: 'Artifacts', group: 'Run', run: () => setQuery({ tab: 'artifacts' }) },
    { key: 'n', label: 'Next failed task', group: 'Run', run: () => stepFailed(1) },
    { key: 'N', label: 'Previous failed task', group: 'Run', run: () => stepFailed(-1) },
    { key: ']', label: 'Newer run of this flow', group: 'Run', run: () => { sibling(true).catch(() => {}); } },
    { key: '[', label: 'Older run of this flow', group: 'Run', run: () => { sibling(false).catch(() => {}); } },
    { key: '=', label: 'Compare with the run before', group: 'Run', run: () => { if (data) comparePrevious(data); } },
    { key: 'y', label: 'Copy link', group: 'Run', run: () => copyLink() },
    { key: 'u', label: 'Up to all runs', group: 'Run', run: () => navigate('/runs') },
    { key: 'Escape', label: 'Clear the chosen task', group: 'Run', hidden: true, run: () => select(null) },
  ]);

  useCommands(() => ({ run: data }));

  if (run.error?.status === 404 && !data) return html`<${NotFound} what="run" id=${id} />`;
  if (!data) return html`<section class="page"><div class="page-head"><div class="crumbs"><${Link} to="/runs">Runs<//><span class="faint">/</span><h1>Run</h1></div></div>${run.error ? html`<${ErrorBox} error=${run.error} retry=${run.reload} />` : html`<${Skeleton} />`}</section>`;

  const flow = nameOf(data.flow_id);
  const small = innerWidth < 600;
  return html`<section class="page run-page">
    <div class="page-head">
      <div class="crumbs"><${Link} to="/runs">Runs<//><span class="faint">/</span><h1 title=${data.name}>${data.name}</h1><${StateBadge} type=${data.state_type} name=${data.state_name} /></div>
      <div class="run-actions">${act.filter((action) => action.shown && (!action.minor || !small)).slice(0, small ? 3 : 9).map((action) => html`<button type="button" key=${action.label} class="btn ${action.class ?? ''}" disabled=${!action.enabled} onClick=${action.run} title=${action.title ?? action.label}>${action.label}${action.key && html`<kbd>${action.key}</kbd>`}</button>`)}
        <${Menu} class="btn icon-only" align="right" title="More actions" label=${html`<${Icon} name="more" />`}>${(/** @type {() => void} */ close) => html`
          ${act.filter((action) => action.enabled && (!action.shown || (action.minor && small))).map((action) => html`<button type="button" class="menu-item ${action.class?.includes('danger') ? 'danger' : ''}" key=${action.label} onClick=${() => { close(); action.run(); }}>${action.label}${action.key && html`<kbd>${action.key}</kbd>`}</button>`)}
          <button type="button" class="menu-item" onClick=${() => { close(); comparePrevious(data); }}>Compare with the run before<kbd>=</kbd></button>
          <button type="button" class="menu-item" onClick=${() => { close(); copyLink(); }}>Copy link<kbd>y</kbd></button>
          <button type="button" class="menu-item" onClick=${() => { close(); import('../ui/copy_as.js').then((m) => m.showCommands()); }}>Copy as a command<kbd>Y</kbd></button>
          <button type="button" class="menu-item" onClick=${() => { close(); navigator.clipboard?.writeText(data.id); }}>Copy id</button>`}<//></div>
    </div>
    <${Facts} run=${data} flow=${flow} nodes=${nodes} />
    <${ErrorBox} error=${run.error} retry=${run.reload} />
    ${data.state_type !== 'COMPLETED' && html`<${Lazy} from=${why} name="Why" quiet run=${data} failed=${failedNodes} tasks=${tasks.data} onTask=${select} refresh=${refresh} />`}
    <${Split} top=${html`<${TopPane} run=${data} nodes=${nodes} graph=${graphQuery} tasks=${tasks} attempts=${attempts} selected=${selected} select=${select} />`}
      bottom=${html`<${BottomPane} run=${data} active=${active} artifactCount=${artifactsIn(graphQuery.data)} names=${names} nodes=${nodes} selected=${selected} select=${select} />`} rows=${nodes.length} tall=${query.get('view') === 'graph'} />
  </section>`;
}

/** @param {any} run */
async function runAgain(run) {
  const [a, { attempt }] = await Promise.all([import('../ui/deployment_actions.js'), actions()]);
  await attempt(async () => a.askAndRun(await get(`/deployments/${run.deployment_id}`), run.parameters));
}

/** The run of the same flow that started next after this one, or before it. @param {any} run @param {boolean} newer */
async function neighbour(run, newer) {
  const at = run.start_time ?? run.expected_start_time;
  const [found] = await post('/flow_runs/filter', {
    flows: { id: { any_: [run.flow_id] } }, flow_runs: { start_time: newer ? { after_: shift(at, 1) } : { before_: shift(at, -1) } }, sort: newer ? 'START_TIME_ASC' : 'START_TIME_DESC', limit: 1,
  });
  return found;
}

/** @param {any} run */
async function comparePrevious(run) {
  const { attempt, toast } = await actions();
  const before = await attempt(() => neighbour(run, false));
  if (before) navigate(`/runs/compare?a=${before.id}&b=${run.id}`);
  else if (before !== false) toast('The flow has no earlier run to compare with.', 'done');
}

/** @param {string} time @param {number} by  milliseconds */
const shift = (time, by) => new Date(Date.parse(time) + by).toISOString();

async function copyLink() {
  try { await navigator.clipboard.writeText(location.href); (await actions()).toast('Link copied.'); } catch { (await actions()).toast('The browser does not allow copying here.', 'failed'); }
}

/**
 * What can be done with this run, in the order of the buttons.
 * @param {any} run
 * @param {() => Promise<void>} refresh
 * @returns {{label: string, key?: string, class?: string, title?: string, shown: boolean, enabled: boolean, minor?: boolean, run: () => any}[]}
 */
function runActions(run, refresh) {
  if (!run) return [];
  const terminal = TERMINAL.has(run.state_type);
  const paused = run.state_type === 'PAUSED';
  const cancelling = run.state_type === 'CANCELLING';
  const stuck = cancelling && Date.now() - Date.parse(run.state?.timestamp ?? run.updated) > 30_000;
  const then = (/** @type {(a: any) => Promise<any>} */ work) => async () => { if (await work(await actions())) await refresh(); };
  const remove = async () => (await import('../ui/deletion.js')).deleteRuns([run], { hide: () => navigate('/runs'), unhide: () => navigate(`/runs/flow-run/${run.id}`) });
  return [
    { label: 'Resume', key: 'r', class: 'primary', shown: paused, enabled: paused, run: then((a) => a.resumeRun(run)) },
    { label: 'Start now', key: 'i', class: 'primary', shown: run.state_type === 'SCHEDULED', enabled: run.state_type === 'SCHEDULED', title: 'Make it due at once', run: then((a) => a.startNow(run, run.state_name === 'AwaitingRetry' ? run.state_name : undefined)) },
    { label: 'Retry', key: 'r', class: BAD.has(run.state_type) ? 'primary' : '', shown: terminal, enabled: terminal, title: run.deployment_id ? 'Schedule this run again' : 'This run came from a script; see how to run it again', run: then((a) => a.retryRun(run)) },
    { label: 'Pause', key: 'z', shown: run.state_type === 'RUNNING', minor: true, enabled: run.state_type === 'RUNNING', title: 'Hold it until somebody resumes it', run: then((a) => a.pauseRun(run)) },
    { label: 'Cancel', key: 'c', shown: !terminal && !cancelling, enabled: !terminal && !cancelling, run: then((a) => a.cancelRun(run)) },
    { label: 'Force cancel', class: 'danger', shown: stuck, enabled: cancelling, title: 'The run did not stop by itself', run: then((a) => a.forceCancel(run)) },
    { label: 'Run again', key: 'R', shown: false, enabled: terminal && Boolean(run.deployment_id), title: 'A new run with the same parameters, which you can change', run: () => runAgain(run) },
    { label: 'Set state', key: 's', shown: true, minor: true, enabled: true, run: then((a) => a.askAndSetState(run)) },
    { label: 'Delete', class: 'danger', shown: true, minor: true, enabled: true, run: remove },
  ];
}

/** @param {{run: any, flow?: string, nodes: import('../ui/gantt_layout.js').Node[]}} props */
function Facts({ run, flow, nodes }) {
  const sums = useMemo(() => {
    /** @type {Map<string, number>} */
    const byKey = new Map();
    for (const node of nodes) byKey.set(node.key, (byKey.get(node.key) ?? 0) + 1);
    return [...byKey];
  }, [nodes]);
  const parameters = briefParameters(run.parameters);
  const live = !TERMINAL.has(run.state_type);
  const waiting = run.state_type === 'SCHEDULED' && !run.start_time;
  return html`<dl class="facts">
    <div class="fact"><dt>Flow</dt><dd><${Link} to="/flows/flow/${run.flow_id}">${flow ?? '…'}<//>${run.deployment_id && html`<span class="muted"> › </span><${Link} to="/deployments/deployment/${run.deployment_id}">${nameOf(run.deployment_id) ?? ''}<//>`}</dd></div>
    <div class="fact"><dt>${waiting ? 'Scheduled' : 'Started'}</dt><dd><${Time} at=${run.start_time ?? run.expected_start_time} /></dd></div>
    <div class="fact"><dt>Duration</dt><dd>${run.start_time ? html`<${Duration} start=${run.start_time} end=${live ? null : run.end_time} />` : html`<span class="faint">–</span>`}</dd></div>
    <div class="fact"><dt>Attempts</dt><dd><span class="num">${run.run_count || '–'}</span></dd></div>
    <div class="fact"><dt>Tasks</dt><dd><span class="task-sums num">${nodes.length ? sums.map(([key, n]) => html`<span key=${key} class="s-${key}" title="${n} ${key}"><${Icon} name=${key} size=${13} />${count(n)}<span class="sr">${key}</span></span>`) : html`<span class="faint">–</span>`}</span></dd></div>
    ${run.tags?.length > 0 && html`<div class="fact"><dt>Tags</dt><dd><${Tags} tags=${run.tags} /></dd></div>`}
    ${parameters && html`<div class="fact wide"><dt>Parameters</dt><dd title=${parameters}><span class="mono">${parameters}</span></dd></div>`}</dl>`;
}

/** Two panes with a divider that can be dragged or moved with the arrow keys. @param {{top: any, bottom: any, rows: number, tall: boolean}} props  tall: the upper one fills its share */
function Split({ top, bottom, rows, tall }) {
  const root = useRef(/** @type {HTMLElement | null} */ (null));
  const saved = Number(readSetting('run.split', '0'));
  const [share, setShare] = useState(saved || 0);
  // Until somebody drags, a small timeline takes only the room that it needs.
  const natural = tall ? '46%' : `min(46%, ${38 + 24 + Math.max(3, rows) * 24 + 8}px)`;
  const move = (/** @type {number} */ next) => { const kept = Math.min(0.85, Math.max(0.12, next)); setShare(kept); writeSetting('run.split', String(kept)); };
  return html`<div class="split" ref=${root}>
    <div class="pane" style=${{ flex: `0 0 ${share ? `${share * 100}%` : natural}` }}>${top}</div>
    <div class="divider" role="separator" aria-orientation="horizontal" aria-label="Height of the timeline" tabIndex="0" aria-valuenow=${Math.round((share || 0.4) * 100)} aria-valuemin="12" aria-valuemax="85"
      onDblClick=${() => { setShare(0); writeSetting('run.split', '0'); }}
      onKeyDown=${(e) => { if (e.key === 'ArrowUp' || e.key === 'ArrowDown') { e.preventDefault(); e.stopPropagation(); move((share || 0.4) + (e.key === 'ArrowDown' ? 0.05 : -0.05)); } }}
      onPointerDown=${(e) => { /** @type {Element} */ (e.target).setPointerCapture(e.pointerId); e.preventDefault(); }}
      onPointerMove=${(e) => { if (!e.buttons || !root.current) return; const box = root.current.getBoundingClientRect(); move((e.clientY - box.top) / box.height); }}></div>
    <div class="pane bottom">${bottom}</div></div>`;
}

/** @param {any} props */
function TopPane({ run, nodes, graph, tasks, attempts, selected, select }) {
  const query = place.value.query;
  const asked = query.get('view') ?? '';
  const view = asked === 'tasks' || asked === 'graph' ? asked : 'timeline';
  const filter = query.get('tasks') ?? '';
  const failedOnly = query.get('failed') === '1';
  const [critical, setCritical] = useState(false);
  const [expanded, setExpanded] = useState(/** @type {Set<string>} */ (new Set()));
  const [children, setChildren] = useState(/** @type {Map<string, any>} */ (new Map()));
  const zoom = useRef(/** @type {any} */ (null));

  // A group with failures shows them without a click.
  const groups = useRef(false);
  const rows = useMemo(() => rowsOf(nodes, { filter, failedOnly, expanded, children }), [nodes, filter, failedOnly, expanded, children]);
  useEffect(() => {
    if (groups.current || !rows.length) return;
    groups.current = true;
    const bad = rows.find((row) => row.kind === 'group' && row.failed && row.failed <= 50);
    if (bad && failedOnly) setExpanded(new Set([bad.id]));
  }, [rows]);
  // A task that is chosen elsewhere may hide in a closed group.
  useEffect(() => {
    if (!selected || rows.some((row) => row.id === selected)) return;
    const group = rows.find((row) => row.kind === 'group' && row.members?.some((node) => node.id === selected));
    if (group) setExpanded(new Set([...expanded, group.id]));
  }, [selected]);

  const toggle = (/** @type {any} */ row) => {
    const next = new Set(expanded);
    if (next.has(row.id)) next.delete(row.id);
    else {
      next.add(row.id);
      if (row.kind === 'flow-run' && !children.has(row.id)) {
        get(`/flow_runs/${row.id}/graph-v2`).then((answer) => setChildren((old) => new Map([...old, [row.id, nodesOf(answer, new Map(), 0)]])), () => {});
      }
    }
    setExpanded(next);
  };
  const open = (/** @type {any} */ row) => { if (row.kind !== 'group') navigate(row.kind === 'flow-run' ? `/runs/flow-run/${row.id}` : `/runs/task-run/${row.id}`); };
  const path = useMemo(() => (critical ? criticalPath(nodes) : null), [critical, nodes]);
  useActions([{ key: 'p', label: 'Critical path', group: 'Run', run: () => setCritical(!critical) }]);

  const start = run.start_time ? Date.parse(run.start_time) : Date.parse(run.expected_start_time ?? run.created);
  const lastEnd = Math.max(...nodes.slice(-2000).map((/** @type {any} */ node) => node.end ?? 0), 0);
  const first = Math.min(start, ...nodes.slice(0, 5).map((/** @type {any} */ node) => node.start ?? Infinity));
  const end = TERMINAL.has(run.state_type) && run.end_time ? Math.max(Date.parse(run.end_time), lastEnd) : run.start_time ? null : start + 1000;
  const chosen = selected && nodes.find((/** @type {any} */ node) => node.id === selected);
  const failed = nodes.filter((/** @type {any} */ node) => BAD.has(node.type)).length;
  return html`<div class="pane-bar"><${Tabs} label="Tasks of the run" value=${view} tabs=${[['timeline', 'Timeline'], ['graph', 'Graph'], ['tasks', html`Tasks<em>${nodes.length ? count(nodes.length) : ''}</em>`]]} onChange=${(next) => setQuery({ view: next === 'timeline' ? null : next })} />
      <label class="search"><${Icon} name="search" size=${14} /><span class="sr">Filter tasks</span><input type="search" placeholder="Filter tasks" value=${filter} autocomplete="off" onInput=${(e) => setQuery({ tasks: e.target.value }, { replace: true })} /></label>
      ${(failed > 0 || failedOnly) && html`<label class="check"><input type="checkbox" checked=${failedOnly} onChange=${() => setQuery({ failed: failedOnly ? null : '1' }, { replace: true })} />Failed only <span class="faint num">${count(failed)}</span></label>`}
      <span class="grow"></span>
      ${chosen && html`<${Link} class="btn ghost" to=${chosen.kind === 'flow-run' ? `/runs/flow-run/${chosen.id}` : `/runs/task-run/${chosen.id}`} title="Open ${chosen.label}"><span class="cut">Open ${chosen.label}</span><${Icon} name="right" size=${14} /><//>`}
      ${view !== 'tasks' && nodes.length > 0 && html`<button type="button" class="btn ghost ${critical ? 'is-on' : ''}" aria-pressed=${critical} onClick=${() => setCritical(!critical)} title="Critical path (p)"><${Icon} name="path" /><span class="wide-only">Critical path</span></button>
        <button type="button" class="btn ghost icon-only" title="Zoom out (−)" aria-label="Zoom out" onClick=${() => zoom.current?.by(1.5)}>−</button>
        <button type="button" class="btn ghost icon-only" title="Fit" aria-label="Fit" onClick=${() => zoom.current?.fit()}><${Icon} name="fit" /></button>
        <button type="button" class="btn ghost icon-only" title="Zoom in (+, or Ctrl and wheel)" aria-label="Zoom in" onClick=${() => zoom.current?.by(0.6)}>+</button>`}
    </div>
    <${ErrorBox} error=${graph.error ?? tasks.error} retry=${() => { graph.reload(); tasks.reload(); }} />
    ${!graph.data && !tasks.data && !graph.error ? html`<${Skeleton} rows=${4} />`
      : nodes.length === 0 ? html`<div class="log-empty">${graph.error ? '' : TERMINAL.has(run.state_type) ? 'This run started no tasks.' : 'No task has started yet.'}</div>`
      : view === 'graph' ? html`<${Lazy} from=${graphView} name="Graph" nodes=${nodes} selected=${selected} critical=${path} filter=${filter} failedOnly=${failedOnly} zoom=${zoom} onSelect=${select} onOpen=${open} />`
      : view === 'tasks' ? html`<${Lazy} from=${tasktable} name="TaskTable" nodes=${nodes} attempts=${attempts} filter=${filter} failedOnly=${failedOnly} selected=${selected} onSelect=${select} />`
      : html`<${Gantt} rows=${rows} start=${first} end=${end} selected=${selected} critical=${path} attempts=${attempts} zoom=${zoom} onSelect=${(row) => select(row?.id ?? null)} onOpen=${open} onToggle=${toggle} />`}`;
}

/** @param {any} props */
function BottomPane({ run, active, artifactCount, names, nodes, selected, select }) {
  const query = place.value.query;
  const tab = query.get('tab') ?? 'logs';
  const subflows = nodes.filter((/** @type {any} */ node) => node.kind === 'flow-run');
  const tabs = html`<${Tabs} label="About the run" value=${tab} tabs=${[['logs', 'Logs'], ...(artifactCount || tab === 'artifacts' ? [['artifacts', html`Artifacts${artifactCount > 0 && html`<em>${count(artifactCount)}</em>`}`]] : []), ...(subflows.length ? [['subflows', html`Subflows<em>${subflows.length}</em>`]] : []), ['states', 'State history'], ['parameters', 'Parameters'], ['details', 'Details']]}
    onChange=${(next) => setQuery({ tab: next === 'logs' ? null : next })} />`;
  const chosen = useMemo(() => (selected ? new Set([selected]) : null), [selected]);
  const subSelected = selected && subflows.some((/** @type {any} */ node) => node.id === selected);
  const ofArtifacts = useMemo(() => ({ flow_run_id: { any_: [run.id] } }), [run.id]);
  const filter = useMemo(() => ({ flow_run_id: { any_: [subSelected ? selected : run.id] } }), [run.id, subSelected && selected]);
  if (tab === 'logs') {
    return html`<${LogView} filter=${filter} active=${active} bar=${tabs} nameOfTask=${(id) => names.get(id)} tasks=${subSelected ? null : chosen} taskLabel=${selected ? names.get(selected) ?? 'one task' : ''}
      onTask=${select} downloadPath=${`/flow_runs/${run.id}/logs/download`} downloadName=${run.name} />`;
  }
  return html`<div class="pane-bar">${tabs}</div>
    ${tab === 'artifacts' ? html`<${Lazy} from=${artifacts} name="Artifacts" filter=${ofArtifacts} version=${run} nameOfTask=${(id) => names.get(id)} />`
      : tab === 'states' ? html`<${Lazy} from=${facts} name="StateHistory" path=${`/flow_run_states/?flow_run_id=${run.id}`} version=${run.state_id} />`
      : tab === 'parameters' ? html`<div class="panel" tabIndex="0">${Object.keys(run.parameters ?? {}).length ? html`<${Lazy} from=${facts} name="JsonView" value=${run.parameters} />` : html`<p class="muted">This run has no parameters.</p>`}</div>`
      : tab === 'subflows' ? html`<div class="panel"><table class="plain"><tbody>${subflows.map((/** @type {any} */ node) => html`<tr key=${node.id}><td><${StateBadge} type=${node.type} /></td><td><${Link} class="name" to=${`/runs/flow-run/${node.id}`}>${node.label}<//></td><td class="num">${node.start ? duration(((node.end ?? Date.now()) - node.start) / 1000) : ''}</td></tr>`)}</tbody></table></div>`
      : html`<${Lazy} from=${facts} name="Details" entries=${detailsOf(run)} />`}`;
}

/** How many artifacts the graph knows of. @param {any} graph */
const artifactsIn = (graph) => (graph ? (graph.artifacts?.length ?? 0) + graph.nodes.reduce((/** @type {number} */ sum, /** @type {[string, any]} */ [, node]) => sum + (node.artifacts?.length ?? 0), 0) : 0);

/** @param {any} run @returns {[string, any][]} */
function detailsOf(run) {
  return [
    ['Id', html`<${Copy} text=${run.id} />`],
    ['State', `${run.state_name}${run.state_type !== run.state_name?.toUpperCase() ? ` (${stateLabel(run.state_type)})` : ''}`],
    ['Message', run.state?.message],
    ['Flow id', html`<${Copy} text=${run.flow_id} />`],
    ['Flow version', run.flow_version],
    ['Deployment', run.deployment_id && html`${nameOf(run.deployment_id) ?? ''} <${Copy} text=${run.deployment_id} />`],
    ['Deployment version', run.deployment_version],
    ['Work pool', run.work_pool_name],
    ['Work queue', run.work_queue_name],
    ['Parent', run.parent_task_run_id && html`<${Link} to=${`/runs/task-run/${run.parent_task_run_id}`}>the task run that started it<//>`],
    ['Created', html`<${Time} at=${run.created} />`],
    ['Created by', run.created_by?.display_value ?? run.created_by?.type],
    ['Expected start', run.expected_start_time && html`<${Time} at=${run.expected_start_time} />`],
    ['Started late by', run.start_time && run.expected_start_time && (elapsed(run.expected_start_time, run.start_time, 0) ?? 0) > 1 ? duration(elapsed(run.expected_start_time, run.start_time, 0)) : null],
    ['Total run time', run.total_run_time ? duration(run.total_run_time) : null],
    ['Retries', run.empirical_policy?.retries ? `${plural(run.empirical_policy.retries, 'retry', 'retries')}, ${run.empirical_policy.retry_delay ?? 0} s apart` : null],
    ['Auto-scheduled', run.auto_scheduled ? 'yes' : null],
    ['Idempotency key', run.idempotency_key && html`<${Copy} text=${run.idempotency_key} />`],
    ['Process', run.infrastructure_pid],
    ['Job variables', run.job_variables && Object.keys(run.job_variables).length ? html`<${Lazy} from=${facts} name="JsonView" value=${run.job_variables} />` : null],
    ['Labels', run.labels && Object.keys(run.labels).length ? html`<${Lazy} from=${facts} name="JsonView" value=${run.labels} />` : null],
    ['Context', run.context && Object.keys(run.context).length ? html`<${Lazy} from=${facts} name="JsonView" value=${run.context} />` : null],
  ];
}


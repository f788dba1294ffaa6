// "Copy as a command": what each page shows and does, as commands of flowctl and as requests of curl.

import { html } from '../../vendor/preact.js';
import { config, credentials } from '../api.js';
import { TERMINAL, matchPath, plural } from '../format.js';
import { currentlyShown, nameOf, place } from '../store.js';
import { openDialog } from './actions.js';
import { curl, flowctl, listWords } from './commands.js';
import { Copy } from './controls.js';
import { PAGE, bodyOf, readFilters } from './run_filters.js';

/** @typedef {import('./commands.js').Entry} Entry */

export function showCommands() {
  const entries = entriesOf();
  const locked = Boolean(credentials());
  return openDialog((close) => html`<div><h2>Copy as a command</h2>
    <ul class="commands">${entries.map((entry) => html`<li key=${entry.label}><h3>${entry.label}</h3>
      ${entry.flowctl && html`<div><span class="faint">flowctl</span><${Copy} text=${flowctl(entry.flowctl, config.api)} /></div>`}
      ${entry.request && html`<div><span class="faint">curl</span><${Copy} text=${curl(config.api, entry.request, locked)} /></div>`}</li>`)}</ul>
    ${locked && html`<p class="muted">A login is never part of a command: curl reads it from <code>PREFECT_API_AUTH_STRING</code>.</p>`}
    <div class="dialog-foot"><button class="btn primary" autofocus onClick=${() => close()}>Close</button></div></div>`, 'Copy as a command', 'widest');
}

/** @returns {Entry[]} */
function entriesOf() {
  const { path, query } = place.peek();
  const shown = currentlyShown();
  if (shown.run) return ofRun(shown.run);
  if (shown.task) return ofTask(shown.task);
  if (shown.deployment) return ofDeployment(shown.deployment);
  const filters = readFilters(query);
  const flow = matchPath('/flows/flow/:id', path);
  const named = query.get('name');
  if (flow) {
    return [
      { label: 'This flow', flowctl: ['flows', 'show', nameOf(flow.id) ?? flow.id], request: ['GET', `/flows/${flow.id}`] },
      { label: 'Its runs', flowctl: listWords({ ...filters, flows: [flow.id] }, nameOf), request: ['POST', '/flow_runs/filter', { ...bodyOf({ ...filters, flows: [flow.id] }, true), sort: filters.sort, limit: PAGE }] },
      { label: 'Delete it', request: ['DELETE', `/flows/${flow.id}`] },
    ];
  }
  switch (path) {
    case '/runs':
      if (query.get('tab') === 'task-runs') return [{ label: 'These task runs', request: ['POST', '/task_runs/filter', { ...(filters.states.length && { task_runs: { state: { type: { any_: filters.states } } } }), sort: 'EXPECTED_START_TIME_DESC', limit: PAGE }] }];
      return [
        { label: 'These runs', flowctl: listWords(filters, nameOf), request: ['POST', '/flow_runs/filter', { ...bodyOf(filters, true), sort: filters.sort, limit: PAGE }] },
        { label: 'How many they are', request: ['POST', '/flow_runs/count', bodyOf(filters, true)] },
        ...(shown.chosen?.length ? ofChosen(shown.chosen) : []),
      ];
    case '/runs/compare':
      return [{ label: 'The comparison', flowctl: ['runs', 'diff', query.get('a'), query.get('b')] }, ...['a', 'b'].map((side) => ({ label: `Run ${side.toUpperCase()}`, flowctl: ['runs', 'show', query.get(side)], request: /** @type {Entry['request']} */ (['GET', `/flow_runs/${query.get(side)}`]) }))];
    case '/flows': return [{ label: 'The flows', flowctl: ['flows', 'ls'], request: ['POST', '/flows/filter', { ...(named && { flows: { name: { like_: named } } }), sort: query.get('sort') ?? 'NAME_ASC' }] }];
    case '/deployments': return [{ label: 'The deployments', flowctl: ['deployments', 'ls'], request: ['POST', '/deployments/filter', { ...(named && { deployments: { flow_or_deployment_name: { like_: named } } }), sort: query.get('sort') ?? 'NAME_ASC' }] }];
    case '/work-pools': return [{ label: 'The work pools', request: ['POST', '/work_pools/filter', {}] }];
    case '/events': return [{ label: 'The newest events', request: ['POST', '/events/filter', { limit: PAGE }] }];
    case '/settings': return [
      { label: 'How the server and its file are', flowctl: ['status'], request: ['GET', '/admin/settings'] },
      { label: 'What takes room', flowctl: ['db', 'stats'] }, { label: 'A backup', flowctl: ['db', 'backup'] },
    ];
    default: return [
      { label: 'How everything is', flowctl: ['status'], request: ['GET', '/health'] },
      { label: 'What failed', flowctl: ['runs', 'ls', '--state', 'failed,crashed', '--since', '1d'], request: ['POST', '/flow_runs/filter', { flow_runs: { state: { type: { any_: ['FAILED', 'CRASHED'] } } }, sort: 'START_TIME_DESC' }] },
      { label: 'What is late', flowctl: ['runs', 'ls', '--late'] }, { label: 'What is stuck', flowctl: ['runs', 'ls', '--stuck'] },
      { label: 'What runs', flowctl: ['runs', 'ls', '--state', 'running'], request: ['POST', '/flow_runs/filter', { flow_runs: { state: { type: { any_: ['RUNNING'] } } } }] },
    ];
  }
}

/** @param {string[]} ids @returns {Entry[]} */
function ofChosen(ids) {
  const many = (/** @type {any} */ state) => /** @type {Entry['request']} */ (['POST', '/flow_runs/bulk_set_state', { flow_runs: { id: { any_: ids } }, state }]);
  return [
    { label: `Cancel the ${plural(ids.length, 'chosen run')}`, flowctl: ['runs', 'cancel', ...ids], request: many({ type: 'CANCELLING' }) },
    { label: 'Try them again', flowctl: ['runs', 'retry', ...ids], request: many({ type: 'SCHEDULED', name: 'AwaitingRetry' }) },
    { label: 'Set their state', flowctl: ['runs', 'set-state', ...ids, 'completed'], request: many({ type: 'COMPLETED' }) },
    { label: 'Delete them', flowctl: ['runs', 'delete', ...ids], request: ['POST', '/flow_runs/bulk_delete', { flow_runs: { id: { any_: ids } } }] },
  ];
}

/** @param {any} run @returns {Entry[]} */
function ofRun(run) {
  const { id } = run;
  const set = (/** @type {any} */ state) => /** @type {Entry['request']} */ (['POST', `/flow_runs/${id}/set_state`, { state }]);
  const done = TERMINAL.has(run.state_type);
  /** @type {Entry[]} */
  const entries = [
    { label: 'This run', flowctl: ['runs', 'show', id], request: ['GET', `/flow_runs/${id}`] },
    { label: 'Its log', flowctl: ['runs', 'logs', id, !done && '-f'], request: ['POST', '/logs/filter', { logs: { flow_run_id: { any_: [id] } }, sort: 'TIMESTAMP_ASC' }] },
    { label: done ? 'Why it ended so' : 'Why it is where it is', flowctl: ['why', id], request: ['GET', `/flowctl/runs/${id}/why`] },
    { label: 'Its states', flowctl: ['runs', 'history', id], request: ['GET', `/flow_run_states/?flow_run_id=${id}`] },
    { label: 'Its tasks', flowctl: ['runs', 'tree', id], request: ['POST', '/task_runs/filter', { task_runs: { flow_run_id: { any_: [id] } } }] },
    { label: 'Its artifacts', request: ['POST', '/artifacts/filter', { artifacts: { flow_run_id: { any_: [id] } } }] },
  ];
  if (!done) entries.push({ label: 'Cancel it', flowctl: ['runs', 'cancel', id], request: set({ type: 'CANCELLING' }) });
  if (run.state_type === 'PAUSED') entries.push({ label: 'Resume it', flowctl: ['runs', 'resume', id], request: ['POST', `/flow_runs/${id}/resume`, {}] });
  if (run.state_type === 'SCHEDULED') entries.push({ label: 'Start it now', flowctl: ['runs', 'reschedule', id, 'now'], request: set({ type: 'SCHEDULED' }) });
  if (run.state_type === 'RUNNING') entries.push({ label: 'Pause it', flowctl: ['runs', 'pause', id], request: set({ type: 'PAUSED' }) });
  if (done && run.deployment_id) {
    entries.push({ label: 'Retry it', flowctl: ['runs', 'retry', id], request: set({ type: 'SCHEDULED', name: 'AwaitingRetry' }) });
    entries.push({ label: 'Run it again', request: ['POST', `/deployments/${run.deployment_id}/create_flow_run`, { parameters: run.parameters }] });
  }
  entries.push({ label: 'Set its state', flowctl: ['runs', 'set-state', id, 'completed'], request: set({ type: 'COMPLETED' }) });
  entries.push({ label: 'Delete it', flowctl: ['runs', 'delete', id], request: ['DELETE', `/flow_runs/${id}`] });
  return entries;
}

/** @param {any} task @returns {Entry[]} */
function ofTask({ id, flow_run_id }) {
  return [
    { label: 'This task run', request: ['GET', `/task_runs/${id}`] },
    ...(flow_run_id ? [/** @type {Entry} */ ({ label: 'Its run', flowctl: ['runs', 'show', flow_run_id], request: ['GET', `/flow_runs/${flow_run_id}`] })] : []),
    { label: 'Its log', request: ['POST', '/logs/filter', { logs: { task_run_id: { any_: [id] } }, sort: 'TIMESTAMP_ASC' }] },
    { label: 'Its states', request: ['GET', `/task_run_states/?task_run_id=${id}`] },
    { label: 'Set its state', request: ['POST', `/task_runs/${id}/set_state`, { state: { type: 'COMPLETED' } }] },
    { label: 'Delete it', request: ['DELETE', `/task_runs/${id}`] },
  ];
}

/** @param {any} deployment @returns {Entry[]} */
function ofDeployment({ id, name, flow_id, paused, parameters }) {
  const flow = nameOf(flow_id);
  const target = flow ? `${flow}/${name}` : id;
  return [
    { label: 'This deployment', flowctl: ['deployments', 'show', target], request: ['GET', `/deployments/${id}`] },
    { label: 'Its runs', flowctl: ['runs', 'ls', '--deployment', target], request: ['POST', '/flow_runs/filter', { flow_runs: { deployment_id: { any_: [id] } }, sort: 'START_TIME_DESC' }] },
    { label: 'Run it', flowctl: ['deployments', 'run', target], request: ['POST', `/deployments/${id}/create_flow_run`, { parameters }] },
    { label: paused ? 'Resume it' : 'Pause it', flowctl: ['deployments', paused ? 'resume' : 'pause', target], request: ['PATCH', `/deployments/${id}`, { paused: !paused }] },
    { label: 'A runner for it', flowctl: ['runner', 'start', '--name', target] },
    { label: 'Delete it', flowctl: ['deployments', 'delete', target], request: ['DELETE', `/deployments/${id}`] },
  ];
}

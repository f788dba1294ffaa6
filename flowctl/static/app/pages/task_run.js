// One task run: its state, attempts, inputs, log and history.

import { html, useMemo } from '../../vendor/preact.js';
import { get, idsOf, post, useLive } from '../api.js';
import { TERMINAL, duration, errorLine, stateKey } from '../format.js';
import { navigate, place, setQuery, useActions, useCommands, useQuery, useTitle } from '../store.js';
import { Copy, Duration, ErrorBox, Icon, Lazy, Link, Menu, NotFound, Skeleton, StateBadge, Tabs, Tags, Time } from '../ui/controls.js';
import { Details, JsonView, StateHistory } from '../ui/facts.js';
import { LogView } from '../ui/logview.js';

const actions = () => import('../ui/actions.js');
const artifacts = () => import('../ui/artifacts.js');

/** @param {{id: string}} props */
export default function TaskRunPage({ id }) {
  const query = place.value.query;
  const task = useQuery(`task ${id}`, (signal) => get(`/task_runs/${id}`, { signal }));
  const data = task.data;
  const run = useQuery(data?.flow_run_id ? `run ${data.flow_run_id}` : null, (signal) => get(`/flow_runs/${data.flow_run_id}`, { signal }));
  const upstream = useMemo(() => [...new Set(Object.values(data?.task_inputs ?? {}).flat().filter((input) => input.input_type === 'task_run').map((input) => input.id))], [data]);
  const inputs = useQuery(upstream.length ? `inputs ${id} ${upstream.join()}` : null, (signal) => post('/task_runs/filter', { task_runs: { id: { any_: upstream.slice(0, 200) } }, limit: 200 }, { signal }));
  const active = Boolean(data) && !TERMINAL.has(data.state_type);
  useLive((event) => idsOf(event).has(id), task.reload, { busy: active });
  useTitle(data ? `${data.state_name} · ${data.name}` : 'Task run', data && stateKey(data.state_type, data.state_name));

  const then = (/** @type {(a: any) => Promise<any>} */ work) => async () => { if (await work(await actions())) await task.reload(); };
  const setState = then((a) => a.askAndSetState(data, 'task_runs'));
  const up = () => navigate(data?.flow_run_id ? `/runs/flow-run/${data.flow_run_id}?task=${id}` : '/runs?tab=task-runs');
  const remove = async () => { (await actions()).deleteTask(data, up, () => navigate(`/runs/task-run/${id}`)); };
  const sibling = async (/** @type {boolean} */ next) => {
    if (!data?.flow_run_id || !data.expected_start_time) return;
    const at = new Date(Date.parse(data.expected_start_time) + (next ? 1 : -1)).toISOString();
    const [found] = await post('/task_runs/filter', {
      task_runs: { flow_run_id: { any_: [data.flow_run_id] }, expected_start_time: next ? { after_: at } : { before_: at } }, sort: next ? 'EXPECTED_START_TIME_ASC' : 'EXPECTED_START_TIME_DESC', limit: 1,
    });
    if (found) navigate(`/runs/task-run/${found.id}`);
    else (await actions()).toast(next ? 'This is the last task of the run.' : 'This is the first task of the run.', 'done');
  };
  useActions(data ? [
    { key: 's', label: 'Set state', group: 'Task run', run: setState },
    { key: ']', label: 'Next task of the run', group: 'Task run', run: () => { sibling(true).catch(() => {}); } },
    { key: '[', label: 'Previous task of the run', group: 'Task run', run: () => { sibling(false).catch(() => {}); } },
    { key: 'u', label: 'Up to the run', group: 'Task run', run: up },
    { key: 'Delete', label: 'Delete', group: 'Task run', hidden: true, run: remove },
  ] : []);
  useCommands(() => ({ task: data }));
  const ofArtifacts = useMemo(() => ({ task_run_id: { any_: [id] } }), [id]);
  const filter = useMemo(() => ({ ...(data?.flow_run_id && { flow_run_id: { any_: [data.flow_run_id] } }), task_run_id: { any_: [id] } }), [id, data?.flow_run_id]);

  if (task.error?.status === 404 && !data) return html`<${NotFound} what="task run" id=${id} />`;
  if (!data) return html`<section class="page"><div class="page-head"><div class="crumbs"><${Link} to="/runs">Runs<//><span class="faint">/</span><h1>Task run</h1></div></div>${task.error ? html`<${ErrorBox} error=${task.error} retry=${task.reload} />` : html`<${Skeleton} />`}</section>`;

  const tab = query.get('tab') ?? 'logs';
  const tabs = html`<${Tabs} label="About the task run" value=${tab} tabs=${[['logs', 'Logs'], ['states', 'State history'], ['artifacts', 'Artifacts'], ...(Object.keys(data.task_inputs ?? {}).length ? [['inputs', 'Inputs']] : []), ['details', 'Details']]} onChange=${(next) => setQuery({ tab: next === 'logs' ? null : next })} />`;
  const bad = data.state_type === 'FAILED' || data.state_type === 'CRASHED';
  const names = new Map((inputs.data ?? []).map((/** @type {any} */ each) => [each.id, each]));
  const retries = data.empirical_policy?.retries;
  return html`<section class="page run-page">
    <div class="page-head"><div class="crumbs"><${Link} to="/runs">Runs<//><span class="faint">/</span>
        ${data.flow_run_id && html`<${Link} class="cut" to="/runs/flow-run/${data.flow_run_id}?task=${id}">${run.data?.name ?? '…'}<//><span class="faint">/</span>`}
        <h1 title=${data.name}>${data.name}</h1><${StateBadge} type=${data.state_type} name=${data.state_name} /></div>
      <div class="run-actions"><button type="button" class="btn" onClick=${setState}>Set state<kbd>s</kbd></button><button type="button" class="btn danger" onClick=${remove}>Delete</button>
        <${Menu} class="btn icon-only" align="right" title="More actions" label=${html`<${Icon} name="more" />`}>${(/** @type {() => void} */ close) => html`
          <button type="button" class="menu-item" onClick=${() => { close(); sibling(false); }}>Previous task<kbd>[</kbd></button><button type="button" class="menu-item" onClick=${() => { close(); sibling(true); }}>Next task<kbd>]</kbd></button>
          <button type="button" class="menu-item" onClick=${() => { close(); navigator.clipboard?.writeText(id); }}>Copy id</button>`}<//></div></div>
    <dl class="facts">
      <div class="fact"><dt>Started</dt><dd><${Time} at=${data.start_time ?? data.expected_start_time} /></dd></div>
      <div class="fact"><dt>Duration</dt><dd>${data.start_time ? html`<${Duration} start=${data.start_time} end=${active ? null : data.end_time} />` : html`<span class="faint">–</span>`}</dd></div>
      <div class="fact"><dt>Attempts</dt><dd><span class="num">${data.run_count}${retries ? ` of ${retries + 1}` : ''}</span></dd></div>
      ${data.tags?.length > 0 && html`<div class="fact"><dt>Tags</dt><dd><${Tags} tags=${data.tags} /></dd></div>`}
      ${upstream.length > 0 && html`<div class="fact wide"><dt>Waited for</dt><dd>${upstream.slice(0, 6).map((up_id, i) => html`${i ? ', ' : ''}<${Link} key=${up_id} to="/runs/task-run/${up_id}">${names.get(up_id)?.name ?? up_id.slice(0, 8)}<//>`)}${upstream.length > 6 ? ` and ${upstream.length - 6} more` : ''}</dd></div>`}</dl>
    <${ErrorBox} error=${task.error} retry=${task.reload} />
    ${bad && html`<section class="why s-${stateKey(data.state_type)}" aria-label="Why it failed"><div class="why-head"><h2>${data.state_type === 'CRASHED' ? 'Why it crashed' : 'Why it failed'}</h2></div><div class="why-message">${errorLine(data.state?.message) || 'No message was recorded.'}</div></section>`}
    <div class="split"><div class="pane bottom">${tab === 'logs' ? html`<${LogView} filter=${filter} active=${active} bar=${tabs} downloadName=${data.name} />` : html`<div class="pane-bar">${tabs}</div>
      ${tab === 'states' ? html`<${StateHistory} path="/task_run_states/?task_run_id=${id}" version=${data.state_id} />`
        : tab === 'artifacts' ? html`<${Lazy} from=${artifacts} name="Artifacts" filter=${ofArtifacts} version=${data} />`
        : tab === 'inputs' ? html`<div class="panel" tabIndex="0"><dl class="details">${Object.entries(data.task_inputs).map(([name, list]) => html`<dt class="mono" key=${name}>${name}</dt><dd key="${name} value">${/** @type {any[]} */ (list).map((input, i) => html`${i ? ', ' : ''}${input.input_type === 'task_run' ? html`<${Link} to="/runs/task-run/${input.id}">${names.get(input.id)?.name ?? input.id}<//>` : html`<span class="muted">${input.input_type}${input.name ? ` ${input.name}` : ''}</span>`}`)}${/** @type {any[]} */ (list).length ? '' : html`<span class="faint">a value</span>`}</dd>`)}</dl></div>`
        : html`<${Details} entries=${[
          ['Id', html`<${Copy} text=${data.id} />`], ['Flow run', data.flow_run_id && html`<${Link} to="/runs/flow-run/${data.flow_run_id}">${run.data?.name ?? data.flow_run_id}<//>`], ['Message', data.state?.message],
          ['Task key', data.task_key], ['Dynamic key', data.dynamic_key], ['Cache key', data.cache_key && html`<${Copy} text=${data.cache_key} />`], ['Cache expires', data.cache_expiration && html`<${Time} at=${data.cache_expiration} />`],
          ['Task version', data.task_version], ['Created', html`<${Time} at=${data.created} />`], ['Expected start', data.expected_start_time && html`<${Time} at=${data.expected_start_time} />`],
          ['Total run time', data.total_run_time ? duration(data.total_run_time) : null], ['Retries', retries ? String(retries) : null], ['Attempt of the flow', data.flow_run_run_count > 1 ? String(data.flow_run_run_count) : null],
          ['Subflow', data.state?.state_details?.child_flow_run_id && html`<${Link} to="/runs/flow-run/${data.state.state_details.child_flow_run_id}">the run that it started<//>`],
          ['Labels', data.labels && Object.keys(data.labels).length ? html`<${JsonView} value=${data.labels} />` : null],
        ]} />`}`}</div></div>
  </section>`;
}

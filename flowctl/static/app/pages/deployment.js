// One deployment: is it ready, when does it run, how did it run; run it, pause it, change its schedules.

import { html, useEffect, useMemo } from '../../vendor/preact.js';
import { get, post, useLive } from '../api.js';
import { TERMINAL, absolute, briefParameters, count, duration, percent } from '../format.js';
import { loadNames, nameOf, namesVersion, navigate, place, rememberNames, setQuery, useActions, useCommands, useQuery, useTitle } from '../store.js';
import { Copy, Empty, ErrorBox, Icon, Lazy, Link, Menu, NotFound, Skeleton, StateBadge, Switch, Tabs, Tags, Time, prose } from '../ui/controls.js';
import { kindOfSchedule, scheduleWords } from '../ui/schedule.js';
import { RunBars, RunTable, isBusy, statsOf } from '../ui/table.js';
import { Ready } from './deployments.js';

const PAGE = 200;
const TIMES = 5;

const actions = () => import('../ui/deployment_actions.js');
const facts = () => import('../ui/facts.js');

/** @param {{id: string}} props */
export default function DeploymentPage({ id }) {
  const { query, path } = place.value;
  namesVersion.value;
  const deployment = useQuery(`deployment ${id}`, async (signal) => { const found = await get(`/deployments/${id}`, { signal }); rememberNames([found]); loadNames([found]).catch(() => {}); return found; });
  const runs = useQuery(`deployment runs ${id}`, (signal) => post('/flow_runs/paginate', { flow_runs: { deployment_id: { any_: [id] }, start_time: { is_null_: false } }, sort: 'START_TIME_DESC', limit: PAGE, page: 1 }, { signal }));
  const scheduled = useQuery(`deployment scheduled ${id}`, (signal) => post('/flow_runs/filter', { flow_runs: { deployment_id: { any_: [id] }, state: { type: { any_: ['SCHEDULED'] } } }, sort: 'NEXT_SCHEDULED_START_TIME_ASC', limit: 100 }, { signal }));
  const data = deployment.data;
  const rows = runs.data?.results ?? [];
  const reload = async () => { await Promise.all([deployment.reload(), runs.reload(), scheduled.reload()]); };
  useLive((event) => event.resource['prefect.resource.id'] === `prefect.deployment.${id}` || (event.related ?? []).some((/** @type {any} */ each) => each['prefect.resource.id'] === `prefect.deployment.${id}`), reload, { busy: isBusy(rows) });
  useTitle(data?.name ?? 'Deployment');
  useCommands(() => ({ deployment: data }));

  const act = (/** @type {(a: typeof import('../ui/deployment_actions.js')) => Promise<any>} */ work) => async () => { if (await work(await actions())) await reload(); };
  const run = act((a) => a.askAndRun(data));
  const quick = act((a) => a.quickRun(data));
  const pause = act((a) => a.setPaused(data, !data.paused));
  const edit = act((a) => a.editDeployment(data));
  const copy = act((a) => a.duplicateDeployment(data));
  const add = act((a) => a.editSchedule(data));
  const remove = async () => { (await actions()).deleteDeployment(data, () => navigate(`/deployments/deployment/${id}`)); };
  useActions(data ? [
    { key: 'r', label: 'Run…', group: 'Deployment', run }, { key: 'R', label: 'Run it now as it is', group: 'Deployment', run: quick },
    { key: 'p', label: data.paused ? 'Go on' : 'Pause', group: 'Deployment', run: pause }, { key: 'e', label: 'Edit', group: 'Deployment', run: edit }, { key: 'Duplicate', label: 'Duplicate the deployment', group: 'Deployment', hidden: true, run: copy },
    { key: 'Add schedule', label: 'Add a schedule', group: 'Deployment', hidden: true, run: add }, { key: 'Delete', label: 'Delete the deployment', group: 'Deployment', hidden: true, run: remove },
    { key: 'u', label: 'Up to all deployments', group: 'Deployment', run: () => navigate('/deployments') },
  ] : []);
  // Links of Prefect's own pages: …/run opens the form, …/edit the editor, …/duplicate asks for a name.
  const wanted = /\/(run|edit|duplicate)$/.exec(path)?.[1];
  useEffect(() => {
    if (!data || !wanted) return;
    navigate(`/deployments/deployment/${id}`, { replace: true });
    if (wanted === 'run') run(); else if (wanted === 'edit') edit(); else copy();
  }, [Boolean(data), wanted]);
  const stats = useMemo(() => statsOf(rows), [runs.data]);

  if (deployment.error?.status === 404 && !data) return html`<${NotFound} what="deployment" id=${id} />`;
  const crumbs = html`<div class="crumbs"><${Link} to="/deployments">Deployments<//><span class="faint">/</span><h1 title=${data?.name}>${data?.name ?? 'Deployment'}</h1>${data && html`<${Ready} deployment=${data} />`}</div>`;
  if (!data) return html`<section class="page"><div class="page-head">${crumbs}</div>${deployment.error ? html`<${ErrorBox} error=${deployment.error} retry=${deployment.reload} />` : html`<${Skeleton} />`}</section>`;
  const tab = query.get('tab') ?? 'runs';
  const next = scheduled.data?.[0];
  const parameters = briefParameters(data.parameters);
  const limit = data.global_concurrency_limit?.limit;
  return html`<section class="page deployment-page">
    <div class="page-head">${crumbs}<div class="run-actions"><button type="button" class="btn primary" onClick=${run}>Run…<kbd>r</kbd></button><button type="button" class="btn" onClick=${quick} title="Run it now as it is (R)">Quick run</button>
      <${Menu} class="btn icon-only" align="right" title="More actions" label=${html`<${Icon} name="more" />`}>${(/** @type {() => void} */ close) => html`
        ${[['Edit', 'e', edit], ['Duplicate', '', copy], [data.paused ? 'Go on' : 'Pause', 'p', pause], ['Add a schedule', '', add]].map(([label, key, work]) => html`<button type="button" class="menu-item" key=${label} onClick=${() => { close(); /** @type {any} */ (work)(); }}>${label}${key && html`<kbd>${key}</kbd>`}</button>`)}
        <button type="button" class="menu-item" onClick=${() => { close(); navigator.clipboard?.writeText(id); }}>Copy id</button>
        <button type="button" class="menu-item danger" onClick=${() => { close(); remove(); }}>Delete</button>`}<//></div></div>
    <dl class="facts">
      <div class="fact"><dt>Flow</dt><dd><${Link} to="/flows/flow/${data.flow_id}">${nameOf(data.flow_id) ?? '…'}<//></dd></div>
      <div class="fact"><dt>Last runs</dt><dd>${rows.length ? html`<${RunBars} runs=${rows} narrow />` : '–'}</dd></div>
      <div class="fact"><dt>Completed</dt><dd class="num">${stats.rate != null ? percent(stats.rate) : '–'}</dd></div>
      <div class="fact"><dt>Median</dt><dd class="num">${stats.median != null ? duration(stats.median) : '–'}</dd></div>
      <div class="fact"><dt>Last run</dt><dd>${stats.last ? html`<${Link} class="last-run" to="/runs/flow-run/${stats.last.id}"><${StateBadge} quiet type=${stats.last.state_type} name=${stats.last.state_name} /><${Time} at=${stats.last.start_time} /><//>` : '–'}</dd></div>
      <div class="fact"><dt>Next run</dt><dd>${next ? html`<${Link} to="/runs/flow-run/${next.id}"><${Time} at=${next.next_scheduled_start_time ?? next.expected_start_time} /><//>` : '–'}</dd></div>
      ${limit && html`<div class="fact"><dt>At the same time</dt><dd class="num">${data.global_concurrency_limit.active_slots ?? 0} of ${count(limit)}</dd></div>`}
      ${data.work_pool_name && html`<div class="fact"><dt>Work pool</dt><dd><${Link} to="/work-pools/work-pool/${encodeURIComponent(data.work_pool_name)}">${data.work_pool_name}<//>${data.work_queue_name ? html`<span class="muted"> › ${data.work_queue_name}</span>` : ''}</dd></div>`}
      ${data.tags.length > 0 && html`<div class="fact"><dt>Tags</dt><dd><${Tags} tags=${data.tags} /></dd></div>`}
      ${parameters && html`<div class="fact wide"><dt>Parameters</dt><dd title=${parameters}><span class="mono">${parameters}</span></dd></div>`}</dl>
    <${ErrorBox} error=${deployment.error ?? runs.error ?? scheduled.error} retry=${reload} />
    ${data.description && data.description !== 'None' && html`<div class="description"><${Lazy} from=${prose} name="Markdown" quiet text=${data.description} /></div>`}
    <section class="schedules" aria-label="Schedules"><div class="schedules-head"><h2>Schedules</h2><${Switch} on=${!data.paused} label="Schedules are active" onChange=${pause} /><span class="muted">${data.paused ? 'Paused: no schedule makes runs' : ''}</span>
        <span class="grow"></span><button type="button" class="btn small" onClick=${add}>Add a schedule</button></div>
      ${data.schedules.length ? html`<ul>${data.schedules.map((/** @type {any} */ each) => html`<${ScheduleRow} key=${each.id} deployment=${data} schedule=${each} act=${act} runs=${(scheduled.data ?? []).filter((/** @type {any} */ one) => one.created_by?.id === each.id || one.idempotency_key?.includes(each.id))} />`)}</ul>` : html`<p class="muted">No schedule: it runs when somebody starts it.</p>`}</section>
    <div class="pane-bar"><${Tabs} label="About the deployment" value=${tab} tabs=${[['runs', html`Runs<em>${runs.data ? count(runs.data.count) : ''}</em>`], ['parameters', 'Parameters'], ['details', 'Details']]} onChange=${(to) => setQuery({ tab: to === 'runs' ? null : to })} /></div>
    ${tab === 'parameters' ? html`<div class="panel" tabIndex="0"><h2 class="panel-title">Values</h2><${Lazy} from=${facts} name="JsonView" value=${data.parameters ?? {}} /><h2 class="panel-title">Schema</h2><${Lazy} from=${facts} name="JsonView" value=${data.parameter_openapi_schema ?? {}} /></div>`
      : tab === 'details' ? html`<${Lazy} from=${facts} name="Details" entries=${detailsOf(data)} />`
      : !runs.data ? !runs.error && html`<${Skeleton} rows=${6} />` : rows.length ? html`<${RunTable} label="Runs of the deployment" runs=${rows} total=${runs.data.count} stale=${runs.stale} group="Deployment" />` : html`<${Empty} title="It has not run yet"><p><button class="btn primary" onClick=${run}>Run…</button></p><//>`}
  </section>`;
}

/** @param {{deployment: any, schedule: any, runs: any[], act: (work: (a: any) => Promise<any>) => () => Promise<void>}} props */
function ScheduleRow({ deployment, schedule, runs, act }) {
  const on = schedule.active && !deployment.paused;
  const zone = schedule.schedule.timezone ?? 'UTC';
  const home = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const times = runs.filter((run) => !TERMINAL.has(run.state_type)).slice(0, TIMES).map((run) => run.next_scheduled_start_time ?? run.expected_start_time);
  const words = scheduleWords(schedule.schedule);
  return html`<li class="schedule ${on ? '' : 'is-off'}"><${Switch} on=${schedule.active} label="${words} is active" onChange=${act((a) => a.setActive(deployment, schedule, !schedule.active))} />
    <div class="item-main"><div><b>${words}</b> <code class="faint">${kindOfSchedule(schedule.schedule) === 'cron' ? schedule.schedule.cron : ''}</code></div>
      <div class="times muted">${on ? times.map((at, i) => html`<${Link} key=${at} class="num" to="/runs/flow-run/${runs[i].id}" title=${`${absolute(at)}${zone !== home ? ` · ${inZone(at, zone)} in ${zone}` : ''}`}>${short(at)}<//>`) : 'No runs while it is off'}${Object.keys(schedule.parameters ?? {}).length ? html`<span class="mono">${briefParameters(schedule.parameters)}</span>` : ''}</div></div>
    <button type="button" class="btn small ghost" aria-label="Change: ${words}" onClick=${act((a) => a.editSchedule(deployment, schedule))}>Change</button>
    <button type="button" class="btn small ghost icon-only" aria-label="Delete: ${words}" title="Delete" onClick=${act((a) => a.deleteSchedule(deployment, schedule))}><${Icon} name="close" size=${14} /></button></li>`;
}

/** @param {string} at */
const short = (at) => new Date(at).toLocaleString('en-GB', { weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', second: new Date(at).getSeconds() ? '2-digit' : undefined });
/** @param {string} at @param {string} zone */
function inZone(at, zone) {
  try { return new Date(at).toLocaleString('en-GB', { timeZone: zone, weekday: 'short', hour: '2-digit', minute: '2-digit' }); } catch { return ''; }
}

/** @param {any} data @returns {[string, any][]} */
function detailsOf(data) {
  const json = (/** @type {any} */ value) => (value && Object.keys(value).length ? html`<${Lazy} from=${facts} name="JsonView" value=${value} />` : null);
  return [
    ['Id', html`<${Copy} text=${data.id} />`], ['Flow id', html`<${Copy} text=${data.flow_id} />`], ['Version', data.version], ['Entrypoint', data.entrypoint && html`<${Copy} text=${data.entrypoint} />`], ['Path', data.path],
    ['Work pool', data.work_pool_name], ['Work queue', data.work_queue_name], ['Last asked for runs', data.last_polled && html`<${Time} at=${data.last_polled} />`],
    ['Parameters are checked', data.enforce_parameter_schema ? 'yes' : 'no'], ['When its limit is reached', data.concurrency_options?.collision_strategy], ['Created', html`<${Time} at=${data.created} />`], ['Updated', html`<${Time} at=${data.updated} />`],
    ['Created by', data.created_by?.display_value], ['Job variables', json(data.job_variables)], ['Pull steps', json(data.pull_steps)], ['Labels', json(data.labels)],
  ];
}

// One work pool: its queues, its workers, what it hands out next.

import { html, useEffect } from '../../vendor/preact.js';
import { call, get, post, useLive } from '../api.js';
import { count } from '../format.js';
import { loadNames, navigate, place, setQuery, useActions, useQuery, useTitle } from '../store.js';
import { Copy, ErrorBox, Icon, Lazy, Link, Menu, NotFound, Skeleton, Switch, Tabs, Time, prose } from '../ui/controls.js';
import { RunTable } from '../ui/table.js';
import { Taken, Used, setPaused } from './work_pools.js';

const actions = () => import('../ui/actions.js');
const facts = () => import('../ui/facts.js');
const WAITING = ['SCHEDULED', 'PENDING', 'RUNNING', 'CANCELLING'];
const RUNS = 100;

/** Links to a queue and to a worker open the page of their pool. @param {{name?: string, id?: string, queue?: string, worker?: string}} props */
export default function WorkPoolPage({ name, id, queue, worker }) {
  const found = useQuery(name ? null : `work queue ${id}`, (signal) => get(`/work_queues/${id}`, { signal }));
  useEffect(() => { if (found.data) navigate(`/work-pools/work-pool/${encodeURIComponent(found.data.work_pool_name)}`, { replace: true }); }, [found.data]);
  if (name) return html`<${Pool} name=${name} queue=${queue} worker=${worker} />`;
  if (found.error?.status === 404) return html`<${NotFound} what="work queue" id=${id} />`;
  return html`<section class="page"><div class="page-head"><h1>Work queue</h1></div>${found.error ? html`<${ErrorBox} error=${found.error} retry=${found.reload} />` : html`<${Skeleton} />`}</section>`;
}

/** @param {{name: string, queue?: string, worker?: string}} props */
function Pool({ name, queue, worker }) {
  const path = `/work_pools/${encodeURIComponent(name)}`;
  const tab = place.value.query.get('tab') ?? (worker ? 'workers' : 'runs');
  useTitle(`${name} · Work pools`);
  const pool = useQuery(`work pool ${name}`, (signal) => get(path, { signal }));
  const queues = useQuery(`work pool queues ${name}`, (signal) => post(`${path}/queues/filter`, { limit: 200 }, { signal }));
  const workers = useQuery(`work pool workers ${name}`, (signal) => post(`${path}/workers/filter`, { limit: 200 }, { signal }));
  const runs = useQuery(`work pool runs ${name}`, async (signal) => {
    const list = await post('/flow_runs/filter', { work_pools: { name: { any_: [name] } }, flow_runs: { state: { type: { any_: WAITING } } }, sort: 'NEXT_SCHEDULED_START_TIME_ASC', limit: RUNS }, { signal });
    loadNames(list).catch(() => {});
    return list;
  });
  const each = [pool, queues, workers, runs];
  const reload = async () => { await Promise.all(each.map((one) => one.reload())); };
  useLive((event) => /^prefect\.(work-pool|work-queue|worker|flow-run)\./.test(event.event), reload);

  const data = pool.data;
  const pause = async () => { if (await setPaused(path, data)) await reload(); };
  const limit = async () => { if (await askLimit(path, data)) await reload(); };
  const remove = async () => {
    const { attempt, confirm, toast } = await actions();
    if (!(await confirm({ title: `Delete ${name}?`, yes: 'Delete the work pool', danger: true, text: 'Its queues and workers go with it. Deployments and runs stay, but nobody takes them any more.' }))) return;
    if (await attempt(async () => { await call('DELETE', path); return true; })) { toast(`${name} is deleted.`); navigate('/work-pools'); }
  };
  useActions(data ? [
    { key: 'p', label: data.is_paused ? 'Go on' : 'Pause', group: 'Work pool', run: pause }, { key: 'L', label: 'Change the limit', group: 'Work pool', run: limit },
    { key: 'Delete', label: 'Delete the work pool', group: 'Work pool', hidden: true, run: remove }, { key: 'u', label: 'Up to all work pools', group: 'Work pool', run: () => navigate('/work-pools') },
  ] : []);

  if (pool.error?.status === 404 && !data) return html`<${NotFound} what="work pool" id=${name} />`;
  const crumbs = html`<div class="crumbs"><${Link} to="/work-pools">Work pools<//><span class="faint">/</span><h1 title=${name}>${name}</h1>${data && html`<${Taken} of=${data} />`}</div>`;
  const errors = each.filter((one) => one.error);
  const error = html`<${ErrorBox} error=${errors[0]?.error} retry=${() => { for (const one of errors) one.reload(); }} />`;
  if (!data) return html`<section class="page"><div class="page-head">${crumbs}</div>${errors.length ? error : html`<${Skeleton} />`}</section>`;
  const online = (workers.data ?? []).filter((/** @type {any} */ one) => one.status === 'ONLINE').length;
  return html`<section class="page deployment-page">
    <div class="page-head">${crumbs}<div class="run-actions"><button type="button" class="btn ${data.is_paused ? 'primary' : ''}" onClick=${pause}>${data.is_paused ? 'Go on' : 'Pause'}<kbd>p</kbd></button>
      <${Menu} class="btn icon-only" align="right" title="More actions" label=${html`<${Icon} name="more" />`}>${(/** @type {() => void} */ close) => html`
        <button type="button" class="menu-item" onClick=${() => { close(); limit(); }}>Change the limit<kbd>L</kbd></button>
        <button type="button" class="menu-item danger" onClick=${() => { close(); remove(); }}>Delete</button>`}<//></div></div>
    <dl class="facts">
      <div class="fact"><dt>Type</dt><dd>${data.type}</dd></div><div class="fact"><dt>Slots</dt><dd><${Used} of=${data} /></dd></div>
      <div class="fact"><dt>Workers</dt><dd>${workers.data ? `${count(online)} online` : '…'}</dd></div>
      <div class="fact"><dt>Start a worker</dt><dd><${Copy} text=${`prefect worker start --pool ${/^[\w.-]+$/.test(name) ? name : `'${name.replaceAll("'", "'\"'\"'")}'`}`} /></dd></div></dl>
    ${error}
    ${data.description && html`<div class="description"><${Lazy} from=${prose} name="Markdown" quiet text=${data.description} /></div>`}
    <section class="schedules" aria-label="Queues"><div class="schedules-head"><h2>Queues</h2><span class="muted">${queues.data?.length > 1 ? 'The lowest number goes first' : ''}</span></div>
      ${queues.data && html`<ul>${queues.data.map((/** @type {any} */ one) => html`<${Queue} key=${one.id} pool=${path} queue=${one} chosen=${one.name === queue} changed=${queues.reload} />`)}</ul>`}</section>
    <div class="pane-bar"><${Tabs} label="About the work pool" value=${tab} onChange=${(to) => setQuery({ tab: to })}
      tabs=${[['runs', html`Waiting and running<em>${runs.data ? `${count(runs.data.length)}${runs.data.length === RUNS ? '+' : ''}` : ''}</em>`], ['workers', html`Workers<em>${workers.data ? count(workers.data.length) : ''}</em>`], ['details', 'Details']]} /></div>
    ${tab === 'details' ? html`<${Lazy} from=${facts} name="Details" entries=${[['Id', html`<${Copy} text=${data.id} />`], ['Created', html`<${Time} at=${data.created} />`], ['Updated', html`<${Time} at=${data.updated} />`], ['Base job template', html`<${Lazy} from=${facts} name="JsonView" value=${data.base_job_template} />`]]} />`
      : tab === 'workers' ? html`<div class="panel"><${Workers} workers=${workers.data} chosen=${worker} /></div>`
      : !runs.data ? !runs.error && html`<${Skeleton} rows=${5} />` : runs.data.length ? html`<${RunTable} label="Runs of the work pool" runs=${runs.data} total=${runs.data.length} stale=${runs.stale} group="Work pool" deployments />` : html`<div class="panel"><p class="muted">Nothing waits or runs here.</p></div>`}
  </section>`;
}

/** @param {{pool: string, queue: any, chosen: boolean, changed: () => Promise<void>}} props */
function Queue({ pool, queue, chosen, changed }) {
  const path = `${pool}/queues/${encodeURIComponent(queue.name)}`;
  const toggle = async () => { if (await setPaused(path, queue)) await changed(); };
  const limit = async () => { if (await askLimit(path, queue)) await changed(); };
  return html`<li class="schedule ${queue.is_paused ? 'is-off' : ''}" aria-current=${chosen ? 'true' : undefined}><${Switch} on=${!queue.is_paused} label="${queue.name} gives out runs" onChange=${toggle} />
    <span class="num faint" title="Priority">${queue.priority}</span><div class="item-main"><b>${queue.name}</b><${Taken} of=${queue} /><div class="item-why muted">${queue.last_polled ? html`Asked for runs <${Time} at=${queue.last_polled} />` : 'Nobody asked for its runs yet'}</div></div>
    <${Used} of=${queue} /><button type="button" class="btn small ghost" aria-label="Change the limit of ${queue.name}" onClick=${limit}>Change</button></li>`;
}

/** @param {{workers?: any[], chosen?: string}} props */
function Workers({ workers, chosen }) {
  if (!workers) return html`<${Skeleton} rows=${3} />`;
  if (!workers.length) return html`<p class="muted">No worker has reported yet. Start one with the command above.</p>`;
  return html`<ul class="rows">${workers.map((one) => html`<li key=${one.id} class="item" aria-current=${one.id === chosen ? 'true' : undefined}><div class="item-main"><div class="item-line"><b class="cut" title=${one.name}>${one.name}</b></div>
    <div class="item-why muted">${one.last_heartbeat_time ? html`Last heard of <${Time} at=${one.last_heartbeat_time} />` : 'Never heard of'}</div></div>
    <span class="ready ${one.status === 'ONLINE' ? 's-completed' : 's-pending'}"><i></i>${one.status === 'ONLINE' ? 'Online' : 'Offline'}</span></li>`)}</ul>`;
}

/** How many runs may be under way at once; an empty field is no limit. @param {string} path @param {any} of */
async function askLimit(path, of) {
  const [{ attempt, openDialog, toast }, form] = await Promise.all([actions(), import('../ui/form.js')]);
  const field = { type: 'integer', title: 'Runs at the same time', minimum: 0, ...(of.concurrency_limit != null && { default: of.concurrency_limit }) };
  const value = await openDialog((close) => html`<${form.SchemaDialog} title=${`Limit of ${of.name}`} description="Without a number there is no limit." schema=${{ type: 'object', properties: { concurrency_limit: field } }} submit="Save" close=${close} />`, 'Limit');
  if (!value) return false;
  return attempt(async () => {
    await call('PATCH', path, { concurrency_limit: value.concurrency_limit ?? null });
    toast(value.concurrency_limit == null ? `${of.name} has no limit.` : `${of.name} may run ${value.concurrency_limit} at the same time.`);
    return true;
  });
}

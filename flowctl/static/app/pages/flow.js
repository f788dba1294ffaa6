// One flow: how long its runs take over time, its runs, its deployments.

import { html, useMemo, useState } from '../../vendor/preact.js';
import { call, get, post, useLive } from '../api.js';
import { count, duration, niceStep, percent } from '../format.js';
import { namesVersion, navigate, place, rememberNames, setQuery, useActions, useQuery, useTitle } from '../store.js';
import { History, toBuckets } from '../ui/chart.js';
import { Copy, Empty, ErrorBox, Icon, Lazy, Link, NotFound, Segments, Skeleton, StateBadge, Tabs, Tags, Time } from '../ui/controls.js';
import { RangePicker, bodyOf, readFilters, windowOf } from '../ui/run_filters.js';
import { scheduleWords } from '../ui/schedule.js';
import { RunTable, isBusy, statsOf } from '../ui/table.js';

const PAGE = 200;
const NO_STATES = new Set();

const actions = () => import('../ui/actions.js');
const facts = () => import('../ui/facts.js');

/** @param {{id: string}} props */
export default function FlowPage({ id }) {
  const query = place.value.query;
  namesVersion.value;
  const filters = useMemo(() => ({ ...readFilters(query), flows: [id] }), [String(query), id]);
  const key = `${id} ${filters.seconds} ${filters.start} ${filters.end}`;
  const flow = useQuery(`flow ${id}`, async (signal) => { const found = await get(`/flows/${id}`, { signal }); rememberNames([found]); return found; });
  const runs = useQuery(`flow runs ${key}`, (signal) => post('/flow_runs/paginate', { ...bodyOf({ ...filters, states: [] }, false), sort: 'START_TIME_DESC', limit: PAGE, page: 1 }, { signal }));
  const history = useQuery(`flow history ${key}`, async (signal) => {
    const { start, end } = windowOf(filters);
    const answer = await post('/flow_runs/history', { ...bodyOf(filters, false), history_start: new Date(start).toISOString(), history_end: new Date(end).toISOString(), history_interval_seconds: niceStep((end - start) / 1000, 90) }, { signal });
    return { buckets: toBuckets(answer), start, end };
  });
  const deployments = useQuery(`flow deployments ${id}`, async (signal) => { const found = await post('/deployments/filter', { flows: { id: { any_: [id] } }, sort: 'NAME_ASC', limit: PAGE }, { signal }); rememberNames(found); return found; });
  const next = useQuery(`flow next ${id}`, async (signal) => (await post('/ui/flows/next-runs', { flow_ids: [id] }, { signal }))[id] ?? null);
  const rows = runs.data?.results ?? [];
  useLive((event) => event.event.startsWith('prefect.flow-run.') && (event.related ?? []).some((/** @type {any} */ each) => each['prefect.resource.id'] === `prefect.flow.${id}`),
    async () => { await Promise.all([runs.reload(), history.reload(), next.reload()]); }, { busy: isBusy(rows) });
  const name = flow.data?.name ?? 'Flow';
  useTitle(name);
  const [mode, setMode] = useState('scatter');
  const tab = query.get('tab') ?? 'runs';

  const remove = async () => {
    const a = await actions();
    const many = deployments.data?.length ?? 0;
    if (!(await a.confirm({ title: `Delete ${name}?`, yes: 'Delete the flow', danger: true, text: `Its runs${many ? ` and its ${count(many)} deployments` : ''} go with it. A flow that runs again is made anew.` }))) return;
    navigate('/flows');
    a.withUndo(`${name} deleted.`, async () => { await call('DELETE', `/flows/${id}`, undefined, { keepalive: true }); }, () => navigate(`/flows/flow/${id}`));
  };
  useActions([
    { key: 'u', label: 'Up to all flows', group: 'Flow', run: () => navigate('/flows') },
    { key: 'Delete', label: 'Delete the flow', group: 'Flow', hidden: true, run: remove },
  ]);

  if (flow.error?.status === 404 && !flow.data) return html`<${NotFound} what="flow" id=${id} />`;
  const crumbs = html`<div class="crumbs"><${Link} to="/flows">Flows<//><span class="faint">/</span><h1 title=${name}>${name}</h1></div>`;
  if (!flow.data) return html`<section class="page"><div class="page-head">${crumbs}</div>${flow.error ? html`<${ErrorBox} error=${flow.error} retry=${flow.reload} />` : html`<${Skeleton} />`}</section>`;

  const stats = statsOf(rows);
  const { start, end } = history.data ?? windowOf(filters);
  const error = flow.error ?? runs.error ?? history.error ?? deployments.error ?? next.error;
  return html`<section class="page flow-page">
    <div class="page-head">${crumbs}<div class="run-actions"><${Link} class="btn" to="/runs?flows=${id}">All runs<//><button type="button" class="btn danger" onClick=${remove}>Delete</button><${RangePicker} filters=${filters} /></div></div>
    <dl class="facts">
      <div class="fact"><dt>Runs</dt><dd class="num">${runs.data ? count(runs.data.count) : '…'}</dd></div>
      <div class="fact"><dt>Completed</dt><dd class="num">${stats.rate != null ? percent(stats.rate) : '–'}</dd></div>
      <div class="fact"><dt>Median</dt><dd class="num">${stats.median != null ? duration(stats.median) : '–'}</dd></div>
      <div class="fact"><dt>p95</dt><dd class="num">${stats.p95 != null ? duration(stats.p95) : '–'}</dd></div>
      <div class="fact"><dt>Last run</dt><dd>${stats.last ? html`<${Link} class="last-run" to="/runs/flow-run/${stats.last.id}"><${StateBadge} quiet type=${stats.last.state_type} name=${stats.last.state_name} /><${Time} at=${stats.last.start_time} /><//>` : '–'}</dd></div>
      <div class="fact"><dt>Next run</dt><dd>${next.data ? html`<${Link} to="/runs/flow-run/${next.data.id}"><${Time} at=${next.data.next_scheduled_start_time} /><//>` : '–'}</dd></div>
      ${flow.data.tags?.length > 0 && html`<div class="fact"><dt>Tags</dt><dd><${Tags} tags=${flow.data.tags} /></dd></div>`}</dl>
    <${ErrorBox} error=${error} retry=${() => { for (const each of [flow, runs, history, deployments, next]) if (each.error) each.reload(); }} />
    ${history.data && html`<div class="chart-bar"><span class="faint">${mode === 'scatter' ? 'Duration of each run; click one to open it' : 'Runs by state; drag to zoom'}</span><${Segments} label="Chart" value=${mode} choices=${[['scatter', html`<${Icon} name="scatter" /><span class="sr">Durations</span>`], ['bars', html`<${Icon} name="bars" /><span class="sr">Bars</span>`]]} onChange=${setMode} /></div>
      <${History} buckets=${history.data.buckets} start=${start} end=${end} active=${NO_STATES} mode=${mode} runs=${rows} stale=${history.stale} onOpen=${(run) => navigate(`/runs/flow-run/${run.id}`)}
        onZoom=${(from, to) => setQuery({ rangeType: 'range', start: new Date(from).toISOString(), end: new Date(to).toISOString(), seconds: null })} />`}
    <div class="pane-bar"><${Tabs} label="About the flow" value=${tab} tabs=${[['runs', 'Runs'], ['deployments', html`Deployments<em>${deployments.data ? count(deployments.data.length) : ''}</em>`], ['details', 'Details']]} onChange=${(to) => setQuery({ tab: to === 'runs' ? null : to })} /></div>
    ${tab === 'deployments' ? html`<div class="panel"><${DeploymentList} deployments=${deployments.data} /></div>`
      : tab === 'details' ? html`<${Lazy} from=${facts} name="Details" entries=${[['Id', html`<${Copy} text=${id} />`], ['Created', html`<${Time} at=${flow.data.created} />`], ['Updated', html`<${Time} at=${flow.data.updated} />`], ['Tags', flow.data.tags?.length ? html`<${Tags} tags=${flow.data.tags} />` : null], ['Labels', Object.keys(flow.data.labels ?? {}).length ? html`<${Lazy} from=${facts} name="JsonView" value=${flow.data.labels} />` : null]]} />`
      : !runs.data ? !runs.error && html`<${Skeleton} rows=${6} />` : rows.length ? html`<${RunTable} label="Runs of the flow" runs=${rows} total=${runs.data.count} stale=${runs.stale} group="Flow" deployments />` : html`<${Empty} title="No runs in this time"><p class="muted">Choose a longer time above.</p><//>`}
  </section>`;
}

/** @param {{deployments?: any[]}} props */
function DeploymentList({ deployments }) {
  if (!deployments) return html`<${Skeleton} rows=${3} />`;
  if (!deployments.length) return html`<p class="muted">This flow has no deployment: it runs when its script is run. To start it from here, serve it: <code>my_flow.serve(name="prod")</code></p>`;
  return html`<ul class="rows">${deployments.map((each) => html`<li key=${each.id} class="item"><div class="item-main"><div class="item-line"><${Link} class="name" to="/deployments/deployment/${each.id}">${each.name}<//><${Tags} tags=${each.tags} /></div>
    <div class="item-why muted">${each.schedules.filter((/** @type {any} */ s) => s.active).map((/** @type {any} */ s) => scheduleWords(s.schedule)).join(' · ') || 'No schedule'}${each.paused ? ' · paused' : ''}</div></div>
    <span class="ready ${each.status === 'READY' ? 's-completed' : 's-pending'}"><i></i>${each.status === 'READY' ? 'Ready' : 'Not served'}</span></li>`)}</ul>`;
}

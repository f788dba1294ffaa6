// Deployments: which are ready, when each runs next, how the last runs went; run and pause from the row.

import { html, useEffect, useMemo, useRef, useState } from '../../vendor/preact.js';
import { post, useLive } from '../api.js';
import { listParam, plural } from '../format.js';
import { loadNames, nameOf, namesVersion, navigate, place, rememberNames, setQuery, useActions, useQuery, useTitle } from '../store.js';
import { Command, Empty, ErrorBox, Icon, Link, Skeleton, StateBadge, Switch, Time } from '../ui/controls.js';
import { EntityPicker } from '../ui/run_filters.js';
import { scheduleWords } from '../ui/schedule.js';
import { PAGE, PAGES, RunBars, Table, endOfList, inParts, lastRuns, paged } from '../ui/table.js';

const actions = () => import('../ui/deployment_actions.js');

export default function DeploymentsPage() {
  const query = place.value.query;
  const search = query.get('name') ?? '';
  const sort = query.get('sort') ?? 'NAME_ASC';
  const flows = listParam(query, 'flows');
  namesVersion.value;
  useTitle('Deployments');
  const [pages, setPages] = useState(1);
  useEffect(() => setPages(1), [search, sort, String(flows)]);
  const list = useQuery(`deployments ${search} ${sort} ${flows} ${pages}`, async (signal) => {
    const answer = await paged('/deployments/paginate', { ...(search && { deployments: { flow_or_deployment_name: { like_: search } } }), ...(flows.length && { flows: { id: { any_: flows } } }), sort }, pages, signal);
    rememberNames(answer.results);
    loadNames(answer.results).catch(() => {});
    return answer;
  });
  const rows = list.data?.results ?? [];
  const ids = rows.map((deployment) => deployment.id);
  const more = useQuery(ids.length ? `deployments more ${ids.join()}` : null, async (signal) => {
    const parts = await inParts(ids, (part) => Promise.all([
      lastRuns('deployment_id', part, signal), post('/flow_runs/filter', { deployments: { id: { any_: part } }, flow_runs: { state: { type: { any_: ['SCHEDULED'] } } }, sort: 'NEXT_SCHEDULED_START_TIME_ASC', limit: PAGE }, { signal }),
    ]));
    const runs = new Map(parts.flatMap(([some]) => [...some]));
    /** @type {Map<string, any>} */
    const next = new Map();
    for (const run of parts.flatMap(([, scheduled]) => scheduled)) if (!next.has(run.deployment_id)) next.set(run.deployment_id, run);
    return { runs, next };
  });
  const reload = async () => { await Promise.all([list.reload(), more.reload()]); };
  useLive((event) => /^prefect\.(flow-run|deployment)\./.test(event.event), reload);

  const scroller = useRef(/** @type {HTMLElement | null} */ (null));
  const [cursor, setCursor] = useState(-1);
  const open = (/** @type {any} */ each) => navigate(`/deployments/deployment/${each.id}`);
  const move = (/** @type {number} */ by) => setCursor((at) => Math.min(rows.length - 1, Math.max(0, at + by)));
  const run = async (/** @type {any} */ each) => { if (await (await actions()).quickRun(each)) await reload(); };
  const pause = async (/** @type {any} */ each) => { if (await (await actions()).setPaused(each, !each.paused)) await reload(); };
  useActions([
    { key: '/', label: 'Search by name', group: 'Deployments', run: () => document.getElementById('deployment-search')?.focus() },
    { key: 'j', label: 'Next deployment', group: 'Deployments', run: () => move(1) }, { key: 'k', label: 'Previous deployment', group: 'Deployments', run: () => move(-1) },
    { key: 'ArrowDown', label: '', hidden: true, run: () => move(1) }, { key: 'ArrowUp', label: '', hidden: true, run: () => move(-1) },
    { key: 'Enter', label: 'Open the deployment', group: 'Deployments', run: () => rows[cursor] && open(rows[cursor]) },
    { key: 'r', label: 'Run it now', group: 'Deployments', run: () => { if (rows[cursor]) run(rows[cursor]); } },
    { key: 'Escape', label: 'Clear the filters', group: 'Deployments', run: () => navigate('/deployments') },
  ]);
  const none = html`<span class="faint">–</span>`;
  const columns = useMemo(() => [
    { key: 'name', head: 'Deployment', sort: /** @type {[string, string]} */ (['NAME_DESC', 'NAME_ASC']), cell: (/** @type {any} */ each) => html`<${Link} class="name" to="/deployments/deployment/${each.id}" title=${each.name}>${each.name}<//> <span class="muted">${nameOf(each.flow_id) ?? ''}</span>` },
    { key: 'status', head: 'Status', cell: (/** @type {any} */ each) => html`<${Ready} deployment=${each} />` },
    { key: 'schedule', head: 'Schedule', cell: (/** @type {any} */ each) => html`<span class="cut muted" title=${schedulesOf(each)}>${schedulesOf(each) || none}</span>` },
    { key: 'bars', head: 'Last runs', cell: (/** @type {any} */ each) => more.data && html`<${RunBars} runs=${more.data.runs.get(each.id) ?? []} />` },
    { key: 'last', head: 'Last run', cell: (/** @type {any} */ each) => { const last = more.data?.runs.get(each.id)?.[0]; return last ? html`<${Link} class="last-run" to="/runs/flow-run/${last.id}" title=${last.name}><${StateBadge} quiet type=${last.state_type} name=${last.state_name} /><${Time} at=${last.start_time} /><//>` : none; } },
    { key: 'next', head: 'Next run', cell: (/** @type {any} */ each) => { const next = more.data?.next.get(each.id); const at = next?.next_scheduled_start_time ?? next?.expected_start_time; return next ? html`<${Link} class=${Date.parse(at) < Date.now() - 15_000 ? 'is-warning' : 'quiet'} to="/runs/flow-run/${next.id}" title=${next.name}><${Time} at=${at} /><//>` : none; } },
    { key: 'toggle', head: 'Active', cell: (/** @type {any} */ each) => html`<${Switch} on=${!each.paused} label="Schedules of ${each.name} are active" onChange=${() => pause(each)} />` },
    { key: 'act', head: '', label: 'Actions', cell: (/** @type {any} */ each) => html`<button type="button" class="btn small" onClick=${() => run(each)} aria-label="Run ${each.name} now" title="Run it now (r)">Run</button>` },
  ], [more.data, namesVersion.value]);

  return html`<section class="page deployments-page">
    <div class="page-head"><h1>Deployments</h1>
      <label class="search"><${Icon} name="search" /><span class="sr">Search by name</span><input id="deployment-search" type="search" placeholder="Search by name or flow" value=${search} autocomplete="off" spellcheck=${false}
        onInput=${(e) => setQuery({ name: e.target.value }, { replace: true })} onKeyDown=${(e) => { if (e.key === 'Escape' || e.key === 'Enter') /** @type {any} */ (e.target).blur(); }} /><kbd>/</kbd></label>
      <div class="pickers"><${EntityPicker} label="Flow" chosen=${flows} path="/flows/filter" filter="flows" onChange=${(next) => setQuery({ flows: next })} /></div></div>
    <${ErrorBox} error=${list.error ?? more.error} retry=${reload} />
    ${!list.data ? !list.error && html`<${Skeleton} />`
      : !rows.length ? search || flows.length ? html`<${Empty} title="No deployment matches"><p><button class="btn primary" onClick=${() => navigate('/deployments')}>Clear the filters</button></p><//>` : html`<${NoDeployments} />`
      : html`<${Table} label="Deployments" rows=${rows} columns=${columns} total=${list.data.count} rowId=${(each) => each.id} rowHeight=${rowTall} cursor=${cursor} stale=${list.stale} scroller=${scroller} remember="deployments"
          rowClass=${(each) => (each.paused ? 'is-paused' : '')} sort=${sort} onSort=${(next) => setQuery({ sort: next === 'NAME_ASC' ? null : next })} onOpen=${open}
          onEnd=${() => { if (!list.stale && rows.length < (list.data?.count ?? 0) && pages < PAGES) setPages(pages + 1); }}
          after=${html`<div class="table-foot" aria-live="polite">${endOfList(rows.length, list.data.count, pages, plural(rows.length, 'deployment'), 'deployments')}</div>`} />`}
  </section>`;
}

/** @param {any} deployment */
const schedulesOf = (deployment) => deployment.schedules.filter((/** @type {any} */ each) => each.active).map((/** @type {any} */ each) => scheduleWords(each.schedule)).join(' · ');

/** Whether somebody would start its runs. @param {{deployment: any}} props */
export function Ready({ deployment }) {
  const ready = deployment.status === 'READY';
  return html`<span class="ready ${ready ? 's-completed' : 's-pending'}" title=${ready ? 'Somebody asks for its runs' : deployment.work_pool_name ? `No worker polls ${deployment.work_pool_name}` : 'Nobody serves it; runs would wait'}><i></i>${ready ? 'Ready' : deployment.work_pool_name ? 'No worker' : 'Not served'}</span>`;
}

const rowTall = () => (document.documentElement.dataset.density === 'comfortable' ? 44 : 36);

const NoDeployments = () => html`<${Empty} title="No deployments yet"><p>A deployment is a flow that can be started from here and by a schedule. Serve one:</p><${Command} lines=${`from prefect import flow

@flow(log_prints=True)
def hello(name: str = "flowctl"):
    print(f"Hello, {name}")

hello.serve(name="every-minute", cron="* * * * *")`} /><//>`;

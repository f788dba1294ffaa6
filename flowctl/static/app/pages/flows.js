// Flows: each with its last runs, how well and how long it runs, and when it runs next.

import { html, useEffect, useMemo, useRef, useState } from '../../vendor/preact.js';
import { config, post, useLive } from '../api.js';
import { count, duration, percent, plural } from '../format.js';
import { navigate, place, rememberNames, setQuery, useActions, useQuery, useTitle } from '../store.js';
import { Command, Empty, ErrorBox, Icon, Link, Skeleton, StateBadge, Time } from '../ui/controls.js';
import { PAGES, RunBars, Table, endOfList, inParts, lastRuns, paged, statsOf } from '../ui/table.js';

export default function FlowsPage() {
  const query = place.value.query;
  const search = query.get('name') ?? '';
  const sort = query.get('sort') ?? 'NAME_ASC';
  useTitle('Flows');
  const [pages, setPages] = useState(1);
  useEffect(() => setPages(1), [search, sort]);
  const flows = useQuery(`flows ${search} ${sort} ${pages}`, async (signal) => {
    const answer = await paged('/flows/paginate', { ...(search && { flows: { name: { like_: search } } }), sort }, pages, signal);
    rememberNames(answer.results);
    return answer;
  });
  const rows = flows.data?.results ?? [];
  const ids = rows.map((flow) => flow.id);
  const more = useQuery(ids.length ? `flows more ${ids.join()}` : null, async (signal) => {
    const parts = await inParts(ids, (part) => Promise.all([
      lastRuns('flow_id', part, signal), post('/ui/flows/next-runs', { flow_ids: part }, { signal }), post('/ui/flows/count-deployments', { flow_ids: part }, { signal }),
    ]));
    const runs = new Map(parts.flatMap(([some]) => [...some]));
    const [next, deployments] = [1, 2].map((i) => Object.assign({}, ...parts.map((part) => part[i])));
    return { runs, next, deployments, stats: new Map([...runs].map(([id, list]) => [id, statsOf(list)])) };
  });
  useLive((event) => event.event.startsWith('prefect.flow-run.') || event.event.startsWith('prefect.flow.'), async () => { await Promise.all([flows.reload(), more.reload()]); });

  const scroller = useRef(/** @type {HTMLElement | null} */ (null));
  const [cursor, setCursor] = useState(-1);
  const open = (/** @type {any} */ flow) => navigate(`/flows/flow/${flow.id}`);
  const move = (/** @type {number} */ by) => setCursor((at) => Math.min(rows.length - 1, Math.max(0, at + by)));
  useActions([
    { key: '/', label: 'Search by name', group: 'Flows', run: () => document.getElementById('flow-search')?.focus() },
    { key: 'j', label: 'Next flow', group: 'Flows', run: () => move(1) }, { key: 'k', label: 'Previous flow', group: 'Flows', run: () => move(-1) },
    { key: 'ArrowDown', label: '', hidden: true, run: () => move(1) }, { key: 'ArrowUp', label: '', hidden: true, run: () => move(-1) },
    { key: 'Enter', label: 'Open the flow', group: 'Flows', run: () => rows[cursor] && open(rows[cursor]) },
    { key: 'Escape', label: 'Clear the search', group: 'Flows', run: () => setQuery({ name: null }) },
  ]);
  /** @param {any} flow */
  const stats = (flow) => more.data?.stats.get(flow.id);
  const none = html`<span class="faint">–</span>`;
  const columns = useMemo(() => [
    { key: 'name', head: 'Flow', sort: /** @type {[string, string]} */ (['NAME_DESC', 'NAME_ASC']), cell: (/** @type {any} */ flow) => html`<${Link} class="name" to="/flows/flow/${flow.id}" title=${flow.name}>${flow.name}<//>` },
    { key: 'bars', head: 'Last runs', cell: (/** @type {any} */ flow) => more.data && html`<${RunBars} runs=${more.data.runs.get(flow.id) ?? []} />` },
    { key: 'rate', head: 'Completed', cell: (/** @type {any} */ flow) => { const s = stats(flow); return s?.rate != null ? html`<span class="num ${s.rate < 0.9 ? 'is-low' : ''}" title="Of the last ${count(s.ended)} that ended">${percent(s.rate)}</span>` : none; } },
    { key: 'median', head: 'Median', cell: (/** @type {any} */ flow) => (stats(flow)?.median != null ? html`<span class="num">${duration(stats(flow)?.median)}</span>` : none) },
    { key: 'p95', head: 'p95', cell: (/** @type {any} */ flow) => (stats(flow)?.p95 != null ? html`<span class="num">${duration(stats(flow)?.p95)}</span>` : none) },
    { key: 'last', head: 'Last run', cell: (/** @type {any} */ flow) => { const last = stats(flow)?.last; return last ? html`<${Link} class="last-run" to="/runs/flow-run/${last.id}" title=${last.name}><${StateBadge} quiet type=${last.state_type} name=${last.state_name} /><${Time} at=${last.start_time} /><//>` : none; } },
    { key: 'next', head: 'Next run', cell: (/** @type {any} */ flow) => { const next = more.data?.next[flow.id]; return next ? html`<${Link} class=${Date.parse(next.next_scheduled_start_time) < Date.now() - 15_000 ? 'is-warning' : 'quiet'} to="/runs/flow-run/${next.id}" title=${next.name}><${Time} at=${next.next_scheduled_start_time} /><//>` : none; } },
    { key: 'count', head: 'Deployments', cell: (/** @type {any} */ flow) => (more.data?.deployments[flow.id] ? html`<${Link} class="num quiet" to="/deployments?flows=${flow.id}">${count(more.data.deployments[flow.id])}<//>` : none) },
  ], [more.data]);

  return html`<section class="page flows-page">
    <div class="page-head"><h1>Flows</h1>
      <label class="search"><${Icon} name="search" /><span class="sr">Search by name</span><input id="flow-search" type="search" placeholder="Search by name" value=${search} autocomplete="off" spellcheck=${false}
        onInput=${(e) => setQuery({ name: e.target.value }, { replace: true })} onKeyDown=${(e) => { if (e.key === 'Escape' || e.key === 'Enter') /** @type {any} */ (e.target).blur(); }} /><kbd>/</kbd></label></div>
    <${ErrorBox} error=${flows.error ?? more.error} retry=${() => { flows.reload(); more.reload(); }} />
    ${!flows.data ? !flows.error && html`<${Skeleton} />`
      : !rows.length ? search ? html`<${Empty} title="No flow has this name"><p><button class="btn primary" onClick=${() => setQuery({ name: null })}>Clear the search</button></p><//>` : html`<${NoFlows} />`
      : html`<${Table} label="Flows" rows=${rows} columns=${columns} total=${flows.data.count} rowId=${(flow) => flow.id} rowHeight=${rowTall} cursor=${cursor} stale=${flows.stale} scroller=${scroller} remember="flows"
          sort=${sort} onSort=${(next) => setQuery({ sort: next === 'NAME_ASC' ? null : next })} onOpen=${open} onEnd=${() => { if (!flows.stale && rows.length < (flows.data?.count ?? 0) && pages < PAGES) setPages(pages + 1); }}
          after=${html`<div class="table-foot" aria-live="polite">${endOfList(rows.length, flows.data.count, pages, plural(rows.length, 'flow'), 'flows')}</div>`} />`}
  </section>`;
}

const rowTall = () => (document.documentElement.dataset.density === 'comfortable' ? 44 : 36);

const NoFlows = () => html`<${Empty} title="No flows yet"><p>A flow is known as soon as it has run once:</p><${Command} lines=${`export PREFECT_API_URL=${config.api}
python -c '
from prefect import flow
@flow(log_prints=True)
def hello(): print("Hello from flowctl")
hello()'`} /><//>`;

// Dashboard: what failed and why, what runs now, what comes next, and all of it on one time axis.

import { html, useMemo, useRef } from '../../vendor/preact.js';
import { config, post, useLive } from '../api.js';
import { ago, count, duration, elapsed, pad, percent, plural, stateKey } from '../format.js';
import { entityOf, loadNames, loadReasons, loadTaskCounts, nameOf, namesVersion, navigate, place, reasonOf, setQuery, useActions, useQuery, useTitle } from '../store.js';
import { attentionOf, comingUp, isStuck, ownerOf, usualSeconds } from '../ui/attention.js';
import { Command, Duration, ErrorBox, Icon, Link, Skeleton, StateBadge, Time, Empty, useTicking } from '../ui/controls.js';
import { FlowTimeline } from '../ui/flow_timeline.js';
import { RangePicker, readFilters, windowOf } from '../ui/run_filters.js';
import { scheduleWords } from '../ui/schedule.js';

const DAY = 86400;
const PAGE = 200;
/** Pages of runs for the timeline. */
const PAGES = 3;
const SLOW_MS = 5000;
const NEXT_SHOWN = 10;

const actions = () => import('../ui/actions.js');

export default function DashboardPage() {
  const query = place.value.query;
  const filters = useMemo(() => readFilters(query, DAY), [String(query)]);
  const key = `${filters.seconds} ${filters.start} ${filters.end}`;
  const names = namesVersion.value;
  useTitle('Dashboard');

  const expected = () => {
    const { start, end } = windowOf(filters);
    return { after_: new Date(start).toISOString(), before_: new Date(end).toISOString() };
  };
  /** @param {any} flow_runs @param {string} sort @param {number} limit @param {AbortSignal} signal */
  const list = (flow_runs, sort, limit, signal) => post('/flow_runs/filter', { flow_runs, sort, limit }, { signal });
  const failed = useQuery(`dashboard failed ${key}`, (signal) => list({ state: { type: { any_: ['FAILED', 'CRASHED'] } }, expected_start_time: expected() }, 'START_TIME_DESC', PAGE, signal));
  const active = useQuery('dashboard active', (signal) => list({ state: { type: { any_: ['RUNNING', 'PENDING', 'CANCELLING', 'PAUSED'] } } }, 'START_TIME_DESC', PAGE, signal));
  const scheduled = useQuery('dashboard scheduled', (signal) => list({ state: { type: { any_: ['SCHEDULED'] } } }, 'NEXT_SCHEDULED_START_TIME_ASC', PAGE, signal));
  const recent = useQuery(`dashboard recent ${key}`, async (signal) => {
    const { start, end } = windowOf(filters);
    const body = { flow_runs: { expected_start_time: expected() }, sort: 'START_TIME_DESC', limit: PAGE };
    const first = await post('/flow_runs/paginate', { ...body, page: 1 }, { signal });
    const rest = await Promise.all(Array.from({ length: Math.max(0, Math.min(PAGES, first.pages) - 1) }, (_, i) => post('/flow_runs/paginate', { ...body, page: i + 2 }, { signal })));
    return { runs: [first, ...rest].flatMap((page) => page.results), count: first.count, start, end };
  });
  const sums = useQuery(`dashboard sums ${key}`, async (signal) => {
    const { start, end } = windowOf(filters);
    const slots = await post('/flow_runs/history', { flow_runs: { expected_start_time: expected() }, history_start: new Date(start).toISOString(), history_end: new Date(end).toISOString(), history_interval_seconds: (end - start) / 1000 + 1 }, { signal });
    /** @type {Record<string, number>} */
    const counts = {};
    for (const slot of slots) for (const state of slot.states) counts[state.state_type] = (counts[state.state_type] ?? 0) + state.count_runs;
    return counts;
  });

  const slow = useRef(0);
  const refresh = async () => {
    const late = Date.now() - slow.current > SLOW_MS;
    if (late) slow.current = Date.now();
    await Promise.all([active.reload(), scheduled.reload(), failed.reload(), ...(late ? [recent.reload(), sums.reload()] : [])]);
    beside.reload();
  };
  const running = (active.data ?? []).filter((/** @type {any} */ run) => run.state_type === 'RUNNING' || ((run.state_type === 'PENDING' || run.state_type === 'CANCELLING') && !isStuck(run, Date.now())));
  useLive((event) => event.event.startsWith('prefect.flow-run.'), refresh, {
    busy: running.length > 0,
    onEvent: (event) => {
      const id = event.resource['prefect.resource.id']?.replace('prefect.flow-run.', '');
      const type = event.resource['prefect.state-type'];
      if (!type || !active.data.some((/** @type {any} */ run) => run.id === id)) return;
      active.set(active.data.map((/** @type {any} */ run) => (run.id === id ? { ...run, state_type: type, state_name: event.resource['prefect.state-name'] ?? run.state_name } : run)));
    },
  });

  const ready = failed.data && active.data && scheduled.data;
  const runs = recent.data?.runs ?? [];
  const items = useMemo(() => attentionOf({ failed: failed.data ?? [], active: active.data ?? [], scheduled: scheduled.data ?? [], recent: runs }, Date.now()), [failed.data, active.data, scheduled.data, recent.data]);
  const waiting = items.filter((item) => item.kind !== 'failed' || !item.error).map((item) => item.run).slice(0, PAGE);
  // What goes with the runs of all lists, in one request once they are there.
  const beside = useQuery(ready && (recent.data || recent.error) ? `beside ${[...waiting, ...running].map((run) => run.state_id).join()}` : null, async () => {
    const [tasks] = await Promise.all([loadTaskCounts(running.filter((/** @type {any} */ run) => run.state_type === 'RUNNING')), loadReasons(waiting), loadNames([...failed.data, ...active.data, ...scheduled.data, ...runs])]);
    return tasks;
  });
  const next = useMemo(() => comingUp(scheduled.data ?? [], Date.now()), [scheduled.data]);
  const usual = useMemo(() => usualSeconds(runs), [recent.data]);

  const step = (/** @type {number} */ by) => {
    const links = /** @type {HTMLElement[]} */ ([...document.querySelectorAll('.item .name')]);
    const at = links.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    links[Math.min(links.length - 1, Math.max(0, at + by))]?.focus();
  };
  useActions([
    { key: 'j', label: 'Next run', group: 'Dashboard', run: () => step(1) },
    { key: 'k', label: 'Previous run', group: 'Dashboard', run: () => step(-1) },
    { key: 'f', label: 'Failed runs of this time', group: 'Dashboard', run: () => navigate(runsPath(filters, 'state=Failed,Crashed')) },
    { key: 'Escape', label: 'Back to the last 24 hours', group: 'Dashboard', hidden: true, run: () => navigate('/dashboard') },
  ]);

  const errors = [failed, active, scheduled, recent, sums].filter((each) => each.error);
  const nothing = ready && recent.data && !recent.stale && !runs.length && !items.length && !running.length && !next.length;
  const future = filters.end ? 0 : (recent.data ? recent.data.end - recent.data.start : 0) * 0.14;
  const horizon = (recent.data?.end ?? 0) + future;
  return html`<section class="page dashboard">
    <div class="page-head"><h1>Dashboard</h1><${Sums} counts=${sums.data} stale=${sums.stale} runs=${runs} filters=${filters} />
      <div class="head-right">${filters.end && html`<button type="button" class="btn ghost" onClick=${() => navigate('/dashboard')} title="Back to the last 24 hours (Esc)"><${Icon} name="close" size=${14} />Zoom out</button>`}<${RangePicker} filters=${filters} usual=${DAY} /></div></div>
    ${errors.length > 0 && html`<${ErrorBox} error=${errors[0].error} retry=${() => { for (const each of errors) each.reload(); }} />`}
    ${!ready && !errors.length ? html`<${Skeleton} />` : nothing ? html`<${Nothing} quiet=${filters.seconds < 365 * DAY} />` : html`<div class="cards">
      <section class="card attention ${failed.stale ? 'is-stale' : ''}" aria-labelledby="h-attention"><${CardHead} id="h-attention" title="Needs attention" n=${items.filter((item) => !item.recovered).length} />
        ${ready && (items.length ? html`<${Attention} items=${items} refresh=${refresh} filters=${filters} more=${(failed.data ?? []).length === PAGE} />` : html`<p class="card-empty"><${Icon} name="completed" class="s-completed" />Nothing failed, nothing is late or stuck.</p>`)}</section>
      <div class="card-column">
        <section class="card" aria-labelledby="h-running"><${CardHead} id="h-running" title="Running now" n=${running.length} />
          ${active.data && (running.length ? html`<ul>${running.slice(0, NEXT_SHOWN).map((/** @type {any} */ run) => html`<${Running} key=${run.id} run=${run} usual=${usual.get(ownerOf(run)) ?? usual.get(run.flow_id)} tasks=${beside.data?.[run.id]} refresh=${refresh} />`)}</ul>
            ${running.length > NEXT_SHOWN && html`<${Link} class="card-more" to="/runs?state=Running">All ${count(running.length)}<//>`}` : html`<p class="card-empty">Nothing runs at the moment.</p>`)}</section>
        <section class="card" aria-labelledby="h-next"><${CardHead} id="h-next" title="Coming up" />
          ${scheduled.data && (next.length ? html`<ul>${next.slice(0, NEXT_SHOWN).map((each) => html`<${Next} key=${each.run.id} ...${each} />`)}</ul>` : html`<p class="card-empty">No run is scheduled.</p>`)}</section>
      </div>
      <section class="card card-wide ${recent.stale ? 'is-stale' : ''}" aria-labelledby="h-timeline"><${CardHead} id="h-timeline" title="Timeline"
          note=${recent.data && recent.data.count > runs.length ? `the newest ${count(runs.length)} of ${plural(recent.data.count, 'run')}` : 'drag to zoom in'} />
        ${recent.data && html`<${FlowTimeline} runs=${runs} scheduled=${filters.end ? [] : scheduled.data ?? []} start=${recent.data.start} end=${horizon} names=${names}
          onZoom=${(from, to) => setQuery({ rangeType: 'range', start: new Date(from).toISOString(), end: new Date(Math.min(to, Date.now())).toISOString(), seconds: null })} />`}</section>
    </div>`}
  </section>`;
}

/** The same time on the page of runs. @param {import('../ui/run_filters.js').Filters} f @param {string} more */
const runsPath = (f, more) => `/runs?${more}${f.start && f.end ? `&rangeType=range&start=${new Date(f.start).toISOString()}&end=${new Date(f.end).toISOString()}` : `&seconds=-${f.seconds}`}`;

/** @param {{id: string, title: string, n?: number, note?: string}} props */
const CardHead = ({ id, title, n, note }) => html`<div class="card-head"><h2 id=${id}>${title}</h2>${n ? html`<span class="count">${count(n)}</span>` : ''}${note && html`<span class="faint">${note}</span>`}</div>`;

/** @param {{counts?: Record<string, number>, stale: boolean, runs: any[], filters: import('../ui/run_filters.js').Filters}} props */
function Sums({ counts, stale, runs, filters }) {
  if (!counts) return html`<span class="grow"></span>`;
  const bad = (counts.FAILED ?? 0) + (counts.CRASHED ?? 0);
  const done = bad + (counts.COMPLETED ?? 0);
  const total = Object.values(counts).reduce((sum, n) => sum + n, 0);
  const delays = runs.filter((run) => run.start_time && run.estimated_start_time_delta > 0).map((run) => run.estimated_start_time_delta);
  const delay = delays.length ? delays.reduce((sum, n) => sum + n, 0) / delays.length : 0;
  return html`<p class="sums ${stale ? 'is-stale' : ''}"><${Link} to=${runsPath(filters, '')}><b>${count(total)}</b> ${total === 1 ? 'run' : 'runs'}<//>
    ${bad > 0 && html`<${Link} to=${runsPath(filters, 'state=Failed,Crashed')} class="s-failed"><${Icon} name="failed" size=${13} /><b>${count(bad)}</b> failed<//>`}
    ${done > 0 && html`<span class="s-completed" title="Of the runs that ended, ${count(counts.COMPLETED ?? 0)} of ${count(done)} completed"><${Icon} name="completed" size=${13} /><b>${percent((counts.COMPLETED ?? 0) / done)}</b> completed</span>`}
    ${delay >= 1 && html`<span class="wide-only" title="From the scheduled time to the start, on average"><${Icon} name="scheduled" size=${13} class="s-scheduled" /><b>${duration(delay)}</b> start delay</span>`}</p>`;
}

/** @param {{run: any}} props */
function Owner({ run }) {
  return html`<span class="item-owner cut"><${Link} to="/flows/flow/${run.flow_id}">${nameOf(run.flow_id) ?? '…'}<//>${run.deployment_id && html`<span class="faint"> › </span><${Link} to="/deployments/deployment/${run.deployment_id}">${nameOf(run.deployment_id) ?? '…'}<//>`}</span>`;
}

const SHOWN = 8;

/** @param {{items: import('../ui/attention.js').Item[], refresh: () => Promise<void>, filters: any, more: boolean}} props */
function Attention({ items, refresh, filters, more }) {
  const open = place.value.query.get('all') === '1';
  const fresh = items.filter((item) => !item.recovered);
  const shown = open ? items : (fresh.length ? fresh : items).slice(0, SHOWN);
  const hidden = items.length - shown.length;
  return html`<ul>${shown.map((item) => html`<${AttentionItem} key=${item.key} item=${item} refresh=${refresh} filters=${filters} />`)}</ul>
    ${(hidden > 0 || open) && html`<button type="button" class="card-more link" onClick=${() => setQuery({ all: open ? null : '1' })}>${open ? 'Show fewer' : `${plural(hidden, 'more')}`.replace('mores', 'more')}${!open && fresh.length < items.length ? ', with those that succeeded since' : ''}</button>`}
    ${more && html`<${Link} class="card-more" to=${runsPath(filters, 'state=Failed,Crashed')}>There are more failed runs<//>`}`;
}

/** @param {{item: import('../ui/attention.js').Item, refresh: () => Promise<void>, filters: any}} props */
function AttentionItem({ item, refresh, filters }) {
  const { run, kind } = item;
  const then = (/** @type {(a: any) => Promise<any>} */ work) => async () => { if (await work(await actions())) await refresh(); };
  const same = item.runs.length - 1;
  const button = kind === 'failed' ? run.deployment_id && ['Retry', then((a) => a.retryRun(run))]
    : same ? null
    : kind === 'paused' ? [run.state?.state_details?.run_input_keyset ? 'Answer' : 'Resume', then((a) => a.resumeRun(run))]
    : kind === 'stuck' && run.state_type === 'CANCELLING' ? ['Force cancel', then((a) => a.forceCancel(run))]
    : ['Cancel', then((a) => a.cancelRun(run))];
  return html`<li class="item s-${kind === 'late' ? 'late' : stateKey(run.state_type, run.state_name)} ${item.recovered ? 'is-recovered' : ''}">
    <${Icon} name=${kind === 'late' ? 'late' : stateKey(run.state_type, run.state_name)} class="item-icon s-${kind === 'late' ? 'late' : stateKey(run.state_type, run.state_name)}" /><span class="sr">${kind === 'late' ? 'Late' : run.state_name}</span>
    <div class="item-main"><div class="item-line"><${Link} class="name" to="/runs/flow-run/${run.id}" title=${run.name}>${run.name}<//><${Owner} run=${run} />
        ${same > 0 && (kind !== 'failed' ? html`<span class="tag">+${count(same)}</span>` : html`<${Link} class="tag" to=${runsPath(filters, `flows=${run.flow_id}&state=Failed,Crashed`)} title="${plural(same, 'more run')} with this error">×${count(same + 1)}<//>`)}
        ${item.recovered && html`<span class="tag is-good">succeeded since</span>`}</div>
      <div class=${kind === 'failed' ? 'item-why failure' : 'item-why muted'} title=${kind === 'failed' ? run.state?.message : undefined}>${reason(item)}</div></div>
    <span class="item-when"><${Time} at=${new Date(item.since).toISOString()} /></span>
    ${button ? html`<button type="button" class="btn small" onClick=${button[1]}>${button[0]}</button>` : html`<${Link} class="btn small" to=${same && kind !== 'failed' ? runsPath(filters, `flows=${run.flow_id}&state=${run.state_name}`) : `/runs/flow-run/${run.id}`}>${same && kind !== 'failed' ? 'Show all' : 'Open'}<//>`}</li>`;
}

/** @param {import('../ui/attention.js').Item} item */
function reason({ kind, run, error, runs }) {
  const told = reasonOf(run);
  if (kind === 'failed') return error || told || 'No message was recorded.';
  if (kind === 'paused') return run.state?.state_details?.run_input_keyset ? 'Waiting for input' : `${run.state_name}${run.state?.state_details?.pause_timeout ? `, fails ${ago(Date.parse(run.state.state_details.pause_timeout), Date.now())}` : ''}`;
  if (kind === 'stuck') return told && run.state_type === 'PENDING' ? `Pending: ${told}` : run.state_type === 'PENDING' ? 'Pending for minutes: its process may never have started' : 'Asked to stop, but nobody has stopped it';
  const deployment = entityOf(run.deployment_id);
  const many = runs.length > 1 ? `${count(runs.length)} runs are late. ` : 'Late. ';
  if (told) return `${many}${told.charAt(0).toUpperCase()}${told.slice(1)}.`;
  if (run.work_pool_name) return `${many}${deployment?.status === 'READY' ? `Work pool ${run.work_pool_name} has not taken ${runs.length > 1 ? 'them' : 'it'} yet.` : `No worker polls the work pool ${run.work_pool_name}.`}`;
  if (!run.deployment_id) return `${many}It has no deployment, so nobody starts it.`;
  return `${many}${deployment?.status === 'READY' ? 'Its process is busy or at its limit.' : 'Nobody serves this deployment.'}`;
}

/** @param {{run: any, usual?: number, tasks?: number, refresh: () => Promise<void>}} props */
function Running({ run, usual, tasks, refresh }) {
  const cancel = async () => { if (await (await actions()).cancelRun(run)) await refresh(); };
  const started = run.start_time && run.state_type !== 'PENDING';
  return html`<li class="item s-${stateKey(run.state_type, run.state_name)}"><span class="item-icon"><${StateBadge} quiet type=${run.state_type} name=${run.state_name} /></span>
    <div class="item-main"><div class="item-line"><${Link} class="name" to="/runs/flow-run/${run.id}" title=${run.name}>${run.name}<//><${Owner} run=${run} /></div>
      ${started ? html`<${Progress} start=${run.start_time} usual=${usual} tasks=${tasks} />` : html`<div class="item-why muted">${run.state_name}</div>`}</div>
    <span class="item-when">${started ? html`<${Duration} start=${run.start_time} />` : html`<${Time} at=${run.state?.timestamp} />`}</span>
    ${run.state_type === 'CANCELLING' ? html`<span class="faint">stopping</span>` : html`<button type="button" class="btn small" onClick=${cancel}>Cancel</button>`}</li>`;
}

/** Whole seconds below two minutes, whole minutes above. @param {number} seconds */
const roughly = (seconds) => (seconds < 120 ? `${Math.ceil(seconds)}s` : duration(Math.round(seconds / 60) * 60));

/** How far it should be, by the median of the last runs. @param {{start: string, usual?: number, tasks?: number}} props */
function Progress({ start, usual, tasks }) {
  const bar = useRef(/** @type {HTMLElement | null} */ (null));
  const words = () => {
    const seconds = elapsed(start, null, Date.now()) ?? 0;
    if (bar.current && usual) bar.current.style.width = `${Math.min(100, (seconds / usual) * 100)}%`;
    if (!usual) return '';
    return seconds <= usual ? `about ${roughly(usual - seconds)} left` : `${roughly(seconds - usual)} longer than usual`;
  };
  const text = useTicking(words, [start, usual]);
  const seconds = elapsed(start, null, Date.now()) ?? 0;
  return html`<div class="progress-line"><span class="progress ${usual ? '' : 'is-unknown'}" aria-hidden="true"><span ref=${bar} style=${{ width: usual ? `${Math.min(100, (seconds / usual) * 100)}%` : '100%' }}></span></span>
    <span class="faint"><span ref=${text.ref}>${text.initial}</span>${usual && tasks ? ' · ' : ''}${tasks ? plural(tasks, 'task') : ''}</span></div>`;
}

/** @param {{run: any, at: number, later: number[]}} props */
function Next({ run, at, later }) {
  const deployment = entityOf(run.deployment_id);
  const active = (deployment?.schedules ?? []).filter((/** @type {any} */ schedule) => schedule.active);
  const by = active.length === 1 && run.auto_scheduled ? scheduleWords(active[0].schedule) : later.length ? `then ${later.slice(0, 3).map(clockOf).join(', ')}` : run.auto_scheduled ? '' : 'once';
  const dark = deployment && deployment.status === 'NOT_READY';
  return html`<li class="item s-${stateKey(run.state_type, run.state_name)}"><${Icon} name=${stateKey(run.state_type, run.state_name)} class="item-icon s-${stateKey(run.state_type, run.state_name)}" />
    <div class="item-main"><div class="item-line"><${Link} class="name" to=${run.deployment_id ? `/deployments/deployment/${run.deployment_id}` : `/runs/flow-run/${run.id}`}>${nameOf(run.deployment_id) ?? run.name}<//><span class="item-owner cut"><${Link} to="/flows/flow/${run.flow_id}">${nameOf(run.flow_id) ?? '…'}<//></span></div>
      <div class="item-why ${dark ? 'is-warning' : 'muted'}">${dark ? html`<${Icon} name="late" size=${13} class="s-late" />${deployment.work_pool_name ? `No worker polls ${deployment.work_pool_name}` : 'Nobody serves it'}${by ? ` · ${by}` : ''}` : by}</div></div>
    <${Link} class="item-when" to="/runs/flow-run/${run.id}" title=${run.name}><${Time} at=${new Date(at).toISOString()} /><span class="faint num">${clockOf(at)}</span><//></li>`;
}

/** @param {number} time */
function clockOf(time) {
  const d = new Date(time);
  const today = new Date().toDateString() === d.toDateString();
  return `${today ? '' : `${d.toLocaleDateString('en-US', { weekday: 'short' })} `}${pad(d.getHours())}:${pad(d.getMinutes())}`;
}

/** @param {{quiet: boolean}} props */
function Nothing({ quiet }) {
  return html`<${Empty} title="Nothing ran yet"><p>Save this as <code>hello.py</code> and run it; the run shows up here at once:</p>
    <${Command} lines=${`export PREFECT_API_URL=${config.api}
cat > hello.py <<'EOF'
from prefect import flow

@flow(log_prints=True)
def hello(name: str = "flowctl"):
    print(f"Hello, {name}")

hello.serve(name="every-minute", cron="* * * * *")
EOF
python hello.py`} />${quiet && html`<p class="muted">Looking for older runs? <button class="btn small" onClick=${() => setQuery({ seconds: String(-365 * DAY), rangeType: null, start: null, end: null })}>Show one year</button></p>`}<//>`;
}

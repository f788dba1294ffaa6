// Two runs of a flow side by side: what they were given, what their tasks did, and where they part first.

import { html, useMemo } from '../../vendor/preact.js';
import { get, idsOf, post, useLive } from '../api.js';
import { TERMINAL, clock, count, duration, elapsed, plural, stateLabel } from '../format.js';
import { loadNames, nameOf, namesVersion, navigate, place, setQuery, useActions, useQuery, useTitle } from '../store.js';
import { Duration, ErrorBox, Icon, Link, NotFound, Skeleton, StateBadge, Tags, Time } from '../ui/controls.js';
import { firstDifferentLine, pairsOf, valuesOf } from '../ui/differences.js';
import { nodesOf } from '../ui/gantt_layout.js';

const LINES = 200;
const SHOWN = 500;
const AROUND = 2;

export default function ComparePage() {
  const query = place.value.query;
  const [a, b] = [query.get('a') ?? '', query.get('b') ?? ''];
  const all = query.get('all') === '1';
  namesVersion.value;
  const runs = useQuery(`compare ${a} ${b}`, async (signal) => {
    const found = await Promise.all([a, b].map((id) => get(`/flow_runs/${id}`, { signal })));
    loadNames(found).catch(() => {});
    return found;
  });
  const graphs = useQuery(`compare graphs ${a} ${b}`, (signal) => Promise.all([a, b].map((id) => get(`/flow_runs/${id}/graph-v2`, { signal }))));
  const logs = useQuery(`compare logs ${a} ${b}`, (signal) => Promise.all([a, b].map((id) => post('/logs/filter', { logs: { flow_run_id: { any_: [id] } }, sort: 'TIMESTAMP_ASC', limit: LINES }, { signal }))));
  const reload = async () => { await Promise.all([runs.reload(), graphs.reload(), logs.reload()]); };
  const busy = (runs.data ?? []).some((run) => !TERMINAL.has(run.state_type));
  useLive((event) => idsOf(event).has(a) || idsOf(event).has(b), reload, { busy });
  useTitle('Compare runs');
  const swap = () => setQuery({ a: b, b: a });
  useActions([
    { key: 'x', label: 'Swap the runs', group: 'Compare', run: swap },
    { key: 'd', label: 'Only what differs, or all', group: 'Compare', run: () => setQuery({ all: all ? null : '1' }) },
    { key: 'u', label: 'Up to all runs', group: 'Compare', run: () => navigate('/runs') },
  ]);
  const pairs = useMemo(() => (graphs.data ? pairsOf(...sides(graphs.data)) : null), [graphs.data]);

  if (runs.error?.status === 404 || runs.error?.status === 422) return html`<${NotFound} what="run" id=${a && b ? `${a} or ${b}` : a || b} />`;
  const head = html`<div class="page-head"><div class="crumbs"><${Link} to="/runs">Runs<//><span class="faint">/</span><h1>Compare</h1></div>
    <div class="head-right"><label class="check"><input type="checkbox" checked=${all} onChange=${() => setQuery({ all: all ? null : '1' })} />Show what is the same</label><button type="button" class="btn" onClick=${swap}>Swap<kbd>x</kbd></button></div></div>`;
  if (!runs.data) return html`<section class="page">${head}${runs.error ? html`<${ErrorBox} error=${runs.error} retry=${runs.reload} />` : html`<${Skeleton} />`}</section>`;
  const [one, two] = runs.data;
  const values = valuesOf(one.parameters, two.parameters);
  return html`<section class="page">${head}
    <${ErrorBox} error=${runs.error ?? graphs.error ?? logs.error} retry=${reload} />
    <div class="compare" tabIndex="0" role="region" aria-label="Comparison">
      <${First} runs=${runs.data} values=${values} pairs=${pairs} />
      <table class="compare-table"><thead><tr><th><span class="sr">What</span></th>${runs.data.map((run, i) => html`<th key=${i} scope="col"><span class="side-mark">${'AB'[i]}</span> <${Link} class="name" to="/runs/flow-run/${run.id}">${run.name}<//></th>`)}</tr></thead>
        <tbody>${factsOf(one, two).filter((fact) => all || !fact.same || fact.always).map((fact) => html`<tr key=${fact.name} class=${fact.same ? '' : 'is-different'}><th scope="row">${fact.name}</th><td>${fact.a}</td><td>${fact.b}</td></tr>`)}</tbody></table>
      <section><h2>Parameters</h2>${values.length === 0 ? html`<p class="muted">Neither run has parameters.</p>` : values.every((value) => value.same) && !all ? html`<p class="muted"><${Icon} name="completed" class="s-completed" size=${13} /> All ${count(values.length)} are the same.</p>`
        : html`<table class="compare-table"><thead><tr><th scope="col">Name</th><th scope="col">A</th><th scope="col">B</th></tr></thead><tbody>${values.filter((value) => all || !value.same).map((value) => html`<tr key=${value.name} class=${value.same ? '' : 'is-different'}><th scope="row" class="mono">${value.name}</th><td class="mono">${shown(value.a)}</td><td class="mono">${shown(value.b)}</td></tr>`)}</tbody></table>`}</section>
      <section><h2>Tasks</h2>${!pairs ? !graphs.error && html`<${Skeleton} rows=${4} />` : html`<${Tasks} pairs=${pairs} />`}</section>
      <section><h2>Logs</h2>${!logs.data ? !logs.error && html`<${Skeleton} rows=${3} />` : html`<${Logs} runs=${runs.data} logs=${logs.data} />`}</section>
    </div></section>`;
}

/** @param {any[]} graphs @returns {[import('../ui/gantt_layout.js').Node[], import('../ui/gantt_layout.js').Node[]]} */
const sides = ([a, b]) => [nodesOf(a, new Map(), 0), nodesOf(b, new Map(), 0)];

/** @param {unknown} value */
const shown = (value) => (value === undefined ? html`<span class="faint">not given</span>` : JSON.stringify(value));

/** @param {any} run */
const lasted = (run) => elapsed(run.start_time, TERMINAL.has(run.state_type) ? run.end_time : null, Date.now());

/** @param {any} a @param {any} b @returns {{name: string, a: any, b: any, same: boolean, always?: boolean}[]} */
function factsOf(a, b) {
  const plain = (/** @type {string} */ name, /** @type {any} */ left, /** @type {any} */ right) => ({ name, a: left ?? html`<span class="faint">–</span>`, b: right ?? html`<span class="faint">–</span>`, same: (left ?? null) === (right ?? null) });
  const badge = (/** @type {any} */ run) => html`<${StateBadge} type=${run.state_type} name=${run.state_name} />`;
  const time = (/** @type {any} */ run) => html`<${Time} at=${run.start_time ?? run.expected_start_time} />`;
  const length = (/** @type {any} */ run) => (run.start_time ? html`<${Duration} start=${run.start_time} end=${TERMINAL.has(run.state_type) ? run.end_time : null} />` : '–');
  const change = ratio(lasted(a), lasted(b));
  return [
    { name: 'State', a: badge(a), b: badge(b), same: a.state_name === b.state_name, always: true },
    { name: 'Started', a: time(a), b: time(b), same: true, always: true },
    { name: 'Duration', a: length(a), b: html`${length(b)} ${change && html`<span class="muted">${change}</span>`}`, same: !change, always: true },
    { ...plain('Flow', nameOf(a.flow_id) ?? '…', nameOf(b.flow_id) ?? '…'), same: a.flow_id === b.flow_id },
    { ...plain('Deployment', a.deployment_id && (nameOf(a.deployment_id) ?? '…'), b.deployment_id && (nameOf(b.deployment_id) ?? '…')), same: a.deployment_id === b.deployment_id },
    plain('Flow version', a.flow_version, b.flow_version), plain('Deployment version', a.deployment_version, b.deployment_version),
    plain('Attempts', a.run_count, b.run_count), plain('Work pool', a.work_pool_name, b.work_pool_name),
    { name: 'Tags', a: html`<${Tags} tags=${a.tags} />`, b: html`<${Tags} tags=${b.tags} />`, same: JSON.stringify([...a.tags].sort()) === JSON.stringify([...b.tags].sort()) },
  ];
}

/** `+40%`, `3.1×`; nothing for what takes about as long. @param {number | null | undefined} a @param {number | null | undefined} b */
function ratio(a, b) {
  if (a == null || b == null || Math.abs(b - a) < 0.05) return '';
  const times = b / Math.max(a, 0.001);
  if (times >= 2) return `${times < 10 ? times.toFixed(1) : Math.round(times)}× as long`;
  const percent = Math.round((times - 1) * 100);
  return Math.abs(percent) < 5 ? '' : `${percent > 0 ? '+' : '−'}${Math.abs(percent)}%`;
}

/** @param {{runs: any[], values: import('../ui/differences.js').Value[], pairs: import('../ui/differences.js').Pair[] | null}} props */
function First({ runs: [a, b], values, pairs }) {
  const value = values.find((each) => !each.same);
  const pair = pairs?.find((each) => !each.same);
  const words = (/** @type {import('../ui/differences.js').Side | null} */ side) => (side ? `${stateLabel(side.key)}${side.count > 1 ? ` (${plural(side.count, 'task')}${side.failed ? `, ${side.failed} failed` : ''})` : ''}` : 'not run');
  if (!pairs) return null;
  return html`<p class="compare-first">${pair ? html`<${Icon} name="subflow" /><span><b>First difference: ${pair.name}</b> ${words(pair.a)} in A, ${words(pair.b)} in B${value && html`; they were called with different <b>${value.name}</b>`}.</span>`
    : value ? html`<${Icon} name="subflow" /><span><b>Only their parameters differ</b>, first <b>${value.name}</b>; their tasks went the same way.</span>`
    : a.state_type !== b.state_type ? html`<${Icon} name="subflow" /><span>Same parameters and tasks, but <b>${a.state_name}</b> in A and <b>${b.state_name}</b> in B.</span>`
    : html`<${Icon} name="completed" class="s-completed" /><span>Same parameters, same tasks, same states.</span>`}</p>`;
}

/** @param {{pairs: import('../ui/differences.js').Pair[]}} props */
function Tasks({ pairs }) {
  if (!pairs.length) return html`<p class="muted">Neither run started a task.</p>`;
  const longest = Math.max(...pairs.map((pair) => Math.max(pair.a?.seconds ?? 0, pair.b?.seconds ?? 0)), 0.001);
  const first = pairs.find((pair) => !pair.same);
  const bar = (/** @type {import('../ui/differences.js').Side | null} */ side, /** @type {string} */ mark) => html`<div class="pair-bar ${side ? `s-${side.key}` : 'is-missing'}"><span class="side-mark">${mark}</span>${side
    ? html`<span class="pair-track" aria-hidden="true"><i style=${{ width: `${Math.max(0.5, ((side.seconds ?? 0) / longest) * 100)}%` }}></i></span><${Icon} name=${side.key} size=${13} class="s-${side.key}" /><span class="sr">${side.key}</span><span class="num">${duration(side.seconds)}${side.count > 1 ? html`<span class="faint"> in ${count(side.count)}</span>` : ''}</span>`
    : html`<span class="faint">not run</span>`}</div>`;
  return html`<ol class="pairs">${pairs.slice(0, SHOWN).map((pair) => html`<li key=${pair.name} class="${pair.same ? '' : 'is-different'}"><div class="pair-name">${pair === first && html`<span class="tag">first difference</span> `}<${Link} to=${`/runs/task-run/${(pair.b ?? pair.a)?.id}`} title=${pair.name}>${pair.name}<//></div>
    <div>${bar(pair.a, 'A')}${bar(pair.b, 'B')}</div><span class="pair-change muted">${ratio(pair.a?.seconds, pair.b?.seconds)}</span></li>`)}</ol>${pairs.length > SHOWN && html`<p class="muted">And ${count(pairs.length - SHOWN)} more.</p>`}`;
}

/** @param {{runs: any[], logs: any[][]}} props */
function Logs({ runs, logs }) {
  const texts = logs.map((lines) => lines.map((line) => line.message));
  const at = firstDifferentLine(texts[0], texts[1], runs.map((run) => run.name));
  if (!texts[0].length && !texts[1].length) return html`<p class="muted">Neither run logged anything.</p>`;
  if (at < 0) return html`<p class="muted"><${Icon} name="completed" class="s-completed" size=${13} /> ${texts[0].length === LINES ? `The first ${LINES} lines say the same.` : 'They say the same, times and ids aside.'}</p>`;
  return html`<p class="muted">They part at line ${count(at + 1)}.</p><div class="compare-logs">${logs.map((lines, side) => html`<div key=${side}><span class="side-mark">${'AB'[side]}</span><pre>${lines.slice(Math.max(0, at - AROUND), at + AROUND + 1).map((line, i) => html`<span key=${line.id} class=${i + Math.max(0, at - AROUND) === at ? 'is-first' : ''}><i>${clock(line.timestamp)}</i> ${line.message.split('\n')[0]}${'\n'}</span>`)}${lines.length <= at && html`<span class="faint">the log ends here</span>`}</pre></div>`)}</div>`;
}

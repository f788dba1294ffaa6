// Filters of the Runs page: from the address to the body of a request, and the menus that change them.

import { html, useEffect, useState } from '../../vendor/preact.js';
import { post } from '../api.js';
import { STATE_TYPES, listParam, typeOfStateName } from '../format.js';
import { loadNames, nameOf, navigate, rememberNames, setQuery, useQuery, writeSetting } from '../store.js';
import { Icon, Menu, Tabs } from './controls.js';

export const PAGE = 200;
const WEEK = 7 * 86400;
const RANGES = /** @type {[number, string][]} */ ([[3600, '1 hour'], [21600, '6 hours'], [86400, '24 hours'], [WEEK, '7 days'], [30 * 86400, '30 days'], [365 * 86400, '1 year']]);
/** States in the order of their chips. */
export const CHIPS = [...STATE_TYPES].reverse();

/**
 * @typedef {{search: string, states: string[], names: string[], flows: string[], deployments: string[], pools: string[], tags: string[],
 *   topLevel: boolean, sort: string, seconds: number, start: number | null, end: number | null}} Filters
 */

/** @param {URLSearchParams} query @param {number} [usual]  seconds shown when the address does not say @returns {Filters} */
export function readFilters(query, usual = WEEK) {
  const states = listParam(query, 'state');
  const fixed = query.get('rangeType') === 'range' && query.get('start') && query.get('end');
  return {
    search: query.get('flow-run-search') ?? '',
    states: states.map(typeOfStateName).filter((type) => type !== null),
    names: states.filter((name) => !typeOfStateName(name)),
    flows: listParam(query, 'flows'), deployments: listParam(query, 'deployments'),
    pools: listParam(query, 'work-pools'), tags: listParam(query, 'tags'),
    topLevel: query.get('subflows') === 'hide',
    sort: query.get('sort') ?? 'START_TIME_DESC',
    seconds: Math.abs(Number(query.get('seconds'))) || usual,
    start: fixed ? Date.parse(query.get('start') ?? '') : null,
    end: fixed ? Date.parse(query.get('end') ?? '') : null,
  };
}

/** @param {Filters} f */
export const windowOf = (f) => (f.start && f.end ? { start: f.start, end: f.end } : { start: Date.now() - f.seconds * 1000, end: Date.now() });

/**
 * The body of /flow_runs/filter and its relatives.
 * @param {Filters} f
 * @param {boolean} withStates  the history counts all states, chosen or not
 */
export function bodyOf(f, withStates) {
  const { start, end } = windowOf(f);
  /** @type {any} */
  const runs = { expected_start_time: { after_: new Date(start).toISOString() } };
  // Runs of the future are asked for by their state; without that they would fill the top of the list.
  if (f.end || !(withStates && f.states.includes('SCHEDULED'))) runs.expected_start_time.before_ = new Date(f.end ?? end + 2000).toISOString();
  if (f.search) runs.name = { like_: f.search };
  if (f.tags.length) runs.tags = { all_: f.tags };
  if (f.deployments.length) runs.deployment_id = { any_: f.deployments };
  if (f.topLevel) runs.parent_task_run_id = { is_null_: true };
  if (withStates && (f.states.length || f.names.length)) {
    const types = f.states.includes('CANCELLED') ? [...f.states, 'CANCELLING'] : f.states;
    runs.state = { operator: 'or_', ...(types.length && { type: { any_: types } }), ...(f.names.length && { name: { any_: f.names } }) };
  }
  return {
    flow_runs: runs,
    ...(f.flows.length && { flows: { id: { any_: f.flows } } }),
    ...(f.pools.length && { work_pools: { name: { any_: f.pools } } }),
  };
}

/** @param {{tab: string, children?: any}} props */
export function Head({ tab, children }) {
  return html`<div class="page-head"><h1>Runs</h1>
    <${Tabs} label="Kind of runs" value=${tab} tabs=${[['flow-runs', 'Flow runs'], ['task-runs', 'Task runs']]}
      onChange=${(next) => navigate(next === 'task-runs' ? '/runs?tab=task-runs' : '/runs')} />
    ${children}</div>`;
}

/** @param {{filters: Filters, usual?: number}} props */
export function RangePicker({ filters, usual = WEEK }) {
  const fixed = filters.start && filters.end;
  const label = fixed ? `${short(filters.start ?? 0)} – ${short(filters.end ?? 0)}` : RANGES.find(([s]) => s === filters.seconds)?.[1] ?? `${Math.round(filters.seconds / 3600)} hours`;
  return html`<${Menu} align="right" title="Time range" label=${html`${label}<${Icon} name="down" size=${14} />`}>${(/** @type {() => void} */ close) => html`
    ${RANGES.map(([value, text]) => html`<button type="button" class="menu-item ${!fixed && value === filters.seconds ? 'is-on' : ''}" key=${value}
      onClick=${() => { close(); setQuery({ rangeType: null, start: null, end: null, seconds: value === usual ? null : String(-value) }); }}>Last ${text}</button>`)}
    <form class="menu-form" onSubmit=${(e) => {
      e.preventDefault();
      const from = new Date(e.target.from.value);
      const to = new Date(e.target.to.value);
      if (Number.isNaN(+from) || Number.isNaN(+to) || from >= to) return;
      close();
      setQuery({ rangeType: 'range', start: from.toISOString(), end: to.toISOString(), seconds: null });
    }}><label>From <input type="datetime-local" name="from" required value=${local(filters.start ?? Date.now() - filters.seconds * 1000)} /></label>
      <label>To <input type="datetime-local" name="to" required value=${local(filters.end ?? Date.now())} /></label><button class="btn small">Apply</button></form>`}<//>`;
}

/** @param {number} time */
const local = (time) => new Date(time - new Date(time).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
/** @param {number} time */
const short = (time) => local(time).slice(5).replace('T', ' ');

/** @param {{label: string, chosen: string[], path: string, filter: string, onChange: (ids: string[]) => void}} props */
export function EntityPicker({ label, chosen, path, filter, onChange }) {
  const names = chosen.map((id) => nameOf(id)).filter(Boolean);
  const text = chosen.length === 0 ? label : names.length === 1 && chosen.length === 1 ? names[0] : `${label} · ${chosen.length}`;
  useEffect(() => { if (chosen.some((id) => !nameOf(id))) loadNames(chosen.map((id) => (filter === 'flows' ? { flow_id: id } : { deployment_id: id }))).catch(() => {}); }, [chosen.join()]);
  return html`<${Menu} class="btn ghost ${chosen.length ? 'is-on' : ''}" title=${label} label=${html`<span class="cut">${text}</span><${Icon} name="down" size=${14} />`}>
    ${() => html`<${PickerList} label=${label} chosen=${chosen} path=${path} filter=${filter} onChange=${onChange} />`}<//>`;
}

/** @param {{label: string, chosen: string[], path: string, filter: string, onChange: (ids: string[]) => void}} props */
function PickerList({ label, chosen, path, filter, onChange }) {
  const [text, setText] = useState('');
  const list = useQuery(`pick ${path} ${text}`, async (signal) => {
    const found = await post(path, { ...(text && { [filter]: { name: { like_: text } } }), sort: 'NAME_ASC', limit: 100 }, { signal });
    rememberNames(found);
    return found;
  });
  return html`<input class="menu-search" type="search" placeholder="Find a ${label.toLowerCase()}" aria-label="Find a ${label.toLowerCase()}" value=${text} onInput=${(e) => setText(e.target.value)} />
    <div class="menu-list">${list.error ? html`<p class="muted">${list.error.message}</p>` : (list.data ?? []).map((/** @type {any} */ entity) => html`<label class="menu-item" key=${entity.id}>
      <input type="checkbox" checked=${chosen.includes(entity.id)} onChange=${() => onChange(chosen.includes(entity.id) ? chosen.filter((id) => id !== entity.id) : [...chosen, entity.id])} /><span class="cut">${entity.name}</span></label>`)}
      ${list.data && !list.data.length && html`<p class="muted">Nothing found.</p>`}</div>`;
}

/** @param {{chosen: string[], rows: any[]}} props */
export function TagPicker({ chosen, rows }) {
  const tags = [...new Set([...chosen, ...rows.flatMap((run) => run.tags ?? [])])].sort();
  return html`<${Menu} class="btn ghost ${chosen.length ? 'is-on' : ''}" title="Tags" label=${html`<span class="cut">${chosen.length ? chosen.join(', ') : 'Tags'}</span><${Icon} name="down" size=${14} />`}>${() => html`
    <form onSubmit=${(e) => { e.preventDefault(); const tag = e.target.tag.value.trim(); if (tag) setQuery({ tags: [...new Set([...chosen, tag])] }); e.target.reset(); }}><input class="menu-search" name="tag" placeholder="Add a tag" aria-label="Add a tag" autocomplete="off" /></form>
    <div class="menu-list">${tags.map((tag) => html`<label class="menu-item" key=${tag}><input type="checkbox" checked=${chosen.includes(tag)} onChange=${() => setQuery({ tags: chosen.includes(tag) ? chosen.filter((t) => t !== tag) : [...chosen, tag] })} /><span class="cut">${tag}</span></label>`)}
    ${!tags.length && html`<p class="muted">No tags on the loaded runs.</p>`}</div>`}<//>`;
}

const OPTIONAL = [['flow', 'Flow'], ['started', 'Started'], ['duration', 'Duration'], ['tasks', 'Tasks'], ['tags', 'Tags']];

/** @param {{off: Set<string>, onChange: (off: Set<string>) => void}} props */
export function ColumnMenu({ off, onChange }) {
  return html`<${Menu} class="btn ghost icon-only wide-only" align="right" title="Columns" label=${html`<${Icon} name="columns" />`}>${() => html`
    ${OPTIONAL.map(([key, label]) => html`<label class="menu-item" key=${key}><input type="checkbox" checked=${!off.has(key)} onChange=${() => { const next = new Set(off); if (next.has(key)) next.delete(key); else next.add(key); onChange(next); }} />${label}</label>`)}
    <button type="button" class="menu-item" onClick=${() => { const compact = document.documentElement.dataset.density !== 'comfortable'; document.documentElement.dataset.density = compact ? 'comfortable' : ''; writeSetting('density', compact ? 'comfortable' : 'compact'); onChange(new Set(off)); }}>Toggle row height</button>`}<//>`;
}

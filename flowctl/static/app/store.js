// What pages share: the current address, cached answers, names of flows and deployments, keys, settings, the ticking clock.

import { signal, useEffect, useRef, useState } from '../vendor/preact.js';
import { config, isFlowctl, online, own, post } from './api.js';
import { belowBase, withParams } from './format.js';

// --- address ---------------------------------------------------------------------------------------------------------

/** @typedef {{path: string, query: URLSearchParams, key: string}} Place */

/** @returns {Place} */
function readPlace() {
  const path = belowBase(config.base, location.pathname);
  return { path: path ?? '/', query: new URLSearchParams(location.search), key: history.state?.key ?? 'first' };
}

export const place = signal(readPlace());
window.addEventListener('popstate', () => { place.value = readPlace(); });

/**
 * @param {string} path  below the base path, with query
 * @param {{replace?: boolean}} [options]
 */
export function navigate(path, { replace = false } = {}) {
  const key = replace ? place.peek().key : Math.random().toString(36).slice(2);
  history[replace ? 'replaceState' : 'pushState']({ key }, '', config.base + path);
  place.value = readPlace();
}

/**
 * Change names of the query: replace while typing, push when done.
 * @param {Record<string, string | string[] | null | undefined>} changes
 * @param {{replace?: boolean}} [options]
 */
export function setQuery(changes, options) {
  const { path, query } = place.peek();
  const next = withParams(query, changes).toString();
  if (next !== query.toString()) navigate(path + (next ? `?${next}` : ''), options);
}

/** @param {string} path */
export const href = (path) => config.base + path;

// --- settings of this browser ----------------------------------------------------------------------------------------

/** @param {string} key @param {string} fallback */
export function readSetting(key, fallback) {
  try { return localStorage.getItem(`flowctl.${key}`) ?? fallback; } catch { return fallback; }
}

/** @param {string} key @param {string} value */
export function writeSetting(key, value) {
  try { localStorage.setItem(`flowctl.${key}`, value); } catch { /* private window: the choice lasts for this page */ }
}

/** 'auto', 'light' or 'dark' */
export const theme = signal(readSetting('theme', 'auto'));

/** @param {string} value */
export function setTheme(value) {
  theme.value = value;
  writeSetting('theme', value);
  if (value === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = value;
  document.dispatchEvent(new Event('flowctl-theme'));
}

/** @param {'palette' | 'density'} name  as theme.js reads it @param {string} value  '' is the usual one */
export function setLook(name, value) {
  writeSetting(name, value);
  if (value) document.documentElement.dataset[name] = value;
  else delete document.documentElement.dataset[name];
  document.dispatchEvent(new Event('flowctl-theme'));
}

/** How times are written: 'relative', 'local' or 'utc' */
export const timeFormat = signal(readSetting('time', 'relative'));

/** @param {string} value */
export function setTimeFormat(value) {
  timeFormat.value = value;
  writeSetting('time', value);
}
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => document.dispatchEvent(new Event('flowctl-theme')));

// --- answers ---------------------------------------------------------------------------------------------------------

/** @type {Map<string, any>} */
const answers = new Map();
const KEPT_ANSWERS = 40;

/** @param {string} key @param {any} data */
function keep(key, data) {
  answers.delete(key);
  answers.set(key, data);
  if (answers.size > KEPT_ANSWERS) answers.delete(answers.keys().next().value ?? '');
}

/**
 * @template T
 * @typedef {{data: T | undefined, error: any, stale: boolean, loading: boolean, reload: () => Promise<void>, set: (data: T) => void}} Query
 */

/**
 * Load data for `key`; the last known answer shows at once.  A null key loads nothing.  While a new key loads, the
 * answer of the key before stays, marked stale.
 * @template T
 * @param {string | null} key
 * @param {(signal: AbortSignal) => Promise<T>} load
 * @returns {Query<T>}
 */
export function useQuery(key, load) {
  const [, redraw] = useState(0);
  const state = useRef(/** @type {any} */ ({ key: undefined, data: undefined, error: null, loading: false, abort: null }));
  const latest = useRef(load);
  latest.current = load;
  const my = state.current;

  const run = useRef(async () => {
    const current = state.current;
    current.abort?.abort();
    const wanted = current.key;
    if (wanted == null) return;
    const abort = (current.abort = new AbortController());
    current.loading = true;
    try {
      const data = await latest.current(abort.signal);
      keep(wanted, data);
      if (current.key === wanted && current.abort === abort) Object.assign(current, { data, error: null, stale: false });
    } catch (error) {
      if (abort.signal.aborted) return;
      if (current.key === wanted) current.error = error;
    }
    if (current.abort === abort) current.loading = false;
    redraw((n) => n + 1);
  });

  if (my.key !== key) {
    my.key = key;
    my.error = null;
    if (key != null && answers.has(key)) Object.assign(my, { data: answers.get(key), stale: false });
    else if (key == null) Object.assign(my, { data: undefined, stale: false });
    else my.stale = my.data !== undefined;
    my.loading = key != null;
  }
  useEffect(() => { run.current(); }, [key]);
  useEffect(() => {
    let first = true;
    const stop = online.subscribe((reached) => { if (!first && reached) run.current(); first = false; });
    return () => { stop(); state.current.abort?.abort(); };
  }, []);
  return {
    data: my.data, error: my.error, stale: Boolean(my.stale), loading: my.loading, reload: run.current,
    set: (data) => { my.data = data; if (my.key != null) keep(my.key, data); redraw((n) => n + 1); },
  };
}

// --- what goes with runs ---------------------------------------------------------------------------------------------

const TOGETHER_MS = 15;
const MOST = 200;

/** @typedef {'flows' | 'deployments' | 'reasons' | 'task_counts' | 'steps'} Kind */

/** What is asked for next, so that lists which arrive together need one request. @type {{ids: Record<Kind, Set<string>>, answer: Promise<any>} | null} */
let gathering = null;

/** @param {Partial<Record<Kind, string[]>>} wanted  ids, at most MOST of a kind */
function related(wanted) {
  const asked = /** @type {[Kind, string[]][]} */ (Object.entries(wanted));
  if (asked.every(([, ids]) => !ids.length)) return Promise.resolve(NOTHING);
  const known = gathering?.ids;
  if (!known || asked.some(([kind, ids]) => new Set([...known[kind], ...ids]).size > MOST)) {
    const ids = { flows: new Set(), deployments: new Set(), reasons: new Set(), task_counts: new Set(), steps: new Set() };
    const batch = { ids, answer: new Promise((resolve) => { setTimeout(resolve, TOGETHER_MS); }).then(() => { if (gathering === batch) gathering = null; return fetchRelated(ids); }) };
    gathering = batch;
  }
  const batch = /** @type {NonNullable<typeof gathering>} */ (gathering);
  for (const [kind, ids] of asked) for (const id of ids) batch.ids[kind].add(id);
  return batch.answer;
}

const NOTHING = { flows: [], deployments: [], reasons: {}, task_counts: {}, steps: {} };

/** One request; of a Prefect server one for each kind that it has. @param {Record<Kind, Set<string>>} ids */
async function fetchRelated({ flows, deployments, reasons, task_counts: counted, steps }) {
  const told = await own('POST', '/related/', { flows: [...flows], deployments: [...deployments], reasons: [...reasons], task_counts: [...counted], steps: [...steps] });
  if (told) return told;
  const [theirFlows, theirDeployments, counts] = await Promise.all([
    flows.size ? post('/flows/filter', { flows: { id: { any_: [...flows] } }, limit: MOST }) : [],
    deployments.size ? post('/deployments/filter', { deployments: { id: { any_: [...deployments] } }, limit: MOST }) : [],
    counted.size ? post('/ui/flow_runs/count-task-runs', { flow_run_ids: [...counted] }) : {},
  ]);
  return { ...NOTHING, flows: theirFlows, deployments: theirDeployments, task_counts: counts };
}

/** Flows and deployments by id; null for those that are asked for or are not there. @type {Map<string, any>} */
const named = new Map();
/** Counts up when names or reasons arrive; components that read it are drawn again. */
export const namesVersion = signal(0);

/**
 * Fetch flows and deployments that are not known yet.
 * @param {{flow_id?: string | null, deployment_id?: string | null}[]} runs
 */
export async function loadNames(runs) {
  /** @param {(string | null | undefined)[]} ids */
  const missing = (ids) => /** @type {string[]} */ ([...new Set(ids)].filter((id) => id && !named.has(id)).slice(0, MOST));
  const wanted = { flows: missing(runs.map((run) => run.flow_id)), deployments: missing(runs.map((run) => run.deployment_id)) };
  const ids = [...wanted.flows, ...wanted.deployments];
  if (!ids.length) return;
  const answer = related(wanted);
  for (const id of ids) named.set(id, null);
  try {
    const { flows, deployments } = await answer;
    for (const entity of [...flows, ...deployments]) named.set(entity.id, entity);
  } catch (error) {
    for (const id of ids) named.delete(id);
    throw error;
  }
  namesVersion.value++;
}

/** @param {string | null | undefined} id */
export const nameOf = (id) => (id ? named.get(id)?.name : undefined);

/** The whole flow or deployment as it was when its name was fetched. @param {string | null | undefined} id */
export const entityOf = (id) => (id ? named.get(id) ?? undefined : undefined);

/** @param {any[]} entities */
export function rememberNames(entities) {
  const fresh = entities.some((entity) => nameOf(entity.id) !== entity.name);
  for (const entity of entities) named.set(entity.id, entity);
  if (fresh) namesVersion.value++;
}

/** How many tasks each of the runs has, by its id. @param {any[]} runs @returns {Promise<Record<string, number>>} */
export const loadTaskCounts = async (runs) => (await related({ task_counts: runs.slice(0, MOST).map((run) => run.id) })).task_counts;

/** The states that task runs have been in, by their ids; a Prefect server tells them only one by one. @param {string[]} ids @returns {Promise<Record<string, any[]>>} */
export const loadSteps = async (ids) => (await related({ steps: ids.slice(0, MOST) })).steps;

/** Why runs wait, by run; true of the state that they were in. @type {Map<string, {state: string, text: string}>} */
const reasons = new Map();
const WAITING = new Set(['SCHEDULED', 'PENDING', 'PAUSED', 'CANCELLING']);

/** Whether it is worth asking why: it waits and should not, or it ended without a word. @param {any} run */
function needsReason(run) {
  if (run.state_type === 'SCHEDULED') return run.state_name !== 'Scheduled' || Date.parse(run.next_scheduled_start_time ?? run.expected_start_time) < Date.now() - 15_000;
  return WAITING.has(run.state_type) || ((run.state_type === 'FAILED' || run.state_type === 'CRASHED') && !run.state?.message);
}

/** Ask for the reasons of a page of runs; a Prefect server has none. @param {any[]} runs */
export async function loadReasons(runs) {
  const asked = runs.filter(needsReason).slice(0, MOST);
  if (!asked.length || !(await isFlowctl())) return;
  const told = (await related({ reasons: asked.map((run) => run.id) })).reasons;
  let changed = false;
  for (const run of asked) {
    const text = told[run.id] ?? '';
    changed ||= reasonOf(run) !== text;
    reasons.set(run.id, { state: run.state_id, text });
  }
  if (changed) namesVersion.value++;
}

/** Why a run waits, in a few words, as far as that was asked. @param {any} run */
export function reasonOf(run) {
  const known = reasons.get(run.id);
  return known && known.state === run.state_id ? known.text : '';
}

// --- keys ------------------------------------------------------------------------------------------------------------

/**
 * @typedef {{key: string, label: string, run: (event?: Event) => void, hidden?: boolean, group?: string}} Action
 * One thing that the page can do.  `key` is what `KeyboardEvent.key` says, or two of them: `g r`.
 */

/** @type {Set<{current: Action[]}>} */
const actionSets = new Set();

/** @param {Action[]} actions  of the component, as long as it is mounted */
export function useActions(actions) {
  const held = useRef(actions);
  held.current = actions;
  useEffect(() => {
    actionSets.add(held);
    return () => { actionSets.delete(held); };
  }, []);
}

/** All actions of what is on screen, the innermost page first. */
export const currentActions = () => [...actionSets].reverse().flatMap((held) => held.current);

/**
 * What the page shows, for the commands that do the same.
 * @typedef {{run?: any, task?: any, deployment?: any, chosen?: string[]}} Shown
 */

/** @type {Set<{current: () => Shown}>} */
const shownSets = new Set();

/** @param {() => Shown} shown */
export function useCommands(shown) {
  const held = useRef(shown);
  held.current = shown;
  useEffect(() => {
    shownSets.add(held);
    return () => { shownSets.delete(held); };
  }, []);
}

/** @returns {Shown} */
export const currentlyShown = () => Object.assign({}, ...[...shownSets].map((held) => held.current()));

let pending = '';
let pendingSince = 0;

document.addEventListener('keydown', (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
  const target = /** @type {HTMLElement} */ (event.target);
  if (target.closest?.('input:not([type=checkbox]), textarea, select, [contenteditable], dialog')) return;
  if (document.querySelector('dialog[open]')) return;
  if ((event.key === 'Enter' || event.key === ' ') && target.closest?.('a, button, input, summary')) return;
  if (readSetting('keys', 'on') === 'off' && event.key.length === 1) return;
  const combo = pending && event.timeStamp - pendingSince < 1200 ? `${pending} ${event.key}` : '';
  pending = '';
  const actions = currentActions();
  const action = (combo && actions.find((a) => a.key === combo)) || actions.find((a) => a.key === event.key);
  if (action) {
    event.preventDefault();
    action.run(event);
  } else if (actions.some((a) => a.key.startsWith(`${event.key} `))) {
    pending = event.key;
    pendingSince = event.timeStamp;
  }
});

// --- colours ---------------------------------------------------------------------------------------------------------

/**
 * A token of app.css as a plain colour, for canvases and pictures.
 * @param {string} token
 */
export function colourOf(token) {
  const probe = document.createElement('i');
  probe.style.color = `var(${token})`;
  document.body.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}

const STATE_COLOURS = ['completed', 'failed', 'crashed', 'running', 'scheduled', 'pending', 'cancelled'];
/** States that have the colour of another. */
export const TOKEN = /** @type {Record<string, string>} */ ({ late: 'scheduled', retry: 'scheduled', paused: 'pending', cancelling: 'cancelled' });

/** All that a canvas draws with. */
export function readColours() {
  /** @type {Record<string, string>} */
  const colours = {};
  for (const key of STATE_COLOURS) colours[key] = colourOf(`--s-${key}`);
  for (const token of ['bg', 'side', 'line', 'text', 'text-2', 'text-3', 'accent', 'accent-soft', 'hover', 'line-2', 'glyph']) colours[token] = colourOf(`--${token}`);
  return colours;
}

/** @type {string | undefined} */
let plainIcon;

/** @param {string} title @param {string} [state]  a state key, shown as a dot in the tab */
export function useTitle(title, state) {
  useEffect(() => {
    document.title = title ? `${title} · flowctl` : 'flowctl';
    const icon = /** @type {HTMLLinkElement | null} */ (document.querySelector('link[rel=icon]'));
    if (!icon) return;
    const colour = state && colourOf(`--s-${TOKEN[state] ?? state}`);
    plainIcon ??= icon.href;
    icon.href = colour
      ? `data:image/svg+xml,${encodeURIComponent(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><path d="M16 2 30 16 16 30 2 16Z" fill="#1860f2"/><circle cx="23" cy="23" r="8" fill="${colour}" stroke="#fff" stroke-width="2"/></svg>`)}`
      : plainIcon;
  }, [title, state]);
}

// --- styles ----------------------------------------------------------------------------------------------------------

/** @type {Promise<void> | null} */
let styles = null;

/** Fetch the style sheet of what is not on the first pages, once. */
export function moreStyles() {
  styles ??= new Promise((resolve, reject) => {
    const link = Object.assign(document.createElement('link'), { rel: 'stylesheet', href: href('/more.css'), onload: () => resolve(), onerror: () => { styles = null; link.remove(); reject(new Error('more.css cannot be loaded')); } });
    document.head.append(link);
  });
  return styles;
}

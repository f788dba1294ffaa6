// What pages share: the current address, cached answers, names of flows and deployments, keys, settings, the ticking clock.

import { signal, useEffect, useRef, useState } from '../vendor/preact.js';
import { config, online, own, post } from './api.js';
import { belowBase, withParams } from './router.js';

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

// --- names -----------------------------------------------------------------------------------------------------------

/** @type {Map<string, any>} */
const named = new Map();
/** Counts up when names arrive; components that read it are drawn again. */
export const namesVersion = signal(0);

/**
 * Fetch flows and deployments that are not known yet: at most one request each.
 * @param {{flow_id?: string | null, deployment_id?: string | null}[]} runs
 */
export async function loadNames(runs) {
  await Promise.all([
    loadKind('/flows/filter', 'flows', runs.map((run) => run.flow_id)),
    loadKind('/deployments/filter', 'deployments', runs.map((run) => run.deployment_id)),
  ]);
}

const TOGETHER_MS = 15;
/** What is asked for next, so that lists which arrive together need one request. @type {Map<string, {ids: Set<string>, done: Promise<void>}>} */
const gathering = new Map();

/** @param {string} path @param {string} filter @param {(string | null | undefined)[]} ids */
async function loadKind(path, filter, ids) {
  const missing = /** @type {string[]} */ ([...new Set(ids)].filter((id) => id && !named.has(id)));
  if (!missing.length) return;
  let batch = gathering.get(path);
  if (!batch) {
    const wanted = /** @type {Set<string>} */ (new Set());
    batch = { ids: wanted, done: new Promise((resolve) => { setTimeout(resolve, TOGETHER_MS); }).then(() => { gathering.delete(path); return fetchKind(path, filter, [...wanted].slice(0, 200)); }) };
    gathering.set(path, batch);
  }
  for (const id of missing) batch.ids.add(id);
  await batch.done;
}

/** @param {string} path @param {string} filter @param {string[]} missing */
async function fetchKind(path, filter, missing) {
  for (const id of missing) named.set(id, null);
  try {
    for (const entity of await post(path, { [filter]: { id: { any_: missing } }, limit: 200 })) named.set(entity.id, entity);
  } catch (error) {
    for (const id of missing) named.delete(id);
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

// --- reasons ---------------------------------------------------------------------------------------------------------

/** Why runs wait, by run; true of the state that they were in. @type {Map<string, {state: string, text: string}>} */
const reasons = new Map();
const REASONS = 200;
const WAITING = new Set(['SCHEDULED', 'PENDING', 'PAUSED', 'CANCELLING']);

/** Whether it is worth asking why: it waits and should not, or it ended without a word. @param {any} run */
function needsReason(run) {
  if (run.state_type === 'SCHEDULED') return run.state_name !== 'Scheduled' || Date.parse(run.next_scheduled_start_time ?? run.expected_start_time) < Date.now() - 15_000;
  return WAITING.has(run.state_type) || ((run.state_type === 'FAILED' || run.state_type === 'CRASHED') && !run.state?.message);
}

/**
 * Ask for the reasons of a page of runs, in one request; a Prefect server has none.  Components that read `namesVersion` are drawn again.
 * @param {any[]} runs
 */
export async function loadReasons(runs) {
  const asked = runs.filter(needsReason).slice(0, REASONS);
  const told = asked.length ? await own('POST', '/runs/reasons', { ids: asked.map((run) => run.id) }) : null;
  let changed = false;
  for (const run of told ? asked : []) {
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

/** @type {Map<string, Promise<void>>} */
const styles = new Map();

/** Fetch a style sheet of its own, once. @param {string} file */
export function loadStyles(file) {
  if (!styles.has(file)) styles.set(file, new Promise((resolve, reject) => {
    const link = Object.assign(document.createElement('link'), { rel: 'stylesheet', href: href(`/${file}`), onload: () => resolve(), onerror: () => { styles.delete(file); link.remove(); reject(new Error(`${file} cannot be loaded`)); } });
    document.head.append(link);
  }));
  return /** @type {Promise<void>} */ (styles.get(file));
}

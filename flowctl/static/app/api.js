// All that speaks with the server: requests (address, login, CSRF, errors, whether it can be reached), and changes as they happen.

import { signal, useEffect, useRef } from '../vendor/preact.js';

/** @param {string} name */
const meta = (name) => document.querySelector(`meta[name="flowctl-${name}"]`)?.getAttribute('content') ?? '';

export const config = {
  /** "" or "/some/path" */
  base: meta('base'),
  api: new URL(meta('api') || '/api', location.href).href.replace(/\/$/, ''),
  version: meta('version'),
};

/** False while requests fail to reach the server at all. */
export const online = signal(true);

export class ApiError extends Error {
  /**
   * @param {string} method
   * @param {string} path
   * @param {number} status  0 when the server was not reached
   * @param {string} detail
   */
  constructor(method, path, status, detail) {
    super(detail);
    this.method = method;
    this.path = path;
    this.status = status;
  }
}

const CLIENT_ID = globalThis.crypto?.randomUUID?.() ?? String(Math.random()).slice(2);
/** @type {string | null} */
let csrfToken = null;

/** Base64 of `user:password`, as the Authorization header wants it. */
export function credentials() {
  try { return sessionStorage.getItem('flowctl.auth') ?? localStorage.getItem('flowctl.auth'); } catch { return null; }
}

/** @param {string | null} secret @param {boolean} remember */
export function setCredentials(secret, remember) {
  sessionStorage.removeItem('flowctl.auth');
  localStorage.removeItem('flowctl.auth');
  if (secret == null) return;
  const encoded = btoa(String.fromCharCode(...new TextEncoder().encode(secret)));
  (remember ? localStorage : sessionStorage).setItem('flowctl.auth', encoded);
}

/** The plain secret, which websockets send in their first frame. */
export function plainCredentials() {
  const encoded = credentials();
  return encoded ? new TextDecoder().decode(Uint8Array.from(atob(encoded), (c) => c.charCodeAt(0))) : null;
}

/** Set by main.js: called when the server asks for a login. */
export const onUnauthorized = { call: () => {} };

/**
 * @param {string} method
 * @param {string} path  below the API address
 * @param {unknown} [body]
 * @param {{signal?: AbortSignal, keepalive?: boolean, text?: boolean}} [options]
 * @returns {Promise<any>}
 */
export async function call(method, path, body, options = {}) {
  let response = await send(method, path, body, options);
  if (response.status === 403 && (await response.clone().text()).includes('CSRF')) {
    const token = await send('GET', `/csrf-token?client=${CLIENT_ID}`, undefined, {});
    if (token.ok) {
      csrfToken = (await token.json()).token;
      response = await send(method, path, body, options);
    }
  }
  if (!response.ok) {
    const error = new ApiError(method, path, response.status, await detailOf(response));
    if (response.status === 401) onUnauthorized.call();
    throw error;
  }
  const answer = await response.text();
  return options.text ? answer : answer ? JSON.parse(answer) : null;
}

/** @param {string} path @param {unknown} body @param {{signal?: AbortSignal}} [options] */
export const post = (path, body, options) => call('POST', path, body, options);

/** @param {string} path @param {{signal?: AbortSignal, text?: boolean}} [options] */
export const get = (path, options) => call('GET', path, undefined, options);

/** @type {Promise<boolean> | null} */
let flowctl = null;

/** Whether the API is flowctl's.  Its own address is below a path of this origin; another address is asked once. */
export function isFlowctl() {
  flowctl ??= (meta('api') || '/').startsWith('/') ? Promise.resolve(true) : get('/flowctl/about').then(() => true, (error) => {
    if (error.status !== 404) flowctl = null;
    return false;
  });
  return flowctl;
}

/**
 * Ask for what only flowctl has; null where the server is Prefect's, or has not (yet) such a thing.
 * @param {string} method
 * @param {string} path  below `/flowctl`
 * @param {unknown} [body]
 * @param {{signal?: AbortSignal}} [options]
 */
export async function own(method, path, body, options) {
  if (!(await isFlowctl())) return null;
  try { return await call(method, `/flowctl${path}`, body, options); } catch (error) {
    if (/** @type {any} */ (error).status === 404) return null;
    throw error;
  }
}

/**
 * @param {string} method
 * @param {string} path
 * @param {unknown} body
 * @param {{signal?: AbortSignal, keepalive?: boolean}} options
 */
async function send(method, path, body, { signal, keepalive }) {
  /** @type {Record<string, string>} */
  const headers = {};
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  const secret = credentials();
  if (secret) headers.Authorization = `Basic ${secret}`;
  if (csrfToken && method !== 'GET') {
    headers['Prefect-Csrf-Token'] = csrfToken;
    headers['Prefect-Csrf-Client'] = CLIENT_ID;
  }
  try {
    const response = await fetch(config.api + path, {
      method, headers, signal, keepalive, body: body === undefined ? undefined : JSON.stringify(body),
    });
    online.value = true;
    return response;
  } catch (error) {
    if (/** @type {any} */ (error)?.name === 'AbortError') throw error;
    online.value = false;
    throw new ApiError(method, path, 0, 'The server cannot be reached.');
  }
}

/** @param {Response} response */
async function detailOf(response) {
  const text = await response.text().catch(() => '');
  try {
    return errorDetail(JSON.parse(text)) || response.statusText;
  } catch {
    return text.slice(0, 300) || response.statusText;
  }
}

/**
 * The readable part of Prefect's error bodies.
 * @param {any} body
 * @returns {string}
 */
export function errorDetail(body) {
  if (typeof body === 'string') return body;
  const detail = body?.detail ?? body?.exception_detail ?? body?.exception_message ?? body?.error;
  if (Array.isArray(detail)) {
    return detail.map((entry) => (entry?.msg ? `${(entry.loc ?? []).slice(1).join('.')}: ${entry.msg}` : JSON.stringify(entry))).join('; ');
  }
  return typeof detail === 'string' ? detail : detail ? JSON.stringify(detail) : '';
}

/** Ask until the server answers again: 1, 2, 4 … 30 seconds apart. */
export function watchForReturn() {
  let delay = 1000;
  const attempt = () => {
    if (online.value) return;
    fetch(`${config.api}/health`, { cache: 'no-store' })
      .then((response) => { if (response.ok) online.value = true; else throw new Error(); })
      .catch(() => { delay = Math.min(delay * 2, 30000); setTimeout(attempt, delay); });
  };
  online.subscribe((reached) => {
    if (!reached) { delay = 1000; setTimeout(attempt, delay); }
  });
}

// --- changes as they happen: one websocket for all tabs of this browser, polling where there is none ------------------------

/** 'connecting', 'live' or 'polling' */
export const connection = signal('connecting');

/** @type {Set<(event: any) => void>} */
const listeners = new Set();
/** Counts up after each (re)connect: what happened meanwhile has to be fetched. */
export const reconnects = signal(0);

const EVENTS = ['prefect.flow-run.', 'prefect.task-run.'];
const channel = 'BroadcastChannel' in window ? new BroadcastChannel(`flowctl-live ${config.api}`) : null;
let leading = false;

channel?.addEventListener('message', ({ data }) => {
  if (leading) {
    if (data.kind === 'hello') channel.postMessage({ kind: 'status', status: connection.value });
  } else if (data.kind === 'event') {
    dispatch(data.event);
  } else if (data.kind === 'status') {
    if (data.status === 'live' && connection.value !== 'live') reconnects.value++;
    connection.value = data.status;
  }
});

/** @param {any} event */
function dispatch(event) {
  for (const listener of listeners) listener(event);
}

/** @param {string} status */
function announce(status) {
  connection.value = status;
  channel?.postMessage({ kind: 'status', status });
}

/** Begin; the tab that holds the lock keeps the socket, the others listen to it. */
export function startLive() {
  if (navigator.locks && channel) {
    channel.postMessage({ kind: 'hello' });
    navigator.locks.request(`flowctl-live ${config.api}`, () => { lead(); return new Promise(() => {}); });
  } else lead();
}

function lead() {
  leading = true;
  stream('/events/out', eventFilter, {
    onOpen: () => { announce('live'); reconnects.value++; },
    onClose: () => announce('polling'),
    onFrame: (frame) => {
      if (frame.type !== 'event' || frame.event.event === 'prefect.flow-run.heartbeat') return;
      dispatch(frame.event);
      channel?.postMessage({ kind: 'event', event: frame.event });
    },
  });
}

/** Without `until` Prefect's server ends the stream at the present: nothing live would come. */
function eventFilter() {
  const now = Date.now();
  return { event: { prefix: EVENTS }, occurred: { since: new Date(now).toISOString(), until: new Date(now + 365 * 86400_000).toISOString() } };
}

/**
 * Subscribe to one of Prefect's streams and stay subscribed: after a loss it connects again, 1, 2, 4 … 30 seconds apart.
 * @param {string} path
 * @param {() => any} filter
 * @param {{onOpen?: () => void, onClose?: () => void, onFrame: (frame: any) => void}} handlers
 * @returns {() => void} stop
 */
export function stream(path, filter, { onOpen, onClose, onFrame }) {
  let delay = 1000;
  let stopped = false;
  /** @type {WebSocket | undefined} */
  let socket;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  const connect = () => {
    timer = undefined;
    socket = new WebSocket(config.api.replace(/^http/, 'ws') + path, ['prefect']);
    let opened = false;
    socket.onopen = () => socket?.send(JSON.stringify({ type: 'auth', token: plainCredentials() }));
    socket.onmessage = ({ data }) => {
      const frame = JSON.parse(data);
      if (frame.type !== 'auth_success') { onFrame(frame); return; }
      opened = true;
      delay = 1000;
      socket?.send(JSON.stringify({ type: 'filter', backfill: false, filter: filter() }));
      onOpen?.();
    };
    socket.onclose = () => {
      if (stopped) return;
      onClose?.();
      delay = opened ? 1000 : Math.min(delay * 2, 30000);
      timer = setTimeout(connect, delay);
    };
  };
  // While the server is away the browser would log each failed attempt; wait for a request to succeed instead.
  const stopWatching = online.subscribe((reached) => {
    if (reached && timer !== undefined && !stopped) { clearTimeout(timer); timer = setTimeout(connect, 50); }
  });
  connect();
  return () => {
    stopped = true;
    clearTimeout(timer);
    stopWatching();
    // A socket that is still connecting is closed once it is open: browsers warn of one that never was.
    if (socket?.readyState === WebSocket.CONNECTING) socket.onopen = () => socket?.close();
    else socket?.close();
  };
}

/**
 * Ids of the flow runs and task runs that an event speaks of.
 * @param {any} event
 */
export function idsOf(event) {
  const ids = new Set();
  for (const resource of [event.resource, ...(event.related ?? [])]) {
    const found = /^prefect\.(?:flow|task)-run\.([0-9a-f-]{36})$/.exec(resource?.['prefect.resource.id'] ?? '');
    if (found) ids.add(found[1]);
  }
  return ids;
}

const BATCH_MS = 500;

/**
 * Refresh what is on screen: at most once each half second after matching events, and by polling while there is no
 * socket (2 s while `busy`, 10 s else, 60 s in a hidden tab, not at all after 10 minutes hidden).
 * @param {(event: any) => boolean} matches
 * @param {() => unknown} refresh
 * @param {{busy?: boolean, onEvent?: (event: any) => void}} [options]
 */
export function useLive(matches, refresh, { busy = false, onEvent } = {}) {
  const held = useRef({ matches, refresh, busy, onEvent });
  held.current = { matches, refresh, busy, onEvent };
  useEffect(() => {
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let batch;
    let last = Date.now();
    let hiddenSince = document.hidden ? Date.now() : 0;
    let running = false;
    const run = async () => {
      batch = undefined;
      if (running) { soon(); return; }
      running = true;
      last = Date.now();
      try { await held.current.refresh(); } finally { running = false; }
    };
    const soon = () => { batch ??= setTimeout(run, BATCH_MS); };
    /** @param {any} event */
    const listener = (event) => {
      if (!held.current.matches(event)) return;
      held.current.onEvent?.(event);
      soon();
    };
    listeners.add(listener);
    let first = true;
    const stopReconnects = reconnects.subscribe((n) => { if (!first && n > 1) soon(); first = false; });
    const poll = setInterval(() => {
      if (!online.value) return;
      if (document.hidden) {
        hiddenSince ||= Date.now();
        if (Date.now() - hiddenSince > 600_000 || Date.now() - last < 60_000) return;
      } else hiddenSince = 0;
      // With a socket polling is only the safety net.
      const every = connection.value === 'live' ? (held.current.busy ? 10_000 : 60_000) : held.current.busy ? 2000 : 10_000;
      if (Date.now() - last >= every) run();
    }, 1000);
    const shown = () => { if (!document.hidden && Date.now() - last > 5000) soon(); };
    document.addEventListener('visibilitychange', shown);
    return () => {
      listeners.delete(listener);
      clearTimeout(batch);
      clearInterval(poll);
      stopReconnects();
      document.removeEventListener('visibilitychange', shown);
    };
  }, []);
}

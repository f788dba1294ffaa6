// The one place that calls fetch: address, login, CSRF, errors, and whether the server can be reached.

import { signal } from '../vendor/preact.js';

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

// Paths and queries.  The pure half of routing; `main.js` has the table of pages and listens to the browser.

/**
 * @template T
 * @typedef {{pattern: string, page: T}} Route
 */

/**
 * `/runs/flow-run/:id` against `/runs/flow-run/6f1c` gives `{id: '6f1c'}`.
 * @param {string} pattern
 * @param {string} path
 * @returns {Record<string, string> | null}
 */
export function matchPath(pattern, path) {
  const want = pattern.split('/').filter(Boolean);
  const have = path.split('/').filter(Boolean);
  if (want.length !== have.length) return null;
  /** @type {Record<string, string>} */
  const params = {};
  for (let i = 0; i < want.length; i++) {
    if (want[i].startsWith(':')) {
      try { params[want[i].slice(1)] = decodeURIComponent(have[i]); } catch { return null; }
    } else if (want[i] !== have[i]) return null;
  }
  return params;
}

/**
 * @template T
 * @param {Route<T>[]} routes
 * @param {string} path
 */
export function findRoute(routes, path) {
  for (const route of routes) {
    const params = matchPath(route.pattern, path);
    if (params) return { route, params };
  }
  return null;
}

/**
 * The part of `pathname` below the base path, or null when it lies outside.
 * @param {string} base  "" or "/some/path"
 * @param {string} pathname
 */
export function belowBase(base, pathname) {
  if (base === '') return pathname || '/';
  if (pathname === base) return '/';
  return pathname.startsWith(`${base}/`) ? pathname.slice(base.length) : null;
}

/**
 * Values of a list-valued query name, however it was written: `a=1&a=2`, `a=1,2` or `a=["1","2"]`.
 * @param {URLSearchParams} query
 * @param {string} name
 */
export function listParam(query, name) {
  /** @type {string[]} */
  const values = [];
  for (const raw of query.getAll(name)) {
    if (raw.startsWith('[')) {
      try { values.push(...JSON.parse(raw).map(String)); continue; } catch { /* an ordinary value that begins so */ }
    }
    values.push(...raw.split(',').map((part) => part.trim()).filter(Boolean));
  }
  return [...new Set(values)];
}

/**
 * A copy of `query` with some names set; null, '' and [] remove.
 * @param {URLSearchParams} query
 * @param {Record<string, string | string[] | null | undefined>} changes
 */
export function withParams(query, changes) {
  const next = new URLSearchParams(query);
  for (const [name, value] of Object.entries(changes)) {
    const text = Array.isArray(value) ? value.join(',') : value;
    if (text == null || text === '') next.delete(name);
    else next.set(name, text);
  }
  return next;
}

/**
 * Where a login may return to: a path of this dashboard, never another site.
 * @param {string | null} target
 */
export function safeRedirect(target) {
  return target && /^\/(?![/\\])/.test(target) ? target : '/runs';
}

// Words and numbers: states, durations, times, messages, axes, addresses.  No DOM here; `node --test` runs this file.

/** @typedef {'completed'|'failed'|'crashed'|'running'|'scheduled'|'late'|'retry'|'pending'|'paused'|'cancelled'|'cancelling'} StateKey */

/** The chips of the Runs page, and the order of a stacked bar from its foot to its top. */
export const STATE_TYPES = /** @type {const} */ ([
  'COMPLETED', 'CANCELLED', 'PAUSED', 'PENDING', 'SCHEDULED', 'RUNNING', 'CRASHED', 'FAILED',
]);

export const TERMINAL = new Set(['COMPLETED', 'FAILED', 'CRASHED', 'CANCELLED']);

/** @type {Record<string, StateKey>} */
const KEY_BY_TYPE = {
  COMPLETED: 'completed', FAILED: 'failed', CRASHED: 'crashed', RUNNING: 'running', SCHEDULED: 'scheduled',
  PENDING: 'pending', PAUSED: 'paused', CANCELLED: 'cancelled', CANCELLING: 'cancelling',
};

/**
 * The look of a state: colour and icon share this key.
 * @param {string | null | undefined} type
 * @param {string | null | undefined} [name]
 * @returns {StateKey}
 */
export function stateKey(type, name) {
  if (name === 'Late') return 'late';
  if (name === 'AwaitingRetry' || name === 'Retrying') return type === 'RUNNING' ? 'running' : 'retry';
  return KEY_BY_TYPE[type ?? ''] ?? 'pending';
}

/** @param {string} type */
export const stateLabel = (type) => type.charAt(0) + type.slice(1).toLowerCase();

/**
 * The names of Prefect's states, as they stand in links, as types.
 * @param {string} name
 */
export function typeOfStateName(name) {
  const upper = name.toUpperCase();
  return upper in KEY_BY_TYPE ? upper : null;
}

/**
 * `320ms 36.9s 4m 12s 2h 5m 3d 4h`
 * @param {number | null | undefined} seconds
 */
export function duration(seconds) {
  if (seconds == null || !Number.isFinite(seconds)) return '';
  if (seconds < 0) seconds = 0;
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)}ms`;
  if (seconds < 59.95) return `${seconds.toFixed(1)}s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return pair(Math.floor(whole / 60), 'm', whole % 60, 's');
  if (whole < 86400) return pair(Math.floor(whole / 3600), 'h', Math.floor((whole % 3600) / 60), 'm');
  return pair(Math.floor(whole / 86400), 'd', Math.floor((whole % 86400) / 3600), 'h');
}

/** @param {number} big @param {string} bigUnit @param {number} small @param {string} smallUnit */
const pair = (big, bigUnit, small, smallUnit) => (small ? `${big}${bigUnit} ${small}${smallUnit}` : `${big}${bigUnit}`);

/**
 * @param {number} time  milliseconds
 * @param {number} now
 */
export function ago(time, now) {
  const seconds = (now - time) / 1000;
  const size = Math.abs(seconds);
  if (size < 1.5) return 'now';
  const text = size < 60 ? `${Math.floor(size)}s`
    : size < 3600 ? `${Math.floor(size / 60)}m`
    : size < 86400 ? `${Math.floor(size / 3600)}h`
    : size < 86400 * 60 ? `${Math.floor(size / 86400)}d`
    : size < 86400 * 365 ? `${Math.floor(size / 86400 / 30.4)}mo`
    : `${Math.floor(size / 86400 / 365)}y`;
  return seconds < 0 ? `in ${text}` : `${text} ago`;
}

/** @param {number} n @param {number} [width] */
export const pad = (n, width = 2) => String(n).padStart(width, '0');

/**
 * Local `2026-11-21 12:00:01`, with the offset, for tooltips.
 * @param {string | number | null | undefined} value
 */
export function absolute(value) {
  if (value == null) return '';
  const d = new Date(value);
  const offset = -d.getTimezoneOffset();
  const zone = offset === 0 ? 'UTC' : `UTC${offset < 0 ? '−' : '+'}${Math.abs(offset) / 60}`;
  return `${d.getFullYear()}-${pad(d.getMonth() + 1)}-${pad(d.getDate())} ${pad(d.getHours())}:${pad(d.getMinutes())}:${pad(d.getSeconds())} ${zone}`;
}

/**
 * `12:00:01` of the day of `now`, `11-20 12:00` of other days, `2025-11-20` of other years.
 * @param {number} time @param {number} now @param {boolean} utc
 */
export function shortTime(time, now, utc) {
  const at = new Date(utc ? time : time - new Date(time).getTimezoneOffset() * 60_000).toISOString();
  const today = new Date(utc ? now : now - new Date(now).getTimezoneOffset() * 60_000).toISOString();
  if (at.slice(0, 10) === today.slice(0, 10)) return at.slice(11, 19);
  return at.slice(0, 4) === today.slice(0, 4) ? at.slice(5, 16).replace('T', ' ') : at.slice(0, 10);
}

/** @param {string | number} value */
export function clock(value) {
  const d = new Date(value);
  return `${pad(d.getHours())}:${pad(d.getMinutes())}:${pad(d.getSeconds())}.${pad(d.getMilliseconds(), 3)}`;
}

/** @param {number} n */
export const count = (n) => n.toLocaleString('en-US');

/** Never 100% while something is missing. @param {number} rate  0 to 1 */
export const percent = (rate) => `${rate < 1 ? Math.min(99.9, Math.round(rate * 1000) / 10) : 100}%`;

/** @param {number} n @param {string} one @param {string} [many] */
export const plural = (n, one, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`;

const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB'];

/** `512 bytes`, `4.1 kB`, `12 MB`: powers of a thousand, two figures. @param {number} n */
export function bytes(n) {
  let unit = 0;
  for (; n >= 999.5 && unit < UNITS.length - 1; unit++) n /= 1000;
  return `${unit && n < 9.95 ? n.toFixed(1) : Math.round(n)} ${UNITS[unit]}`;
}

/** `90 days`, `2 years`: about so long. @param {number} days */
export function daysOf(days) {
  if (days < 1) return 'less than a day';
  return days < 730 ? plural(Math.round(days), 'day') : plural(Math.round(days / 365), 'year');
}

const PREFIXES = [
  /^Flow run encountered an exception[:.]?\s*/i,
  /^Task run encountered an exception[:.]?\s*/i,
  /^Encountered exception during execution:\s*/i,
  /^Task run failed with exception:\s*/i,
  /^Finished in state \w+\(['"]/i,
  /^Execution was (interrupted|aborted) by an unexpected exception:\s*/i,
];

/**
 * The line of a message that says what happened: without Prefect's introductions, for a traceback its last line.
 * @param {string | null | undefined} message
 */
export function errorLine(message) {
  let text = (message ?? '').trim();
  if (!text) return '';
  for (let again = true; again;) {
    again = false;
    for (const prefix of PREFIXES) {
      const rest = text.replace(prefix, '');
      if (rest !== text && rest) { text = rest; again = true; }
    }
  }
  const lines = text.split('\n').map((line) => line.trimEnd()).filter(Boolean);
  if (/^Traceback /m.test(text)) {
    const last = lines.filter((line) => /^[A-Za-z_][\w.]*(:|$)/.test(line)).pop();
    if (last) return last;
  }
  return lines[0] ?? '';
}

/**
 * @typedef {{file: string, line: number, where: string, code: string, own: boolean}} Frame
 * @typedef {{message: string, frames: Frame[]}} Traceback
 */

/**
 * Read a Python traceback out of a log message.  `own` marks frames of the user's code.
 * @param {string} text
 * @returns {Traceback | null}
 */
export function parseTraceback(text) {
  const at = text.lastIndexOf('Traceback (most recent call last):');
  if (at < 0) return null;
  const lines = text.slice(at).split('\n');
  /** @type {Frame[]} */
  const frames = [];
  let last = '';
  for (let i = 1; i < lines.length; i++) {
    const found = /^\s+File "(.+)", line (\d+), in (.+)$/.exec(lines[i]);
    if (found) {
      const code = /^\s+File /.test(lines[i + 1] ?? '') ? '' : (lines[i + 1] ?? '').trim();
      const own = !/[\\/](site-packages|dist-packages)[\\/]|[\\/]lib[\\/]python\d|^<frozen /.test(found[1]);
      frames.push({ file: found[1], line: Number(found[2]), where: found[3], code, own });
    } else if (/^[A-Za-z_]/.test(lines[i])) {
      last = lines.slice(i).join('\n').trim();
      break;
    }
  }
  return { message: last, frames };
}

/**
 * One line of `name=value` pairs.
 * @param {Record<string, unknown> | null | undefined} values
 */
export function briefParameters(values) {
  return Object.entries(values ?? {}).map(([name, value]) => `${name}=${JSON.stringify(value)}`).join('  ');
}

/**
 * @param {number[]} values
 * @returns {number | null}
 */
export function median(values) {
  if (!values.length) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * Seconds between two API times, until `now` while the second is missing.
 * @param {string | null | undefined} start
 * @param {string | null | undefined} end
 * @param {number} now
 */
export function elapsed(start, end, now) {
  if (!start) return null;
  return ((end ? Date.parse(end) : now) - Date.parse(start)) / 1000;
}

const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800];

/**
 * Round numbers of seconds for an axis or a histogram: the smallest step that gives at most `most` parts.
 * @param {number} seconds
 * @param {number} most
 */
export function niceStep(seconds, most) {
  for (const step of STEPS) if (seconds / step <= most) return step;
  return Math.ceil(seconds / most / 604800) * 604800;
}

/** @param {number} level */
export const levelName = (level) =>
  level >= 50 ? 'CRITICAL' : level >= 40 ? 'ERROR' : level >= 30 ? 'WARNING' : level >= 20 ? 'INFO' : level >= 10 ? 'DEBUG' : 'TRACE';

const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;

/** @param {string} text */
export const isUuid = (text) => UUID.test(text.trim());

// --- axes of time

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

/** @param {number} time @param {number} span  milliseconds */
export function tickLabel(time, span) {
  const d = new Date(time);
  if (span > 2 * 86400_000) return `${DAYS[d.getDay()]} ${d.getDate()}`;
  return d.getHours() === 0 && d.getMinutes() === 0 ? `${DAYS[d.getDay()]} ${d.getDate()}` : `${pad(d.getHours())}:${pad(d.getMinutes())}`;
}

/** @param {number} start @param {number} end @param {number} width */
export function ticks(start, end, width) {
  const step = niceStep((end - start) / 1000, Math.max(2, width / 96)) * 1000;
  const offset = new Date(start).getTimezoneOffset() * 60_000;
  const times = [];
  for (let t = Math.ceil((start - offset) / step) * step + offset; t < end; t += step) times.push(t);
  return times;
}

// --- addresses: `main.js` has the table of pages and listens to the browser

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

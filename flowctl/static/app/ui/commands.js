// Commands for a shell: of flowctl, and of curl for the API.  They never hold credentials.  Pure: `node --test` runs this file.

/** @typedef {{label: string, flowctl?: (string | null | undefined | false)[], request?: [method: string, path: string, body?: unknown]}} Entry */

const PLAIN = /^[\w@%+=:,./-]+$/;
const QUOTED_QUOTE = `'"'"'`;
const USUAL_API = /^http:\/\/(127\.0\.0\.1|localhost):4200\/api$/;

/** A word as a shell reads it. @param {string} word */
export const quote = (word) => (PLAIN.test(word) ? word : `'${word.replaceAll("'", QUOTED_QUOTE)}'`);

/**
 * The words of a command line.
 * @param {string} command
 */
export const wordsOf = (command) => [...command.matchAll(/'((?:[^']|'"'"')*)'|"([^"]*)"|(\S+)/g)].map((found) => found[1]?.replaceAll(QUOTED_QUOTE, "'") ?? found[2] ?? found[3]);

/**
 * @param {(string | null | undefined | false)[]} words  those that are missing are left out
 * @param {string} [api]
 */
export const flowctl = (words, api = '') => ['flowctl', ...words.filter((word) => word).map((word) => quote(String(word))), ...(api && !USUAL_API.test(api) ? ['--api', quote(api)] : [])].join(' ');

/**
 * @param {string} api
 * @param {[method: string, path: string, body?: unknown]} request
 * @param {boolean} locked  the server asks for a login: it is taken from the environment of the shell
 */
export function curl(api, [method, path, body], locked) {
  const words = ['curl', '-sS', ...(method === 'GET' ? [] : method === 'POST' && body !== undefined ? [] : ['-X', method]), quote(api + path)];
  if (locked) words.push('-u', '"$PREFECT_API_AUTH_STRING"');
  if (body !== undefined) words.push('-H', quote('Content-Type: application/json'), '-d', quote(JSON.stringify(body)));
  return words.join(' ');
}

/** `7d`, `6h`, `90s` @param {number} seconds */
function span(seconds) {
  for (const [unit, size] of /** @type {[string, number][]} */ ([['d', 86400], ['h', 3600], ['m', 60]])) if (seconds % size === 0) return `${seconds / size}${unit}`;
  return `${Math.round(seconds)}s`;
}

/** @type {Record<string, string>} */
const SORTS = { START_TIME_DESC: '', START_TIME_ASC: 'start', NAME_ASC: 'name', NAME_DESC: '-name' };

/**
 * The words of `flowctl runs ls` for what the Runs page shows.
 * @param {import('./run_filters.js').Filters} f
 * @param {(id: string) => string | undefined} nameOf
 */
export function listWords(f, nameOf) {
  const states = [...f.states.map((state) => state.toLowerCase()), ...(f.states.includes('CANCELLED') ? ['cancelling'] : []), ...f.names];
  const sort = SORTS[f.sort] ?? '';
  return [
    'runs', 'ls', ...(states.length ? ['--state', states.join(',')] : []), ...(f.search ? ['--name', `*${f.search}*`] : []),
    ...f.flows.flatMap((id) => ['--flow', nameOf(id) ?? id]), ...f.deployments.flatMap((id) => ['--deployment', id]),
    ...f.pools.flatMap((pool) => ['--pool', pool]), ...f.tags.flatMap((tag) => ['--tag', tag]), ...(f.topLevel ? ['--root'] : []),
    ...(f.start && f.end ? ['--since', new Date(f.start).toISOString(), '--until', new Date(f.end).toISOString()] : ['--since', span(f.seconds)]),
    ...(sort ? ['--sort', sort] : []),
  ];
}

// --- what an explanation proposes ------------------------------------------------------------------------------------

/** @typedef {{command: string, effect: string, gives_up?: boolean}} Fix */

/**
 * Each command once: for what blocks first, and what gives the run up last.
 * @param {any} told  an explanation
 * @returns {Fix[]}
 */
export function fixesOf(told) {
  /** @type {Map<string, Fix>} */
  const fixes = new Map();
  for (const cause of [...told.causes].sort((a, b) => Number(b.blocks) - Number(a.blocks))) for (const fix of cause.fixes) fixes.set(fix.command, fix);
  return [...fixes.values()].sort((a, b) => Number(a.gives_up ?? false) - Number(b.gives_up ?? false));
}

/**
 * The button that does the same as a command; null where the API cannot do it.
 * @param {string} command
 * @returns {{label: string, danger?: boolean} | null}
 */
export function buttonOf(command) {
  const [program, group, verb, , ...rest] = wordsOf(command);
  switch (`${program} ${group} ${verb}`) {
    case 'flowctl runs cancel': return { label: 'Cancel', danger: true };
    case 'flowctl runs resume': return { label: 'Resume' };
    case 'flowctl runs retry': return { label: 'Try again' };
    case 'flowctl runs reschedule': return rest[0] === 'now' ? { label: 'Start now' } : null;
    case 'flowctl runs set-state':
      return rest[0] === 'cancelled' ? { label: 'Force cancel', danger: true } : rest[0] === 'crashed' ? { label: 'Mark crashed', danger: true }
        : rest[0] === 'scheduled' ? { label: rest[2] === 'AwaitingRetry' ? 'Try again' : 'Start now' } : null;
    case 'flowctl deployments resume': return { label: 'Resume deployment' };
    case 'prefect work-pool resume': return { label: 'Resume pool' };
    case 'prefect work-queue resume': return rest[0] === '--pool' ? { label: 'Resume queue' } : null;
    default: return null;
  }
}

// Log lines in memory: order, filters, folding, heights, search, and one line's text as pieces.  Pure: `node --test` runs this file.

/**
 * @typedef {{id: string, at: number, time: string, level: number, text: string, task: string | null, logger: string, lines: number}} Line
 * @typedef {{text: string, style?: string, href?: string, hit?: boolean}} Piece
 */

/** @param {any} raw @returns {Line} */
export function toLine(raw) {
  const text = String(raw.message ?? '').replace(/\s+$/, '');
  let lines = 1;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines++;
  return { id: raw.id, at: Date.parse(raw.timestamp), time: raw.timestamp, level: raw.level, text, task: raw.task_run_id ?? null, logger: raw.name ?? '', lines };
}

/** All lines that were received, by time, each once. */
export function createStore() {
  /** @type {Line[]} */
  const lines = [];
  const ids = new Set();
  return {
    lines,
    /**
     * @param {any[]} raws
     * @returns {number} how many were new
     */
    add(raws) {
      let added = 0;
      for (const raw of raws) {
        if (ids.has(raw.id)) continue;
        ids.add(raw.id);
        added++;
        const line = toLine(raw);
        let at = lines.length;
        while (at > 0 && lines[at - 1].at > line.at) at--;
        if (at === lines.length) lines.push(line);
        else lines.splice(at, 0, line);
      }
      return added;
    },
    /** Where to ask on: the last time, and how many lines have it already. */
    cursor() {
      const last = lines[lines.length - 1];
      if (!last) return null;
      let same = 0;
      while (same < lines.length && lines[lines.length - 1 - same].time === last.time) same++;
      return { time: last.time, same };
    },
  };
}

/**
 * @param {Line[]} lines
 * @param {{level: number, tasks: Set<string> | null, logger: string}} wanted
 */
export function filterLines(lines, { level, tasks, logger }) {
  if (!level && !tasks && !logger) return lines.slice();
  return lines.filter((line) => line.level >= level && (!tasks || (line.task != null && tasks.has(line.task))) && (!logger || line.logger === logger));
}

/**
 * Rows of 20 px that each line takes, as running sums.
 * @param {Line[]} lines
 * @param {Set<string>} open  ids of unfolded lines
 * @param {number} columns  characters a row when wrapped, 0 when not
 */
export function rowSums(lines, open, columns) {
  const sums = new Int32Array(lines.length + 1);
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i];
    let rows = line.lines === 1 || !open.has(line.id) ? 1 : line.lines;
    if (columns) rows = wrappedRows(line.lines === 1 ? line.text : open.has(line.id) ? line.text : firstLine(line.text), columns);
    sums[i + 1] = sums[i] + rows;
  }
  return sums;
}

/** @param {string} text @param {number} columns */
function wrappedRows(text, columns) {
  if (text.length <= columns && !text.includes('\n')) return 1;
  let rows = 0;
  for (const part of stripAnsi(text).split('\n')) rows += Math.max(1, Math.ceil(part.length / columns));
  return rows;
}

/** @param {string} text */
export const firstLine = (text) => {
  const at = text.indexOf('\n');
  return at < 0 ? text : text.slice(0, at);
};

/**
 * The index of the line that holds row `row`.
 * @param {Int32Array} sums
 * @param {number} row
 */
export function lineAt(sums, row) {
  let low = 0;
  let high = sums.length - 2;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (sums[middle] <= row) low = middle;
    else high = middle - 1;
  }
  return Math.max(0, low);
}

/**
 * What the search box says: plain text, or a regular expression between slashes.
 * @param {string} query
 * @returns {{test: (text: string) => boolean, pattern: RegExp, error?: undefined} | {error: string} | null}
 */
export function compileSearch(query) {
  if (!query) return null;
  const regex = /^\/(.+)\/([a-z]*)$/.exec(query);
  try {
    const pattern = regex
      ? new RegExp(regex[1], `${regex[2].replace(/[gy]/g, '')}g`)
      : new RegExp(query.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), 'gi');
    const once = new RegExp(pattern.source, pattern.flags.replace('g', ''));
    return { test: (text) => once.test(text), pattern };
  } catch (error) {
    return { error: /** @type {Error} */ (error).message };
  }
}

/**
 * Indexes of the lines that match.  Gives way to the browser every few milliseconds and stops when asked.
 * @param {Line[]} lines
 * @param {{test: (text: string) => boolean}} search
 * @param {() => boolean} stopped
 * @param {() => Promise<void>} [pause]
 */
export async function searchLines(lines, search, stopped, pause = () => new Promise((resolve) => { setTimeout(resolve); })) {
  const hits = [];
  let since = Date.now();
  for (let i = 0; i < lines.length; i++) {
    if (search.test(lines[i].text)) hits.push(i);
    if ((i & 1023) === 1023 && Date.now() - since > 12) {
      await pause();
      if (stopped()) return null;
      since = Date.now();
    }
  }
  return stopped() ? null : hits;
}

// eslint-disable-next-line no-control-regex
const ANSI = /\x1b\[([0-9;]*)m|\x1b\[[0-9;?]*[A-Za-z]/g;

/** @param {string} text */
export const stripAnsi = (text) => (text.includes('\x1b') ? text.replace(ANSI, '') : text);

const URL_PATTERN = /https?:\/\/[^\s<>"'`\x1b]+[^\s<>"'`\x1b.,;:!?)\]}]/g;

/**
 * One text as pieces: colours of terminals, links, hits of the search.
 * @param {string} text
 * @param {RegExp | null} pattern
 * @returns {Piece[]}
 */
export function pieces(text, pattern) {
  /** @type {Piece[]} */
  const styled = [];
  if (text.includes('\x1b')) {
    let codes = /** @type {string[]} */ ([]);
    let from = 0;
    for (const found of text.matchAll(ANSI)) {
      if (found.index > from) styled.push({ text: text.slice(from, found.index), style: codes.join(' ') });
      if (found[1] !== undefined) codes = nextCodes(codes, found[1]);
      from = found.index + found[0].length;
    }
    if (from < text.length) styled.push({ text: text.slice(from), style: codes.join(' ') });
  } else styled.push({ text });
  const linked = styled.flatMap((piece) => (piece.text.includes('http') ? cut(piece, URL_PATTERN, (part, address) => ({ ...part, href: address })) : [piece]));
  return pattern ? linked.flatMap((piece) => cut(piece, pattern, (part) => ({ ...part, hit: true }))) : linked;
}

/** @param {string[]} codes @param {string} sequence */
function nextCodes(codes, sequence) {
  const numbers = sequence === '' ? ['0'] : sequence.split(';');
  let next = codes;
  for (const number of numbers) {
    const n = Number(number);
    if (n === 0) next = [];
    else if ((n >= 30 && n <= 37) || (n >= 90 && n <= 97)) next = [...next.filter((c) => !/^a[39]\d$/.test(c)), `a${n}`];
    else if (n >= 1 && n <= 4) next = [...next, `a${n}`];
    else if (n === 39) next = next.filter((c) => !/^a[39]\d$/.test(c));
  }
  return next;
}

/** @param {Piece} piece @param {RegExp} pattern @param {(piece: Piece, found: string) => Piece} mark @returns {Piece[]} */
function cut(piece, pattern, mark) {
  const parts = [];
  let from = 0;
  for (const found of piece.text.matchAll(pattern)) {
    if (!found[0]) continue;
    if (found.index > from) parts.push({ ...piece, text: piece.text.slice(from, found.index) });
    parts.push(mark({ ...piece, text: found[0] }, found[0]));
    from = found.index + found[0].length;
  }
  if (!from) return [piece];
  if (from < piece.text.length) parts.push({ ...piece, text: piece.text.slice(from) });
  return parts;
}

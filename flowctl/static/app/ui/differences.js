// How two runs of a flow differ: parameters, tasks, logs.  Pure: `node --test` runs this file.

import { groupName } from './gantt_layout.js';

/**
 * @typedef {{name: string, a: unknown, b: unknown, same: boolean}} Value  undefined where a run does not have it
 * @typedef {{id: string, key: string, seconds: number | null, count: number, failed: number}} Side
 * @typedef {{name: string, a: Side | null, b: Side | null, same: boolean}} Pair  `same`: both are there and ended alike
 */

const MANY = 200;
const BAD = new Set(['failed', 'crashed']);

/** @param {unknown} value @returns {value is Record<string, unknown>} */
const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Values by their dotted names, those of both sides together.
 * @param {Record<string, unknown> | null | undefined} a
 * @param {Record<string, unknown> | null | undefined} b
 * @param {string} [prefix]
 * @returns {Value[]}
 */
export function valuesOf(a, b, prefix = '') {
  return [...new Set([...Object.keys(a ?? {}), ...Object.keys(b ?? {})])].flatMap((name) => {
    const [left, right] = [a?.[name], b?.[name]];
    if (isObject(left) && isObject(right)) return valuesOf(left, right, `${prefix}${name}.`);
    return [{ name: prefix + name, a: left, b: right, same: JSON.stringify(left) === JSON.stringify(right) }];
  });
}

/**
 * Tasks of the same name are paired in the order of their start; of large runs all of one name are one.
 * @param {import('./gantt_layout.js').Node[]} a  by start time
 * @param {import('./gantt_layout.js').Node[]} b
 * @returns {Pair[]} in the order of the first run, what only the second has behind its predecessor
 */
export function pairsOf(a, b) {
  const together = a.length > MANY || b.length > MANY;
  const left = sidesOf(a, together);
  const right = sidesOf(b, together);
  const names = [...left.keys()];
  let at = -1;
  for (const name of right.keys()) {
    const known = names.indexOf(name);
    if (known >= 0) at = known;
    else names.splice(++at, 0, name);
  }
  return names.map((name) => {
    const [one, two] = [left.get(name) ?? null, right.get(name) ?? null];
    return { name, a: one, b: two, same: Boolean(one && two && one.key === two.key && one.count === two.count && one.failed === two.failed) };
  });
}

/** @param {import('./gantt_layout.js').Node[]} nodes @param {boolean} together @returns {Map<string, Side>} */
function sidesOf(nodes, together) {
  /** @type {Map<string, Side>} */
  const sides = new Map();
  /** @type {Map<string, number>} */
  const serials = new Map();
  for (const node of nodes) {
    const group = groupName(node.label);
    const serial = (serials.get(group) ?? 0) + 1;
    serials.set(group, serial);
    const name = together || serial === 1 ? group : `${group} #${serial}`;
    const seconds = node.start != null && node.end != null ? (node.end - node.start) / 1000 : null;
    const bad = Number(BAD.has(node.key));
    const side = sides.get(name);
    if (!side) sides.set(name, { id: node.id, key: node.key, seconds, count: 1, failed: bad });
    else {
      side.count += 1;
      side.failed += bad;
      if (seconds != null) side.seconds = (side.seconds ?? 0) + seconds;
      if (bad && !BAD.has(side.key)) Object.assign(side, { key: node.key, id: node.id });
    }
  }
  return sides;
}

const VOLATILE = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|0x[0-9a-f]+|\b\d[\d.,:]*\b|-[0-9a-f]{3}\b/gi;

/**
 * The first line that the two do not share, numbers and ids aside; -1 when one is the beginning of the other.
 * @param {string[]} a @param {string[]} b
 * @param {string[]} names  of the runs, which also differ always
 */
export function firstDifferentLine(a, b, names) {
  const plain = (/** @type {string} */ text) => names.reduce((all, name) => (name ? all.replaceAll(name, '#') : all), text).replace(VOLATILE, '#');
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (plain(a[i]) !== plain(b[i])) return i;
  return a.length === b.length ? -1 : length;
}

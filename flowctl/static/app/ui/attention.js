// What needs somebody's attention, from lists of runs.  Pure: `node --test` runs this file.

import { errorLine, median } from '../format.js';

const LATE_MS = 15_000;
const PENDING_MS = 300_000;
const CANCELLING_MS = 60_000;

/**
 * @typedef {{kind: 'failed' | 'late' | 'stuck' | 'paused', key: string, run: any, runs: any[], error: string, recovered: boolean, since: number}} Item
 * `run` is the newest of `runs`; `since` is when it began, in milliseconds; `recovered`: the same thing has succeeded since.
 */

/** A run belongs with those of its deployment, or of its flow. @param {any} run */
export const ownerOf = (run) => run.deployment_id ?? run.flow_id;

/** @param {any} run */
export const isLate = (/** @type {any} */ run, /** @type {number} */ now) => run.state_type === 'SCHEDULED' && run.state_name !== 'AwaitingRetry' && now - Date.parse(run.next_scheduled_start_time ?? run.expected_start_time) > LATE_MS;

/** @param {any} run @param {number} now */
export function isStuck(run, now) {
  const age = now - Date.parse(run.state?.timestamp ?? run.updated);
  return (run.state_type === 'PENDING' && age > PENDING_MS) || (run.state_type === 'CANCELLING' && age > CANCELLING_MS);
}

/** @param {any} run */
const endOf = (run) => Date.parse(run.end_time ?? run.state?.timestamp ?? run.updated);

/**
 * @param {{failed: any[], active: any[], scheduled: any[], recent: any[]}} lists  newest first, `scheduled` by time
 * @param {number} now
 * @returns {Item[]}
 */
export function attentionOf({ failed, active, scheduled, recent }, now) {
  /** @type {Map<string, number>} */
  const succeeded = new Map();
  for (const run of recent) if (run.state_type === 'COMPLETED') succeeded.set(ownerOf(run), Math.max(succeeded.get(ownerOf(run)) ?? 0, endOf(run)));
  /** @type {Map<string, Item>} */
  const items = new Map();
  /** @param {Item['kind']} kind @param {any} run @param {string} key @param {string} error @param {number} since @param {boolean} [recovered] */
  const add = (kind, run, key, error, since, recovered = false) => {
    const item = items.get(key);
    if (item) item.runs.push(run);
    else items.set(key, { kind, key, run, runs: [run], error, recovered, since });
  };
  for (const run of failed) {
    const error = errorLine(run.state?.message);
    const done = endOf(run);
    add('failed', run, `failed ${ownerOf(run)} ${error.replace(/[0-9a-f-]{36}|\d+/g, '#')}`, error, done, (succeeded.get(ownerOf(run)) ?? 0) > done);
  }
  for (const run of scheduled) if (isLate(run, now)) add('late', run, `late ${ownerOf(run)}`, '', Date.parse(run.next_scheduled_start_time ?? run.expected_start_time));
  for (const run of active) {
    if (isStuck(run, now)) add('stuck', run, `stuck ${run.state_type} ${ownerOf(run)}`, '', Date.parse(run.state?.timestamp ?? run.updated));
    else if (run.state_type === 'PAUSED') add('paused', run, run.id, '', Date.parse(run.state?.timestamp ?? run.updated));
  }
  const rank = /** @type {const} */ ({ failed: 0, stuck: 0, late: 0, paused: 1 });
  return [...items.values()].sort((a, b) => Number(a.recovered) - Number(b.recovered) || rank[a.kind] - rank[b.kind] || b.since - a.since);
}

/**
 * The next run of each deployment (or flow), with those that follow it.
 * @param {any[]} scheduled  by time
 * @param {number} now
 * @returns {{run: any, at: number, later: number[]}[]}
 */
export function comingUp(scheduled, now) {
  /** @type {Map<string, {run: any, at: number, later: number[]}>} */
  const next = new Map();
  for (const run of scheduled) {
    if (isLate(run, now)) continue;
    const at = Date.parse(run.next_scheduled_start_time ?? run.expected_start_time);
    const known = next.get(ownerOf(run));
    if (known) known.later.push(at);
    else next.set(ownerOf(run), { run, at, later: [] });
  }
  return [...next.values()];
}

/**
 * How long runs of each owner take: the median of those that completed, in seconds.
 * @param {any[]} runs
 */
export function usualSeconds(runs) {
  /** @type {Map<string, number[]>} */
  const lengths = new Map();
  for (const run of runs) {
    if (run.state_type !== 'COMPLETED' || !run.start_time || !run.end_time) continue;
    const seconds = (Date.parse(run.end_time) - Date.parse(run.start_time)) / 1000;
    for (const key of new Set([run.flow_id, ownerOf(run)])) lengths.set(key, [...(lengths.get(key) ?? []), seconds]);
  }
  return new Map([...lengths].map(([key, all]) => [key, /** @type {number} */ (median(all))]));
}

/**
 * Bars of one flow in lanes, so that those which overlap lie below each other.
 * @param {{start: number, end: number}[]} bars  mutated: each gets `lane`
 * @param {number} most  lanes
 * @param {number} gap   milliseconds that must lie between two bars of a lane
 * @returns {number} lanes used
 */
export function layLanes(bars, most, gap) {
  /** @type {number[]} */
  const ends = [];
  for (const bar of bars.sort((a, b) => a.start - b.start)) {
    let lane = ends.findIndex((end) => end + gap <= bar.start);
    if (lane < 0) lane = ends.length < most ? ends.length : ends.indexOf(Math.min(...ends));
    ends[lane] = Math.max(ends[lane] ?? 0, bar.end);
    /** @type {any} */ (bar).lane = lane;
  }
  return Math.max(1, ends.length);
}

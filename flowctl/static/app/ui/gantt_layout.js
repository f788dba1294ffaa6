// From the graph of a run to the rows of its timeline.  Pure: `node --test` runs this file.

import { duration, stateKey } from '../format.js';

/**
 * @typedef {{id: string, kind: string, label: string, key: string, type: string, name: string, start: number | null, end: number | null, wait: number | null,
 *   parents: string[], attempts: number, message: string | null, terminal: boolean}} Node
 * @typedef {{kind: 'task' | 'flow-run' | 'group', id: string, label: string, key: string, start: number | null, end: number | null, wait: number | null, depth: number,
 *   node?: Node, members?: Node[], failed?: number, open?: boolean, attempts: number}} Row
 */

const ENDED = new Set(['COMPLETED', 'FAILED', 'CRASHED', 'CANCELLED']);

/** @param {string | null | undefined} time */
const ms = (time) => (time ? Date.parse(time) : null);

/**
 * @param {any} graph  answer of /flow_runs/{id}/graph-v2
 * @param {Map<string, any>} tasks  task runs that are known in full
 * @param {number} runStart
 * @returns {Node[]} by start time, those that have not started last
 */
export function nodesOf(graph, tasks, runStart) {
  /** @type {Map<string, Node>} */
  const nodes = new Map();
  for (const [id, raw] of graph?.nodes ?? []) {
    const task = tasks.get(id);
    const type = task?.state_type && later(task, raw) ? task.state_type : raw.state_type;
    nodes.set(id, {
      id: raw.id ?? id, kind: raw.kind, label: raw.label, type, name: task?.state_name ?? '', key: stateKey(type, task?.state_name),
      start: ms(raw.start_time) ?? ms(task?.start_time), end: ms(raw.end_time) ?? ms(task?.end_time), wait: ms(task?.expected_start_time),
      parents: (raw.parents ?? []).map((/** @type {any} */ parent) => parent.id), attempts: task?.run_count ?? 1, message: task?.state?.message ?? null, terminal: ENDED.has(type),
    });
  }
  for (const [id, task] of tasks) {
    if (nodes.has(id) || task.state?.state_details?.child_flow_run_id) continue;
    nodes.set(id, {
      id, kind: 'task-run', label: task.name, type: task.state_type, name: task.state_name ?? '', key: stateKey(task.state_type, task.state_name), start: ms(task.start_time), end: ms(task.end_time),
      wait: ms(task.expected_start_time), parents: [], attempts: task.run_count, message: task.state?.message ?? null, terminal: ENDED.has(task.state_type),
    });
  }
  for (const node of nodes.values()) {
    // A task waits from its creation, or from the end of what it needs, whichever is later.
    const needs = Math.max(...node.parents.map((parent) => nodes.get(parent)?.end ?? 0), 0);
    if (node.start == null) continue;
    const from = Math.max(needs, node.wait ?? 0, runStart);
    node.wait = (needs || node.wait) && from < node.start ? from : null;
  }
  return [...nodes.values()].sort((a, b) => (a.start ?? Infinity) - (b.start ?? Infinity) || (a.label < b.label ? -1 : 1));
}

/** @param {any} task @param {any} raw */
const later = (task, raw) => !raw.end_time || task.end_time;

/** `load-3f2`, `load-12` and `load` belong together. @param {string} label */
export const groupName = (label) => label.replace(/-([0-9a-f]{3}|\d+)$/, '');

export const GROUP_ABOVE = 200;

const BAD = new Set(['failed', 'crashed']);

/**
 * @param {Node[]} nodes
 * @param {{filter?: string, failedOnly?: boolean, expanded: Set<string>, children?: Map<string, Node[]>}} options
 * @returns {Row[]}
 */
export function rowsOf(nodes, { filter = '', failedOnly = false, expanded, children = new Map() }) {
  const text = filter.trim().toLowerCase();
  const shown = nodes.filter((node) => (!failedOnly || BAD.has(node.key)) && (!text || node.label.toLowerCase().includes(text)));
  if (shown.length <= GROUP_ABOVE) return shown.flatMap((node) => rowWithChildren(node, 0, expanded, children));
  /** @type {Map<string, Node[]>} */
  const groups = new Map();
  for (const node of shown) {
    const name = groupName(node.label);
    const group = groups.get(name);
    if (group) group.push(node);
    else groups.set(name, [node]);
  }
  const list = [...groups].map(([name, members]) => ({ name, members, failed: members.filter((node) => BAD.has(node.key)).length }));
  list.sort((a, b) => Number(b.failed > 0) - Number(a.failed > 0));
  return list.flatMap(({ name, members, failed }) => {
    if (members.length === 1) return rowWithChildren(members[0], 0, expanded, children);
    const id = `group:${name}`;
    const open = expanded.has(id);
    const head = groupRow(id, name, members, failed, open);
    if (!open) return [head];
    const ordered = failed ? [...members].sort((a, b) => Number(BAD.has(b.key)) - Number(BAD.has(a.key))) : members;
    return [head, ...ordered.flatMap((node) => rowWithChildren(node, 1, expanded, children))];
  });
}

/** @param {string} id @param {string} name @param {Node[]} members @param {number} failed @param {boolean} open @returns {Row} */
function groupRow(id, name, members, failed, open) {
  let start = Infinity;
  let end = 0;
  let running = false;
  for (const node of members) {
    if (node.start != null && node.start < start) start = node.start;
    if (node.end != null && node.end > end) end = node.end;
    if (node.start != null && node.end == null) running = true;
  }
  const key = failed ? 'failed' : running ? 'running' : members.every((node) => node.key === 'completed') ? 'completed' : members[0].key;
  return { kind: 'group', id, label: name, key, start: start === Infinity ? null : start, end: running ? null : end || null, wait: null, depth: 0, members, failed, open, attempts: 1 };
}

/** @param {Node} node @param {number} depth @param {Set<string>} expanded @param {Map<string, Node[]>} children @returns {Row[]} */
function rowWithChildren(node, depth, expanded, children) {
  const open = node.kind === 'flow-run' && expanded.has(node.id);
  /** @type {Row} */
  const row = { kind: node.kind === 'flow-run' ? 'flow-run' : 'task', id: node.id, label: node.label, key: node.key, start: node.start, end: node.end, wait: node.wait, depth, node, open, attempts: node.attempts };
  if (!open || depth > 8) return [row];
  return [row, ...(children.get(node.id) ?? []).flatMap((child) => rowWithChildren(child, depth + 1, expanded, children))];
}

/**
 * Ids on the critical path: from what ended last, back through the parent that ended last.
 * @param {Node[]} nodes
 */
export function criticalPath(nodes) {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  /** @type {Node | undefined} */
  let at;
  for (const node of nodes) if (node.end != null && (!at || node.end > (at.end ?? 0))) at = node;
  const path = new Set();
  while (at && !path.has(at.id)) {
    path.add(at.id);
    /** @type {Node | undefined} */
    let before;
    for (const id of at.parents) {
      const parent = byId.get(id);
      if (parent?.end != null && (!before || parent.end > (before.end ?? 0))) before = parent;
    }
    at = before;
  }
  return path;
}

/**
 * Put newer nodes of an incremental answer into an older graph.
 * @param {any} old
 * @param {any} next
 */
export function mergeGraphs(old, next) {
  const nodes = new Map(old.nodes);
  for (const [id, node] of next.nodes) nodes.set(id, node);
  return { ...next, nodes: [...nodes] };
}

/** @typedef {{start: number, end: number | null, key: string}} Attempt  `end`: null while it runs; what lies between two is waiting */

/**
 * States of one task as its attempts.
 * @param {{type: string, name: string, timestamp: string}[]} states  oldest first
 * @returns {Attempt[]}
 */
export const attemptsOf = (states) => states.flatMap((state, i) => {
  if (state.type !== 'RUNNING') return [];
  const next = states[i + 1];
  // Without a delay the next attempt follows at once.
  const again = next?.name === 'AwaitingRetry' || next?.name === 'Retrying';
  return [{ start: Date.parse(state.timestamp), end: next ? Date.parse(next.timestamp) : null, key: again ? 'failed' : next ? stateKey(next.type, next.name) : 'running' }];
});

/**
 * `failed after 1.2s, waited 5.0s, completed after 2.0s`
 * @param {Attempt[]} attempts
 * @param {number} now
 */
export const attemptWords = (attempts, now) => attempts.map(({ start, end, key }, i) => {
  const before = attempts[i - 1]?.end;
  const waited = before != null && start - before >= 50 ? `waited ${duration((start - before) / 1000)}, ` : '';
  return `${waited}${key} ${end == null ? 'for' : 'after'} ${duration(((end ?? now) - start) / 1000)}`;
}).join(', ');

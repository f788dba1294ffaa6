// The graph of a run in layers: each task right of all that it waited for.  Pure: `node --test` runs this file.

import { GROUP_ABOVE, groupName } from './gantt_layout.js';

export const BOX = { width: 176, height: 30, across: 72, down: 10 };

/**
 * @typedef {{id: string, label: string, key: string, kind: string, layer: number, x: number, y: number, members: import('./gantt_layout.js').Node[], failed: number, before: Box[], after: Box[]}} Box
 * One task or subflow, or (`members` are several) those of one name in one layer.
 * @typedef {{boxes: Box[], layers: Box[][], edges: [Box, Box][], width: number, height: number, boxOf: Map<string, Box>}} Graph
 */

const BAD = new Set(['failed', 'crashed']);
const ROUNDS = 4;

/**
 * How many steps each node is behind the first ones: the longest way to it.
 * @param {import('./gantt_layout.js').Node[]} nodes
 * @returns {Map<string, number>}
 */
export function layersOf(nodes) {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  /** @type {Map<string, string[]>} */
  const children = new Map();
  /** @type {Map<string, number>} */
  const open = new Map();
  for (const node of nodes) {
    const parents = new Set(node.parents.filter((id) => byId.has(id) && id !== node.id));
    open.set(node.id, parents.size);
    for (const id of parents) {
      const known = children.get(id);
      if (known) known.push(node.id);
      else children.set(id, [node.id]);
    }
  }
  const layers = new Map(nodes.map((node) => [node.id, 0]));
  const ready = nodes.filter((node) => !open.get(node.id)).map((node) => node.id);
  for (let at = 0; at < ready.length; at++) {
    const next = (layers.get(ready[at]) ?? 0) + 1;
    for (const child of children.get(ready[at]) ?? []) {
      if (next > (layers.get(child) ?? 0)) layers.set(child, next);
      const left = (open.get(child) ?? 1) - 1;
      open.set(child, left);
      if (!left) ready.push(child);
    }
  }
  return layers;
}

/**
 * @param {import('./gantt_layout.js').Node[]} nodes
 * @param {Set<string>} expanded  ids of groups that are shown member by member
 * @returns {Graph}
 */
export function graphOf(nodes, expanded) {
  const layerOf = layersOf(nodes);
  const together = nodes.length > GROUP_ABOVE;
  /** @type {Map<string, Box>} */
  const byId = new Map();
  /** @type {Map<string, Box>} */
  const boxOf = new Map();
  for (const node of nodes) {
    const layer = layerOf.get(node.id) ?? 0;
    const group = `group:${layer}:${groupName(node.label)}`;
    const id = together && !expanded.has(group) ? group : node.id;
    let box = byId.get(id);
    if (!box) {
      box = { id, label: id === node.id ? node.label : groupName(node.label), key: node.key, kind: node.kind, layer, x: 0, y: 0, members: [], failed: 0, before: [], after: [] };
      byId.set(id, box);
    }
    box.members.push(node);
    if (BAD.has(node.key)) box.failed += 1;
    boxOf.set(node.id, box);
  }
  for (const box of byId.values()) {
    if (box.members.length === 1) Object.assign(box, { label: box.members[0].label, id: box.members[0].id });
    else box.key = keyOf(box);
  }
  const boxes = [...byId.values()];
  const edges = edgesOf(nodes, boxOf);
  const layers = Array.from({ length: Math.max(0, ...boxes.map((box) => box.layer + 1)) }, () => /** @type {Box[]} */ ([]));
  for (const box of boxes) layers[box.layer].push(box);
  untangle(layers);
  const tallest = Math.max(0, ...layers.map((layer) => layer.length));
  const height = tallest * (BOX.height + BOX.down) - BOX.down;
  for (const [at, layer] of layers.entries()) {
    const top = (height - (layer.length * (BOX.height + BOX.down) - BOX.down)) / 2;
    for (const [row, box] of layer.entries()) Object.assign(box, { x: at * (BOX.width + BOX.across), y: top + row * (BOX.height + BOX.down) });
  }
  return { boxes, layers, edges, boxOf, width: Math.max(0, layers.length * (BOX.width + BOX.across) - BOX.across), height: Math.max(0, height) };
}

/** @param {Box} box */
function keyOf({ members, failed }) {
  if (failed) return 'failed';
  return members.find((node) => node.key === 'running')?.key ?? members.find((node) => node.key !== 'completed')?.key ?? 'completed';
}

/** @param {import('./gantt_layout.js').Node[]} nodes @param {Map<string, Box>} boxOf @returns {[Box, Box][]} */
function edgesOf(nodes, boxOf) {
  /** @type {Map<Box, Set<Box>>} */
  const seen = new Map();
  /** @type {[Box, Box][]} */
  const edges = [];
  for (const node of nodes) {
    const to = /** @type {Box} */ (boxOf.get(node.id));
    for (const parent of node.parents) {
      const from = boxOf.get(parent);
      if (!from || from === to) continue;
      const known = seen.get(from) ?? new Set();
      if (known.has(to)) continue;
      seen.set(from, known.add(to));
      edges.push([from, to]);
      from.after.push(to);
      to.before.push(from);
    }
  }
  return edges;
}

/** Order each layer by where its neighbours stand, a few times to and fro. @param {Box[][]} layers */
function untangle(layers) {
  /** @type {Map<Box, number>} */
  const place = new Map();
  const number = (/** @type {Box[]} */ layer) => { for (const [i, box] of layer.entries()) place.set(box, i / layer.length); };
  for (const layer of layers) number(layer);
  for (let round = 0; round < ROUNDS; round++) {
    const forth = round % 2 === 0;
    for (const layer of forth ? layers.slice(1) : layers.slice(0, -1).reverse()) {
      /** @type {Map<Box, number>} */
      const wanted = new Map();
      for (const box of layer) {
        const near = forth ? box.before : box.after;
        wanted.set(box, near.length ? near.reduce((sum, each) => sum + (place.get(each) ?? 0), 0) / near.length : place.get(box) ?? 0);
      }
      layer.sort((a, b) => (wanted.get(a) ?? 0) - (wanted.get(b) ?? 0));
      number(layer);
    }
  }
}

/**
 * The box that an arrow key leads to.
 * @param {Graph} graph @param {Box | undefined} box @param {'ArrowLeft' | 'ArrowRight' | 'ArrowUp' | 'ArrowDown'} key
 * @returns {Box | undefined}
 */
export function neighbourOf(graph, box, key) {
  if (!box) return graph.layers[0]?.[0];
  const layer = graph.layers[box.layer];
  if (key === 'ArrowUp') return layer[layer.indexOf(box) - 1] ?? box;
  if (key === 'ArrowDown') return layer[layer.indexOf(box) + 1] ?? box;
  const linked = key === 'ArrowLeft' ? box.before : box.after;
  const near = linked.length ? linked : graph.layers[box.layer + (key === 'ArrowLeft' ? -1 : 1)] ?? [];
  let best = box;
  for (const each of near) if (best === box || Math.abs(each.y - box.y) < Math.abs(best.y - box.y)) best = each;
  return best;
}

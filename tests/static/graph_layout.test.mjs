import assert from 'node:assert/strict';
import { test } from 'node:test';
import { graphOf, layersOf, neighbourOf } from '../../flowctl/static/app/ui/graph_layout.js';

const node = (id, parents = [], key = 'completed', label = id) => ({ id, label, key, parents, kind: 'task-run', start: 0, end: 1, attempts: 1 });
const none = new Set();

test('each node is right of all that it waited for', () => {
  const layers = layersOf([node('a'), node('b', ['a']), node('c', ['a', 'b']), node('d', ['gone', 'd'])]);
  assert.deepEqual(Object.fromEntries(layers), { a: 0, b: 1, c: 2, d: 0 });
});

test('a circle does not hang it', () => {
  assert.equal(layersOf([node('a', ['b']), node('b', ['a'])]).size, 2);
});

test('edges are drawn once and do not cross without need', () => {
  const graph = graphOf([node('a'), node('b'), node('y', ['b', 'b']), node('x', ['a'])], none);
  assert.equal(graph.edges.length, 2);
  assert.deepEqual(graph.layers.map((layer) => layer.map((box) => box.id)), [['a', 'b'], ['x', 'y']]);
  assert.ok(graph.layers[1][0].x > graph.layers[0][0].x + 176);
});

test('ten thousand tasks are few boxes until one is opened', () => {
  const nodes = [node('start'), ...Array.from({ length: 9998 }, (_, i) => node(`n${i}`, ['start'], i === 5 ? 'failed' : 'completed', `load-${i}`)), node('end', Array.from({ length: 9998 }, (_, i) => `n${i}`))];
  const graph = graphOf(nodes, none);
  assert.deepEqual(graph.boxes.map((box) => [box.label, box.members.length, box.key, box.failed]), [['start', 1, 'completed', 0], ['load', 9998, 'failed', 1], ['end', 1, 'completed', 0]]);
  assert.equal(graph.edges.length, 2);
  const open = graphOf(nodes, new Set([graph.boxes[1].id]));
  assert.equal(open.boxes.length, 10000);
  assert.equal(open.edges.length, 19996);
});

test('arrow keys walk along the edges', () => {
  const graph = graphOf([node('a'), node('b'), node('x', ['a']), node('y', ['b'])], none);
  const walk = (id, key) => neighbourOf(graph, graph.boxOf.get(id), key)?.id;
  assert.equal(neighbourOf(graph, undefined, 'ArrowRight')?.id, 'a');
  assert.deepEqual([walk('b', 'ArrowRight'), walk('y', 'ArrowLeft'), walk('a', 'ArrowDown'), walk('a', 'ArrowUp'), walk('x', 'ArrowRight')], ['y', 'b', 'b', 'a', 'x']);
});

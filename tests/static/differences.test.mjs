import assert from 'node:assert/strict';
import { test } from 'node:test';
import { firstDifferentLine, pairsOf, valuesOf } from '../../flowctl/static/app/ui/differences.js';

const node = (id, label, key = 'completed', start = 0, end = 1000) => ({ id, label, key, start, end, parents: [], kind: 'task-run', attempts: 1 });

test('parameters by their dotted names', () => {
  assert.deepEqual(valuesOf({ a: 1, deep: { x: 1, y: [2] } }, { b: null, deep: { x: 2, y: [2] } }), [
    { name: 'a', a: 1, b: undefined, same: false },
    { name: 'deep.x', a: 1, b: 2, same: false },
    { name: 'deep.y', a: [2], b: [2], same: true },
    { name: 'b', a: undefined, b: null, same: false },
  ]);
  assert.deepEqual(valuesOf(null, undefined), []);
});

test('tasks are paired by name and order', () => {
  const pairs = pairsOf([node('1', 'fetch-a1b'), node('2', 'load-c2d'), node('3', 'load-e3f')], [node('4', 'fetch-001'), node('5', 'check-9f9'), node('6', 'load-777', 'failed')]);
  assert.deepEqual(pairs.map((pair) => [pair.name, pair.a?.id, pair.b?.id, pair.same]), [
    ['fetch', '1', '4', true], ['check', undefined, '5', false], ['load', '2', '6', false], ['load #2', '3', undefined, false],
  ]);
});

test('tasks of large runs are summed by name', () => {
  const many = (n, bad) => Array.from({ length: n }, (_, i) => node(`${n}-${i}`, `load-${i}`, i === bad ? 'failed' : 'completed'));
  const [pair] = pairsOf(many(300, -1), many(300, 7));
  assert.deepEqual([pair.a.count, pair.a.seconds, pair.b.failed, pair.b.key, pair.b.id, pair.same], [300, 300, 1, 'failed', '300-7', false]);
});

test('the first line that differs, numbers, ids and names aside', () => {
  const a = ["run 'calm-otter' began at 12:00:01", 'read 12 rows', 'done'];
  assert.equal(firstDifferentLine(a, ["run 'bold-lynx' began at 13:10:22", 'read 99 rows', 'done'], ['calm-otter', 'bold-lynx']), -1);
  assert.equal(firstDifferentLine(a, ["run 'bold-lynx' began at 1:1", 'read no rows'], ['calm-otter', 'bold-lynx']), 1);
  assert.equal(firstDifferentLine(a, a.slice(0, 2), []), 2);
});

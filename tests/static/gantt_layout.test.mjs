import assert from 'node:assert/strict';
import test from 'node:test';
import { attemptWords, attemptsOf, criticalPath, groupName, mergeGraphs, nodesOf, rowsOf } from '../../flowctl/static/app/ui/gantt_layout.js';

const T0 = Date.parse('2026-11-20T12:00:00Z');
const at = (seconds) => new Date(T0 + seconds * 1000).toISOString();
const node = (id, start, end, parents = [], more = {}) => [id, { id, kind: 'task-run', label: id, state_type: end == null ? 'RUNNING' : 'COMPLETED', start_time: start == null ? null : at(start), end_time: end == null ? null : at(end), parents: parents.map((parent) => ({ id: parent })), ...more }];

test('nodes are ordered by start and wait for what they need', () => {
  const nodes = nodesOf({ nodes: [node('b', 5, 7, ['a']), node('a', 0, 3), node('c', null, null)] }, new Map(), T0);
  assert.deepEqual(nodes.map((each) => each.id), ['a', 'b', 'c']);
  assert.equal(nodes[1].wait, T0 + 3000);
  assert.equal(nodes[0].wait, null);
});

test('a task run that is known in full adds attempts, names and what the graph has not', () => {
  const task = { id: 'a', name: 'a', state_type: 'FAILED', state_name: 'Failed', run_count: 3, start_time: at(0), end_time: at(3), expected_start_time: at(0), state: { message: 'boom' } };
  const nodes = nodesOf({ nodes: [node('a', 0, 3)] }, new Map([['a', task], ['p', { ...task, id: 'p', name: 'p', state_type: 'PENDING', start_time: null, end_time: null }]]), T0);
  assert.deepEqual([nodes[0].attempts, nodes[0].key, nodes[0].message], [3, 'failed', 'boom']);
  assert.equal(nodes[1].id, 'p');
});

test('above two hundred tasks are grouped by name, failed groups first', () => {
  const graph = { nodes: Array.from({ length: 300 }, (_, n) => node(`${n < 150 ? 'load' : 'fetch'}-${n}`, n, n + 1, [], n === 200 ? { state_type: 'FAILED' } : {})) };
  const nodes = nodesOf(graph, new Map(), T0);
  const rows = rowsOf(nodes, { expanded: new Set() });
  assert.deepEqual(rows.map((row) => [row.label, row.kind, row.failed]), [['fetch', 'group', 1], ['load', 'group', 0]]);
  assert.equal(rowsOf(nodes, { expanded: new Set(['group:fetch']) }).length, 152);
  assert.equal(rowsOf(nodes, { expanded: new Set(['group:fetch']) })[1].key, 'failed');
  assert.equal(rowsOf(nodes, { expanded: new Set(), failedOnly: true }).length, 1);
  assert.equal(rowsOf(nodes, { expanded: new Set(), filter: 'load-14' }).length, 11);
});

test('names of groups', () => {
  assert.deepEqual(['load-3f2', 'load-12', 'load', 'my-task-0'].map(groupName), ['load', 'load', 'load', 'my-task']);
});

test('subflows open in place', () => {
  const nodes = nodesOf({ nodes: [node('sub', 0, 5, [], { kind: 'flow-run' })] }, new Map(), T0);
  const inner = nodesOf({ nodes: [node('x', 1, 2)] }, new Map(), T0);
  const rows = rowsOf(nodes, { expanded: new Set(['sub']), children: new Map([['sub', inner]]) });
  assert.deepEqual(rows.map((row) => [row.id, row.depth]), [['sub', 0], ['x', 1]]);
});

test('the critical path goes back through what ended last, and ends in a cycle', () => {
  const nodes = nodesOf({ nodes: [node('a', 0, 2), node('b', 0, 4), node('c', 4, 9, ['a', 'b']), node('d', 4, 5, ['a'])] }, new Map(), T0);
  assert.deepEqual([...criticalPath(nodes)], ['c', 'b']);
  assert.equal(criticalPath(nodesOf({ nodes: [node('a', 0, 2, ['b']), node('b', 0, 2, ['a'])] }, new Map(), T0)).size, 2);
  assert.equal(criticalPath([]).size, 0);
});

test('an incremental answer replaces nodes', () => {
  const merged = mergeGraphs({ nodes: [node('a', 0, null)] }, { nodes: [node('a', 0, 2), node('b', 1, 3)] });
  assert.equal(merged.nodes.length, 2);
  assert.equal(merged.nodes[0][1].end_time, at(2));
});

test('attempts end where the next state begins, and failed ones are tried again', () => {
  const state = (type, name, seconds) => ({ type, name, timestamp: at(seconds) });
  const states = [state('PENDING', 'Pending', 0), state('RUNNING', 'Running', 1), state('SCHEDULED', 'AwaitingRetry', 2), state('RUNNING', 'Retrying', 5), state('RUNNING', 'Retrying', 7), state('COMPLETED', 'Completed', 8)];
  const attempts = attemptsOf(states);
  assert.deepEqual(attempts.map((each) => [(each.start - T0) / 1000, (each.end - T0) / 1000, each.key]), [[1, 2, 'failed'], [5, 7, 'failed'], [7, 8, 'completed']]);
  assert.equal(attemptWords(attempts, T0), 'failed after 1.0s, waited 3.0s, failed after 2.0s, completed after 1.0s');
  const running = attemptsOf(states.slice(0, 4));
  assert.equal(running.at(-1).end, null);
  assert.equal(attemptWords(running, T0 + 9000), 'failed after 1.0s, waited 3.0s, running for 4.0s');
});

test('ten thousand tasks are laid out quickly', () => {
  const graph = { nodes: Array.from({ length: 10_000 }, (_, n) => node(`t-${n}`, n, n + 2, n ? [`t-${n - 1}`] : [])) };
  const begin = performance.now();
  const nodes = nodesOf(graph, new Map(), T0);
  rowsOf(nodes, { expanded: new Set(['group:t']) });
  criticalPath(nodes);
  assert.ok(performance.now() - begin < 600);
});

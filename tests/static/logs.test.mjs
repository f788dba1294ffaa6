import assert from 'node:assert/strict';
import test from 'node:test';
import { compileSearch, createStore, filterLines, lineAt, pieces, rowSums, searchLines, stripAnsi } from '../../flowctl/static/app/ui/logs.js';

const raw = (n, more = {}) => ({ id: `l${n}`, timestamp: new Date(1e12 + n * 10).toISOString(), level: 20, message: `line ${n}`, task_run_id: null, name: 'prefect.flow_runs', ...more });

test('lines are kept by time, each once', () => {
  const store = createStore();
  assert.equal(store.add([raw(1), raw(3)]), 2);
  assert.equal(store.add([raw(2), raw(3)]), 1);
  assert.deepEqual(store.lines.map((line) => line.id), ['l1', 'l2', 'l3']);
  store.add([raw(3, { id: 'same' })]);
  assert.deepEqual(store.cursor(), { time: raw(3).timestamp, same: 2 });
  assert.equal(createStore().cursor(), null);
});

test('filters combine', () => {
  const store = createStore();
  store.add([raw(1), raw(2, { level: 40 }), raw(3, { level: 40, task_run_id: 't' }), raw(4, { task_run_id: 't', name: 'other' })]);
  const ids = (wanted) => filterLines(store.lines, { level: 0, tasks: null, logger: '', ...wanted }).map((line) => line.id);
  assert.deepEqual(ids({}), ['l1', 'l2', 'l3', 'l4']);
  assert.deepEqual(ids({ level: 30 }), ['l2', 'l3']);
  assert.deepEqual(ids({ tasks: new Set(['t']) }), ['l3', 'l4']);
  assert.deepEqual(ids({ tasks: new Set(['t']), logger: 'other' }), ['l4']);
});

test('rows are summed with folding and wrapping', () => {
  const store = createStore();
  store.add([raw(1), raw(2, { message: 'head\nsecond\nthird' }), raw(3, { message: 'x'.repeat(25) })]);
  assert.deepEqual([...rowSums(store.lines, new Set(), 0)], [0, 1, 2, 3]);
  const open = rowSums(store.lines, new Set(['l2']), 0);
  assert.deepEqual([...open], [0, 1, 4, 5]);
  assert.deepEqual([...rowSums(store.lines, new Set(['l2']), 10)], [0, 1, 4, 7]);
  assert.deepEqual([0, 1, 3, 4, 99].map((row) => lineAt(open, row)), [0, 1, 1, 2, 2]);
});

test('search takes text and regular expressions', async () => {
  const store = createStore();
  store.add([raw(1, { message: 'a.b' }), raw(2, { message: 'axb' }), raw(3, { message: 'A.B' })]);
  const hits = (query) => searchLines(store.lines, compileSearch(query), () => false);
  assert.deepEqual(await hits('a.b'), [0, 2]);
  assert.deepEqual(await hits('/a.b/'), [0, 1]);
  assert.deepEqual(await hits('/a.b/i'), [0, 1, 2]);
  assert.ok(compileSearch('/(/').error);
  assert.equal(compileSearch(''), null);
  assert.equal(await searchLines(store.lines, compileSearch('a'), () => true), null);
});

test('a search of a hundred thousand lines gives way', async () => {
  const lines = Array.from({ length: 100_000 }, (_, n) => ({ text: `line ${n} with words enough to look like a log`, id: String(n) }));
  const hits = await searchLines(lines, compileSearch('line 99999'), () => false);
  assert.deepEqual(hits, [99_999]);
});

test('text becomes pieces: colours, links, hits', () => {
  assert.deepEqual(pieces('plain', null), [{ text: 'plain' }]);
  assert.deepEqual(pieces('\x1b[1;31mred\x1b[0m rest', null), [{ text: 'red', style: 'a1 a31' }, { text: ' rest', style: '' }]);
  assert.deepEqual(pieces('see https://a.b/c?d=1, ok', null), [{ text: 'see ' }, { text: 'https://a.b/c?d=1', href: 'https://a.b/c?d=1' }, { text: ', ok' }]);
  assert.deepEqual(pieces('an apple', /a/g), [{ text: 'a', hit: true }, { text: 'n ' }, { text: 'a', hit: true }, { text: 'pple' }]);
  assert.equal(pieces('javascript:alert(1)', null)[0].href, undefined);
  assert.equal(stripAnsi('\x1b[2Kx\x1b[0m'), 'x');
});

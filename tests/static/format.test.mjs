import assert from 'node:assert/strict';
import test from 'node:test';
import * as f from '../../flowctl/static/app/format.js';

test('durations have two units at most', () => {
  const cases = [[0, '0ms'], [0.3204, '320ms'], [0.9994, '999ms'], [0.9996, '1.0s'], [36.94, '36.9s'], [59.94, '59.9s'], [59.96, '1m'], [252, '4m 12s'], [3600, '1h'], [7500, '2h 5m'], [86400 * 3 + 4 * 3600, '3d 4h'], [-1, '0ms']];
  for (const [seconds, text] of cases) assert.equal(f.duration(seconds), text);
  assert.equal(f.duration(null), '');
  assert.equal(f.duration(Number.NaN), '');
});

test('relative times look both ways', () => {
  const now = Date.parse('2026-11-21T12:00:00Z');
  assert.equal(f.ago(now - 1000, now), 'now');
  assert.equal(f.ago(now - 59_000, now), '59s ago');
  assert.equal(f.ago(now - 3_599_000, now), '59m ago');
  assert.equal(f.ago(now - 86_399_000, now), '23h ago');
  assert.equal(f.ago(now + 300_000, now), 'in 5m');
  assert.equal(f.ago(now - 86_400_000 * 400, now), '1y ago');
});

test('states have one look each', () => {
  assert.equal(f.stateKey('SCHEDULED', 'Late'), 'late');
  assert.equal(f.stateKey('SCHEDULED', 'AwaitingRetry'), 'retry');
  assert.equal(f.stateKey('RUNNING', 'Retrying'), 'running');
  assert.equal(f.stateKey('COMPLETED', 'Cached'), 'completed');
  assert.equal(f.stateKey(null), 'pending');
  assert.equal(f.typeOfStateName('Failed'), 'FAILED');
  assert.equal(f.typeOfStateName('Late'), null);
});

test('the line of an error is what happened', () => {
  assert.equal(f.errorLine('Flow run encountered an exception: ValueError: negative row count'), 'ValueError: negative row count');
  assert.equal(f.errorLine('Task run encountered an exception ValueError: x'), 'ValueError: x');
  assert.equal(f.errorLine("Encountered exception during execution: ValueError('x')\nTraceback (most recent call last):\n  File \"a.py\", line 1, in f\n    g()\nValueError: x\n"), 'ValueError: x');
  assert.equal(f.errorLine(null), '');
  assert.equal(f.errorLine('  plain words \n more'), 'plain words');
});

test('tracebacks tell the user\'s frames from the library\'s', () => {
  const text = 'Boom\nTraceback (most recent call last):\n  File "/x/site-packages/prefect/engine.py", line 5, in run\n    call()\n  File "/home/me/etl.py", line 42, in load\n    raise ValueError("a")\n           ^^^^^\nValueError: a\nsecond line';
  const found = f.parseTraceback(text);
  assert.equal(found.message, 'ValueError: a\nsecond line');
  assert.deepEqual(found.frames.map((frame) => [frame.file, frame.line, frame.where, frame.own]), [['/x/site-packages/prefect/engine.py', 5, 'run', false], ['/home/me/etl.py', 42, 'load', true]]);
  assert.equal(found.frames[1].code, 'raise ValueError("a")');
  assert.equal(f.parseTraceback('no traceback'), null);
});

test('steps are round and few', () => {
  for (const seconds of [10, 3600, 86400, 7 * 86400, 365 * 86400, 5 * 365 * 86400]) {
    const step = f.niceStep(seconds, 90);
    assert.ok(seconds / step <= 90 && step >= 1);
  }
  assert.equal(f.niceStep(7 * 86400, 90), 7200);
});

test('small ones', () => {
  assert.equal(f.median([]), null);
  assert.equal(f.median([3, 1, 2]), 2);
  assert.equal(f.median([4, 1, 2, 3]), 2.5);
  assert.equal(f.plural(1, 'run'), '1 run');
  assert.equal(f.plural(1204, 'run'), '1,204 runs');
  assert.equal(f.briefParameters({ a: 1, b: 'x' }), 'a=1  b="x"');
  assert.equal(f.levelName(35), 'WARNING');
  assert.ok(f.isUuid(' 6F1C0000-0000-4000-8000-000000000000 '));
  assert.ok(!f.isUuid('6f1c'));
  assert.equal(f.elapsed('2026-01-01T00:00:00Z', null, Date.parse('2026-01-01T00:00:05Z')), 5);
});

test('a short time says the day when it is not today', () => {
  const now = Date.parse('2026-11-21T12:00:00Z');
  assert.equal(f.shortTime(Date.parse('2026-11-21T04:05:06Z'), now, true), '04:05:06');
  assert.equal(f.shortTime(Date.parse('2026-11-20T04:05:06Z'), now, true), '11-20 04:05');
  assert.equal(f.shortTime(Date.parse('2025-11-20T04:05:06Z'), now, true), '2025-11-20');
});

test('sizes and spans of days are about right', () => {
  assert.deepEqual([0, 512, 999, 1000, 4096, 9960, 12_345_678, 5.1e12].map(f.bytes), ['0 bytes', '512 bytes', '999 bytes', '1.0 kB', '4.1 kB', '10 kB', '12 MB', '5.1 TB']);
  assert.deepEqual([0.4, 1, 90, 365, 3000].map(f.daysOf), ['less than a day', '1 day', '90 days', '365 days', '8 years']);
});

test('a rate is 100% only when nothing is missing', () => {
  assert.deepEqual([0, 2 / 3, 0.99999, 1].map(f.percent), ['0%', '66.7%', '99.9%', '100%']);
});

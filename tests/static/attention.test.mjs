import assert from 'node:assert/strict';
import test from 'node:test';
import { attentionOf, comingUp, isStuck, layLanes, usualSeconds } from '../../flowctl/static/app/ui/attention.js';

const NOW = Date.parse('2026-11-21T12:00:00Z');
const at = (minutes) => new Date(NOW - minutes * 60_000).toISOString();
const failure = (id, minutes, message, fields = {}) => ({ id, flow_id: 'f', state_type: 'FAILED', end_time: at(minutes), state: { message }, ...fields });
const due = (id, minutes, fields = {}) => ({ id, flow_id: 'f', deployment_id: 'd', state_type: 'SCHEDULED', state_name: 'Scheduled', next_scheduled_start_time: at(-minutes), ...fields });
const lists = { failed: [], active: [], scheduled: [], recent: [] };

test('failures with the same error are one item, numbers aside', () => {
  const items = attentionOf({ ...lists, failed: [failure('b', 1, 'KeyError: 17'), failure('a', 5, 'KeyError: 3'), failure('c', 2, 'ValueError'), failure('e', 3, 'KeyError: 1', { flow_id: 'g' })] }, NOW);
  assert.deepEqual(items.map((item) => [item.run.id, item.runs.length]), [['b', 2], ['c', 1], ['e', 1]]);
});

test('what has succeeded since comes last', () => {
  const recent = [{ flow_id: 'f', state_type: 'COMPLETED', end_time: at(3) }];
  const items = attentionOf({ ...lists, recent, failed: [failure('new', 2, 'A'), failure('old', 5, 'B')] }, NOW);
  assert.deepEqual(items.map((item) => [item.run.id, item.recovered]), [['new', false], ['old', true]]);
});

test('late, stuck and paused runs', () => {
  const active = [
    { id: 'pending', state_type: 'PENDING', state: { timestamp: at(6) } }, { id: 'fresh', state_type: 'PENDING', state: { timestamp: at(1) } },
    { id: 'cancelling', state_type: 'CANCELLING', state: { timestamp: at(2) } }, { id: 'paused', state_type: 'PAUSED', state: { timestamp: at(0) } },
  ];
  const items = attentionOf({ ...lists, active, scheduled: [due('l1', -9), due('l2', -8), due('next', 5), due('retry', -9, { state_name: 'AwaitingRetry' })] }, NOW);
  assert.deepEqual(items.map((item) => [item.kind, item.run.id, item.runs.length]), [['stuck', 'cancelling', 1], ['stuck', 'pending', 1], ['late', 'l1', 2], ['paused', 'paused', 1]]);
  assert.equal(isStuck({ state_type: 'RUNNING', updated: at(900) }, NOW), false);
});

test('stuck runs of a flow in one state are one item', () => {
  const stuck = (id, flow_id, state_type = 'PENDING') => ({ id, flow_id, state_type, state: { timestamp: at(9) } });
  const items = attentionOf({ ...lists, active: [stuck('a', 'f'), stuck('b', 'f'), stuck('c', 'g'), stuck('d', 'f', 'CANCELLING')] }, NOW);
  assert.deepEqual(items.map((item) => item.runs.map((run) => run.id).join()), ['a,b', 'c', 'd']);
});

test('one coming run for each deployment, with those after it', () => {
  const next = comingUp([due('late', -3), due('a', 1), due('b', 2), due('other', 4, { deployment_id: null })], NOW);
  assert.deepEqual(next.map((each) => [each.run.id, each.later.length]), [['a', 1], ['other', 0]]);
});

test('the usual length is the median of what completed', () => {
  const run = (seconds, fields = {}) => ({ flow_id: 'f', deployment_id: 'd', state_type: 'COMPLETED', start_time: at(1), end_time: new Date(Date.parse(at(1)) + seconds * 1000).toISOString(), ...fields });
  const usual = usualSeconds([run(1), run(3), run(20, { deployment_id: null }), run(99, { state_type: 'FAILED' })]);
  assert.equal(usual.get('d'), 2);
  assert.equal(usual.get('f'), 3);
});

test('bars that overlap get lanes of their own, up to the limit', () => {
  const bars = [{ start: 0, end: 10 }, { start: 5, end: 15 }, { start: 6, end: 16 }, { start: 12, end: 20 }];
  assert.equal(layLanes(bars, 2, 1), 2);
  assert.deepEqual(bars.map((bar) => bar.lane), [0, 1, 0, 1]);
  assert.equal(layLanes([], 3, 0), 1);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buttonOf, curl, fixesOf, flowctl, listWords, quote, wordsOf } from '../../flowctl/static/app/ui/commands.js';

const FILTERS = { search: '', states: [], names: [], flows: [], deployments: [], pools: [], tags: [], topLevel: false, sort: 'START_TIME_DESC', seconds: 604800, start: null, end: null };

test('words are quoted as a shell wants them, and read back', () => {
  for (const word of ['plain', 'two words', "it's", '$HOME', '`x`', 'a"b', '*']) assert.deepEqual(wordsOf(`say ${quote(word)} end`), ['say', word, 'end'], word);
  assert.deepEqual(wordsOf('flowctl runs set-state 1 crashed -m "its process is gone"').at(-1), 'its process is gone');
});

test('a list as a command', () => {
  assert.equal(flowctl(listWords(FILTERS, () => undefined)), 'flowctl runs ls --since 7d');
  const filters = { ...FILTERS, states: ['FAILED', 'CANCELLED'], names: ['Late'], flows: ['f1'], tags: ['a b'], search: 'lynx', topLevel: true, sort: 'NAME_DESC', seconds: 5400 };
  assert.equal(flowctl(listWords(filters, (id) => (id === 'f1' ? 'etl' : undefined))), "flowctl runs ls --state failed,cancelled,cancelling,Late --name '*lynx*' --flow etl --tag 'a b' --root --since 90m --sort -name");
  assert.match(flowctl(listWords({ ...FILTERS, start: 1000, end: 2000 }, () => undefined)), /--since 1970-01-01T00:00:01.000Z --until 1970/);
});

test('the address is named when it is not the usual one', () => {
  assert.equal(flowctl(['status', null, false], 'http://127.0.0.1:4200/api'), 'flowctl status');
  assert.equal(flowctl(['status'], 'https://flows.example/api'), 'flowctl status --api https://flows.example/api');
});

test('requests never hold the login', () => {
  assert.equal(curl('http://h/api', ['GET', '/flows/1'], false), 'curl -sS http://h/api/flows/1');
  assert.equal(curl('http://h/api', ['GET', '/x?a=1'], true), `curl -sS 'http://h/api/x?a=1' -u "$PREFECT_API_AUTH_STRING"`);
  assert.equal(curl('http://h/api', ['POST', '/runs', { name: "it's" }], false), `curl -sS http://h/api/runs -H 'Content-Type: application/json' -d '{"name":"it'"'"'s"}'`);
  assert.equal(curl('http://h/api', ['DELETE', '/runs/1'], false), 'curl -sS -X DELETE http://h/api/runs/1');
});

test('fixes: what blocks first, what gives up last, each once', () => {
  const fix = (command, gives_up = false) => ({ command, effect: '', gives_up });
  const told = { causes: [{ blocks: false, fixes: [fix('wait')] }, { blocks: true, fixes: [fix('flowctl runs cancel 1', true), fix('flowctl runs resume 1')] }, { blocks: true, fixes: [fix('flowctl runs resume 1')] }] };
  assert.deepEqual(fixesOf(told).map((each) => each.command), ['flowctl runs resume 1', 'wait', 'flowctl runs cancel 1']);
});

test('buttons for what the API can do', () => {
  const label = (command) => buttonOf(command)?.label;
  assert.equal(label('flowctl runs set-state 1 scheduled'), 'Start now');
  assert.equal(label('flowctl runs set-state 1 scheduled --name AwaitingRetry'), 'Try again');
  assert.equal(label('flowctl runs reschedule 1 now'), 'Start now');
  assert.equal(label('flowctl runs reschedule 1 +10m'), undefined);
  assert.equal(label('flowctl runs retry 1'), 'Try again');
  assert.equal(label('flowctl runs set-state 1 cancelled --force'), 'Force cancel');
  assert.equal(label("prefect work-queue resume q --pool 'my pool'"), 'Resume queue');
  assert.equal(label('prefect worker start --pool p'), undefined);
});

import assert from 'node:assert/strict';
import test from 'node:test';
import { belowBase, findRoute, listParam, matchPath, safeRedirect, withParams } from '../../flowctl/static/app/format.js';

test('patterns match whole paths and decode parts', () => {
  assert.deepEqual(matchPath('/runs/flow-run/:id', '/runs/flow-run/a%20b'), { id: 'a b' });
  assert.deepEqual(matchPath('/runs', '/runs/'), {});
  assert.equal(matchPath('/runs', '/runs/x'), null);
  assert.equal(matchPath('/x/:id', '/x/%E0%A4%A'), null);
  assert.equal(findRoute([{ pattern: '/a/:x', page: 1 }, { pattern: '/a/b', page: 2 }], '/a/b')?.route.page, 1);
  assert.equal(findRoute([], '/a'), null);
});

test('a base path is a whole part of the path', () => {
  assert.equal(belowBase('', '/runs'), '/runs');
  assert.equal(belowBase('/flow', '/flow'), '/');
  assert.equal(belowBase('/flow', '/flow/runs'), '/runs');
  assert.equal(belowBase('/flow', '/flower/runs'), null);
});

test('lists are read however they were written', () => {
  assert.deepEqual(listParam(new URLSearchParams('state=A&state=B'), 'state'), ['A', 'B']);
  assert.deepEqual(listParam(new URLSearchParams('state=A,B,,A'), 'state'), ['A', 'B']);
  assert.deepEqual(listParam(new URLSearchParams('state=["A","B"]'), 'state'), ['A', 'B']);
  assert.deepEqual(listParam(new URLSearchParams('state=[odd'), 'state'), ['[odd']);
  assert.deepEqual(listParam(new URLSearchParams(''), 'state'), []);
});

test('changes leave the rest of the query', () => {
  const query = new URLSearchParams('a=1&b=2');
  assert.equal(String(withParams(query, { a: null, c: ['x', 'y'] })), 'b=2&c=x%2Cy');
  assert.equal(String(query), 'a=1&b=2');
  assert.equal(String(withParams(query, { a: [], b: '' })), '');
});

test('a login leads back into the dashboard only', () => {
  assert.equal(safeRedirect('/runs?x=1'), '/runs?x=1');
  for (const bad of [null, '', '//evil.example', '/\\evil.example', 'https://evil.example', 'javascript:alert(1)']) assert.equal(safeRedirect(bad), '/runs');
});

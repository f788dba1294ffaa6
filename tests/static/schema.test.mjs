import assert from 'node:assert/strict';
import test from 'node:test';
import { Unparsed, initialValue, problems, resolve, shapeOf } from '../../flowctl/static/app/ui/schema.js';

const root = {
  type: 'object',
  required: ['name', 'count'],
  properties: {
    name: { type: 'string', minLength: 2, pattern: '^[a-z]+$' },
    count: { type: 'integer', minimum: 1, maximum: 5 },
    ratio: { anyOf: [{ type: 'number', exclusiveMinimum: 0 }, { type: 'null' }], default: null },
    when: { type: 'string', format: 'date-time' },
    mode: { $ref: '#/definitions/Mode' },
    inner: { allOf: [{ $ref: '#/$defs/Inner' }] },
    list: { type: 'array', items: { type: 'integer' } },
    any: {},
    either: { anyOf: [{ type: 'string' }, { type: 'integer' }] },
    flag: { type: 'boolean' },
  },
  definitions: { Mode: { enum: ['fast', 'safe'], default: 'safe' } },
  $defs: { Inner: { type: 'object', required: ['x'], properties: { x: { type: 'number' } } } },
};

test('shapes', () => {
  const kinds = Object.fromEntries(Object.entries(root.properties).map(([name, schema]) => [name, shapeOf(schema, root, name).kind]));
  assert.deepEqual(kinds, { name: 'string', count: 'integer', ratio: 'number', when: 'datetime', mode: 'enum', inner: 'object', list: 'array', any: 'json', either: 'json', flag: 'boolean' });
  assert.equal(shapeOf(root.properties.ratio, root, 'ratio').nullable, true);
  assert.equal(shapeOf({ type: ['string', 'null'] }, root, 'x').nullable, true);
});

test('a form begins with the defaults', () => {
  assert.deepEqual(initialValue(root, root), { ratio: null, mode: 'safe', inner: {}, list: [], flag: false });
});

test('problems are named by field', () => {
  assert.deepEqual(problems(root, root, { count: 9, inner: {}, list: [1, 1.5], any: new Unparsed('{'), ratio: 0 }, true), {
    name: 'This is required.', count: 'At most 5.', ratio: 'More than 0.', 'inner.x': 'This is required.', 'list.1': 'A whole number is expected.', any: 'This is not valid JSON.',
  });
  assert.deepEqual(problems(root, root, { name: 'AB', count: 2, inner: { x: 1 }, ratio: null }, true), { name: 'It must match ^[a-z]+$.' });
  assert.deepEqual(problems(root, root, { name: 'ab', count: 2, inner: { x: 1 } }, true), {});
});

test('references that lead nowhere or in circles do not hang', () => {
  assert.ok(resolve({ $ref: '#/none' }, root));
  assert.ok(resolve({ $ref: '#/definitions/A' }, { definitions: { A: { $ref: '#/definitions/A' } } }));
});

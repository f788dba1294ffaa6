import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inlineOf, isSafe, parseMarkdown } from '../../flowctl/static/app/ui/markdown_parser.js';

const kinds = (text) => parseMarkdown(text).map((block) => block.kind);

test('blocks', () => {
  assert.deepEqual(kinds('# One\n\ntext\nmore\n\n---\n> quoted\n\n```py\nprint(1)\n```\n\n    code\n'), ['heading', 'paragraph', 'rule', 'quote', 'code', 'code']);
  assert.deepEqual(parseMarkdown('Title\n=====\ntext')[0], { kind: 'heading', level: 1, parts: ['Title'] });
  assert.equal(parseMarkdown('```\nnever closed')[0].text, 'never closed');
});

test('lists hold lists, and paragraphs end them', () => {
  const [list, after] = parseMarkdown('- one\n- two\n  - deep\n- three\n\nafter');
  assert.equal(list.items.length, 3);
  assert.equal(list.items[1][1].kind, 'list');
  assert.equal(after.kind, 'paragraph');
  const [ordered] = parseMarkdown('3. three\n4. four');
  assert.deepEqual([ordered.ordered, ordered.start, ordered.items.length], [true, 3, 2]);
});

test('tables with alignment and escaped bars', () => {
  const [table] = parseMarkdown('| a | b |\n|---|--:|\n| x \\| y | 2 |\n| only |\n');
  assert.deepEqual(table.align, ['left', 'right']);
  assert.deepEqual(table.rows[0], [['x | y'], ['2']]);
  assert.equal(table.rows[1].length, 2);
});

test('inline marks', () => {
  assert.deepEqual(inlineOf('a **b** *c* `d` ~~e~~ snake_case_name'), [
    'a ', { kind: 'strong', parts: ['b'] }, ' ', { kind: 'em', parts: ['c'] }, ' ', { kind: 'code', text: 'd' }, ' ', { kind: 'del', parts: ['e'] }, ' snake_case_name',
  ]);
  assert.deepEqual(inlineOf('[x](https://e.org/a_(b)) https://e.org/p.'), [
    { kind: 'link', href: 'https://e.org/a_(b)', parts: ['x'] }, ' ', { kind: 'link', href: 'https://e.org/p', parts: ['https://e.org/p'] }, '.',
  ]);
});

test('what is hostile stays text', () => {
  assert.deepEqual(inlineOf('[x](javascript:alert(1))'), ['[x](javascript:alert(1))']);
  assert.deepEqual(inlineOf('<script>alert(1)</script>'), ['<script>alert(1)</script>']);
  for (const href of ['javascript:alert(1)', 'JaVaScRiPt:x', 'data:text/html,x', '//e.org', ' https://e.org']) assert.equal(isSafe(href), false, href);
});

test('hostile sizes end soon', () => {
  for (const text of ['*'.repeat(5000), '['.repeat(5000), '> '.repeat(500), '`'.repeat(3000), '**a '.repeat(1500), '- '.repeat(400), '*a '.repeat(400_000)]) assert.ok(parseMarkdown(text).length > 0);
});

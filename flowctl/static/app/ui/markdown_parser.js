// Markdown as a tree: what artifacts and descriptions use of it.  HTML in it stays text.  Pure: `node --test` runs this file.

/**
 * @typedef {string | {kind: 'strong' | 'em' | 'del', parts: Inline[]} | {kind: 'code', text: string} | {kind: 'link', href: string, parts: Inline[]} | {kind: 'image', src: string, alt: string} | {kind: 'break'}} Inline
 * @typedef {{kind: 'heading', level: number, parts: Inline[]} | {kind: 'paragraph', parts: Inline[]} | {kind: 'code', language: string, text: string} | {kind: 'rule'}
 *   | {kind: 'quote', blocks: Block[]} | {kind: 'list', ordered: boolean, start: number, items: Block[][]} | {kind: 'table', align: string[], head: Inline[][], rows: Inline[][][]}} Block
 */

const DEEPEST = 12;
/** A paragraph beyond this is data, and is shown as it is. */
const LONGEST = 20_000;
const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([^\s`]*)[^`]*$/;
const ITEM = /^( {0,3})([-*+]|\d{1,9}[.)])(\s+|$)/;
const RULE = /^ {0,3}([-*_])(\s*\1){2,}\s*$/;
const DELIMITERS = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;

/** @param {string} text @returns {Block[]} */
export const parseMarkdown = (text) => blocksOf(text.replaceAll('\r\n', '\n').replaceAll('\t', '    ').split('\n'), 0);

/** @param {string[]} lines @param {number} depth @returns {Block[]} */
function blocksOf(lines, depth) {
  /** @type {Block[]} */
  const blocks = [];
  if (depth > DEEPEST) return [{ kind: 'paragraph', parts: [lines.join('\n')] }];
  for (let at = 0; at < lines.length;) {
    const line = lines[at];
    if (!line.trim()) { at++; continue; }
    const fence = FENCE.exec(line);
    if (fence) {
      const end = lines.findIndex((each, i) => i > at && each.trim().startsWith(fence[1]) && !each.trim().replaceAll(fence[1][0], ''));
      blocks.push({ kind: 'code', language: fence[2], text: lines.slice(at + 1, end < 0 ? lines.length : end).join('\n') });
      at = end < 0 ? lines.length : end + 1;
      continue;
    }
    const heading = /^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$/.exec(line);
    if (heading) { blocks.push({ kind: 'heading', level: heading[1].length, parts: inlineOf(heading[2]) }); at++; continue; }
    if (RULE.test(line)) { blocks.push({ kind: 'rule' }); at++; continue; }
    if (/^ {0,3}>/.test(line)) {
      let end = at;
      while (end < lines.length && lines[end].trim() && (/^ {0,3}>/.test(lines[end]) || !starts(lines[end]))) end++;
      blocks.push({ kind: 'quote', blocks: blocksOf(lines.slice(at, end).map((each) => each.replace(/^ {0,3}> ?/, '')), depth + 1) });
      at = end;
      continue;
    }
    if (ITEM.test(line)) { at = listOf(lines, at, depth, blocks); continue; }
    if (line.includes('|') && DELIMITERS.test(lines[at + 1] ?? '') && (lines[at + 1].includes('|') || cellsOf(line).length === 1)) { at = tableOf(lines, at, blocks); continue; }
    if (/^ {4}/.test(line)) {
      let end = at;
      while (end < lines.length && (/^ {4}/.test(lines[end]) || !lines[end].trim())) end++;
      blocks.push({ kind: 'code', language: '', text: lines.slice(at, end).map((each) => each.slice(4)).join('\n').trimEnd() });
      at = end;
      continue;
    }
    let end = at + 1;
    while (end < lines.length && lines[end].trim() && !starts(lines[end]) && !/^ {0,3}(=+|-+)\s*$/.test(lines[end])) end++;
    const parts = inlineOf(lines.slice(at, end).map((each) => each.trimStart()).join('\n').trimEnd());
    const underline = /^ {0,3}(=|-)\1*\s*$/.exec(lines[end] ?? '');
    blocks.push(underline ? { kind: 'heading', level: underline[1] === '=' ? 1 : 2, parts } : { kind: 'paragraph', parts });
    at = underline ? end + 1 : end;
  }
  return blocks;
}

/** Whether a line begins a block of its own, so that it ends a paragraph. @param {string} line */
const starts = (line) => FENCE.test(line) || /^ {0,3}(#{1,6}\s|>)/.test(line) || RULE.test(line) || (ITEM.test(line) && !/^ {0,3}(?!1[.)])\d/.test(line));

/** @param {string[]} lines @param {number} at @param {number} depth @param {Block[]} blocks @returns {number} the line behind it */
function listOf(lines, at, depth, blocks) {
  const first = /** @type {RegExpExecArray} */ (ITEM.exec(lines[at]));
  const ordered = /\d/.test(first[2]);
  /** @type {string[][]} */
  const items = [];
  let indent = 0;
  for (; at < lines.length; at++) {
    const line = lines[at];
    const item = ITEM.exec(line);
    if (item && !(items.length && leading(line) >= indent) && /\d/.test(item[2]) === ordered && !RULE.test(line)) {
      indent = item[1].length + item[2].length + Math.min(item[3].length || 1, 4);
      items.push([line.slice(item[0].length > indent ? indent : item[0].length)]);
    } else if (!line.trim()) {
      const next = lines[at + 1] ?? '';
      if (!next.trim() || !(leading(next) >= indent || ITEM.test(next))) break;
      items[items.length - 1].push('');
    } else if (leading(line) >= indent) items[items.length - 1].push(line.slice(indent));
    else if (!starts(line) && lines[at - 1].trim()) items[items.length - 1].push(line.trimStart());
    else break;
  }
  blocks.push({ kind: 'list', ordered, start: ordered ? parseInt(first[2], 10) : 1, items: items.map((item) => blocksOf(item, depth + 1)) });
  return at;
}

/** @param {string} line */
const leading = (line) => line.length - line.trimStart().length;

/** @param {string[]} lines @param {number} at @param {Block[]} blocks @returns {number} */
function tableOf(lines, at, blocks) {
  const head = cellsOf(lines[at]);
  const align = cellsOf(lines[at + 1]).map((cell) => (cell.endsWith(':') ? (cell.startsWith(':') ? 'center' : 'right') : 'left'));
  const rows = [];
  for (at += 2; at < lines.length && lines[at].trim() && lines[at].includes('|'); at++) rows.push(head.map((_, i) => inlineOf(cellsOf(lines[at])[i] ?? '')));
  blocks.push({ kind: 'table', align, head: head.map(inlineOf), rows });
  return at;
}

/** @param {string} line */
const cellsOf = (line) => line.trim().replace(/^\|/, '').replace(/(^|[^\\])\|$/, '$1').split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll('\\|', '|'));

const INLINE = /\\([\\`*_{}[\]()#+\-.!|<>~])|(`+)([\s\S]*?[^`])\2(?!`)|(!?)\[((?:[^[\]]|\[[^[\]]*\])*)\]\(\s*<?([^\s<>()]*(?:\([^\s()]*\)[^\s<>()]*)*)>?(?:\s+["'][^"']*["'])?\s*\)|<(https?:\/\/[^\s<>]+)>|(\*\*|__)(?=\S)([\s\S]*?\S)\8|(\*|(?<!\w)_)(?=[^\s*_])([\s\S]*?[^\s*_])(?:\*|_(?!\w))|~~(?=\S)([\s\S]*?\S)~~|(https?:\/\/[^\s<>"')\]]*[^\s<>"')\].,;:!?])|( {2,}\n|\\\n)/g;

/** @param {string} text @param {number} [depth] @returns {Inline[]} */
export function inlineOf(text, depth = 0) {
  if (depth > DEEPEST || text.length > LONGEST) return [text];
  /** @type {Inline[]} */
  const parts = [];
  let from = 0;
  for (const found of text.matchAll(INLINE)) {
    if (found.index > from) parts.push(text.slice(from, found.index));
    from = found.index + found[0].length;
    const [whole, escaped, , code, bang, label, target, auto, , strong, , em, del, bare, hard] = found;
    if (escaped) parts.push(escaped);
    else if (code !== undefined) parts.push({ kind: 'code', text: code.trim() || code });
    else if (label !== undefined) parts.push(bang ? { kind: 'image', src: target, alt: label } : isSafe(target) ? { kind: 'link', href: target, parts: inlineOf(label, depth + 1) } : whole);
    else if (auto ?? bare) parts.push({ kind: 'link', href: auto ?? bare, parts: [auto ?? bare] });
    else if (strong) parts.push({ kind: 'strong', parts: inlineOf(strong, depth + 1) });
    else if (em) parts.push({ kind: 'em', parts: inlineOf(em, depth + 1) });
    else if (del) parts.push({ kind: 'del', parts: inlineOf(del, depth + 1) });
    else if (hard) parts.push({ kind: 'break' });
    else parts.push(whole);
  }
  if (from < text.length) parts.push(text.slice(from));
  return parts;
}

/** Addresses that a click may follow. @param {string} href */
export const isSafe = (href) => /^(https?:\/\/|mailto:)/i.test(href);

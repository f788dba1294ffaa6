// Artifacts of a run or of a task: tables, markdown, links, progress, images.  All text enters the page as text.

import { html, useEffect, useMemo, useRef, useState } from '../../vendor/preact.js';
import { post } from '../api.js';
import { count, plural } from '../format.js';
import { useQuery } from '../store.js';
import { ErrorBox, Icon, Link, Skeleton, Time } from './controls.js';
import { JsonView } from './facts.js';
import { isSafe, parseMarkdown } from './markdown_parser.js';

const MOST = 200;
const ROWS = 100;

/** @param {{filter: any, version: unknown, nameOfTask?: (id: string) => string | undefined}} props  it asks again when `version` changes */
export function Artifacts({ filter, version, nameOfTask = () => undefined }) {
  const key = JSON.stringify(filter);
  const found = useQuery(`artifacts ${key}`, (signal) => post('/artifacts/filter', { artifacts: filter, sort: 'CREATED_DESC', limit: MOST }, { signal }));
  const first = useRef(true);
  useEffect(() => { if (!first.current) found.reload(); first.current = false; }, [version]);
  const groups = useMemo(() => {
    /** @type {Map<string, any[]>} */
    const byKey = new Map();
    for (const each of found.data ?? []) byKey.set(each.key ?? each.id, [...(byKey.get(each.key ?? each.id) ?? []), each]);
    return [...byKey.values()];
  }, [found.data]);
  if (found.error) return html`<${ErrorBox} error=${found.error} retry=${found.reload} />`;
  if (!found.data) return html`<${Skeleton} rows=${4} />`;
  if (!groups.length) return html`<div class="panel"><p class="muted">No artifacts.</p></div>`;
  return html`<div class="panel artifacts" tabIndex="0" role="region" aria-label="Artifacts">${groups.map(([newest, ...older]) => html`<article class="artifact" key=${newest.key ?? newest.id}>
      <header><h3>${newest.key ?? 'Without a key'}</h3><span class="tag">${newest.type ?? 'unknown'}</span>
        ${newest.task_run_id && html`<${Link} to="/runs/task-run/${newest.task_run_id}">${nameOfTask(newest.task_run_id) ?? newest.task_run_id.slice(0, 8)}<//>`}<span class="muted"><${Time} at=${newest.updated ?? newest.created} /></span></header>
      ${newest.description && html`<${Markdown} text=${newest.description} />`}<${Body} artifact=${newest} />
      ${older.length > 0 && html`<details><summary>${plural(older.length, 'earlier version')}</summary>${older.map((each) => html`<div class="artifact-old" key=${each.id}><p class="muted"><${Time} at=${each.created} /></p><${Body} artifact=${each} /></div>`)}</details>`}</article>`)}
    ${found.data.length === MOST && html`<p class="muted">These are the newest ${MOST}.</p>`}</div>`;
}

/** @param {{artifact: any}} props */
function Body({ artifact: { type, data, key } }) {
  if (data == null) return html`<p class="muted">It holds nothing.</p>`;
  if (type === 'markdown' || type === 'link') return html`<${Markdown} text=${String(data)} />`;
  if (type === 'progress') return html`<div class="artifact-progress"><progress max="100" value=${Number(data)} aria-label="Progress"></progress><span class="num">${Math.round(Number(data) * 10) / 10}%</span></div>`;
  if (type === 'image') return html`<${Picture} src=${String(data)} alt=${key ?? 'Image'} />`;
  if (type === 'table') {
    const rows = rowsOf(data);
    if (rows) return html`<${DataTable} rows=${rows} name=${key ?? 'table'} />`;
  }
  return typeof data === 'string' ? html`<pre class="artifact-text">${data}</pre>` : html`<${JsonView} value=${data} />`;
}

/** Pictures of other hosts are loaded when asked for: opening a page tells nobody. @param {{src: string, alt: string}} props */
function Picture({ src, alt }) {
  const [wanted, setWanted] = useState(false);
  const [failed, setFailed] = useState(false);
  const own = /^data:image\//i.test(src);
  if (!own && !/^https?:\/\//i.test(src)) return html`<code>${src}</code>`;
  if (failed) return html`<p class="muted">The picture cannot be loaded. <a href=${src} target="_blank" rel="noreferrer noopener">${src}</a></p>`;
  if (own || wanted) return html`<img class="artifact-image" src=${src} alt=${alt} referrerpolicy="no-referrer" onError=${() => setFailed(true)} />`;
  return html`<p class="picture-ask"><button type="button" class="btn small" onClick=${() => setWanted(true)}>Load picture</button> <a href=${src} target="_blank" rel="noreferrer noopener">${src}</a></p>`;
}

/**
 * The data of a table artifact: JSON of a list of objects, a list of lists, or an object of columns.
 * @param {unknown} data
 * @returns {Record<string, unknown>[] | null}
 */
function rowsOf(data) {
  let value = data;
  if (typeof value === 'string') { try { value = JSON.parse(value); } catch { return null; } }
  if (Array.isArray(value)) return value.map((row) => (Array.isArray(row) ? Object.fromEntries(row.map((cell, i) => [String(i + 1), cell])) : typeof row === 'object' && row ? row : { value: row }));
  if (typeof value !== 'object' || !value) return null;
  const columns = Object.entries(value).map(([name, cells]) => /** @type {[string, unknown[]]} */ ([name, Array.isArray(cells) ? cells : [cells]]));
  return Array.from({ length: Math.max(0, ...columns.map(([, cells]) => cells.length)) }, (_, i) => Object.fromEntries(columns.map(([name, cells]) => [name, cells[i]])));
}

/** @param {unknown} cell */
const textOf = (cell) => (cell == null ? '' : typeof cell === 'object' ? JSON.stringify(cell) : String(cell));

/** @param {{rows: Record<string, unknown>[], name: string}} props */
function DataTable({ rows, name }) {
  const [sort, setSort] = useState(/** @type {[string, number] | null} */ (null));
  const [all, setAll] = useState(false);
  const columns = useMemo(() => [...new Set(rows.slice(0, 500).flatMap((row) => Object.keys(row)))], [rows]);
  const sorted = useMemo(() => {
    if (!sort) return rows;
    const [column, way] = sort;
    return [...rows].sort((a, b) => way * (typeof a[column] === 'number' && typeof b[column] === 'number' ? a[column] - b[column] : textOf(a[column]).localeCompare(textOf(b[column]), undefined, { numeric: true })));
  }, [rows, sort]);
  const save = () => {
    const lines = [columns, ...sorted.map((row) => columns.map((column) => textOf(row[column])))];
    const text = lines.map((cells) => cells.map((cell) => (/[",\n\r]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(',')).join('\r\n');
    const link = Object.assign(document.createElement('a'), { href: URL.createObjectURL(new Blob([text], { type: 'text/csv' })), download: `${name}.csv` });
    link.click();
    URL.revokeObjectURL(link.href);
  };
  if (!columns.length) return html`<p class="muted">The table is empty.</p>`;
  return html`<div class="data-table"><div class="data-scroll" tabIndex="0" role="region" aria-label="Table ${name}"><table><thead><tr>${columns.map((column) => html`<th key=${column} scope="col" class=${typeof rows[0][column] === 'number' ? 'num' : ''} aria-sort=${sort?.[0] === column ? (sort[1] > 0 ? 'ascending' : 'descending') : undefined}><button type="button" onClick=${() => setSort(sort?.[0] === column ? [column, -sort[1]] : [column, 1])}>${column}${sort?.[0] === column && html`<${Icon} name=${sort[1] > 0 ? 'up' : 'down'} size=${12} />`}</button></th>`)}</tr></thead>
    <tbody>${sorted.slice(0, all ? 5000 : ROWS).map((row, i) => html`<tr key=${i}>${columns.map((column) => html`<td key=${column} class=${typeof row[column] === 'number' ? 'num' : ''}>${textOf(row[column])}</td>`)}</tr>`)}</tbody></table></div>
    <p class="muted">${plural(rows.length, 'row')}${rows.length > ROWS && !all ? html`, ${ROWS} shown. <button type="button" class="link" onClick=${() => setAll(true)}>Show ${count(Math.min(rows.length, 5000))}</button>` : ''} · <button type="button" class="link" onClick=${save}>Download as CSV</button></p></div>`;
}

// --- markdown --------------------------------------------------------------------------------------------------------

/** @param {{text: string}} props */
export function Markdown({ text }) {
  const blocks = useMemo(() => parseMarkdown(text), [text]);
  return html`<div class="markdown">${blocks.map(block)}</div>`;
}

/** @param {import('./markdown_parser.js').Block} each @returns {any} */
function block(each) {
  switch (each.kind) {
    case 'heading': return html`<${`h${Math.min(6, each.level + 3)}`} class="md-h${each.level}">${each.parts.map(inline)}<//>`;
    case 'code': return html`<pre tabIndex="0">${each.text}</pre>`;
    case 'rule': return html`<hr />`;
    case 'quote': return html`<blockquote>${each.blocks.map(block)}</blockquote>`;
    case 'list': return html`<${each.ordered ? 'ol' : 'ul'} start=${each.ordered && each.start !== 1 ? each.start : undefined}>${each.items.map((item, i) => html`<li key=${i}>${item.length === 1 && item[0].kind === 'paragraph' ? item[0].parts.map(inline) : item.map((part, n) => (n === 0 && part.kind === 'paragraph' ? part.parts.map(inline) : block(part)))}</li>`)}<//>`;
    case 'table': return html`<div class="data-scroll" tabIndex="0" role="region" aria-label="Table"><table><thead><tr>${each.head.map((cell, i) => html`<th key=${i} class="align-${each.align[i]}">${cell.map(inline)}</th>`)}</tr></thead><tbody>${each.rows.map((row, n) => html`<tr key=${n}>${row.map((cell, i) => html`<td key=${i} class="align-${each.align[i]}">${cell.map(inline)}</td>`)}</tr>`)}</tbody></table></div>`;
    default: return html`<p>${each.parts.map(inline)}</p>`;
  }
}

/** @param {import('./markdown_parser.js').Inline} part @returns {any} */
function inline(part) {
  if (typeof part === 'string') return part;
  switch (part.kind) {
    case 'strong': return html`<strong>${part.parts.map(inline)}</strong>`;
    case 'em': return html`<em>${part.parts.map(inline)}</em>`;
    case 'del': return html`<del>${part.parts.map(inline)}</del>`;
    case 'code': return html`<code>${part.text}</code>`;
    case 'break': return html`<br />`;
    case 'image': return html`<${Picture} src=${part.src} alt=${part.alt} />`;
    default: return isSafe(part.href) ? html`<a href=${part.href} target="_blank" rel="noreferrer noopener">${part.parts.map(inline)}</a>` : part.parts.map(inline);
  }
}

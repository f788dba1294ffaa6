// A table that draws only the rows in view.  Real <table>, real rows; the others are two spacer rows.

import { html, useEffect, useLayoutEffect, useMemo, useRef, useState } from '../../vendor/preact.js';
import { place } from '../store.js';

/** Where lists stood when they were left, by history entry. @type {Map<string, number>} */
const scrollMemory = new Map();

const OVERSCAN = 6;

/**
 * @template T
 * @typedef {{key: string, head: any, class?: string, sort?: [string, string], cell: (row: T, index: number) => any, label?: string}} Column
 */

/**
 * @param {{
 *   label: string, rows: any[], columns: Column<any>[], total?: number, rowId: (row: any) => string,
 *   rowHeight: (row: any) => number, rowClass?: (row: any) => string, cursor?: number, onOpen?: (row: any, event: MouseEvent) => void,
 *   onEnd?: () => void, sort?: string, onSort?: (sort: string) => void, before?: any, after?: any, stale?: boolean,
 *   onScroll?: (top: number) => void, scroller?: {current: HTMLElement | null}, remember?: string,
 * }} props
 */
export function Table(props) {
  const { label, rows, columns, total = rows.length, rowId, rowHeight, rowClass, cursor = -1, onOpen, onEnd, sort, onSort, before, after, stale, onScroll, remember } = props;
  const own = useRef(/** @type {HTMLElement | null} */ (null));
  const scroller = props.scroller ?? own;
  const body = useRef(/** @type {HTMLElement | null} */ (null));
  const [view, setView] = useState({ top: 0, height: 900 });

  const offsets = useMemo(() => {
    const sums = new Float64Array(rows.length + 1);
    for (let i = 0; i < rows.length; i++) sums[i + 1] = sums[i] + rowHeight(rows[i]);
    return sums;
  }, [rows, rowHeight]);

  const measure = () => {
    const element = scroller.current;
    if (!element || !body.current) return;
    const head = body.current.offsetTop;
    const top = Math.max(0, element.scrollTop - head);
    setView((old) => (Math.abs(old.top - top) < 1 && old.height === element.clientHeight ? old : { top, height: element.clientHeight }));
    onScroll?.(element.scrollTop);
    if (onEnd && element.scrollTop + element.clientHeight * 2 > element.scrollHeight) onEnd();
  };

  useLayoutEffect(() => {
    measure();
    const observer = new ResizeObserver(measure);
    if (scroller.current) observer.observe(scroller.current);
    return () => observer.disconnect();
  }, []);

  // Back brings the list to where it was left.
  const memory = remember && `${place.peek().key}:${remember}`;
  useLayoutEffect(() => {
    if (!memory || !scroller.current) return;
    const saved = scrollMemory.get(memory);
    if (saved) scroller.current.scrollTop = saved;
    const element = scroller.current;
    const save = () => scrollMemory.set(memory, element.scrollTop);
    element.addEventListener('scroll', save, { passive: true });
    return () => element.removeEventListener('scroll', save);
  }, [memory]);

  useEffect(() => {
    const element = scroller.current;
    if (cursor < 0 || cursor >= rows.length || !element || !body.current) return;
    const top = offsets[cursor] + body.current.offsetTop;
    const bottom = top + rowHeight(rows[cursor]);
    const headHeight = /** @type {HTMLElement | null} */ (element.querySelector('thead'))?.offsetHeight ?? 0;
    if (top - headHeight < element.scrollTop) element.scrollTop = top - headHeight;
    else if (bottom > element.scrollTop + element.clientHeight) element.scrollTop = bottom - element.clientHeight;
  }, [cursor]);

  let first = search(offsets, view.top) - OVERSCAN;
  let last = search(offsets, view.top + view.height) + OVERSCAN;
  first = Math.max(0, first);
  last = Math.min(rows.length, last);

  return html`<div class="scroll ${stale ? 'is-stale' : ''}" ref=${scroller} onScroll=${measure} tabIndex="-1">
    ${before}
    <table class="vtable" aria-label=${label} aria-rowcount=${total + 1}>
      <colgroup>${columns.map((column) => html`<col key=${column.key} class="c-${column.key}" />`)}</colgroup>
      <thead><tr aria-rowindex="1">${columns.map((column) => html`<${HeadCell} key=${column.key} column=${column} sort=${sort} onSort=${onSort} />`)}</tr></thead>
      <tbody ref=${body}>
        ${first > 0 && html`<tr class="spacer" aria-hidden="true" key="before"><td style=${{ height: `${offsets[first]}px` }}></td></tr>`}
        ${rows.slice(first, last).map((row, i) => html`<tr key=${rowId(row)} aria-rowindex=${first + i + 2} aria-current=${first + i === cursor ? 'true' : undefined}
            class="row ${rowClass?.(row) ?? ''} ${first + i === cursor ? 'is-cursor' : ''}" style=${{ height: `${rowHeight(row)}px` }}
            onClick=${onOpen && ((/** @type {MouseEvent} */ event) => openRow(event, () => onOpen(row, event)))}>
          ${columns.map((column) => html`<td key=${column.key} class="c-${column.key}">${column.cell(row, first + i)}</td>`)}</tr>`)}
        ${last < rows.length && html`<tr class="spacer" aria-hidden="true" key="after"><td style=${{ height: `${offsets[rows.length] - offsets[last]}px` }}></td></tr>`}
      </tbody>
    </table>
    ${after}</div>`;
}

/** @param {{column: Column<any>, sort?: string, onSort?: (sort: string) => void}} props */
function HeadCell({ column, sort, onSort }) {
  const name = `c-${column.key} ${column.class ?? ''}`;
  if (!column.sort || !onSort) return html`<th scope="col" class=${name}>${column.head || html`<span class="sr">${column.label}</span>`}</th>`;
  const [down, up] = column.sort;
  const direction = sort === down ? 'descending' : sort === up ? 'ascending' : 'none';
  return html`<th scope="col" class=${name} aria-sort=${direction}>
    <button type="button" class="sort" onClick=${() => onSort(sort === down ? up : down)}>${column.head}<span class="sort-mark" aria-hidden="true">${direction === 'descending' ? '↓' : direction === 'ascending' ? '↑' : ''}</span></button></th>`;
}

/** @param {MouseEvent} event @param {() => void} open */
function openRow(event, open) {
  if (event.defaultPrevented || /** @type {Element} */ (event.target).closest('a, button, input, label')) return;
  if (String(getSelection() ?? '')) return;
  open();
}

/**
 * The index of the last offset that is not beyond `value`.
 * @param {Float64Array} offsets
 * @param {number} value
 */
function search(offsets, value) {
  let low = 0;
  let high = offsets.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (offsets[middle] <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}

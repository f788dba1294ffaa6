// The tasks of a run as a table: the same data as the timeline, for keyboards and readers, failed ones first.

import { html, useCallback, useMemo, useState } from '../../vendor/preact.js';
import { duration, errorLine } from '../format.js';
import { Icon, Link, StateBadge, Time } from './controls.js';
import { attemptWords } from './gantt_layout.js';
import { Table } from './table.js';

const ORDER = ['failed', 'crashed', 'running', 'retry', 'late', 'paused', 'pending', 'scheduled', 'cancelling', 'cancelled', 'completed'];

/** @type {Record<string, (a: import('./gantt_layout.js').Node, b: import('./gantt_layout.js').Node) => number>} */
const SORTS = {
  state: (a, b) => ORDER.indexOf(a.key) - ORDER.indexOf(b.key),
  name: (a, b) => a.label.localeCompare(b.label, undefined, { numeric: true }),
  start: (a, b) => (a.start ?? Infinity) - (b.start ?? Infinity),
  duration: (a, b) => seconds(b) - seconds(a),
  attempts: (a, b) => b.attempts - a.attempts,
};

/** @param {import('./gantt_layout.js').Node} node */
const seconds = (node) => (node.start == null ? -1 : ((node.end ?? Date.now()) - node.start) / 1000);

/** @param {import('./gantt_layout.js').Node} node */
const failureOf = (node) => (node.key === 'failed' || node.key === 'crashed' ? errorLine(node.message) : '');

/** @param {{nodes: import('./gantt_layout.js').Node[], attempts: Map<string, import('./gantt_layout.js').Attempt[]>, filter: string, failedOnly: boolean, selected: string | null, onSelect: (id: string | null) => void}} props */
export function TaskTable({ nodes, attempts, filter, failedOnly, selected, onSelect }) {
  const [sort, setSort] = useState('state');
  const rows = useMemo(() => {
    const text = filter.trim().toLowerCase();
    const shown = nodes.filter((node) => (!failedOnly || node.key === 'failed' || node.key === 'crashed') && (!text || node.label.toLowerCase().includes(text)));
    const by = SORTS[sort.replace('-', '')];
    return sort.startsWith('-') ? shown.sort((a, b) => by(b, a)) : shown.sort(by);
  }, [nodes, filter, failedOnly, sort]);
  const wordsOf = (/** @type {any} */ node) => attemptWords(attempts.get(node.id) ?? [], Date.now());
  const rowHeight = useCallback((/** @type {any} */ node) => (failureOf(node) || attempts.has(node.id) ? 50 : 32), [attempts]);
  const columns = [
    { key: 'state', head: 'State', sort: /** @type {[string, string]} */ (['state', '-state']), cell: (/** @type {any} */ node) => html`<${StateBadge} type=${node.type} name=${node.name} />` },
    {
      key: 'name', head: 'Task', sort: /** @type {[string, string]} */ (['name', '-name']), cell: (/** @type {any} */ node) => html`<${Link} class="name" to=${node.kind === 'flow-run' ? `/runs/flow-run/${node.id}` : `/runs/task-run/${node.id}`}>${node.label}<//>
        ${node.kind === 'flow-run' && html`<span class="sub-mark" title="Subflow"><${Icon} name="subflow" size=${13} /></span>`}
        ${rowHeight(node) > 32 && html`<div class="failure ${failureOf(node) ? '' : 'calm'}" title=${[node.message, wordsOf(node)].filter(Boolean).join('\n')}>${failureOf(node)}${failureOf(node) && wordsOf(node) ? ' · ' : ''}<span class="attempts">${wordsOf(node)}</span></div>`}`,
    },
    { key: 'started', head: 'Started', sort: /** @type {[string, string]} */ (['start', '-start']), cell: (/** @type {any} */ node) => node.start != null && html`<${Time} at=${new Date(node.start).toISOString()} />` },
    { key: 'span', head: 'Duration', sort: /** @type {[string, string]} */ (['duration', '-duration']), cell: (/** @type {any} */ node) => html`<span class="num">${node.start == null ? html`<span class="faint">–</span>` : duration(seconds(node))}</span>` },
    { key: 'tasks', head: 'Attempts', sort: /** @type {[string, string]} */ (['attempts', '-attempts']), cell: (/** @type {any} */ node) => html`<span class="num">${node.attempts}</span>` },
  ];
  return html`<${Table} label="Tasks of this run" rows=${rows} columns=${columns} rowId=${(node) => node.id} rowHeight=${rowHeight}
    rowClass=${(node) => `${node.id === selected ? 'is-selected' : ''} ${rowHeight(node) > 32 ? 'has-failure' : ''}`} sort=${sort} onSort=${setSort} onOpen=${(node) => onSelect(node.id === selected ? null : node.id)} />`;
}

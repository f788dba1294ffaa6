// Panels of facts about one run: JSON, a list of details, the history of its states.

import { html, useEffect } from '../../vendor/preact.js';
import { get } from '../api.js';
import { absolute, clock, duration } from '../format.js';
import { useQuery } from '../store.js';
import { Copy, ErrorBox, Skeleton, StateBadge } from './controls.js';

const TOKENS = /("(?:\\.|[^"\\])*")(\s*:)?|\b(true|false|null)\b|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)/g;

/** @param {{value: unknown}} props */
export function JsonView({ value }) {
  const text = JSON.stringify(value, null, 2) ?? '';
  const parts = [];
  let from = 0;
  for (const found of text.length < 200_000 ? text.matchAll(TOKENS) : []) {
    if (found.index > from) parts.push(text.slice(from, found.index));
    parts.push(html`<span class=${found[1] ? (found[2] ? 'json-key' : 'json-string') : found[3] ? 'json-word' : 'json-number'}>${found[1] ?? found[3] ?? found[4]}</span>${found[2] ?? ''}`);
    from = found.index + found[0].length;
  }
  return html`<div class="json"><pre>${parts}${text.slice(from)}</pre><${Copy} text=${text}>Copy JSON<//></div>`;
}

/** @param {{entries: [string, any][]}} props */
export function Details({ entries }) {
  return html`<div class="panel" tabIndex="0"><dl class="details">${entries.filter(([, value]) => value != null && value !== '' && value !== false)
    .map(([label, value]) => html`<dt key=${label}>${label}</dt><dd key="${label} value">${value}</dd>`)}</dl></div>`;
}

/** @param {{path: string, version: string}} props */
export function StateHistory({ path, version }) {
  const states = useQuery(`states ${path}`, (signal) => get(path, { signal }));
  useEffect(() => { if (states.data) states.reload(); }, [version]);
  if (states.error) return html`<${ErrorBox} error=${states.error} retry=${states.reload} />`;
  if (!states.data) return html`<${Skeleton} rows=${4} />`;
  const ordered = [...states.data].sort((a, b) => Date.parse(a.timestamp) - Date.parse(b.timestamp));
  return html`<div class="panel" tabIndex="0"><ol class="states">${ordered.map((state, i) => {
    const next = ordered[i + 1];
    const lasted = next ? duration((Date.parse(next.timestamp) - Date.parse(state.timestamp)) / 1000) : '';
    return html`<li key=${state.id}><time class="when" datetime=${state.timestamp} title=${absolute(state.timestamp)}>${clock(state.timestamp)}</time>
      <div><${StateBadge} type=${state.type} name=${state.name} />${lasted && html`<span class="lasted num">${lasted}</span>`}</div>
      ${state.message && html`<div class="message">${state.message}</div>`}</li>`;
  })}</ol></div>`;
}

// Ctrl/Cmd-K: go to a page or a run by name or id, or do what the page can do.  And the list of keys.

import { html, useEffect, useMemo, useRef, useState } from '../../vendor/preact.js';
import { get, post } from '../api.js';
import { isUuid } from '../format.js';
import { currentActions, navigate } from '../store.js';
import { openDialog } from './actions.js';
import { Icon, StateBadge } from './controls.js';

/** @typedef {{id: string, group: string, label: any, text: string, keys?: string, icon?: any, run: () => void}} Item */

let open = false;

/** @param {string} [initial]  what was typed already */
export async function showPalette(initial = '') {
  if (open) return;
  open = true;
  const chosen = await openDialog((close) => html`<${Palette} close=${close} initial=${initial} />`, 'Search and actions', 'palette');
  open = false;
  chosen?.run();
}

/** @param {{close: (item?: Item) => void, initial: string}} props */
function Palette({ close, initial }) {
  const [text, setText] = useState(initial);
  const [found, setFound] = useState(/** @type {Item[]} */ ([]));
  const [at, setAt] = useState(0);
  const list = useRef(/** @type {HTMLElement | null} */ (null));
  const actions = useMemo(() => /** @type {Item[]} */ ( currentActions().filter((action) => action.label).map((action) => ({
    id: `${action.key} ${action.label}`, group: action.group ?? 'Actions', label: action.label, text: action.label, keys: action.hidden ? undefined : action.key, run: () => action.run(),
  }))), []);

  useEffect(() => {
    const query = text.trim();
    if (query.length < 2) { setFound([]); return; }
    const abort = new AbortController();
    const timer = setTimeout(() => { lookUp(query, abort.signal).then(setFound, () => {}); }, 120);
    return () => { clearTimeout(timer); abort.abort(); };
  }, [text]);

  const needle = text.trim().toLowerCase();
  const items = [...found, ...actions.filter((item) => !needle || item.text.toLowerCase().includes(needle))].slice(0, 60);
  const current = Math.min(at, items.length - 1);
  useEffect(() => { list.current?.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest' }); }, [current]);
  /** @param {KeyboardEvent} event */
  const onKeyDown = (event) => {
    if (event.key === 'ArrowDown') setAt((current + 1) % items.length);
    else if (event.key === 'ArrowUp') setAt((current + items.length - 1) % items.length);
    else if (event.key === 'Enter') { if (items[current]) close(items[current]); } else return;
    event.preventDefault();
  };
  let group = '';
  return html`<div onKeyDown=${onKeyDown}>
    <input autofocus role="combobox" aria-expanded="true" aria-controls="palette-list" aria-activedescendant=${items[current] ? `palette-${current}` : undefined} aria-label="Find a run, flow or deployment by name or id, or an action"
      placeholder="Run, flow or deployment by name or id, page, action…" value=${text} autocomplete="off" spellcheck=${false} onInput=${(e) => { setText(e.target.value); setAt(0); }} />
    <div class="palette-list" id="palette-list" role="listbox" aria-label="Results" ref=${list}>${items.map((item, i) => {
      const head = item.group !== group ? item.group : '';
      group = item.group;
      return html`${head && html`<div class="palette-group" role="presentation" key="group ${head}">${head}</div>`}
        <div role="option" id="palette-${i}" key=${item.id} class="palette-item" aria-selected=${i === current} onPointerMove=${() => setAt(i)} onClick=${() => close(item)}>${item.icon}<span class="cut">${item.label}</span>
        ${item.keys && html`<em>${item.keys.split(' ').map((key) => html`<kbd key=${key}>${key}</kbd>`)}</em>`}</div>`;
    })}${!items.length && html`<p class="log-empty">Nothing found.</p>`}</div></div>`;
}

/** @param {string} query @param {AbortSignal} signal @returns {Promise<Item[]>} */
async function lookUp(query, signal) {
  if (isUuid(query)) {
    const id = query.trim().toLowerCase();
    const [run, task, flow, deployment] = await Promise.allSettled(['flow_runs', 'task_runs', 'flows', 'deployments'].map((kind) => get(`/${kind}/${id}`, { signal })));
    return [
      ...(run.status === 'fulfilled' ? [runItem(run.value)] : []),
      ...(task.status === 'fulfilled' ? [{ id, group: 'Task runs', label: task.value.name, text: task.value.name, icon: html`<${StateBadge} quiet type=${task.value.state_type} name=${task.value.state_name} />`, run: () => navigate(`/runs/task-run/${id}`) }] : []),
      ...(flow.status === 'fulfilled' ? [flowItem(flow.value)] : []),
      ...(deployment.status === 'fulfilled' ? [deploymentItem(deployment.value)] : []),
    ];
  }
  const [runs, flows, deployments] = await Promise.all([
    post('/flow_runs/filter', { flow_runs: { name: { like_: query } }, sort: 'START_TIME_DESC', limit: 8 }, { signal }),
    post('/flows/filter', { flows: { name: { like_: query } }, sort: 'NAME_ASC', limit: 5 }, { signal }),
    post('/deployments/filter', { deployments: { flow_or_deployment_name: { like_: query } }, sort: 'NAME_ASC', limit: 5 }, { signal }),
  ]);
  return [
    ...runs.map(runItem),
    ...flows.map(flowItem),
    ...deployments.map(deploymentItem),
  ];
}

/** @param {any} run @returns {Item} */
const runItem = (run) => ({
  id: run.id, group: 'Runs', label: run.name, text: run.name, icon: html`<${StateBadge} quiet type=${run.state_type} name=${run.state_name} />`, run: () => navigate(`/runs/flow-run/${run.id}`),
});

/** @param {any} flow @returns {Item} */
const flowItem = (flow) => ({ id: flow.id, group: 'Flows', label: flow.name, text: flow.name, icon: html`<${Icon} name="flows" />`, run: () => navigate(`/flows/flow/${flow.id}`) });

/** @param {any} each @returns {Item} */
const deploymentItem = (each) => ({ id: each.id, group: 'Deployments', label: each.name, text: each.name, icon: html`<${Icon} name="deployments" />`, run: () => navigate(`/deployments/deployment/${each.id}`) });

export function showKeys() {
  /** @type {Map<string, import('../store.js').Action[]>} */
  const groups = new Map();
  for (const action of currentActions()) {
    if (action.hidden || !action.label) continue;
    const name = action.group ?? 'Page';
    groups.set(name, [...(groups.get(name) ?? []), action]);
  }
  groups.set('Everywhere', [{ key: 'Ctrl K', label: 'Search and actions', run: () => {} }]);
  return openDialog((close) => html`<div><h2>Keys</h2><div class="keys">${[...groups].map(([name, actions]) => html`<section key=${name}><h3>${name}</h3>
    ${actions.map((action) => html`<div key=${action.key}><span>${action.label}</span><span>${action.key.split(' ').map((key) => html` <kbd key=${key}>${key}</kbd>`)}</span></div>`)}</section>`)}</div>
    <div class="dialog-foot"><button class="btn primary" onClick=${() => close()}>Close</button></div></div>`, 'Keys', 'wide');
}

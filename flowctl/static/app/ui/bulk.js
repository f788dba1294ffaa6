// What can be done with the chosen runs.

import { html } from '../../vendor/preact.js';
import { post } from '../api.js';
import { count, plural, stateLabel } from '../format.js';
import { askState, confirm, setStates, toast } from './actions.js';
import { Copy, Icon, Link } from './controls.js';
import { deleteRuns } from './deletion.js';
import { PAGE, bodyOf } from './run_filters.js';
import { showWhy } from './why.js';

/** @param {{rows: any[], selected: Set<string>, total: number, setSelected: (ids: Set<string>) => void, filters: import('./run_filters.js').Filters, refresh: () => Promise<void>, setHidden: (change: (old: Set<string>) => Set<string>) => void}} props */
export function BulkBar({ rows, selected, total, setSelected, filters, refresh, setHidden }) {
  const ids = [...selected];
  const after = () => { setSelected(new Set()); return refresh().catch(() => {}); };
  const selectAll = async () => {
    const found = [];
    for (let page = 1; page <= 50; page++) {
      const answer = await post('/flow_runs/paginate', { ...bodyOf(filters, true), sort: filters.sort, limit: PAGE, page });
      found.push(...answer.results.map((/** @type {any} */ run) => run.id));
      if (found.length >= answer.count || !answer.results.length) break;
    }
    setSelected(new Set(found));
  };
  const cancel = async () => {
    if (await confirm({ title: `Cancel ${plural(ids.length, 'run')}?`, yes: 'Cancel runs', danger: true })) await setStates(ids, { type: 'CANCELLING', name: 'Cancelling', message: 'Cancelled from the dashboard.' }, false, 'asked to stop').then(after);
  };
  const retry = async () => {
    const able = rows.filter((run) => selected.has(run.id) && run.deployment_id).map((run) => run.id);
    if (!able.length) toast('Only runs of a deployment can be retried from here.', 'failed');
    else await setStates(able, { type: 'SCHEDULED', name: 'AwaitingRetry', message: 'Retried from the dashboard.', state_details: { scheduled_time: new Date().toISOString() } }, false, 'scheduled again').then(after);
  };
  const set = async () => {
    const answer = await askState(`Set the state of ${plural(ids.length, 'run')}`);
    if (answer) await setStates(ids, answer.state, answer.force, `set to ${answer.state.name ?? stateLabel(answer.state.type)}`).then(after);
  };
  const remove = () => deleteRuns(ids.map((id) => ({ id, name: rows.find((run) => run.id === id)?.name })), {
    hide: () => { setHidden((old) => new Set([...old, ...ids])); setSelected(new Set()); },
    unhide: () => setHidden((old) => new Set([...old].filter((id) => !selected.has(id)))),
    done: () => refresh().catch(() => {}),
  });
  const pair = ids.length === 2 ? ids.map((id) => rows.find((run) => run.id === id)).filter(Boolean).sort((a, b) => Date.parse(a.expected_start_time ?? a.created) - Date.parse(b.expected_start_time ?? b.created)) : [];
  const one = ids.length === 1 && rows.find((run) => run.id === ids[0]);
  return html`<div class="bulk" role="toolbar" aria-label="Selected runs"><b aria-live="polite">${count(ids.length)} selected</b>
    ${ids.length < total && html`<button class="btn ghost" onClick=${selectAll}>Select all ${count(total)} matching</button>`}
    <span class="grow"></span>
    ${one && html`<button class="btn" onClick=${() => showWhy(one, refresh)}>Why<kbd>w</kbd></button>`}
    ${pair.length === 2 && html`<${Link} class="btn" to="/runs/compare?a=${pair[0].id}&b=${pair[1].id}">Compare<//>`}
    <button class="btn" onClick=${cancel}>Cancel</button><button class="btn" onClick=${retry}>Retry</button><button class="btn" onClick=${set}>Set state</button>
    <button class="btn danger" onClick=${remove}>Delete</button><${Copy} text=${ids.join('\n')}>Copy ids<//>
    <button class="btn ghost icon-only" aria-label="Clear selection" title="Clear selection (Esc)" onClick=${() => setSelected(new Set())}><${Icon} name="close" /></button></div>`;
}

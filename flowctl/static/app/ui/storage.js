// Storage in Settings: what takes room in the database file, how it grows, what is deleted by itself, and backups.

import { html, useState } from '../../vendor/preact.js';
import { own } from '../api.js';
import { bytes, count, daysOf, plural } from '../format.js';
import { useQuery } from '../store.js';
import { attempt, confirm, toast } from './actions.js';
import { Copy, ErrorBox, Icon, Skeleton, Time } from './controls.js';

const TABLES = {
  flow_run: 'Flow runs', flow_run_state: 'States of flow runs', flow_run_input: 'Inputs of runs', task_run: 'Task runs', task_run_state: 'States of task runs',
  log: 'Log lines', log_search_data: 'Search index of logs', events: 'Events', event_resources: 'What events are about', artifact: 'Artifacts', deployment: 'Deployments', flow: 'Flows', trash: 'Deleted runs, in the trash',
};
const SHOWN = 6;
const AGES = [30, 90, 180, 365];

export function StorageCard() {
  const storage = useQuery('storage', (signal) => own('GET', '/storage', undefined, { signal }));
  const found = storage.data;
  if (found === null) return null;
  return html`<section class="card" aria-labelledby="h-storage"><div class="card-head"><h2 id="h-storage">Storage</h2>${found && html`<span class="faint num">${bytes(found.size)}</span>`}</div>
    <${ErrorBox} error=${storage.error} retry=${storage.reload} />
    ${found ? html`<${Room} storage=${found} /><${Retention} storage=${found} reload=${storage.reload} /><${Backups} storage=${found} reload=${storage.reload} />` : !storage.error && html`<${Skeleton} rows=${4} />`}</section>`;
}

/** @param {{storage: any}} props */
function Room({ storage }) {
  const [all, setAll] = useState(false);
  const shown = all ? storage.tables : storage.tables.slice(0, SHOWN);
  const largest = Math.max(1, ...storage.tables.map((/** @type {any} */ table) => table.size));
  const days = storage.growth > 0 ? storage.disk_free / storage.growth : Infinity;
  return html`<div class="room"><table class="sizes"><caption class="sr">Size by table</caption>
      <thead><tr><th scope="col"><span class="sr">Table</span></th><th scope="col"><span class="sr">Part</span></th><th scope="col">Size</th><th scope="col">Rows</th></tr></thead>
      <tbody>${shown.map((/** @type {any} */ table) => html`<tr key=${table.name}><th scope="row">${/** @type {any} */ (TABLES)[table.name] ?? table.name}</th>
        <td class="size-bar" aria-hidden="true"><span style=${{ width: `${Math.max(1, (table.size / largest) * 100)}%` }}></span></td>
        <td class="num">${bytes(table.size)}</td><td class="num muted">${count(table.rows)}</td></tr>`)}</tbody></table>
    ${storage.tables.length > SHOWN && html`<button type="button" class="btn ghost small" aria-expanded=${all} onClick=${() => setAll(!all)}>${all ? 'Fewer tables' : plural(storage.tables.length - SHOWN, 'more table')}</button>`}
    <p class="muted">${storage.growth > 0 ? html`Grows by about <b>${bytes(storage.growth)}</b> a day; ` : 'Did not grow in the last week; '}
      ${bytes(storage.disk_free)} are free on the disk${days < 3650 ? html`, enough for <b>${daysOf(days)}</b> at this rate` : ''}.
      ${storage.free > 1e6 && html` ${bytes(storage.free)} inside the file are free and will be used first.`}</p></div>`;
}

/** @param {{storage: any, reload: () => unknown}} props */
function Retention({ storage, reload }) {
  const rules = storage.retention.rules;
  const days = rules?.older_than_seconds == null ? 0 : rules.older_than_seconds / 86400;
  const isSimple = !rules || (rules.keep_last == null && rules.max_size_bytes == null && !rules.states.length);
  const ages = AGES.includes(days) || !days ? AGES : [...AGES, days].sort((a, b) => a - b);
  const choose = async (/** @type {number} */ wanted) => {
    if (wanted && (!days || wanted < days || !isSimple) && !(await confirm({
      title: `Delete runs ${daysOf(wanted)} after their end?`, yes: 'Delete old runs', danger: true,
      text: 'The server begins at once, and goes on doing so. Runs that have not ended stay.',
    }))) return reload();
    const kept = await attempt(async () => {
      await own('PUT', '/retention', wanted ? { older_than_seconds: wanted * 86400 } : {});
      // The next choice is asked about by what is kept now.
      await reload();
      toast(wanted ? `Runs are deleted ${daysOf(wanted)} after their end.` : 'Runs stay until somebody deletes them.');
      return true;
    });
    if (!kept) reload();
  };
  return html`<div class="setting"><div>Retention<small>${isSimple ? 'Which runs are deleted by themselves' : html`Chosen by <code>flowctl db retention</code>: ${inWords(rules)}`}</small></div>
    <div><select aria-label="Retention" value=${isSimple ? days : 'own'} onChange=${(event) => choose(Number(event.currentTarget.value))}>
      ${!isSimple && html`<option value="own" disabled>As chosen</option>`}
      ${ages.map((age) => html`<option key=${age} value=${age}>${daysOf(age)} after their end</option>`)}<option value="0">Never</option></select></div></div>`;
}

/** @param {any} rules */
function inWords(rules) {
  const parts = [];
  if (rules.older_than_seconds != null) parts.push(`older than ${daysOf(rules.older_than_seconds / 86400)}`);
  if (rules.max_size_bytes != null) parts.push(`beyond ${bytes(rules.max_size_bytes)}`);
  if (rules.states.length) parts.push(`only ${rules.states.join(', ')}`);
  if (rules.keep_last != null) parts.push(`never the last ${count(rules.keep_last)} of a flow`);
  return parts.join('; ');
}

/** @param {{storage: any, reload: () => void}} props */
function Backups({ storage, reload }) {
  const [busy, setBusy] = useState(false);
  const backUp = async () => {
    setBusy(true);
    await attempt(async () => {
      const made = await own('POST', '/backups');
      toast(`Backed up and checked: ${bytes(made.size)}.`);
    });
    setBusy(false);
    reload();
  };
  const [newest] = storage.backups;
  return html`<div class="setting"><div>Backups<small>${newest ? html`${plural(storage.backups.length, 'copy', 'copies')} in the folder <code>backups</code> beside the database; the newest, <${Time} at=${newest.created} />` : 'A checked copy, made while runs go on, in a folder beside the database'}</small></div>
      <div><button type="button" class="btn" disabled=${busy} aria-busy=${busy} onClick=${backUp}><${Icon} name="download" />${busy ? 'Copying…' : 'Back up now'}</button></div></div>
    ${storage.backups.length > 0 && html`<ul class="backups" tabIndex="0" aria-label="Backups">${storage.backups.map((/** @type {any} */ made) => html`<li key=${made.path}><code><${Copy} text=${made.path}>${made.path.split('/').pop()}<//></code><span class="num muted">${bytes(made.size)}</span><${Time} at=${made.created} /></li>`)}</ul>`}`;
}

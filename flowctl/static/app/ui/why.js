// Why a run is where it is: the error and its frame in the user's code, or what it waits for.

import { html, useState } from '../../vendor/preact.js';
import { post } from '../api.js';
import { ago, duration, elapsed, errorLine, parseTraceback, plural } from '../format.js';
import { place, useQuery } from '../store.js';
import { loadedLog } from './logview.js';

/** @param {{run: any, failed: import('./gantt_layout.js').Node[], tasks?: Map<string, any>, onTask: (id: string) => void, resume?: () => void, force?: () => void}} props */
export function Why({ run, failed, tasks, onTask, resume, force }) {
  const type = run.state_type;
  if (type === 'FAILED' || type === 'CRASHED') return html`<${Failure} run=${run} failed=${failed} tasks=${tasks} onTask=${onTask} />`;
  if (type === 'PAUSED') {
    const asks = run.state?.state_details?.run_input_keyset;
    const timeout = run.state?.state_details?.pause_timeout;
    return html`<section class="why calm s-paused" aria-label="Why it waits"><div class="why-head"><h2>${asks ? 'Waiting for input' : run.state_name === 'Suspended' ? 'Suspended' : 'Paused'}</h2>
      <span class="muted">${timeout ? `Fails ${ago(Date.parse(timeout), Date.now())} if nobody resumes it.` : ''}</span><button class="btn small primary" onClick=${resume}>${asks ? 'Answer and resume' : 'Resume'}</button></div></section>`;
  }
  if (type === 'SCHEDULED') {
    const late = run.state_name === 'Late' || Date.now() - Date.parse(run.expected_start_time) > 15_000;
    const by = duration(elapsed(run.expected_start_time, null, Date.now()));
    if (run.state_name === 'AwaitingRetry') return html`<section class="why calm s-retry"><div class="why-head"><h2>Waiting to be tried again</h2><span class="muted">${errorLine(run.state?.message)}</span></div></section>`;
    if (!late) return null;
    return html`<section class="why calm s-late" aria-label="Why it is late"><div class="why-head"><h2>Late by ${by}</h2><span class="muted">${run.work_pool_name
      ? html`Nobody has taken it from the work pool <b>${run.work_pool_name}</b>. Is a worker running? <code>prefect worker start --pool "${run.work_pool_name}"</code>`
      : run.deployment_id ? 'It has no work pool: the process that serves its deployment starts it. Is it running?' : 'It has no deployment, so nobody starts it.'}</span></div></section>`;
  }
  if (type === 'CANCELLED' && run.state?.message) return html`<section class="why calm s-cancelled" aria-label="Why it was cancelled"><div class="why-head"><h2>Cancelled</h2><span class="muted">${run.state.message}</span></div></section>`;
  if (type === 'CANCELLING') {
    const waited = (Date.now() - Date.parse(run.state?.timestamp)) / 1000;
    return html`<section class="why calm s-cancelling" aria-label="Cancelling"><div class="why-head"><h2>Cancelling</h2><span class="muted">${waited > 30 ? `Nobody has stopped it for ${duration(waited)}. A script without a worker does not hear the request.` : 'Whoever executes the run is asked to stop it.'}</span>
      ${waited > 30 && html`<button class="btn small danger" onClick=${force}>Force cancel</button>`}</div></section>`;
  }
  return null;
}

/** @param {{run: any, failed: import('./gantt_layout.js').Node[], tasks?: Map<string, any>, onTask: (id: string) => void}} props */
function Failure({ run, failed, tasks, onTask }) {
  const [open, setOpen] = useState(false);
  const crashed = run.state_type === 'CRASHED';
  // The log on screen has the errors, unless it is long or not shown: then the newest errors are asked for.
  const log = loadedLog.value;
  const shown = log.key === JSON.stringify({ flow_run_id: { any_: [run.id] } });
  const ask = shown ? !log.done : Boolean(place.value.query.get('tab'));
  const errors = useQuery(ask ? `errors ${run.id} ${run.state_id}` : null, (signal) => post('/logs/filter', { logs: { flow_run_id: { any_: [run.id] }, level: { ge_: 40 } }, sort: 'TIMESTAMP_DESC', limit: 50 }, { signal }));
  const messages = errors.data ? errors.data.map((/** @type {any} */ each) => each.message) : shown ? log.lines.filter((line) => line.level >= 40).map((line) => line.text).reverse() : [];
  const traced = messages.map((/** @type {string} */ text) => ({ text, traceback: parseTraceback(text) })).find((/** @type {any} */ found) => found.traceback);
  const traceback = traced?.traceback;
  const first = failed.find((node) => node.kind === 'task-run') ?? failed[0];
  const task = first && tasks?.get(first.id);
  const message = (traceback?.message || errorLine(run.state?.message) || errorLine(task?.state?.message) || 'No message was recorded.').trim();
  const frame = [...(traceback?.frames ?? [])].reverse().find((each) => each.own) ?? traceback?.frames.at(-1);
  const retries = task?.empirical_policy?.retries;
  return html`<section class="why ${crashed ? 's-crashed' : 's-failed'}" aria-label="Why it failed">
    <div class="why-head"><h2>${crashed ? 'Why it crashed' : 'Why it failed'}</h2>
      ${first && html`<span class="muted">task <button type="button" class="link" onClick=${() => onTask(first.id)}>${first.label}</button>${task?.run_count > 1 || retries ? ` (attempt ${task.run_count}${retries ? ` of ${retries + 1}` : ''})` : ''}${failed.length > 1 ? `, and ${plural(failed.length - 1, 'more')}`.replace('mores', 'more') : ''}</span>`}
      ${traceback && html`<button type="button" class="btn small" aria-expanded=${open} onClick=${() => setOpen(!open)}>${open ? 'Hide traceback' : 'Show traceback'}</button>`}</div>
    <div class="why-message">${message}</div>
    ${frame && html`<div class="why-frame">${frame.file}:${frame.line} in ${frame.where}${frame.code && html`${'\n    '}<b>${frame.code}</b>`}</div>`}
    ${failed.length > 1 && html`<ul class="why-tasks">${failed.slice(0, 4).map((node) => html`<li key=${node.id}><button type="button" class="link" onClick=${() => onTask(node.id)}>${node.label}</button><span class="failure">${errorLine(tasks?.get(node.id)?.state?.message)}</span></li>`)}</ul>`}
    ${open && html`<pre tabIndex="0">${traced?.text}</pre>`}</section>`;
}

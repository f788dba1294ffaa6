// Why a run is where it is: the error and its frame in the user's code, or the chain of what it waits for, with what helps.

import { html, useEffect, useRef, useState } from '../../vendor/preact.js';
import { own, post } from '../api.js';
import { ago, duration, elapsed, errorLine, parseTraceback, plural } from '../format.js';
import { place, useQuery } from '../store.js';
import { ErrorBox, Icon, Lazy, Link, Skeleton, StateBadge, Time } from './controls.js';
import { loadedLog } from './logview.js';

const fixes = () => import('./fixes.js');

const KEPT_MS = 10_000;

/** Causes that the head of a failed run tells already, with the line of code. */
const TOLD_ABOVE = new Set(['flow_failed', 'task_failed', 'task_timeout', 'crashed', 'timeout']);

/**
 * flowctl's explanation of a run; null on a Prefect server.
 * @param {any} run
 * @returns {import('../store.js').Query<any>}
 */
function useExplanation(run) {
  const told = useQuery(`why ${run.id} ${run.state_id}`, (signal) => own('GET', `/runs/${run.id}/why`, undefined, { signal }));
  // The run is fetched again with every change of a task: the answer is kept for some seconds.
  const at = useRef(Date.now());
  useEffect(() => {
    if (!told.data || Date.now() - at.current < KEPT_MS) return;
    at.current = Date.now();
    told.reload();
  }, [run]);
  return told;
}

/**
 * @param {{run: any, failed: import('./gantt_layout.js').Node[], tasks?: Map<string, any>, onTask: (id: string) => void, refresh: () => Promise<void>}} props
 */
export function Why({ run, failed, tasks, onTask, refresh }) {
  const told = useExplanation(run);
  if (run.state_type === 'FAILED' || run.state_type === 'CRASHED') {
    return html`<${Failure} run=${run} failed=${failed} tasks=${tasks} onTask=${onTask} told=${told.data} refresh=${refresh} />`;
  }
  const { title, hint, look } = headOf(run);
  const calm = run.state_type === 'RUNNING' || (run.state_type === 'CANCELLED' && !run.state?.message);
  if (calm && !told.data?.causes.length) return null;
  if (!told.data && !hint) return null;
  return html`<section class="why calm s-${look}" aria-label=${title}>
    <div class="why-head"><h2>${title}</h2><span class="muted">${told.data ? `It ${told.data.summary}.` : hint}</span></div>
    ${told.data ? html`<${Chain} told=${told.data} run=${run} refresh=${refresh} />` : told.loading ? null : html`<${Plain} run=${run} refresh=${refresh} />`}</section>`;
}

/** What can be said of a waiting run from itself alone. @param {any} run @returns {{title: string, hint: string, look: string}} */
function headOf(run) {
  const waited = (Date.now() - Date.parse(run.state?.timestamp ?? run.updated)) / 1000;
  switch (run.state_type) {
    case 'PAUSED': {
      const timeout = run.state?.state_details?.pause_timeout;
      const asks = run.state?.state_details?.run_input_keyset;
      return { title: asks ? 'Waiting for input' : run.state_name === 'Suspended' ? 'Suspended' : 'Paused', hint: timeout ? `Fails ${ago(Date.parse(timeout), Date.now())} if nobody resumes it.` : 'Until somebody resumes it.', look: 'paused' };
    }
    case 'SCHEDULED': {
      if (run.state_name === 'AwaitingRetry') return { title: 'Waiting to be tried again', hint: errorLine(run.state?.message), look: 'retry' };
      const due = run.next_scheduled_start_time ?? run.expected_start_time;
      const late = run.state_name === 'Late' || Date.now() - Date.parse(due) > 15_000;
      if (!late) return { title: 'Not yet due', hint: '', look: 'scheduled' };
      return {
        title: `Late by ${duration(elapsed(due, null, Date.now()))}`, look: 'late', hint: run.work_pool_name ? `Nobody has taken it from the work pool ${run.work_pool_name}. Is a worker running?`
          : run.deployment_id ? 'It has no work pool: the process that serves its deployment starts it. Is it running?' : 'It has no deployment, so nobody starts it.',
      };
    }
    case 'CANCELLING':
      return { title: 'Cancelling', look: 'cancelling', hint: waited > 30 ? `Nobody has stopped it for ${duration(waited)}. A script without a worker does not hear the request.` : 'Whoever executes the run is asked to stop it.' };
    case 'CANCELLED':
      return { title: 'Cancelled', hint: run.state?.message ?? '', look: 'cancelled' };
    case 'PENDING':
      return { title: 'Pending', hint: waited > 60 ? `It was taken ${duration(waited)} ago, and its process has not reported since.` : '', look: 'pending' };
    default:
      return { title: run.state_name ?? 'Running', hint: '', look: 'running' };
  }
}

/** On a Prefect server: what helps, as far as the state alone says. @param {{run: any, refresh: () => Promise<void>}} props */
function Plain({ run, refresh }) {
  const known = run.state_type === 'PAUSED' ? [{ command: `flowctl runs resume ${run.id}`, effect: 'let it go on' }]
    : run.state_type === 'CANCELLING' ? [{ command: `flowctl runs set-state ${run.id} cancelled --force`, effect: 'end it without its process' }]
    : run.state_type === 'SCHEDULED' && run.work_pool_name ? [{ command: `prefect worker start --pool "${run.work_pool_name}"`, effect: 'start a worker' }] : [];
  return known.length > 0 && html`<${Lazy} from=${fixes} name="Fixes" quiet causes=${[{ fixes: known }]} run=${run} refresh=${refresh} />`;
}

/**
 * The causes, the nearest first, those of other runs below their names; what is in order; what helps.
 * @param {{told: any, run: any, refresh: () => Promise<void>, skip?: Set<string>}} props
 */
function Chain({ told, run, refresh, skip = new Set() }) {
  const [open, setOpen] = useState(false);
  const causes = told.causes.filter((/** @type {any} */ cause) => !(skip.has(cause.code) && cause.flow_run_id === told.flow_run_id));
  // The log is on this page already.
  const helps = told.causes.some((/** @type {any} */ cause) => cause.fixes.some((/** @type {any} */ fix) => !fix.command.startsWith('flowctl runs logs ')));
  const proven = causes.some((/** @type {any} */ cause) => evidenceOf(cause).length);
  let about = told.flow_run_id;
  return html`${causes.length > 0 && html`<ol class="why-chain">${causes.map((/** @type {any} */ cause, /** @type {number} */ i) => {
      const other = cause.flow_run_id !== about;
      about = cause.flow_run_id;
      const deep = about !== told.flow_run_id;
      const bad = cause.blocks || told.verdict === 'ended';
      return html`${other && html`<li class="why-other" key="run ${i}">↳ <${Link} to="/runs/flow-run/${about}">${cause.flow_run_name}<//></li>`}
        <li key=${i} class="why-cause ${deep ? 'is-deep' : ''}"><${Icon} name=${bad ? 'failed' : 'late'} class=${bad ? 's-failed' : 's-late'} size=${14} /><b>${cause.subject}</b><span>${cause.summary}${!bad && html`<span class="sr"> (goes away by itself)</span>`}
          ${open && evidenceOf(cause).length > 0 && html`<dl class="why-evidence">${evidenceOf(cause).map(([name, value]) => html`<dt key=${name}>${name.replaceAll('_', ' ')}</dt><dd key="${name} value"><${Evidence} name=${name} value=${value} /></dd>`)}</dl>`}</span></li>`;
    })}</ol>`}
    ${told.checks.length > 0 && html`<p class="why-checks">${told.checks.map((/** @type {any} */ check) => html`<span key=${check.subject}><${Icon} name="completed" class="s-completed" size=${12} /><b>${check.subject}</b> ${check.summary}</span>`)}</p>`}
    ${proven && html`<button type="button" class="btn small ghost why-proof" aria-expanded=${open} onClick=${() => setOpen(!open)}>${open ? 'Hide evidence' : 'Evidence'}</button>`}
    ${helps && html`<${Lazy} from=${fixes} name="Fixes" quiet causes=${told.causes} run=${run} refresh=${refresh} />`}`;
}

/** @param {any} cause @returns {[string, any][]} */
const evidenceOf = (cause) => Object.entries(cause.evidence).filter(([name, value]) => name !== 'traceback' && value != null && value !== '');

/** @param {{name: string, value: any}} props */
function Evidence({ name, value }) {
  if (typeof value === 'string') {
    if (/^\d{4}-\d\d-\d\dT/.test(value)) return html`<${Time} at=${value} />`;
    if (name === 'task_run_id') return html`<${Link} to="/runs/task-run/${value}">${value.slice(0, 8)}<//>`;
    if (name === 'flow_run_id') return html`<${Link} to="/runs/flow-run/${value}">${value.slice(0, 8)}<//>`;
    if (name === 'deployment_id') return html`<${Link} to="/deployments/deployment/${value}">${value.slice(0, 8)}<//>`;
    return value;
  }
  return html`<code>${JSON.stringify(value)}</code>`;
}

/** @param {{run: any, failed: import('./gantt_layout.js').Node[], tasks?: Map<string, any>, onTask: (id: string) => void, told: any, refresh: () => Promise<void>}} props */
function Failure({ run, failed, tasks, onTask, told, refresh }) {
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
  const message = (traceback?.message || errorLine(run.state?.message) || errorLine(task?.state?.message) || told?.reason || 'No message was recorded.').trim();
  const frame = [...(traceback?.frames ?? [])].reverse().find((each) => each.own) ?? traceback?.frames.at(-1);
  const retries = task?.empirical_policy?.retries;
  return html`<section class="why ${crashed ? 's-crashed' : 's-failed'}" aria-label="Why it failed">
    <div class="why-head"><h2>${crashed ? 'Why it crashed' : 'Why it failed'}</h2>
      ${first && html`<span class="muted">task <button type="button" class="link" onClick=${() => onTask(first.id)}>${first.label}</button>${task?.run_count > 1 || retries ? ` (attempt ${task.run_count}${retries ? ` of ${retries + 1}` : ''})` : ''}${failed.length > 1 ? `, and ${plural(failed.length - 1, 'more')}`.replace('mores', 'more') : ''}</span>`}
      ${traceback && html`<button type="button" class="btn small" aria-expanded=${open} onClick=${() => setOpen(!open)}>${open ? 'Hide traceback' : 'Show traceback'}</button>`}</div>
    <div class="why-message">${message}</div>
    ${frame && html`<div class="why-frame">${frame.file}:${frame.line} in ${frame.where}${frame.code && html`${'\n    '}<b>${frame.code}</b>`}</div>`}
    ${failed.length > 1 && html`<ul class="why-tasks">${failed.slice(0, 4).map((node) => html`<li key=${node.id}><button type="button" class="link" onClick=${() => onTask(node.id)}>${node.label}</button><span class="failure">${errorLine(tasks?.get(node.id)?.state?.message)}</span></li>`)}</ul>`}
    ${open && html`<pre tabIndex="0">${traced?.text}</pre>`}
    ${told && html`<${Chain} told=${told} run=${run} refresh=${refresh} skip=${TOLD_ABOVE} />`}</section>`;
}

// --- from a list -----------------------------------------------------------------------------------------------------

/** The same over a list, without leaving it. @param {any} run @param {() => Promise<void>} refresh */
export async function showWhy(run, refresh) {
  const { openDialog } = await import('./actions.js');
  return openDialog((close) => html`<${WhyDialog} run=${run} refresh=${refresh} close=${close} />`, `Why: ${run.name}`, 'wide why-dialog');
}

/** @param {{run: any, refresh: () => Promise<void>, close: () => void}} props */
function WhyDialog({ run, refresh, close }) {
  const told = useExplanation(run);
  const { hint } = headOf(run);
  return html`<div><h2 class="crumbs"><${StateBadge} quiet type=${run.state_type} name=${run.state_name} />${run.name}</h2>
    <p class="muted">${told.data ? `It ${told.data.summary}.` : told.loading ? '' : hint || run.state?.message}</p>
    <${ErrorBox} error=${told.error} retry=${told.reload} />
    ${told.data ? html`<${Chain} told=${told.data} run=${run} refresh=${async () => { close(); await refresh(); }} />` : told.loading ? html`<${Skeleton} rows=${3} />` : html`<${Plain} run=${run} refresh=${refresh} />`}
    <div class="dialog-foot"><${Link} class="btn" to="/runs/flow-run/${run.id}" onClick=${() => close()}>Open the run<//><button type="button" class="btn primary" onClick=${() => close()}>Close</button></div></div>`;
}

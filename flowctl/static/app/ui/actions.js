// What can be done with runs: state changes, retry, cancel, resume, delete; toasts with undo; confirmation dialogs.

import { html, render, signal, useLayoutEffect, useRef, useState } from '../../vendor/preact.js';
import { call, post } from '../api.js';
import { STATE_TYPES, plural, stateLabel } from '../format.js';
import { moreStyles, nameOf, namesVersion } from '../store.js';
import { Command, Icon, Link } from './controls.js';

const styled = moreStyles().catch(() => {});

/** @typedef {{id: number, text: string, kind: 'done' | 'failed' | 'info', undo?: () => void, seconds?: number, link?: [string, string]}} Toast */

const toasts = signal(/** @type {Toast[]} */ ([]));
let serial = 0;

/** @param {string} id */
function host(id) {
  let element = document.getElementById(id);
  if (!element) {
    element = document.createElement('div');
    element.id = id;
    document.body.append(element);
  }
  return element;
}

function Toasts() {
  return html`<div class="toasts" role="status" aria-live="polite">${toasts.value.map((toast) => html`<div class="toast ${toast.kind}" key=${toast.id}>
    <${Icon} name=${toast.kind === 'failed' ? 'failed' : toast.kind === 'done' ? 'completed' : 'running'} class=${toast.kind === 'failed' ? 's-failed' : toast.kind === 'done' ? 's-completed' : 's-running'} />
    <span>${toast.text}</span>
    ${toast.undo && html`<button class="btn small" onClick=${() => { toast.undo?.(); dismiss(toast.id); }}>Undo${toast.seconds != null && html` <span class="num">${toast.seconds}</span>`}</button>`}
    ${toast.link && html`<${Link} class="btn small" to=${toast.link[0]} onClick=${() => dismiss(toast.id)}>${toast.link[1]}<//>`}
    <button class="btn ghost icon-only" aria-label="Dismiss" onClick=${() => dismiss(toast.id)}><${Icon} name="close" /></button></div>`)}</div>`;
}

/** @param {number} id */
const dismiss = (id) => { toasts.value = toasts.value.filter((toast) => toast.id !== id); };

/** @param {string} text @param {Toast['kind']} [kind] @param {[string, string]} [link]  path and word of a way on */
export function toast(text, kind = 'done', link) {
  const id = ++serial;
  show({ id, text, kind, link });
  setTimeout(() => dismiss(id), kind === 'failed' || link ? 9000 : 4000);
}

/** Say what was done, for as long as it can be taken back from here. @param {string} text @param {() => void} undo */
export function toastWithUndo(text, undo) {
  const id = ++serial;
  show({ id, text, kind: 'done', undo });
  setTimeout(() => dismiss(id), 12_000);
}

/** @param {Toast} entry */
function show(entry) {
  toasts.value = [...toasts.value.slice(-3), entry];
  styled.then(() => render(html`<${Toasts} />`, host('toasts')));
}

/** @type {Map<number, () => void>} */
const undoable = new Map();
window.addEventListener('pagehide', () => { for (const send of undoable.values()) send(); });

/**
 * Say that something is done, and do it five seconds later unless it is undone.  Leaving the page does it at once.
 * @param {string} text
 * @param {() => Promise<void>} send
 * @param {() => void} undo
 */
export function withUndo(text, send, undo) {
  const id = ++serial;
  let seconds = 5;
  const finish = () => {
    clearInterval(timer);
    undoable.delete(id);
    dismiss(id);
  };
  const now = () => {
    finish();
    send().catch((error) => { undo(); toast(`Not deleted: ${error.message}`, 'failed'); });
  };
  const timer = setInterval(() => {
    seconds -= 1;
    if (seconds <= 0) now();
    else toasts.value = toasts.value.map((entry) => (entry.id === id ? { ...entry, seconds } : entry));
  }, 1000);
  undoable.set(id, now);
  show({ id, text, kind: 'info', seconds, undo: () => { finish(); undo(); } });
}

// --- dialogs ---------------------------------------------------------------------------------------------------------

/**
 * A modal dialog; resolves with what `close` was given, or undefined.  The focus returns to where it was.
 * @template T
 * @param {(close: (value?: T) => void) => any} content
 * @param {string} label
 * @param {string} [className]
 * @returns {Promise<T | undefined>}
 */
export async function openDialog(content, label, className = '') {
  await styled;
  const root = document.createElement('div');
  const before = /** @type {HTMLElement | null} */ (document.activeElement);
  document.body.append(root);
  return new Promise((resolve) => {
    const close = (/** @type {T | undefined} */ value) => {
      render(null, root);
      root.remove();
      before?.focus?.();
      resolve(value);
    };
    render(html`<${Dialog} label=${label} class=${className} onClose=${() => close(undefined)}>${content(close)}<//>`, root);
  });
}

/** @param {{label: string, class: string, onClose: () => void, children: any}} props */
function Dialog({ label, class: className, onClose, children }) {
  const ref = useRef(/** @type {HTMLDialogElement | null} */ (null));
  useLayoutEffect(() => {
    ref.current?.showModal();
    /** @type {HTMLElement | null | undefined} */ (ref.current?.querySelector('[autofocus], input, select, textarea, .primary, .danger'))?.focus();
  }, []);
  return html`<dialog ref=${ref} class=${className} aria-label=${label} onCancel=${(e) => { e.preventDefault(); onClose(); }}
    onPointerDown=${(e) => { if (e.target === ref.current) onClose(); }}>${children}</dialog>`;
}

/** @param {{title: string, text?: any, yes: string, danger?: boolean}} question @returns {Promise<boolean>} */
export async function confirm({ title, text, yes, danger = false }) {
  return Boolean(await openDialog((/** @type {(value?: boolean) => void} */ close) => html`<form method="dialog" onSubmit=${(e) => { e.preventDefault(); close(true); }}>
    <h2>${title}</h2>${text && html`<div class="dialog-text">${text}</div>`}
    <div class="dialog-foot"><button type="button" class="btn" onClick=${() => close()}>Keep</button>
    <button class="btn ${danger ? 'danger solid' : 'primary'}" autofocus>${yes}</button></div></form>`, title));
}

// --- flow runs -------------------------------------------------------------------------------------------------------

/** What set_state and resume answer, as a sentence. @param {any} result @param {string} name @param {string} wanted */
function report(result, name, wanted) {
  const reason = result.details?.reason;
  const state = result.state?.name;
  if (result.status === 'ACCEPT') toast(`${name} is now ${state}.`);
  else if (result.status === 'REJECT' && state && result.state.type !== wanted && !reason) toast(`${name} is now ${state}.`);
  else if (result.status === 'REJECT' && result.state?.type === 'CANCELLED' && wanted === 'CANCELLING') toast(`${name} is cancelled; nothing was running.`);
  else toast(`${name}: ${reason ?? `the server answered ${result.status}`}`, 'failed');
  return result.status === 'ACCEPT' || result.status === 'REJECT';
}

/** @param {() => Promise<any>} work */
export async function attempt(work) {
  try { return await work(); } catch (error) {
    toast(/** @type {any} */ (error).message, 'failed');
    return false;
  }
}

/** @param {any} run @param {any} state @param {boolean} [force] @param {'flow_runs' | 'task_runs'} [kind] */
export const setState = (run, state, force = false, kind = 'flow_runs') =>
  attempt(async () => report(await post(`/${kind}/${run.id}/set_state`, { state, force }), run.name, state.type));

/** Ask a run to stop. A paused one is cancelled at once: from a pause there is no way to Cancelling. @param {any} run */
export async function cancelRun(run) {
  const isPaused = run.state_type === 'PAUSED';
  const sure = await confirm({
    title: `Cancel ${run.name}?`, yes: 'Cancel the run', danger: true,
    text: isPaused ? 'The run is cancelled at once. A process that waits in its pause goes on waiting for no longer than the pause lasts.'
      : 'The run is asked to stop. Whoever executes it ends its process; a run that has not started is cancelled at once.',
  });
  const [type, name] = isPaused ? ['CANCELLED', 'Cancelled'] : ['CANCELLING', 'Cancelling'];
  return sure && setState(run, { type, name, message: 'Cancelled from the dashboard.' });
}

/** @param {any} run */
export async function forceCancel(run) {
  const sure = await confirm({
    title: `Mark ${run.name} as cancelled?`, yes: 'Mark as cancelled', danger: true,
    text: 'The run did not stop by itself. This changes only its state; a process that is still alive keeps running.',
  });
  return sure && setState(run, { type: 'CANCELLED', message: 'Cancelled by force from the dashboard.' }, true);
}

/** How a run is run again that only its script can start. @param {{run: any, onClose: () => void}} props */
function FromScript({ run, onClose }) {
  namesVersion.value;  // the name may still be on its way
  const flow = nameOf(run.flow_id);
  return html`<div><h2>${run.name} cannot be retried from here</h2>
    <div class="dialog-text"><p>It was started by a script, not from a deployment, so the server does not know how to start it. Run the script again:</p>
    <${Command} lines=${`python <file with the flow ${flow ?? ''}>.py`} />
    <p>To retry with one key in the future, serve the flow: <code>${flow ?? 'my_flow'}.serve(name="${flow ?? 'my-flow'}")</code></p></div>
    <div class="dialog-foot"><button class="btn primary" onClick=${onClose}>Close</button></div></div>`;
}

/** @param {any} run */
export async function retryRun(run) {
  if (!run.deployment_id) {
    await openDialog((close) => html`<${FromScript} run=${run} onClose=${() => close()} />`, 'Retry');
    return false;
  }
  return setState(run, { type: 'SCHEDULED', name: 'AwaitingRetry', message: 'Retried from the dashboard.', state_details: { scheduled_time: new Date().toISOString() } });
}

/** Make a waiting run due at once. @param {any} run @param {string} [name]  of the state */
export const startNow = (run, name = 'Scheduled') =>
  setState(run, { type: 'SCHEDULED', name, message: 'Due now, from the dashboard.', state_details: { scheduled_time: new Date().toISOString() } }, !run.start_time);

const PAUSES = [[3600, '1 hour'], [6 * 3600, '6 hours'], [86400, '1 day'], [7 * 86400, '1 week']];

/** Hold a running run: in place, or without its process, which only a deployment can start again. @param {any} run */
export async function pauseRun(run) {
  const able = Boolean(run.deployment_id && !run.parent_task_run_id);
  const chosen = await openDialog((/** @type {(value?: {suspend: boolean, seconds: number}) => void} */ close) => html`<form onSubmit=${(/** @type {SubmitEvent} */ e) => {
    e.preventDefault();
    const form = new FormData(/** @type {HTMLFormElement} */ (e.currentTarget));
    close({ suspend: form.get('how') === 'suspend', seconds: Number(form.get('seconds')) });
  }}><h2>Pause ${run.name}?</h2>
    <fieldset class="field"><legend>How</legend>
      <label class="check"><input type="radio" name="how" value="pause" checked=${!able} /><span><b>Pause</b>: the same process is to go on.</span></label>
      <label class="check"><input type="radio" name="how" value="suspend" checked=${able} disabled=${!able} /><span><b>Suspend</b>: resuming starts a new process.${able ? '' : run.parent_task_run_id ? ' A subflow cannot be suspended.' : ' Only a run of a deployment can be suspended.'}</span></label></fieldset>
    <label class="field"><span>Fails if nobody resumes it within</span><select name="seconds">${PAUSES.map(([seconds, words], i) => html`<option key=${seconds} value=${seconds} selected=${i === 2}>${words}</option>`)}</select></label>
    <p class="muted">The state changes at once, but Prefect’s engine does not look at it between tasks: code that runs goes on, and may end the run as usual. To be held for sure, a flow calls <code>pause_flow_run()</code> itself; to stop one, cancel it.</p>
    <div class="dialog-foot"><button type="button" class="btn" onClick=${() => close()}>Keep</button><button class="btn primary">Pause</button></div></form>`, `Pause ${run.name}`);
  if (!chosen) return false;
  const until = new Date(Date.now() + chosen.seconds * 1000).toISOString();
  return setState(run, { type: 'PAUSED', name: chosen.suspend ? 'Suspended' : 'Paused', message: 'Paused from the dashboard.', state_details: { pause_timeout: until, pause_reschedule: chosen.suspend } });
}

/**
 * @param {string} title
 * @returns {Promise<{state: any, force: boolean} | undefined>}
 */
export const askState = (title) => openDialog((close) => html`<${StateForm} title=${title} close=${close} />`, title);

/** @param {{title: string, close: (value?: any) => void}} props */
function StateForm({ title, close }) {
  const [type, setType] = useState('COMPLETED');
  /** @param {SubmitEvent} event */
  const submit = (event) => {
    event.preventDefault();
    const form = new FormData(/** @type {HTMLFormElement} */ (event.currentTarget));
    const name = String(form.get('name') ?? '').trim();
    const message = String(form.get('message') ?? '').trim();
    close({ state: { type, ...(name && { name }), ...(message && { message }) }, force: form.has('force') });
  };
  return html`<form onSubmit=${submit}><h2>${title}</h2>
    <label class="field"><span>State</span><select name="type" value=${type} onChange=${(e) => setType(e.target.value)}>
      ${[...STATE_TYPES, 'CANCELLING'].map((each) => html`<option key=${each} value=${each}>${stateLabel(each)}</option>`)}</select></label>
    <label class="field"><span>Name</span><input name="name" placeholder=${stateLabel(type)} autocomplete="off" /></label>
    <label class="field"><span>Message</span><input name="message" placeholder="Why?" autocomplete="off" /></label>
    <label class="check"><input type="checkbox" name="force" /> <span>Force: skip the orchestration rules</span></label>
    <div class="dialog-foot"><button type="button" class="btn" onClick=${() => close()}>Keep</button><button class="btn primary">Set state</button></div></form>`;
}

/** @param {any} run @param {'flow_runs' | 'task_runs'} [kind] */
export async function askAndSetState(run, kind = 'flow_runs') {
  const answer = await askState(`Set the state of ${run.name}`);
  return answer ? setState(run, answer.state, answer.force, kind) : false;
}

/**
 * A task run goes five seconds later, unless that is undone.
 * @param {any} task
 * @param {() => void} hide   takes it off the screen at once
 * @param {() => void} unhide
 */
export function deleteTask(task, hide, unhide) {
  hide();
  withUndo(`${task.name} deleted.`, async () => { await call('DELETE', `/task_runs/${task.id}`, undefined, { keepalive: true }); }, unhide);
}

/** Resume; when the pause waits for input, ask for it with a form made of the stored schema. @param {any} run */
export async function resumeRun(run) {
  return attempt(async () => {
    const keyset = run.state?.state_details?.run_input_keyset;
    /** @type {any} */
    let input;
    if (keyset?.schema) {
      const path = `/flow_runs/${run.id}/input/`;
      const [schema, description, form] = await Promise.all([
        call('GET', path + encodeURIComponent(keyset.schema)),
        keyset.description ? call('GET', path + encodeURIComponent(keyset.description)).catch(() => null) : null,
        import('./form.js'),
      ]);
      input = await openDialog((close) => html`<${form.SchemaDialog} title=${`Resume ${run.name}`} description=${typeof description === 'string' ? description : ''} schema=${schema} submit="Resume" close=${close} />`, 'Resume', 'wide');
      if (input === undefined) return false;
    }
    const result = await post(`/flow_runs/${run.id}/resume`, input === undefined ? {} : { run_input: input });
    if (result.status === 'ACCEPT') toast(`${run.name} goes on.`);
    else toast(`${run.name}: ${result.details?.reason ?? `the server answered ${result.status}`}`, 'failed');
    return true;
  });
}

// --- many at once ----------------------------------------------------------------------------------------------------

const CHUNK = 50;

/**
 * @param {string[]} ids
 * @param {(ids: string[]) => Promise<any[]>} send
 * @param {string} done  "cancelled", "deleted"
 */
async function inChunks(ids, send, done) {
  let worked = 0;
  let refused = 0;
  for (let at = 0; at < ids.length; at += CHUNK) {
    for (const result of await send(ids.slice(at, at + CHUNK))) {
      if (result?.status === 'ABORT' || (result?.status === 'REJECT' && !result.state)) refused++;
      else worked++;
    }
  }
  toast(`${plural(worked, 'run')} ${done}${refused ? `, ${refused} refused` : ''}.`, worked || !refused ? 'done' : 'failed');
  return true;
}

/** @param {string[]} ids @param {any} state @param {boolean} force @param {string} done */
export const setStates = (ids, state, force, done) => attempt(() => inChunks(ids, async (chunk) => {
  const answer = await post('/flow_runs/bulk_set_state', { flow_runs: { id: { any_: chunk } }, state, force, limit: CHUNK });
  return answer.results ?? chunk;
}, done));

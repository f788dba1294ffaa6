// What can be done with a deployment: run it as it is or with a form, pause it, edit it, its schedules, delete it.

import { html, useState } from '../../vendor/preact.js';
import { call, post } from '../api.js';
import { navigate } from '../store.js';
import { attempt, confirm, openDialog, toast, withUndo } from './actions.js';
import { Segments } from './controls.js';
import { SchemaFields } from './form.js';
import { Unparsed, initialValue, problems } from './schema.js';
import { kindOfSchedule, scheduleWords } from './schedule.js';

/** Parameters that have no value unless somebody gives one. @param {any} deployment @returns {string[]} */
const missing = (deployment) => (deployment.parameter_openapi_schema?.required ?? []).filter((/** @type {string} */ name) => deployment.parameters?.[name] === undefined);

/** Run with its own parameters; asks for those that it needs. @param {any} deployment */
export async function quickRun(deployment) {
  if (missing(deployment).length) return askAndRun(deployment);
  return attempt(async () => {
    const run = await post(`/deployments/${deployment.id}/create_flow_run`, {});
    toast(`${run.name} starts now.`, 'done', [`/runs/flow-run/${run.id}`, 'Open']);
    return run;
  });
}

/** @param {any} deployment @param {any} [parameters]  to begin with */
export async function askAndRun(deployment, parameters) {
  const run = await openDialog((close) => html`<${RunForm} deployment=${deployment} parameters=${parameters} close=${close} />`, `Run ${deployment.name}`, 'wide');
  if (run) navigate(`/runs/flow-run/${run.id}`);
  return run;
}

/** @param {{deployment: any, parameters?: any, close: (run?: any) => void}} props */
function RunForm({ deployment, parameters, close }) {
  const schema = deployment.parameter_openapi_schema ?? {};
  const fields = Object.keys(schema.properties ?? {}).length > 0;
  const [value, setValue] = useState(() => ({ ...initialValue(schema, schema), ...deployment.parameters, ...parameters }));
  const [errors, setErrors] = useState(/** @type {Record<string, string>} */ ({}));
  const [mode, setMode] = useState('form');
  const [text, setText] = useState('');
  const [failure, setFailure] = useState('');
  const [busy, setBusy] = useState(false);
  /** @param {string} next */
  const change = (next) => {
    if (next === 'json') setText(JSON.stringify(value, null, 2));
    else {
      const parsed = parseObject(text);
      if (!parsed) { setFailure('The parameters are not a JSON object.'); return; }
      setValue(parsed);
    }
    setFailure('');
    setMode(next);
  };
  /** @param {SubmitEvent} event */
  const send = async (event) => {
    event.preventDefault();
    const form = new FormData(/** @type {HTMLFormElement} */ (event.currentTarget));
    const chosen = mode === 'json' ? parseObject(text) : value;
    if (!chosen) { setFailure('The parameters are not a JSON object.'); return; }
    const found = mode === 'json' || !deployment.enforce_parameter_schema && !Object.values(chosen).some((each) => each instanceof Unparsed) ? {} : problems(schema, schema, chosen, true);
    setErrors(found);
    if (Object.keys(found).length) { requestAnimationFrame(() => /** @type {HTMLElement | null} */ (document.querySelector('dialog .has-error'))?.focus()); return; }
    const variables = parseObject(String(form.get('variables') || '{}'));
    if (!variables) { setFailure('The job variables are not a JSON object.'); return; }
    const at = String(form.get('at') ?? '');
    const name = String(form.get('name') ?? '').trim();
    const tags = words(String(form.get('tags') ?? ''));
    setBusy(true);
    try {
      close(await post(`/deployments/${deployment.id}/create_flow_run`, {
        parameters: chosen, ...(name && { name }), ...(tags.length && { tags }), ...(Object.keys(variables).length && { job_variables: variables }),
        ...(at && { state: { type: 'SCHEDULED', state_details: { scheduled_time: new Date(at).toISOString() } } }),
      }));
    } catch (error) {
      setFailure(/** @type {any} */ (error).message);
      setBusy(false);
    }
  };
  return html`<form onSubmit=${send} novalidate class="run-form"><div class="form-head"><h2>Run ${deployment.name}</h2>
      ${fields && html`<${Segments} label="Parameters as" value=${mode} choices=${[['form', 'Form'], ['json', 'JSON']]} onChange=${change} />`}</div>
    ${mode === 'json' ? html`<div class="field"><label class="field-label" for="run-json">Parameters</label><textarea id="run-json" rows="10" spellcheck=${false} value=${text} onInput=${(e) => setText(e.target.value)}></textarea></div>`
      : fields ? html`<${SchemaFields} schema=${schema} value=${value} errors=${errors} setValue=${setValue} setErrors=${setErrors} />` : html`<p class="dialog-text">The flow takes no parameters.</p>`}
    <details><summary>Name, time, tags, job variables</summary>
      <label class="field"><span>Start</span><input type="datetime-local" name="at" /><small>Empty: now</small></label>
      <label class="field"><span>Name of the run</span><input name="name" autocomplete="off" placeholder="Made up" /></label>
      <label class="field"><span>Tags</span><input name="tags" autocomplete="off" placeholder="prod, adhoc" /></label>
      <label class="field"><span>Job variables</span><textarea name="variables" spellcheck=${false} placeholder="{}"></textarea></label></details>
    ${failure && html`<p class="field-error" role="alert">${failure}</p>`}
    <div class="dialog-foot"><button type="button" class="btn" onClick=${() => close()}>Not now</button><button class="btn primary" disabled=${busy}>Run</button></div></form>`;
}

/** @param {string} text @returns {any} */
function parseObject(text) {
  try {
    const value = JSON.parse(text);
    return value && typeof value === 'object' && !Array.isArray(value) ? value : null;
  } catch { return null; }
}

/** @param {string} text */
const words = (text) => [...new Set(text.split(',').map((part) => part.trim()).filter(Boolean))];

/** @param {any} deployment @param {boolean} paused */
export const setPaused = (deployment, paused) => attempt(async () => {
  await post(`/deployments/${deployment.id}/${paused ? 'pause' : 'resume'}_deployment`, {});
  toast(paused ? `${deployment.name} is paused: its schedules make no runs.` : `${deployment.name} goes on.`);
  return true;
});

/** @param {any} deployment @param {() => void} undo */
export async function deleteDeployment(deployment, undo) {
  if (!(await confirm({ title: `Delete ${deployment.name}?`, yes: 'Delete the deployment', danger: true, text: 'Its schedules and the runs that have not started go with it; finished runs stay.' }))) return;
  navigate('/deployments');
  withUndo(`${deployment.name} deleted.`, async () => { await call('DELETE', `/deployments/${deployment.id}`, undefined, { keepalive: true }); }, undo);
}

/** @param {any} deployment */
export async function editDeployment(deployment) {
  const changes = await openDialog((close) => html`<${EditForm} deployment=${deployment} close=${close} />`, `Edit ${deployment.name}`, 'wide');
  if (!changes) return false;
  return attempt(async () => { await call('PATCH', `/deployments/${deployment.id}`, changes); toast(`${deployment.name} is changed.`); return true; });
}

/** What makes a deployment run as it does; its name, its schedules and what the server keeps of it are not among it. */
const COPIED = ['flow_id', 'version', 'description', 'tags', 'parameters', 'parameter_openapi_schema', 'enforce_parameter_schema', 'path', 'entrypoint', 'pull_steps', 'storage_document_id',
  'infrastructure_document_id', 'job_variables', 'work_pool_name', 'work_queue_name', 'labels', 'concurrency_options'];

/** Make another of another name; its schedules are switched off, so that nothing runs twice. @param {any} deployment */
export async function duplicateDeployment(deployment) {
  const name = await openDialog((close) => html`<form onSubmit=${(/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    close(String(new FormData(/** @type {HTMLFormElement} */ (event.currentTarget)).get('name')).trim());
  }}><h2>Duplicate ${deployment.name}</h2>
    <label class="field"><span>Name</span><input name="name" required autofocus autocomplete="off" value="${deployment.name}-copy" /></label>
    ${deployment.schedules.length > 0 && html`<p class="muted">Its schedules are switched off in the copy, so that nothing runs twice.</p>`}
    <div class="dialog-foot"><button type="button" class="btn" onClick=${() => close()}>Keep</button><button class="btn primary">Duplicate</button></div></form>`, `Duplicate ${deployment.name}`);
  if (!name) return false;
  return attempt(async () => {
    const taken = await post('/deployments/filter', { deployments: { name: { any_: [name] } }, flows: { id: { any_: [deployment.flow_id] } }, limit: 1 });
    if (taken.length) throw new Error(`${name} is there already: choose another name.`);
    const body = Object.fromEntries(COPIED.filter((key) => deployment[key] != null).map((key) => [key, deployment[key]]));
    const schedules = deployment.schedules.map((/** @type {any} */ each) => ({ schedule: each.schedule, active: false, parameters: each.parameters, slug: each.slug }));
    const made = await post('/deployments/', { ...body, name, schedules, concurrency_limit: deployment.global_concurrency_limit?.limit ?? deployment.concurrency_limit });
    toast(`${made.name} is made.`);
    navigate(`/deployments/deployment/${made.id}`);
    return true;
  });
}

/** @param {{deployment: any, close: (changes?: any) => void}} props */
function EditForm({ deployment, close }) {
  const [failure, setFailure] = useState('');
  /** @param {SubmitEvent} event */
  const send = (event) => {
    event.preventDefault();
    const form = new FormData(/** @type {HTMLFormElement} */ (event.currentTarget));
    const parameters = parseObject(String(form.get('parameters') || '{}'));
    if (!parameters) { setFailure('The parameters are not a JSON object.'); return; }
    const limit = String(form.get('limit') ?? '').trim();
    close({ description: String(form.get('description') ?? ''), tags: words(String(form.get('tags') ?? '')), parameters, concurrency_limit: limit ? Number(limit) : null });
  };
  return html`<form onSubmit=${send}><h2>Edit ${deployment.name}</h2>
    <label class="field"><span>Description</span><textarea name="description">${deployment.description ?? ''}</textarea></label>
    <label class="field"><span>Tags</span><input name="tags" autocomplete="off" value=${deployment.tags.join(', ')} /></label>
    <label class="field"><span>Parameters of its runs</span><textarea name="parameters" rows="6" spellcheck=${false}>${JSON.stringify(deployment.parameters ?? {}, null, 2)}</textarea></label>
    <label class="field"><span>Runs at the same time</span><input type="number" min="1" name="limit" value=${deployment.global_concurrency_limit?.limit ?? deployment.concurrency_limit ?? ''} /><small>Empty: as many as there are</small></label>
    ${failure && html`<p class="field-error" role="alert">${failure}</p>`}
    <p class="muted">A new deploy of the flow's code writes its own values over these.</p>
    <div class="dialog-foot"><button type="button" class="btn" onClick=${() => close()}>Keep</button><button class="btn primary">Save</button></div></form>`;
}

// --- schedules -------------------------------------------------------------------------------------------------------

/** @param {any} deployment @param {any} [schedule]  the one to change */
export async function editSchedule(deployment, schedule) {
  const title = schedule ? 'Change the schedule' : 'Add a schedule';
  const wanted = await openDialog((close) => html`<${ScheduleForm} title=${title} schedule=${schedule?.schedule} close=${close} />`, title);
  if (!wanted) return false;
  const path = `/deployments/${deployment.id}/schedules`;
  return attempt(async () => {
    if (schedule) await call('PATCH', `${path}/${schedule.id}`, { schedule: wanted, active: schedule.active, parameters: schedule.parameters });
    else await post(path, [{ schedule: wanted, active: true }]);
    toast(`${scheduleWords(wanted)}.`);
    return true;
  });
}

/** @param {any} deployment @param {any} schedule @param {boolean} active */
export const setActive = (deployment, schedule, active) => attempt(async () => { await call('PATCH', `/deployments/${deployment.id}/schedules/${schedule.id}`, { active, parameters: schedule.parameters }); return true; });

/** @param {any} deployment @param {any} schedule */
export async function deleteSchedule(deployment, schedule) {
  if (!(await confirm({ title: 'Delete this schedule?', yes: 'Delete the schedule', danger: true, text: `${scheduleWords(schedule.schedule)}. Its runs that have not started go with it.` }))) return false;
  return attempt(async () => { await call('DELETE', `/deployments/${deployment.id}/schedules/${schedule.id}`); return true; });
}

const EXAMPLES = /** @type {Record<string, string>} */ ({ cron: '30 3 * * 1-5', rrule: 'FREQ=WEEKLY;BYDAY=MO;BYHOUR=9;BYMINUTE=0' });
const UNITS = /** @type {[string, number][]} */ ([['seconds', 1], ['minutes', 60], ['hours', 3600], ['days', 86400]]);

/** @param {{title: string, schedule?: any, close: (schedule?: any) => void}} props */
function ScheduleForm({ title, schedule, close }) {
  const [kind, setKind] = useState(schedule ? kindOfSchedule(schedule) : 'cron');
  const [line, setLine] = useState(schedule?.cron ?? schedule?.rrule ?? '');
  const size = [...UNITS].reverse().find(([, each]) => (schedule?.interval ?? 3600) % each === 0)?.[1] ?? 1;
  const [unit, setUnit] = useState(size);
  const [every, setEvery] = useState((schedule?.interval ?? 3600) / size);
  const [zone, setZone] = useState(schedule?.timezone ?? Intl.DateTimeFormat().resolvedOptions().timeZone);
  const made = kind === 'cron' ? { cron: line.trim(), timezone: zone, ...(schedule?.cron && { day_or: schedule.day_or ?? true }) } : kind === 'rrule' ? { rrule: line.trim(), timezone: zone }
    : { interval: every * unit, timezone: zone, ...(schedule?.interval && schedule.anchor_date && { anchor_date: schedule.anchor_date }) };
  const whole = kind === 'interval' ? every > 0 : Boolean(line.trim());
  return html`<form onSubmit=${(e) => { e.preventDefault(); if (whole) close(made); }}><h2>${title}</h2>
    <div class="field"><${Segments} label="Kind of schedule" value=${kind} choices=${[['cron', 'Cron'], ['interval', 'Interval'], ['rrule', 'RRule']]} onChange=${(next) => { setKind(next); setLine(next === kindOfSchedule(schedule) ? schedule?.[next] ?? '' : ''); }} /></div>
    ${kind === 'interval' ? html`<div class="field"><span class="field-label" id="every">Every</span><div class="button-row"><input type="number" min="0.001" step="any" aria-labelledby="every" value=${every} onInput=${(e) => setEvery(Number(e.target.value))} />
        <select aria-label="Unit" value=${String(unit)} onChange=${(e) => setUnit(Number(e.target.value))}>${UNITS.map(([word, each]) => html`<option key=${word} value=${String(each)}>${word}</option>`)}</select></div></div>`
      : html`<label class="field"><span>${kind === 'cron' ? 'Minute, hour, day, month, weekday' : 'Rule'}</span><input class="mono" autocomplete="off" spellcheck=${false} placeholder=${EXAMPLES[kind]} value=${line} onInput=${(e) => setLine(e.target.value)} /></label>`}
    <label class="field"><span>Time zone</span><input list="zones" value=${zone} onInput=${(e) => setZone(e.target.value)} /></label><datalist id="zones">${Intl.supportedValuesOf('timeZone').map((each) => html`<option key=${each} value=${each}></option>`)}</datalist>
    <p class="explained" aria-live="polite">${whole ? scheduleWords(made) : html`<span class="faint">${kind === 'cron' ? `For example ${scheduleWords({ cron: EXAMPLES.cron, timezone: zone })}` : ''}</span>`}</p>
    <div class="dialog-foot"><button type="button" class="btn" onClick=${() => close()}>Keep</button><button class="btn primary" disabled=${!whole}>Save</button></div></form>`;
}

// Deleting flow runs: into flowctl's trash, from where a click brings them back; on a Prefect server for good, after a question.

import { call, own, post } from '../api.js';
import { plural } from '../format.js';
import { attempt, confirm, toast, toastWithUndo } from './actions.js';

const CHUNK = 200;
const BULK = 50;

/**
 * @param {{id: string, name?: string}[]} runs
 * @param {{hide: () => void, unhide: () => void, done?: () => unknown}} screen  `hide` takes them off the screen, `unhide` brings them back
 */
export async function deleteRuns(runs, { hide, unhide, done }) {
  const what = runs.length === 1 && runs[0].name ? runs[0].name : plural(runs.length, 'run');
  const ids = runs.map((run) => run.id);
  const trashed = await attempt(() => discard(ids, hide));
  if (trashed === false) { unhide(); return; }
  if (trashed) {
    const { batch, deleted } = trashed;
    await done?.();
    if (!batch) { toast(`${what}: already gone.`, 'failed'); return; }
    toastWithUndo(`${deleted === ids.length ? what : `${plural(deleted, 'run')} of ${ids.length}`} deleted.`, () => {
      attempt(() => restore(batch, what)).then(async (back) => { if (back) { unhide(); await done?.(); } });
    });
    return;
  }
  const sure = await confirm({ title: `Delete ${what}?`, yes: 'Delete', danger: true, text: `${runs.length === 1 ? 'Its' : 'Their'} task runs, logs and states go too. This cannot be undone.` });
  if (!sure) return;
  hide();
  const gone = await attempt(async () => { await destroy(ids); return true; });
  if (!gone) { unhide(); return; }
  await done?.();
  toast(`${what} deleted.`);
}

/**
 * Put runs into the trash, as one batch; null where there is none.
 * @param {string[]} ids @param {() => void} hide
 * @returns {Promise<{batch: string | null, deleted: number} | null>}
 */
async function discard(ids, hide) {
  /** @type {string | null} */
  let batch = null;
  let deleted = 0;
  for (let at = 0; at < ids.length; at += CHUNK) {
    const answer = await own('POST', '/runs/delete', { ids: ids.slice(at, at + CHUNK), batch });
    if (!answer) return null;
    if (!at) hide();
    batch = answer.batch ?? batch;
    deleted += answer.deleted.length;
  }
  return { batch, deleted };
}

/** @param {string} batch @param {string} what */
async function restore(batch, what) {
  const { restored } = await post('/flowctl/trash/restore', { batch });
  toast(restored.length ? `${what} restored.` : `${what} could not be restored.`, restored.length ? 'done' : 'failed');
  return restored.length > 0;
}

/** @param {string[]} ids */
async function destroy(ids) {
  if (ids.length === 1) { await call('DELETE', `/flow_runs/${ids[0]}`); return; }
  for (let at = 0; at < ids.length; at += BULK) await post('/flow_runs/bulk_delete', { flow_runs: { id: { any_: ids.slice(at, at + BULK) } }, limit: BULK });
}

// Doing what an explanation proposes, by the API instead of a shell.

import { call, get } from '../api.js';
import { attempt, cancelRun, forceCancel, resumeRun, setState, startNow, toast } from './actions.js';
import { wordsOf } from './commands.js';

const part = encodeURIComponent;

/**
 * @param {string} command  one that `buttonOf` has a button for
 * @param {any} about  the run that is on screen
 * @returns {Promise<boolean>} whether something changed
 */
export const applyFix = (command, about) => attempt(async () => {
  const [, group, verb, target, ...rest] = wordsOf(command);
  if (group === 'runs') {
    const run = target === about.id ? about : await get(`/flow_runs/${target}`);
    if (verb === 'cancel') return cancelRun(run);
    if (verb === 'resume') return resumeRun(run);
    if (rest[0] === 'cancelled') return forceCancel(run);
    if (rest[0] === 'crashed') return setState(run, { type: 'CRASHED', message: rest[2] ?? '' }, true);
    return startNow(run, rest[2]);
  }
  if (group === 'deployments') {
    const deployment = await get(`/deployments/name/${target.split('/').map(part).join('/')}`);
    await call('PATCH', `/deployments/${deployment.id}`, { paused: false });
  } else if (group === 'work-pool') await call('PATCH', `/work_pools/${part(target)}`, { is_paused: false });
  else await call('PATCH', `/work_pools/${part(rest[1])}/queues/${part(target)}`, { is_paused: false });
  toast(`${target} goes on.`);
  return true;
});

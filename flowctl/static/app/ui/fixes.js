// What an explanation proposes: commands to copy, and buttons that do the same by the API.

import { html } from '../../vendor/preact.js';
import { call, get } from '../api.js';
import { buttonOf, fixesOf, wordsOf } from './commands.js';
import { Copy } from './controls.js';

const part = encodeURIComponent;

/** @param {{causes: any[], run: any, refresh: () => Promise<void>}} props */
export function Fixes({ causes, run, refresh }) {
  const shown = fixesOf({ causes }).filter((fix) => !fix.command.startsWith('flowctl runs logs '));
  return html`<div class="why-fixes">${shown.map(({ command, effect }) => {
    const button = buttonOf(command);
    const act = async () => { if (await applyFix(command, run)) await refresh(); };
    return html`<div class="why-fix" key=${command}>${button ? html`<button type="button" class="btn small ${button.danger ? 'danger' : ''}" onClick=${act}>${button.label}</button>` : html`<span class="muted">${effect.charAt(0).toUpperCase() + effect.slice(1)}</span>`}<${Copy} text=${command} /></div>`;
  })}</div>`;
}

/**
 * @param {string} command  one that `buttonOf` has a button for
 * @param {any} about  the run that is on screen
 * @returns {Promise<boolean>} whether something changed
 */
async function applyFix(command, about) {
  const actions = await import('./actions.js');
  const [, group, verb, target, ...rest] = wordsOf(command);
  return actions.attempt(async () => {
    if (group === 'runs') {
      const run = target === about.id ? about : await get(`/flow_runs/${target}`);
      if (verb === 'cancel') return actions.cancelRun(run);
      if (verb === 'resume') return actions.resumeRun(run);
      if (verb === 'retry') return actions.retryRun(run);
      if (verb === 'reschedule') return actions.startNow(run);
      if (rest[0] === 'cancelled') return actions.forceCancel(run);
      if (rest[0] === 'crashed') return actions.setState(run, { type: 'CRASHED', message: rest[2] ?? '' }, true);
      return actions.startNow(run, rest[2]);
    }
    if (group === 'deployments') {
      const deployment = await get(`/deployments/name/${target.split('/').map(part).join('/')}`);
      await call('PATCH', `/deployments/${deployment.id}`, { paused: false });
    } else if (group === 'work-pool') await call('PATCH', `/work_pools/${part(target)}`, { is_paused: false });
    else await call('PATCH', `/work_pools/${part(rest[1])}/queues/${part(target)}`, { is_paused: false });
    actions.toast(`${target} goes on.`);
    return true;
  });
}

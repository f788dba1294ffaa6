// Asks for the server's auth string when it wants one.

import { html, useState } from '../../vendor/preact.js';
import { get, setCredentials, startLive } from '../api.js';
import { safeRedirect } from '../format.js';
import { navigate, place, useTitle } from '../store.js';
import { Icon } from '../ui/controls.js';

export default function LoginPage() {
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  useTitle('Log in');
  /** @param {SubmitEvent} event */
  const submit = async (event) => {
    event.preventDefault();
    const form = new FormData(/** @type {HTMLFormElement} */ (event.currentTarget));
    setBusy(true);
    setCredentials(String(form.get('secret') ?? ''), form.has('remember'));
    try {
      await get('/admin/version');
      startLive();
      navigate(safeRedirect(place.peek().query.get('redirect')), { replace: true });
    } catch (error) {
      setCredentials(null, false);
      setProblem(/** @type {any} */ (error).status === 401 ? 'The server does not accept this.' : /** @type {any} */ (error).message);
      setBusy(false);
    }
  };
  return html`<form class="login" onSubmit=${submit}>
    <h1 class="brand"><${Icon} name="logo" size=${22} />flowctl</h1>
    <label class="field"><span>Auth string of the server</span>
      <input type="password" name="secret" autocomplete="current-password" required autofocus placeholder="user:password" class=${problem ? 'has-error' : ''} aria-describedby="login-problem" />
      <small class="field-error" id="login-problem" role="alert">${problem}</small></label>
    <label class="check"><input type="checkbox" name="remember" /><span>Remember in this browser</span></label>
    <button class="btn primary" disabled=${busy}>Log in</button></form>`;
}

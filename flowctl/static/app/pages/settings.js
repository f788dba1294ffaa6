// Settings: how this browser shows things, and what the server says of itself.

import { html, useState } from '../../vendor/preact.js';
import { config, connection, credentials, get, setCredentials } from '../api.js';
import { href, readSetting, setLook, setTheme, setTimeFormat, theme, timeFormat, useQuery, useTitle, writeSetting } from '../store.js';
import { Copy, ErrorBox, Icon, Lazy, Segments, Skeleton } from '../ui/controls.js';

const facts = () => import('../ui/facts.js');
const storage = () => import('../ui/storage.js');

export default function SettingsPage() {
  useTitle('Settings');
  const server = useQuery('settings', async (signal) => {
    const [settings, version] = await Promise.all([get('/admin/settings', { signal }), get('/admin/version', { signal })]);
    return { settings, version };
  });
  const [density, setDensity] = useState(readSetting('density', ''));
  const [palette, setPalette] = useState(readSetting('palette', ''));
  const [keys, setKeys] = useState(readSetting('keys', 'on'));
  const logOut = () => { setCredentials(null, false); location.assign(href('/login')); };
  const database = server.data?.settings.server?.database;
  return html`<section class="page scrolling"><div class="page-head"><h1>Settings</h1></div><div class="settings">
    <section class="card" aria-labelledby="h-look"><div class="card-head"><h2 id="h-look">This browser</h2></div>
      <${Setting} label="Theme"><${Segments} label="Theme" value=${theme.value} choices=${[['auto', 'System'], ['light', 'Light'], ['dark', 'Dark']]} onChange=${setTheme} /><//>
      <${Setting} label="Density" note="The height of rows"><${Segments} label="Density" value=${density === 'comfortable' ? density : ''} choices=${[['', 'Compact'], ['comfortable', 'Comfortable']]} onChange=${(value) => { setDensity(value); setLook('density', value); }} /><//>
      <${Setting} label=${html`Colours of states<span class="swatches">${['completed', 'failed', 'running', 'scheduled'].map((key) => html`<${Icon} key=${key} name=${key} class="s-${key}" />`)}</span>`} note="Blue and orange can be told apart with any colour vision"><${Segments} label="Colours of states" value=${palette} choices=${[['', 'Usual'], ['safe', 'Colour-blind safe']]} onChange=${(value) => { setPalette(value); setLook('palette', value); }} /><//>
      <${Setting} label="Times" note="The whole time is in the tooltip"><${Segments} label="Times" value=${timeFormat.value} choices=${[['relative', 'Relative'], ['local', 'Local'], ['utc', 'UTC']]} onChange=${setTimeFormat} /><//>
      <${Setting} label="Single-key shortcuts" note=${html`<kbd>?</kbd> shows them`}><${Segments} label="Single-key shortcuts" value=${keys} choices=${[['on', 'On'], ['off', 'Off']]} onChange=${(value) => { setKeys(value); writeSetting('keys', value); }} /><//>
      ${credentials() && html`<${Setting} label="Login" note="The password is kept in this browser"><button type="button" class="btn" onClick=${logOut}>Log out</button><//>`}</section>
    <section class="card" aria-labelledby="h-server"><div class="card-head"><h2 id="h-server">Server</h2><span class="faint">${connection.value}</span></div>
      <${ErrorBox} error=${server.error} retry=${server.reload} />
      <${Setting} label="API" note="For clients: PREFECT_API_URL"><code><${Copy} text=${config.api} /></code><//>
      <${Setting} label="flowctl"><span class="num">${config.version || '–'}</span><//>
      ${server.data && html`<${Setting} label="Prefect's API" note="The release that this server equals"><span class="num">${server.data.version}</span><//>
        ${database?.connection_url && !database.connection_url.startsWith('*') && html`<${Setting} label="Database"><code>${database.connection_url}</code><//>`}`}</section>
    <${Lazy} from=${storage} name="StorageCard" quiet=${true} />
    <section class="card" aria-labelledby="h-all"><div class="card-head"><h2 id="h-all">Settings of the server</h2><span class="faint">secrets are hidden</span></div>
      ${server.data ? html`<div class="panel" tabIndex="0" role="region" aria-labelledby="h-all"><${Lazy} from=${facts} name="JsonView" value=${server.data.settings} /></div>` : !server.error && html`<${Skeleton} rows=${4} />`}</section>
  </div></section>`;
}

/** @param {{label: any, note?: any, children?: any}} props */
const Setting = ({ label, note, children }) => html`<div class="setting"><div>${label}${note && html`<small>${note}</small>`}</div><div>${children}</div></div>`;

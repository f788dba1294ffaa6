// Start: the frame around all pages, the table of routes, and what happens when a page breaks.

import { Component, html, render, useEffect, useState } from '../vendor/preact.js';
import { config, connection, credentials, online, onUnauthorized, startLive, watchForReturn } from './api.js';
import { belowBase, findRoute } from './format.js';
import { href, moreStyles, navigate, place, setTheme, theme, useActions } from './store.js';
import { Icon, Link, Skeleton, interceptClick } from './ui/controls.js';

const events = () => import('./pages/events.js');
const deployment = () => import('./pages/deployment.js');
const workPool = () => import('./pages/work_pool.js');

/** `more`: it needs more styles. @type {{pattern: string, page: () => Promise<any>, more?: boolean, section?: string, bare?: boolean}[]} */
const ROUTES = [
  { pattern: '/dashboard', page: () => import('./pages/dashboard.js'), section: 'dashboard' },
  { pattern: '/runs', page: () => import('./pages/runs.js'), section: 'runs' },
  { pattern: '/runs/compare', page: () => import('./pages/compare.js'), more: true, section: 'runs' },
  { pattern: '/runs/flow-run/:id', page: () => import('./pages/run.js'), more: true, section: 'runs' },
  { pattern: '/flow-runs/flow-run/:id', page: () => import('./pages/run.js'), more: true, section: 'runs' },
  { pattern: '/runs/task-run/:id', page: () => import('./pages/task_run.js'), more: true, section: 'runs' },
  { pattern: '/flow-runs/task-run/:id', page: () => import('./pages/task_run.js'), more: true, section: 'runs' },
  { pattern: '/flows', page: () => import('./pages/flows.js'), section: 'flows' },
  { pattern: '/flows/flow/:id', page: () => import('./pages/flow.js'), section: 'flows' },
  { pattern: '/deployments', page: () => import('./pages/deployments.js'), section: 'deployments' },
  ...['', '/run', '/edit', '/duplicate'].map((end) => ({ pattern: `/deployments/deployment/:id${end}`, page: deployment, section: 'deployments' })),
  { pattern: '/work-pools', page: () => import('./pages/work_pools.js'), section: 'work-pools' },
  ...['/work-pools/work-pool/:name', '/work-pools/work-pool/:name/queue/:queue', '/work-pools/work-pool/:name/worker/:worker', '/work-queues/work-queue/:id'].map((pattern) => ({ pattern, page: workPool, section: 'work-pools' })),
  ...['', '/event/:date/:id'].map((end) => ({ pattern: `/events${end}`, page: events, section: 'events' })),
  { pattern: '/settings', page: () => import('./pages/settings.js'), section: 'settings' },
  { pattern: '/login', page: () => import('./pages/login.js'), more: true, bare: true },
];

const REDIRECTS = new Map([['/', '/dashboard'], ['/flow-runs', '/runs']]);

/** The menu shows what works. @type {{section: string, path: string, label: string, icon: string, key: string}[]} */
export const MENU = [
  { section: 'dashboard', path: '/dashboard', label: 'Dashboard', icon: 'dashboard', key: 'g d' },
  { section: 'runs', path: '/runs', label: 'Runs', icon: 'runs', key: 'g r' },
  { section: 'flows', path: '/flows', label: 'Flows', icon: 'flows', key: 'g f' },
  { section: 'deployments', path: '/deployments', label: 'Deployments', icon: 'deployments', key: 'g p' },
  { section: 'work-pools', path: '/work-pools', label: 'Work pools', icon: 'pools', key: 'g w' },
  { section: 'events', path: '/events', label: 'Events', icon: 'events', key: 'g e' },
  { section: 'settings', path: '/settings', label: 'Settings', icon: 'settings', key: 'g s' },
];

/** @type {Map<Function, any>} */
const loaded = new Map();

/** @param {() => Promise<any>} load @param {boolean} [more] */
async function loadPage(load, more) {
  if (!loaded.has(load)) loaded.set(load, (await Promise.all([load(), more && moreStyles()]))[0].default);
  return loaded.get(load);
}

// A page is fetched as soon as a link to it is pointed at.
document.addEventListener('pointerover', (event) => {
  const anchor = /** @type {HTMLAnchorElement | null} */ (/** @type {Element} */ (event.target).closest?.('a[href]'));
  const path = anchor && anchor.origin === location.origin ? belowBase(config.base, anchor.pathname) : null;
  const found = path && findRoute(ROUTES.map((r) => ({ pattern: r.pattern, page: r })), path);
  if (found) loadPage(found.route.page.page, found.route.page.more).catch(() => {});
}, { passive: true });

function Page() {
  const { path } = place.value;
  const target = REDIRECTS.get(path);
  useEffect(() => { if (target) navigate(target + location.search, { replace: true }); }, [target]);
  const found = findRoute(ROUTES.map((r) => ({ pattern: r.pattern, page: r })), path);
  const route = found?.route.page;
  const load = route?.page ?? notFound;
  const [, redraw] = useState(0);
  const [failure, setFailure] = useState(/** @type {any} */ (null));
  const page = loaded.get(load);
  useEffect(() => {
    if (target || page) return;
    loadPage(load, route?.more).then(() => redraw((n) => n + 1), setFailure);
  }, [load, target]);
  if (target) return null;
  if (failure) throw failure;
  const content = page ? html`<${page} key=${path} ...${found?.params ?? {}} />` : html`<${Skeleton} />`;
  if (route?.bare) return html`<main id="main" class="bare">${content}</main>`;
  return html`<${Frame} section=${route?.section}>${content}<//>`;
}

const notFound = () => import('./pages/not_found.js');

/** @param {{section?: string, children: any}} props */
function Frame({ section, children }) {
  const [drawer, setDrawer] = useState(false);
  useEffect(() => { setDrawer(false); }, [place.value.path]);
  useActions([
    ...MENU.map(({ key, label, path }) => ({ key, label: `Go to ${label}`, group: 'Pages', run: () => navigate(path) })),
    { key: 'Y', label: 'Copy as a command of flowctl or curl', group: 'Help', run: showCommands },
    { key: '?', label: 'Keys', group: 'Help', run: () => { import('./ui/palette.js').then((m) => m.showKeys()); } },
    { key: 'Theme', label: `Theme: ${nextTheme()}`, group: 'Settings', hidden: true, run: () => setTheme(nextTheme()) },
  ]);
  return html`
    <a class="skip" href="#main">Skip to content</a>
    <div class="frame ${drawer ? 'drawer-open' : ''}">
      <nav class="sidebar" aria-label="Pages">
        <${Link} to="/dashboard" class="brand" title="flowctl"><${Icon} name="logo" size=${18} /><span>flowctl</span><//>
        <ul>${MENU.map((item) => html`<li key=${item.section}><${Link} to=${item.path} class=${item.section === section ? 'is-current' : ''}
          aria-current=${item.section === section ? 'page' : undefined} title="${item.label} (${item.key})"><${Icon} name=${item.icon} /><span>${item.label}</span><//></li>`)}</ul>
        <div class="sidebar-foot">
          <button class="foot-button" onClick=${openPalette} title="Search and actions (Ctrl K)"><${Icon} name="search" /><span>Search</span><kbd>${isMac() ? '⌘' : 'Ctrl'} K</kbd></button>
          <button class="foot-button" onClick=${showCommands} title="Copy as a command of flowctl or curl (Y)"><${Icon} name="copy" /><span>Commands</span><kbd>Y</kbd></button>
          <button class="foot-button" onClick=${() => setTheme(nextTheme())} title="Theme: ${theme.value}"><${Icon} name=${theme.value === 'light' ? 'sun' : theme.value === 'dark' ? 'moon' : 'auto'} /><span>${theme.value === 'auto' ? 'System theme' : theme.value === 'dark' ? 'Dark' : 'Light'}</span></button>
          ${credentials() && html`<button class="foot-button" onClick=${logOut}><${Icon} name="close" /><span>Log out</span></button>`}
          <${Foot} />
        </div>
      </nav>
      <button class="drawer-button btn icon-only" aria-label="Menu" aria-expanded=${drawer} onClick=${() => setDrawer(!drawer)}><${Icon} name="menu" /></button>
      <div class="scrim" onClick=${() => setDrawer(false)}></div>
      <main id="main" tabIndex="-1"><${OfflineBar} /><${Boundary} key=${place.value.path}>${children}<//></main>
    </div>`;
}

function Foot() {
  const status = !online.value ? 'offline' : connection.value;
  const words = { live: 'live', polling: 'polling', offline: 'offline', connecting: 'connecting' };
  return html`<div class="foot" title="flowctl ${config.version} · ${config.api}">
    <span class="dot-${status}" role="status"><i></i><span>${words[/** @type {'live'} */ (status)]}</span></span><span class="foot-version">${config.version && `v${config.version}`}</span></div>`;
}

function OfflineBar() {
  if (online.value) return null;
  return html`<div class="offline-bar" role="alert"><b>Offline.</b> The server at <code>${config.api}</code> does not answer. What you see is the last known state; the dashboard connects again by itself.</div>`;
}

const nextTheme = () => ({ auto: 'light', light: 'dark', dark: 'auto' })[theme.value] ?? 'auto';
const isMac = () => /Mac|iPhone|iPad/.test(navigator.platform);

/** What was typed while the palette was being fetched; null when it is not. @type {string | null} */
let typed = null;

async function openPalette() {
  if (typed !== null) return;
  typed = '';
  try {
    const [{ showPalette }] = await Promise.all([import('./ui/palette.js'), moreStyles().catch(() => {})]);
    showPalette(typed);
  } finally { typed = null; }
}

document.addEventListener('keydown', (event) => {
  if (typed === null || event.key.length !== 1 || event.ctrlKey || event.metaKey || event.altKey) return;
  typed += event.key;
  event.preventDefault();
  event.stopImmediatePropagation();
}, { capture: true });

const showCommands = () => { import('./ui/copy_as.js').then((m) => m.showCommands()); };

async function logOut() {
  const { setCredentials } = await import('./api.js');
  setCredentials(null, false);
  location.assign(href('/login'));
}

class Boundary extends Component {
  /** @param {any} error */
  static getDerivedStateFromError(error) { return { error }; }

  /** @param {any} error */
  componentDidCatch(error) { console.error(error); }

  render() {
    const { error } = this.state;
    if (!error) return this.props.children;
    return html`<div class="broken" role="alert"><h1>This page stopped working</h1><pre>${String(error.stack ?? error)}</pre>
      <p><button class="btn primary" onClick=${() => location.reload()}>Load it again</button> <${Link} to="/runs" class="btn">All runs<//></p></div>`;
  }
}

document.addEventListener('click', interceptClick);
document.addEventListener('keydown', (event) => {
  if ((event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === 'k') {
    event.preventDefault();
    openPalette();
  }
});

onUnauthorized.call = () => {
  const { path, query } = place.peek();
  if (path !== '/login') navigate(`/login?redirect=${encodeURIComponent(path + (query.size ? `?${query}` : ''))}`, { replace: true });
};

if (belowBase(config.base, location.pathname) === null) {
  location.replace(href(location.pathname + location.search));
} else {
  watchForReturn();
  if (place.peek().path !== '/login') startLive();
  const root = /** @type {HTMLElement} */ (document.getElementById('app'));
  root.replaceChildren();
  render(html`<${Boundary}><${Page} /><//>`, root);
}

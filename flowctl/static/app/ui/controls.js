// Small parts that every page uses.

import { html, useEffect, useLayoutEffect, useRef, useState } from '../../vendor/preact.js';
import { TERMINAL, absolute, ago, duration, elapsed, errorLine, shortTime, stateKey, stateLabel } from '../format.js';
import { href, moreStyles, navigate, place, reasonOf, timeFormat, useTitle } from '../store.js';

/** @param {{name: string, size?: number, class?: string}} props */
export function Icon({ name, size = 16, class: className = '' }) {
  return html`<svg class="icon ${className}" width=${size} height=${size} aria-hidden="true"><use href="#i-${name}" /></svg>`;
}

/** Colour, shape and word. @param {{type?: string | null, name?: string | null, quiet?: boolean}} props */
export function StateBadge({ type, name, quiet = false }) {
  const key = stateKey(type, name);
  const text = name || (type ? stateLabel(type) : 'Unknown');
  return html`<span class="state s-${key}" title=${quiet ? text : undefined}>
    <${Icon} name=${key} /><span class=${quiet ? 'sr' : 'state-name'}>${text}</span></span>`;
}

/** A link inside the dashboard. @param {any} props */
export function Link({ to, children, ...rest }) {
  return html`<a href=${href(to)} ...${rest}>${children}</a>`;
}

/**
 * Clicks on links of this dashboard change the page without loading it.
 * @param {MouseEvent} event
 */
export function interceptClick(event) {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const anchor = /** @type {Element} */ (event.target).closest?.('a[href]');
  if (!anchor || anchor.hasAttribute('download') || anchor.getAttribute('target') || anchor.getAttribute('href')?.startsWith('#')) return;
  const url = new URL(/** @type {HTMLAnchorElement} */ (anchor).href);
  const base = href('/');
  if (url.origin !== location.origin || !url.pathname.startsWith(base)) return;
  event.preventDefault();
  navigate('/' + url.pathname.slice(base.length) + url.search);
}

/** A time as Settings say, ticking while relative; all of it in its tooltip. @param {{at: string | null | undefined, prefix?: string}} props */
export function Time({ at, prefix = '' }) {
  const format = timeFormat.value;
  const words = (/** @type {number} */ time) => (format === 'relative' ? ago(time, Date.now()) : shortTime(time, Date.now(), format === 'utc'));
  const text = useTicking(() => (at ? prefix + words(Date.parse(at)) : ''), [at, prefix, format]);
  return at ? html`<time datetime=${at} title="${absolute(at)} · ${ago(Date.parse(at), Date.now())}" ref=${text.ref}>${text.initial}</time>` : null;
}

/** Duration that ticks while `end` is missing. @param {{start?: string | null, end?: string | null, live?: boolean}} props */
export function Duration({ start, end, live = true }) {
  const text = useTicking(() => duration(elapsed(start, end, Date.now())), [start, end], live && Boolean(start) && !end);
  return html`<span class="num" ref=${text.ref}>${text.initial}</span>`;
}

/** @param {() => string} make @param {any[]} inputs @param {boolean} [ticking] */
export function useTicking(make, inputs, ticking = true) {
  const ref = useRef(/** @type {HTMLElement | null} */ (null));
  const initial = make();
  useEffect(() => {
    if (!ticking) return;
    return everySecond(() => {
      const text = make();
      const node = ref.current?.firstChild;
      if (node && node.nodeValue !== text) node.nodeValue = text;
    });
  }, [...inputs, ticking]);
  return { ref, initial };
}

/** @param {{error: any, retry?: () => void}} props */
export function ErrorBox({ error, retry }) {
  if (!error) return null;
  const where = error.method ? `${error.method} ${error.path}` : '';
  return html`<div class="error-box" role="alert">
    <${Icon} name="failed" class="s-failed" />
    <div class="error-text"><b>${error.status === 0 ? 'The server cannot be reached' : error.status ? `The server answered ${error.status}` : 'Something went wrong'}</b>
    ${where && html`<code>${where}</code>`}
    <span>${error.status === 0 ? 'The dashboard tries again by itself.' : error.message}</span></div>
    ${retry && html`<button class="btn small" onClick=${retry}>Retry</button>`}</div>`;
}

/** @param {{title: string, children?: any}} props */
export function Empty({ title, children }) {
  return html`<div class="empty"><${Icon} name="logo" size=${28} class="empty-mark" /><h2>${title}</h2>${children}</div>`;
}

/** True after 150 ms, so that fast answers never flash a skeleton. */
export function useSlow() {
  const [slow, setSlow] = useState(false);
  useEffect(() => { const timer = setTimeout(() => setSlow(true), 150); return () => clearTimeout(timer); }, []);
  return slow;
}

/** @param {{rows?: number}} props */
export function Skeleton({ rows = 12 }) {
  if (!useSlow()) return html`<div class="skeleton" aria-busy="true"></div>`;
  return html`<div class="skeleton" role="status" aria-label="Loading" aria-busy="true">
    ${Array.from({ length: rows }, (_, i) => html`<div class="skeleton-row" key=${i}><i></i><i></i><i></i></div>`)}</div>`;
}

/** Text that is copied by a click. @param {{text: string, children?: any}} props */
export function Copy({ text, children }) {
  const [done, setDone] = useState(false);
  const copy = async () => {
    try { await navigator.clipboard.writeText(text); setDone(true); setTimeout(() => setDone(false), 1200); } catch { /* not allowed: the text can still be selected */ }
  };
  return html`<button class="copy" type="button" onClick=${copy} title=${children ? 'Copy' : `Copy ${text}`}><span>${children ?? text}</span>
    <${Icon} name=${done ? 'completed' : 'copy'} size=${12} class=${done ? 's-completed' : ''} /><span class="sr" aria-live="polite">${done ? 'Copied' : ''}</span></button>`;
}

/** @param {{lines: string}} props */
export function Command({ lines }) {
  return html`<div class="command"><pre>${lines}</pre><${Copy} text=${lines}>Copy<//></div>`;
}

/**
 * A button with a panel below it.  Escape and clicks outside close it; the focus goes back to the button.
 * @param {{label: any, title?: string, class?: string, align?: 'left' | 'right', children: (close: () => void) => any}} props
 */
export function Menu({ label, title, class: className = 'btn', align = 'left', children }) {
  const [open, setOpen] = useState(false);
  const root = useRef(/** @type {HTMLElement | null} */ (null));
  const close = () => { setOpen(false); /** @type {HTMLElement | null} */ (root.current?.querySelector('button'))?.focus(); };
  useEffect(() => {
    if (!open) return;
    /** @param {Event} event */
    const outside = (event) => { if (!root.current?.contains(/** @type {Node} */ (event.target))) setOpen(false); };
    document.addEventListener('pointerdown', outside);
    /** @type {HTMLElement | null} */ (root.current?.querySelector('.menu-panel input, .menu-panel button, .menu-panel a'))?.focus();
    return () => document.removeEventListener('pointerdown', outside);
  }, [open]);
  /** @param {KeyboardEvent} event */
  const onKeyDown = (event) => {
    if (!open) return;
    if (event.key === 'Escape') { event.preventDefault(); event.stopPropagation(); close(); }
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      const items = /** @type {HTMLElement[]} */ ([...(root.current?.querySelectorAll('.menu-panel input, .menu-panel button, .menu-panel a') ?? [])]);
      const at = items.indexOf(/** @type {HTMLElement} */ (document.activeElement));
      if (!items.length) return;
      event.preventDefault();
      items[(at + (event.key === 'ArrowDown' ? 1 : items.length - 1)) % items.length].focus();
    }
  };
  return html`<div class="menu" ref=${root} onKeyDown=${onKeyDown}>
    <button type="button" class=${className} title=${title} aria-label=${className.includes('icon-only') ? title : undefined} aria-haspopup="true" aria-expanded=${open} onClick=${() => setOpen(!open)}>${label}</button>
    ${open && html`<div class="menu-panel ${align}">${children(close)}</div>`}</div>`;
}

/**
 * Width and height of an element, kept current.
 * @param {{current: HTMLElement | null}} ref
 */
export function useSize(ref) {
  const [size, setSize] = useState({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element) return;
    const read = () => setSize((old) => {
      const next = { width: element.clientWidth, height: element.clientHeight };
      return old.width === next.width && old.height === next.height ? old : next;
    });
    read();
    const observer = new ResizeObserver(read);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return size;
}

/** @param {{label: string, value: string, choices: [string, any][], onChange: (value: string) => void}} props */
export function Segments({ label, value, choices, onChange }) {
  return html`<div class="segments" role="radiogroup" aria-label=${label}>${choices.map(([key, text]) => html`
    <button type="button" role="radio" key=${key} aria-checked=${key === value} tabIndex=${key === value ? 0 : -1}
      onClick=${() => onChange(key)}
      onKeyDown=${(event) => {
        const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
        if (!step) return;
        event.preventDefault();
        event.stopPropagation();
        const at = (choices.findIndex(([k]) => k === value) + step + choices.length) % choices.length;
        onChange(choices[at][0]);
        /** @type {any} */ (event.currentTarget).parentNode.children[at].focus();
      }}>${text}</button>`)}</div>`;
}

/**
 * Tabs as links, so that they can be opened apart.
 * @param {{label: string, value: string, tabs: [string, any][], onChange: (value: string) => void}} props
 */
export function Tabs({ label, value, tabs, onChange }) {
  return html`<div class="tabs" role="tablist" aria-label=${label}>${tabs.map(([key, text]) => html`
    <button type="button" role="tab" key=${key} aria-selected=${key === value} tabIndex=${key === value ? 0 : -1}
      onClick=${() => onChange(key)}
      onKeyDown=${(event) => {
        const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
        if (!step) return;
        event.preventDefault();
        event.stopPropagation();
        const at = (tabs.findIndex(([k]) => k === value) + step + tabs.length) % tabs.length;
        onChange(tabs[at][0]);
        /** @type {any} */ (event.currentTarget).parentNode.children[at].focus();
      }}>${text}</button>`)}</div>`;
}

/** @param {{on: boolean, label: string, onChange: () => void}} props */
export function Switch({ on, label, onChange }) {
  return html`<button type="button" class="switch" role="switch" aria-checked=${on} aria-label=${label} title=${label} onClick=${onChange}><i></i></button>`;
}

/** @param {{tags: string[]}} props */
export function Tags({ tags }) {
  if (!tags?.length) return null;
  return html`<span class="tags" title=${tags.join(', ')}>${tags.slice(0, 3).map((tag) => html`<span class="tag" key=${tag}>${tag}</span>`)}${tags.length > 3 && html`<span class="tag">+${tags.length - 3}</span>`}</span>`;
}

/** What is not here, with a way on. @param {{what: string, id?: string}} props */
export function NotFound({ what, id }) {
  useTitle('Not found');
  return html`<${Empty} title="This ${what} was not found">
    <p class="muted">${id ? html`No ${what} has the id <code>${id}</code>. It may have been deleted.` : html`There is no page at <code>${place.value.path}</code>.`}</p>
    <p class="button-row"><${Link} to="/runs" class="btn primary">All runs<//> <button class="btn" onClick=${() => import('./palette.js').then((m) => m.showPalette())}>Search…</button></p><//>`;
}

/** @type {Map<Function, any>} */
const modules = new Map();

/**
 * A component of a module that is fetched when it is first shown.
 * @param {any} props  from: () => import(…), name: what it exports, quiet: nothing instead of a skeleton; the rest goes on
 */
export function Lazy({ from, name, quiet = false, ...rest }) {
  const [, redraw] = useState(0);
  const module = modules.get(from);
  useEffect(() => {
    if (!module) from().then((/** @type {any} */ found) => { modules.set(from, found); redraw((n) => n + 1); }, () => {});
  }, [from]);
  if (!module) return quiet ? null : html`<${Skeleton} rows=${4} />`;
  return html`<${module[name]} ...${rest} />`;
}

/** Markdown and its styles, for `Lazy`. */
export const prose = () => Promise.all([import('./artifacts.js'), moreStyles()]).then(([found]) => found);

// --- the clock -------------------------------------------------------------------------------------------------------

/** @type {Set<(now: number) => void>} */
const tickers = new Set();
/** @type {ReturnType<typeof setInterval> | undefined} */
let timer;

/**
 * Call `tick` once a second with the time; one timer serves the whole page and rests while nothing ticks.
 * @param {(now: number) => void} tick
 */
export function everySecond(tick) {
  tickers.add(tick);
  timer ??= setInterval(() => {
    if (document.hidden) return;
    const now = Date.now();
    for (const each of tickers) each(now);
  }, 1000);
  return () => {
    tickers.delete(tick);
    if (!tickers.size) { clearInterval(timer); timer = undefined; }
  };
}

// --- rows of runs ----------------------------------------------------------------------------------------------------

/** @param {any} run */
export const secondsOf = (run) => (TERMINAL.has(run.state_type) && run.end_time ? elapsed(run.start_time, run.end_time, 0) : run.start_time ? elapsed(run.start_time, null, Date.now()) : null);

const isBad = (/** @type {any} */ run) => run.state_type === 'FAILED' || run.state_type === 'CRASHED';

/** Why a run failed or waits, in one line. @param {any} run */
export const failureOf = (run) => (isBad(run) && errorLine(run.state?.message)) || reasonOf(run);

/** The second line of a run's row. @param {{run: any}} props */
export function Reason({ run }) {
  const text = failureOf(run);
  return text ? html`<div class="failure ${isBad(run) ? '' : 'calm'}" title=${run.state?.message || text}>${text}</div>` : null;
}

const rowHeights = () => (document.documentElement.dataset.density === 'comfortable' ? [40, 58] : [32, 50]);
/** @param {any} run */
export const rowHeight = (run) => rowHeights()[failureOf(run) ? 1 : 0];

/** Its length against the flow's median, which is the thin mark at one third. @param {{run: any, usual?: number}} props */
export function DurationBar({ run, usual }) {
  const value = secondsOf(run);
  if (value == null) return html`<span class="faint">–</span>`;
  const part = usual ? Math.min(1, value / usual / 3) : Math.min(1, Math.log1p(value) / Math.log1p(3600));
  const live = !TERMINAL.has(run.state_type);
  return html`<span class="dur s-${stateKey(run.state_type, run.state_name)}"><span class="dur-track ${usual ? 'has-usual' : ''}" aria-hidden="true"><span class="dur-bar ${live ? 'is-live' : ''}" style=${{ width: `${Math.max(4, part * 100)}%` }}></span></span>
    <${Duration} start=${run.start_time} end=${live ? null : run.end_time} live=${run.state_type === 'RUNNING' || run.state_type === 'CANCELLING'} /></span>`;
}

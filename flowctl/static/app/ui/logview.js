// The log: all lines of a run, only those in view in the document, followed while the run goes on.

import { html, signal, useEffect, useMemo, useRef, useState } from '../../vendor/preact.js';
import { call, post, stream } from '../api.js';
import { clock, count, levelName, plural } from '../format.js';
import { place, readSetting, setQuery, useActions, writeSetting } from '../store.js';
import { ErrorBox, Icon, Menu, Segments, useSize } from './controls.js';
import { compileSearch, createStore, filterLines, firstLine, lineAt, pieces, rowSums, searchLines } from './logs.js';

const LINE = 20;
const PAGE = 200;
const OVERLAP_MS = 3000;

/** What has been loaded last, so that other parts of the page need not ask again. */
export const loadedLog = signal({ key: '', lines: /** @type {import('./logs.js').Line[]} */ ([]), done: false });

/**
 * Load the lines of `filter`, page by page in the background, then follow while `active`.
 * @param {any} filter  for /logs/filter
 * @param {boolean} active
 */
export function useLogs(filter, active) {
  const key = JSON.stringify(filter);
  const held = useRef(/** @type {any} */ (null));
  const [, redraw] = useState(0);
  const frame = useRef(0);
  if (held.current?.key !== key) held.current = { key, store: createStore(), done: false, error: null, stopped: false, version: 0 };
  const current = held.current;

  const changed = () => {
    cancelAnimationFrame(frame.current);
    frame.current = requestAnimationFrame(() => { current.version++; redraw((n) => n + 1); });
  };
  const load = async (/** @type {boolean} */ again) => {
    const { store } = current;
    current.error = null;
    try {
      for (let first = true; !current.stopped; first = false) {
        const cursor = store.cursor();
        const overlap = again && first && cursor;
        const after = cursor && (overlap ? new Date(Date.parse(cursor.time) - OVERLAP_MS).toISOString() : cursor.time);
        const answer = await post('/logs/filter', {
          logs: { ...filter, ...(after && { timestamp: { after_: after } }) }, sort: 'TIMESTAMP_ASC', limit: PAGE, offset: cursor && !overlap ? cursor.same : 0,
        });
        if (current.stopped) return;
        const added = store.add(answer);
        if (added || first) changed();
        if (first && answer.length === PAGE) loadedLog.value = { key, lines: store.lines, done: false };
        if (answer.length < PAGE || (overlap && !added)) break;
      }
      current.done = true;
      loadedLog.value = { key, lines: store.lines, done: true };
    } catch (error) {
      current.error = error;
    }
    changed();
  };

  useEffect(() => {
    current.stopped = false;
    load(current.done);
    return () => { current.stopped = true; };
  }, [key]);
  useEffect(() => {
    if (!active) return;
    let waiting = /** @type {any[]} */ ([]);
    let flush = 0;
    const stop = filter.flow_run_id ? stream('/logs/out', () => ({ flow_run_id: filter.flow_run_id }), {
      onFrame: (frameData) => {
        if (frameData.type !== 'log') return;
        waiting.push(frameData.log);
        flush ||= requestAnimationFrame(() => { flush = 0; current.store.add(waiting); waiting = []; changed(); });
      },
    }) : () => {};
    let running = false;
    const poll = setInterval(async () => {
      if (running || document.hidden || !current.done) return;
      running = true;
      await load(true);
      running = false;
    }, 2000);
    return () => {
      stop();
      clearInterval(poll);
      cancelAnimationFrame(flush);
      // What was written between the last look and the end of the run.
      if (!current.stopped) setTimeout(() => { if (!current.stopped) load(true); }, 1200);
    };
  }, [key, active]);
  return { lines: /** @type {import('./logs.js').Line[]} */ (current.store.lines), version: current.version, done: current.done, error: current.error, retry: () => load(current.done) };
}

const LEVELS = /** @type {[string, string][]} */ ([['0', 'All'], ['20', 'Info+'], ['30', 'Warn+'], ['40', 'Error']]);

/**
 * @param {{filter: any, active: boolean, nameOfTask?: (id: string) => string | undefined, tasks?: Set<string> | null, taskLabel?: string, onTask?: (id: string | null) => void,
 *   downloadPath?: string, downloadName: string, bar?: any}} props
 */
export function LogView({ filter, active, nameOfTask, tasks = null, taskLabel, onTask, downloadPath, downloadName, bar }) {
  const query = place.value.query;
  const text = query.get('find') ?? '';
  const level = query.get('level') ?? '0';
  const linked = query.get('line');
  const logs = useLogs(filter, active);
  const [logger, setLogger] = useState('');
  const [open, setOpen] = useState(/** @type {Set<string>} */ (new Set()));
  const [wrap, setWrap] = useState(readSetting('logs.wrap', 'off') === 'on');
  const [following, setFollowing] = useState(active);
  const [view, setView] = useState({ top: 0, height: 400 });
  const scroller = useRef(/** @type {HTMLElement | null} */ (null));
  const size = useSize(scroller);

  const lines = useMemo(() => filterLines(logs.lines, { level: Number(level), tasks, logger }), [logs.version, level, tasks, logger, filter]);
  const showTask = Boolean(nameOfTask);
  const fixed = 32 + 100 + 68 + (showTask ? 150 : 0);
  const columns = wrap ? Math.max(20, Math.floor((size.width - fixed - 2) / charWidth())) : 0;
  const sums = useMemo(() => rowSums(lines, open, columns), [lines, open, columns]);
  const total = sums[lines.length] * LINE;

  // --- search over all lines, in slices
  const search = useMemo(() => compileSearch(text), [text]);
  const [hits, setHits] = useState(/** @type {number[]} */ ([]));
  const [hit, setHit] = useState(0);
  useEffect(() => {
    let stopped = false;
    if (!search || 'error' in search && search.error) setHits([]);
    else searchLines(lines, /** @type {any} */ (search), () => stopped).then((found) => { if (found) { setHits(found); setHit((n) => Math.min(n, Math.max(0, found.length - 1))); } });
    return () => { stopped = true; };
  }, [lines, search]);
  const goTo = (/** @type {number} */ index) => {
    const element = scroller.current;
    if (!element || index < 0 || index >= lines.length) return;
    const top = sums[index] * LINE;
    if (top < element.scrollTop || top + LINE > element.scrollTop + element.clientHeight) element.scrollTop = Math.max(0, top - element.clientHeight / 3);
    setFollowing(false);
  };
  const nextHit = (/** @type {number} */ by) => {
    if (!hits.length) return;
    const next = (hit + by + hits.length) % hits.length;
    setHit(next);
    goTo(hits[next]);
  };

  // --- follow and links to lines
  useEffect(() => { if (following && scroller.current) scroller.current.scrollTop = scroller.current.scrollHeight; }, [total, following, size.height]);
  const jumped = useRef('');
  useEffect(() => {
    if (!linked || jumped.current === linked) return;
    const at = lines.findIndex((line) => line.id === linked);
    if (at >= 0) { jumped.current = linked; goTo(at); }
  }, [linked, lines]);
  const onScroll = () => {
    const element = scroller.current;
    if (!element) return;
    setView({ top: element.scrollTop, height: element.clientHeight });
    const atEnd = element.scrollTop + element.clientHeight >= element.scrollHeight - LINE;
    if (following && !atEnd && element.scrollTop < view.top) setFollowing(false);
  };
  useEffect(() => { setView((old) => ({ ...old, height: size.height || 400 })); }, [size.height]);

  const focusSearch = () => document.getElementById('log-search')?.focus();
  const cycleWarnings = () => setQuery({ level: level === '30' ? null : '30' }, { replace: true });
  const goEnd = () => { setFollowing(true); if (scroller.current) scroller.current.scrollTop = scroller.current.scrollHeight; };
  useActions([
    { key: '/', label: 'Search in the log', group: 'Log', run: focusSearch },
    { key: 'e', label: 'Warnings and errors only', group: 'Log', run: cycleWarnings },
    { key: 'G', label: 'End of the log, and follow', group: 'Log', run: goEnd },
    { key: 'l', label: 'To the log', group: 'Log', run: () => scroller.current?.focus() },
  ]);
  const loggers = useMemo(() => [...new Set(logs.lines.map((line) => line.logger))].sort(), [logs.version]);
  const download = async () => {
    const content = downloadPath ? await call('GET', downloadPath, undefined, { text: true })
      : lines.map((line) => `${line.time}\t${levelName(line.level)}\t${line.text}`).join('\n');
    const address = URL.createObjectURL(new Blob([content], { type: 'text/plain' }));
    const anchor = document.createElement('a');
    anchor.href = address;
    anchor.download = downloadPath ? `${downloadName}.csv` : `${downloadName}.log`;
    anchor.click();
    setTimeout(() => URL.revokeObjectURL(address), 5000);
  };

  const first = lines.length ? Math.max(0, lineAt(sums, Math.floor(view.top / LINE)) - 4) : 0;
  const last = lines.length ? Math.min(lines.length, lineAt(sums, Math.ceil((view.top + view.height) / LINE)) + 6) : 0;
  const pattern = search && !search.error ? /** @type {any} */ (search).pattern : null;
  const status = !logs.done && !logs.error ? `${count(logs.lines.length)} lines, loading…`
    : lines.length === logs.lines.length ? plural(lines.length, 'line') : `${count(lines.length)} of ${plural(logs.lines.length, 'line')}`;

  return html`<div class="pane-bar log-bar">${bar}
      <span class="grow"></span>
      <span class="muted num log-count" aria-live="off">${status}</span>
      ${tasks && html`<button type="button" class="btn ghost is-on" title="Show the log of all tasks" onClick=${() => onTask?.(null)}><span class="cut">${taskLabel}</span><${Icon} name="close" size=${12} /></button>`}
      <label class="search ${search?.error ? 'has-error' : ''}" title=${search?.error ?? 'Text, or /regular expression/'}><${Icon} name="search" size=${14} /><span class="sr">Search in the log</span>
        <input id="log-search" type="search" placeholder="Search log" value=${text} autocomplete="off" spellcheck=${false}
          onInput=${(e) => { setHit(0); setQuery({ find: e.target.value }, { replace: true }); }}
          onKeyDown=${(e) => { if (e.key === 'Enter') { e.preventDefault(); nextHit(e.shiftKey ? -1 : hits.length && scrolledTo(hits[hit], sums, view) ? 1 : 0); } if (e.key === 'Escape') /** @type {any} */ (e.target).blur(); }} />
        ${text && html`<span class="num faint" aria-live="polite">${hits.length ? `${count(hit + 1)}/${count(hits.length)}` : search?.error ? 'invalid' : '0'}</span>`}<kbd>/</kbd></label>
      ${text && html`<button type="button" class="btn ghost icon-only" aria-label="Previous hit" onClick=${() => nextHit(-1)}><${Icon} name="up" /></button>
        <button type="button" class="btn ghost icon-only" aria-label="Next hit" onClick=${() => nextHit(1)}><${Icon} name="down" /></button>`}
      <${Segments} label="Least level" value=${LEVELS.some(([l]) => l === level) ? level : '0'} choices=${LEVELS} onChange=${(l) => setQuery({ level: l === '0' ? null : l }, { replace: true })} />
      <${Menu} class="btn ghost icon-only" align="right" title="More for the log" label=${html`<${Icon} name="more" />`}>${(/** @type {() => void} */ close) => html`
        <button type="button" class="menu-item" onClick=${() => { close(); setWrap(!wrap); writeSetting('logs.wrap', wrap ? 'off' : 'on'); }}><${Icon} name="wrap" />${wrap ? 'Do not wrap lines' : 'Wrap lines'}</button>
        <button type="button" class="menu-item" onClick=${() => { close(); setOpen(open.size ? new Set() : new Set(lines.filter((l) => l.lines > 1).map((l) => l.id))); }}><${Icon} name="down" />${open.size ? 'Fold tracebacks' : 'Unfold tracebacks'}</button>
        <button type="button" class="menu-item" onClick=${() => { close(); if (scroller.current) { scroller.current.scrollTop = 0; setFollowing(false); } }}><${Icon} name="up" />Top</button>
        <button type="button" class="menu-item" onClick=${() => { close(); goEnd(); }}><${Icon} name="down" />End${active ? ', and follow' : ''}<kbd>G</kbd></button>
        <button type="button" class="menu-item" onClick=${() => { close(); download(); }}><${Icon} name="download" />Download</button>
        ${loggers.length > 1 && html`<div class="menu-list"><p class="muted">Logger</p>${['', ...loggers].map((name) => html`<button type="button" key=${name} class="menu-item ${logger === name ? 'is-on' : ''}" onClick=${() => { close(); setLogger(name); }}>${name || 'All loggers'}</button>`)}</div>`}`}<//>
      ${active && html`<button type="button" class="btn ${following ? 'is-on' : ''}" aria-pressed=${following} onClick=${() => (following ? setFollowing(false) : goEnd())} title="Follow (G)">Follow</button>`}
    </div>
    <${ErrorBox} error=${logs.error} retry=${logs.retry} />
    <div class="logs ${wrap ? 'wrap' : ''}" ref=${scroller} onScroll=${onScroll} tabIndex="0" role="log" aria-live="off" aria-label="Log">
      ${lines.length === 0 ? logs.done && html`<div class="log-empty">${logs.lines.length ? 'No line matches the level and task chosen.' : active ? 'Nothing logged yet. Lines appear here as they are written.' : 'This run logged nothing.'}</div>`
        : html`<div class="logs-inner" style=${{ height: `${total}px` }}>${lines.slice(first, last).map((line, i) => html`<${LogLine} key=${line.id} line=${line} top=${sums[first + i] * LINE} height=${(sums[first + i + 1] - sums[first + i]) * LINE}
          open=${open.has(line.id)} pattern=${pattern} now=${hits[hit] === first + i} linked=${line.id === linked} showTask=${showTask} task=${line.task && nameOfTask?.(line.task)} onTask=${onTask}
          onFold=${() => { const next = new Set(open); if (next.has(line.id)) next.delete(line.id); else next.add(line.id); setOpen(next); setFollowing(false); }} />`)}</div>`}
    </div>`;
}

/** @param {any} props */
function LogLine({ line, top, height, open, pattern, now, linked, showTask, task, onTask, onFold }) {
  const name = levelName(line.level);
  const kind = line.level >= 40 ? 'l-error' : line.level >= 30 ? 'l-warning' : line.level < 20 ? 'l-debug' : '';
  const shown = line.lines > 1 && !open ? firstLine(line.text) : line.text;
  return html`<div class="log ${kind} ${linked ? 'is-line' : ''}" style=${{ top: `${top}px`, height: `${height}px` }}>
    <button type="button" tabIndex="-1" class="log-time" title="${line.time} — link to this line" onClick=${() => setQuery({ line: linked ? null : line.id }, { replace: true })}>${clock(line.at)}</button>
    <span class="log-level">${name}</span>
    ${showTask && (line.task ? html`<button type="button" tabIndex="-1" class="log-task" title="Only ${task ?? 'this task'}" onClick=${() => onTask?.(line.task)}>${task ?? line.task.slice(0, 8)}</button>` : html`<span class="log-task"></span>`)}
    <span class="log-text">${line.lines > 1 && html`<button type="button" class="fold" aria-expanded=${open} aria-label=${open ? 'Fold' : `Unfold ${line.lines - 1} more lines`} onClick=${onFold}>${open ? '▾' : '▸'}</button>`}
      ${pieces(shown.replaceAll('\t', '    '), pattern).map((piece, i) => renderPiece(piece, i, now))}
      ${line.lines > 1 && !open && html`<button type="button" tabIndex="-1" class="fold" onClick=${onFold}> … ${line.lines - 1} more</button>`}</span></div>`;
}

/** @param {import('./logs.js').Piece} piece @param {number} key @param {boolean} now */
function renderPiece(piece, key, now) {
  const inner = piece.hit ? html`<mark key=${key} class=${now ? 'now' : ''}>${piece.text}</mark>` : piece.text;
  if (piece.href) return html`<a key=${key} href=${piece.href} target="_blank" rel="noopener noreferrer" class=${piece.style ?? ''}>${inner}</a>`;
  return piece.style ? html`<span key=${key} class=${piece.style}>${inner}</span>` : inner;
}

/** @param {number | undefined} index @param {Int32Array} sums @param {{top: number, height: number}} view */
const scrolledTo = (index, sums, view) => index !== undefined && sums[index] * LINE >= view.top && sums[index] * LINE < view.top + view.height;

let measured = 0;

/** Width of one character of the log's font. */
function charWidth() {
  if (measured) return measured;
  const probe = document.createElement('span');
  probe.className = 'mono';
  probe.style.position = 'absolute';
  probe.textContent = '0'.repeat(100);
  document.body.append(probe);
  measured = probe.getBoundingClientRect().width / 100 || 7.2;
  probe.remove();
  return measured;
}

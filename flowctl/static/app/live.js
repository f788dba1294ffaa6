// Changes as they happen: one websocket for all tabs of this browser, polling where there is none.

import { signal, useEffect, useRef } from '../vendor/preact.js';
import { config, online, plainCredentials } from './api.js';

/** 'connecting', 'live' or 'polling' */
export const connection = signal('connecting');

/** @type {Set<(event: any) => void>} */
const listeners = new Set();
/** Counts up after each (re)connect: what happened meanwhile has to be fetched. */
export const reconnects = signal(0);

const EVENTS = ['prefect.flow-run.', 'prefect.task-run.'];
const channel = 'BroadcastChannel' in window ? new BroadcastChannel(`flowctl-live ${config.api}`) : null;
let leading = false;

channel?.addEventListener('message', ({ data }) => {
  if (leading) {
    if (data.kind === 'hello') channel.postMessage({ kind: 'status', status: connection.value });
  } else if (data.kind === 'event') {
    dispatch(data.event);
  } else if (data.kind === 'status') {
    if (data.status === 'live' && connection.value !== 'live') reconnects.value++;
    connection.value = data.status;
  }
});

/** @param {any} event */
function dispatch(event) {
  for (const listener of listeners) listener(event);
}

/** @param {string} status */
function announce(status) {
  connection.value = status;
  channel?.postMessage({ kind: 'status', status });
}

/** Begin; the tab that holds the lock keeps the socket, the others listen to it. */
export function start() {
  if (navigator.locks && channel) {
    channel.postMessage({ kind: 'hello' });
    navigator.locks.request(`flowctl-live ${config.api}`, () => { lead(); return new Promise(() => {}); });
  } else lead();
}

function lead() {
  leading = true;
  stream('/events/out', eventFilter, {
    onOpen: () => { announce('live'); reconnects.value++; },
    onClose: () => announce('polling'),
    onFrame: (frame) => {
      if (frame.type !== 'event' || frame.event.event === 'prefect.flow-run.heartbeat') return;
      dispatch(frame.event);
      channel?.postMessage({ kind: 'event', event: frame.event });
    },
  });
}

/** Without `until` Prefect's server ends the stream at the present: nothing live would come. */
function eventFilter() {
  const now = Date.now();
  return { event: { prefix: EVENTS }, occurred: { since: new Date(now).toISOString(), until: new Date(now + 365 * 86400_000).toISOString() } };
}

/**
 * Subscribe to one of Prefect's streams and stay subscribed: after a loss it connects again, 1, 2, 4 … 30 seconds apart.
 * @param {string} path
 * @param {() => any} filter
 * @param {{onOpen?: () => void, onClose?: () => void, onFrame: (frame: any) => void}} handlers
 * @returns {() => void} stop
 */
export function stream(path, filter, { onOpen, onClose, onFrame }) {
  let delay = 1000;
  let stopped = false;
  /** @type {WebSocket | undefined} */
  let socket;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  const connect = () => {
    timer = undefined;
    socket = new WebSocket(config.api.replace(/^http/, 'ws') + path, ['prefect']);
    let opened = false;
    socket.onopen = () => socket?.send(JSON.stringify({ type: 'auth', token: plainCredentials() }));
    socket.onmessage = ({ data }) => {
      const frame = JSON.parse(data);
      if (frame.type !== 'auth_success') { onFrame(frame); return; }
      opened = true;
      delay = 1000;
      socket?.send(JSON.stringify({ type: 'filter', backfill: false, filter: filter() }));
      onOpen?.();
    };
    socket.onclose = () => {
      if (stopped) return;
      onClose?.();
      delay = opened ? 1000 : Math.min(delay * 2, 30000);
      timer = setTimeout(connect, delay);
    };
  };
  // While the server is away the browser would log each failed attempt; wait for a request to succeed instead.
  const stopWatching = online.subscribe((reached) => {
    if (reached && timer !== undefined && !stopped) { clearTimeout(timer); timer = setTimeout(connect, 50); }
  });
  connect();
  return () => {
    stopped = true;
    clearTimeout(timer);
    stopWatching();
    // A socket that is still connecting is closed once it is open: browsers warn of one that never was.
    if (socket?.readyState === WebSocket.CONNECTING) socket.onopen = () => socket?.close();
    else socket?.close();
  };
}

/**
 * Ids of the flow runs and task runs that an event speaks of.
 * @param {any} event
 */
export function idsOf(event) {
  const ids = new Set();
  for (const resource of [event.resource, ...(event.related ?? [])]) {
    const found = /^prefect\.(?:flow|task)-run\.([0-9a-f-]{36})$/.exec(resource?.['prefect.resource.id'] ?? '');
    if (found) ids.add(found[1]);
  }
  return ids;
}

const BATCH_MS = 500;

/**
 * Refresh what is on screen: at most once each half second after matching events, and by polling while there is no
 * socket (2 s while `busy`, 10 s else, 60 s in a hidden tab, not at all after 10 minutes hidden).
 * @param {(event: any) => boolean} matches
 * @param {() => unknown} refresh
 * @param {{busy?: boolean, onEvent?: (event: any) => void}} [options]
 */
export function useLive(matches, refresh, { busy = false, onEvent } = {}) {
  const held = useRef({ matches, refresh, busy, onEvent });
  held.current = { matches, refresh, busy, onEvent };
  useEffect(() => {
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let batch;
    let last = Date.now();
    let hiddenSince = document.hidden ? Date.now() : 0;
    let running = false;
    const run = async () => {
      batch = undefined;
      if (running) { soon(); return; }
      running = true;
      last = Date.now();
      try { await held.current.refresh(); } finally { running = false; }
    };
    const soon = () => { batch ??= setTimeout(run, BATCH_MS); };
    /** @param {any} event */
    const listener = (event) => {
      if (!held.current.matches(event)) return;
      held.current.onEvent?.(event);
      soon();
    };
    listeners.add(listener);
    let first = true;
    const stopReconnects = reconnects.subscribe((n) => { if (!first && n > 1) soon(); first = false; });
    const poll = setInterval(() => {
      if (!online.value) return;
      if (document.hidden) {
        hiddenSince ||= Date.now();
        if (Date.now() - hiddenSince > 600_000 || Date.now() - last < 60_000) return;
      } else hiddenSince = 0;
      // With a socket polling is only the safety net.
      const every = connection.value === 'live' ? (held.current.busy ? 10_000 : 60_000) : held.current.busy ? 2000 : 10_000;
      if (Date.now() - last >= every) run();
    }, 1000);
    const shown = () => { if (!document.hidden && Date.now() - last > 5000) soon(); };
    document.addEventListener('visibilitychange', shown);
    return () => {
      listeners.delete(listener);
      clearTimeout(batch);
      clearInterval(poll);
      stopReconnects();
      document.removeEventListener('visibilitychange', shown);
    };
  }, []);
}

// Events: what happened to what, newest first, live; heartbeats stay out unless they are asked for.

import { html, useEffect, useMemo, useRef, useState } from '../../vendor/preact.js';
import { config, get, post, stream } from '../api.js';
import { count, listParam, plural, stateKey } from '../format.js';
import { navigate, place, setQuery, useActions, useQuery, useTitle } from '../store.js';
import { Command, Empty, ErrorBox, Icon, Link, Menu, NotFound, Skeleton, Time } from '../ui/controls.js';
import { Details, JsonView } from '../ui/facts.js';
import { RangePicker, readFilters, windowOf } from '../ui/run_filters.js';
import { Table } from '../ui/table.js';

const DAY = 86400;
/** The API gives no more at once. */
const PAGE = 50;
const KEPT = 2000;
const HEARTBEAT = 'prefect.flow-run.heartbeat';

const PREFECT = 'prefect.';

/** What nearly all names begin with is left out where there is little room. @param {{name: string}} props */
const EventName = ({ name }) => (name.startsWith(PREFECT) ? html`<span class="wide-only">${PREFECT}</span>${name.slice(PREFECT.length)}` : name);

/** @param {{date?: string, id?: string}} props */
export default function EventsPage({ date, id }) {
  return id ? html`<${EventPage} date=${date ?? ''} id=${id} />` : html`<${EventList} />`;
}

/** The page of what an event is about, if there is one. @param {any} resource */
export function pathOf(resource) {
  const found = /^prefect\.(flow-run|task-run|flow|deployment)\.([0-9a-f-]{36})$/.exec(resource?.['prefect.resource.id'] ?? '');
  if (!found) return null;
  return { 'flow-run': '/runs/flow-run/', 'task-run': '/runs/task-run/', flow: '/flows/flow/', deployment: '/deployments/deployment/' }[/** @type {'flow'} */ (found[1])] + found[2];
}

/** @param {{resource: any}} props */
function Resource({ resource }) {
  const id = resource?.['prefect.resource.id'] ?? '';
  const name = resource?.['prefect.resource.name'] ?? resource?.['prefect.name'] ?? id;
  const path = pathOf(resource);
  return path ? html`<${Link} class="cut" to=${path} title=${id}>${name}<//>` : html`<span class="cut" title=${id}>${name}</span>`;
}

/** `prefect.flow-run.Completed` has the colour of its state. @param {any} event */
const keyOf = (event) => (event.resource['prefect.state-type'] ? stateKey(event.resource['prefect.state-type'], event.resource['prefect.state-name']) : 'pending');

/** @param {any} event */
const pageOf = (event) => `/events/event/${event.occurred.slice(0, 10)}/${event.id}`;

function EventList() {
  const query = place.value.query;
  const range = useMemo(() => readFilters(query, DAY), [String(query)]);
  const kinds = listParam(query, 'kinds');
  const text = query.get('text') ?? '';
  const resource = query.get('resource') ?? '';
  const beats = query.get('heartbeats') === '1';
  useTitle('Events');
  const fixed = Boolean(range.end);
  const occurred = () => { const { start, end } = windowOf(range); return { since: new Date(start).toISOString(), until: new Date(fixed ? end : end + 60_000).toISOString() }; };
  const filter = () => ({
    occurred: occurred(), order: 'DESC', ...(text && { text: { query: text } }), ...(resource && { any_resource: { id: [resource] } }),
    ...((kinds.length || !beats) && { event: { ...(kinds.length && { name: kinds }), ...(!beats && { exclude_prefix: [HEARTBEAT] }) } }),
  });
  const key = JSON.stringify([kinds, text, resource, beats, range.seconds, range.start, range.end]);
  const list = useQuery(`events ${key}`, async (signal) => {
    const answer = await post('/events/filter', { filter: filter(), limit: PAGE }, { signal });
    return { events: answer.events, total: answer.total, next: answer.next_page };
  });
  const names = useQuery(`event names ${range.seconds} ${range.start} ${range.end}`, (signal) => post('/events/count-by/event', { filter: { occurred: occurred() } }, { signal }));
  const events = list.data?.events ?? [];

  // --- live: the stream of what passes the filter is put on top
  const held = useRef(list);
  held.current = list;
  useEffect(() => {
    if (fixed || text) return;
    return stream('/events/out', () => ({ ...filter(), order: 'ASC', occurred: { since: new Date().toISOString(), until: new Date(Date.now() + 365 * 86400_000).toISOString() } }), {
      onFrame: (frame) => {
        const { data, set } = held.current;
        if (frame.type !== 'event' || !data || data.events.some((/** @type {any} */ each) => each.id === frame.event.id)) return;
        set({ ...data, events: [frame.event, ...data.events].sort((a, b) => b.occurred.localeCompare(a.occurred)).slice(0, KEPT), total: data.total + 1 });
      },
    });
  }, [key]);
  const loading = useRef(false);
  const loadMore = async () => {
    const { data, stale, set } = held.current;
    if (loading.current || !data?.next || stale || data.events.length >= KEPT) return;
    loading.current = true;
    try {
      const answer = await get(`/events/filter/next${new URL(data.next, config.api).search}`);
      const now = held.current.data ?? data;
      const known = new Set(now.events.map((/** @type {any} */ each) => each.id));
      set({ ...now, events: [...now.events, ...answer.events.filter((/** @type {any} */ each) => !known.has(each.id))], next: answer.next_page });
    } catch { /* the next scroll tries again */ } finally { loading.current = false; }
  };

  const scroller = useRef(/** @type {HTMLElement | null} */ (null));
  const [cursor, setCursor] = useState(-1);
  const move = (/** @type {number} */ by) => setCursor((at) => Math.min(events.length - 1, Math.max(0, at + by)));
  const clear = () => navigate('/events');
  useActions([
    { key: '/', label: 'Search', group: 'Events', run: () => document.getElementById('event-search')?.focus() },
    { key: 'j', label: 'Next event', group: 'Events', run: () => move(1) }, { key: 'k', label: 'Previous event', group: 'Events', run: () => move(-1) },
    { key: 'ArrowDown', label: '', hidden: true, run: () => move(1) }, { key: 'ArrowUp', label: '', hidden: true, run: () => move(-1) },
    { key: 'Enter', label: 'Open the event', group: 'Events', run: () => events[cursor] && navigate(pageOf(events[cursor])) },
    { key: 'Escape', label: 'Clear the filters', group: 'Events', run: clear },
  ]);
  const columns = [
    { key: 'when', head: 'When', cell: (/** @type {any} */ event) => html`<${Time} at=${event.occurred} />` },
    { key: 'name', head: 'Event', cell: (/** @type {any} */ event) => html`<i class="event-dot s-${keyOf(event)}"></i><${Link} class="name" to=${pageOf(event)} title=${event.event}><${EventName} name=${event.event} /><//>` },
    { key: 'resource', head: 'What', cell: (/** @type {any} */ event) => html`<${Resource} resource=${event.resource} />` },
    { key: 'related', head: 'Related', cell: (/** @type {any} */ event) => html`<span class="cut muted">${(event.related ?? []).filter((/** @type {any} */ each) => each['prefect.resource.role'] !== 'tag').slice(0, 3).map((/** @type {any} */ each, /** @type {number} */ i) => html`${i ? ' · ' : ''}<${Resource} resource=${each} />`)}</span>` },
  ];
  const filtered = Boolean(kinds.length || text || resource || fixed);
  return html`<section class="page events-page">
    <div class="page-head"><h1>Events</h1>
      <label class="search"><${Icon} name="search" /><span class="sr">Search</span><input id="event-search" type="search" placeholder="Search names and contents" value=${text} autocomplete="off" spellcheck=${false} maxlength="200"
        onInput=${(e) => setQuery({ text: e.target.value }, { replace: true })} onKeyDown=${(e) => { if (e.key === 'Escape' || e.key === 'Enter') /** @type {any} */ (e.target).blur(); }} /><kbd>/</kbd></label>
      <div class="pickers"><${Menu} class="btn ghost ${kinds.length ? 'is-on' : ''}" title="Kinds of events" label=${html`<span class="cut">${kinds.length === 1 ? kinds[0] : kinds.length ? `Kinds · ${kinds.length}` : 'Kinds'}</span><${Icon} name="down" size=${14} />`}>${() => html`<div class="menu-list">
          ${(names.data ?? []).map((/** @type {any} */ each) => html`<label class="menu-item" key=${each.value}><input type="checkbox" checked=${kinds.includes(each.value)} onChange=${() => setQuery({ kinds: kinds.includes(each.value) ? kinds.filter((kind) => kind !== each.value) : [...kinds, each.value], ...(each.value === HEARTBEAT && { heartbeats: '1' }) })} /><span class="cut">${each.label}</span><em class="num faint">${count(each.count)}</em></label>`)}
          ${names.data && !names.data.length && html`<p class="muted">No events in this time.</p>`}</div>`}<//>
        <button type="button" class="btn ghost toggle" aria-pressed=${beats} onClick=${() => setQuery({ heartbeats: beats ? null : '1' })}>Heartbeats</button>
        ${resource && html`<button type="button" class="btn ghost is-on" onClick=${() => setQuery({ resource: null })} title="Only this resource"><span class="cut">${resource}</span><${Icon} name="close" size=${12} /></button>`}
        ${filtered && html`<button type="button" class="btn ghost" onClick=${clear} title="Clear all filters (Esc)"><${Icon} name="close" size=${14} />Clear</button>`}</div>
      <div class="head-right"><${RangePicker} filters=${range} usual=${DAY} /></div></div>
    <${ErrorBox} error=${list.error ?? names.error} retry=${() => { list.reload(); names.reload(); }} />
    ${!list.data ? !list.error && html`<${Skeleton} />`
      : !events.length ? filtered ? html`<${Empty} title="No event matches"><p><button class="btn primary" onClick=${clear}>Clear filters</button></p><//>` : html`<${Empty} title="No events in this time"><p>Runs make them; so can your own code:</p><${Command} lines=${`from prefect.events import emit_event

emit_event("shop.order.paid", resource={"prefect.resource.id": "shop.order.17"})`} /><//>`
      : html`<${Table} label="Events" rows=${events} columns=${columns} total=${list.data.total} rowId=${(event) => event.id} rowHeight=${rowTall} cursor=${cursor} stale=${list.stale} scroller=${scroller} remember="events"
          onOpen=${(event) => navigate(pageOf(event))} onEnd=${loadMore} after=${html`<div class="table-foot">${events.length < list.data.total ? `${count(events.length)} of ${count(list.data.total)} events` : plural(events.length, 'event')}</div>`} />`}
  </section>`;
}

const rowTall = () => (document.documentElement.dataset.density === 'comfortable' ? 40 : 32);

/** @param {{date: string, id: string}} props */
function EventPage({ date, id }) {
  const found = useQuery(`event ${id}`, async (signal) => {
    const day = Date.parse(date) || Date.now();
    const occurred = { since: new Date(day - DAY * 1000).toISOString(), until: new Date(day + 2 * DAY * 1000).toISOString() };
    return (await post('/events/filter', { filter: { occurred, id: { id: [id] } }, limit: 1 }, { signal })).events[0] ?? null;
  });
  useTitle(found.data?.event ?? 'Event');
  useActions([{ key: 'u', label: 'Up to all events', group: 'Event', run: () => navigate('/events') }]);
  const event = found.data;
  if (event === null) return html`<section class="page"><h1 class="sr">Event</h1><${NotFound} what="event" id=${id} /></section>`;
  const crumbs = html`<div class="crumbs"><${Link} to="/events">Events<//><span class="faint">/</span><h1 title=${event?.event}>${event?.event ?? 'Event'}</h1></div>`;
  if (!event) return html`<section class="page"><div class="page-head">${crumbs}</div>${found.error ? html`<${ErrorBox} error=${found.error} retry=${found.reload} />` : html`<${Skeleton} />`}</section>`;
  const about = event.resource['prefect.resource.id'];
  return html`<section class="page scrolling"><div class="page-head">${crumbs}<div class="run-actions"><${Link} class="btn" to="/events?resource=${encodeURIComponent(about)}">All of ${event.resource['prefect.resource.name'] ?? 'this'}<//></div></div>
    <${Details} entries=${[
      ['What', html`<${Resource} resource=${event.resource} />`], ['When', html`<${Time} at=${event.occurred} />`], ['Received', html`<${Time} at=${event.received} />`],
      ...(event.related ?? []).map((/** @type {any} */ each) => [each['prefect.resource.role'], html`<${Resource} resource=${each} />`]),
      ['Follows', event.follows && html`<${Link} to="/events/event/${event.occurred.slice(0, 10)}/${event.follows}">the event before<//>`], ['The whole event', html`<${JsonView} value=${event} />`],
    ]} /></section>`;
}

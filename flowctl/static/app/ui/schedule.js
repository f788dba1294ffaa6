// Schedules in words.  Pure: `node --test` runs this file.

import { duration, pad } from '../format.js';

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const SHORT_DAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];
const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'];
const MACROS = /** @type {Record<string, string>} */ ({ '@hourly': '0 * * * *', '@daily': '0 0 * * *', '@midnight': '0 0 * * *', '@weekly': '0 0 * * 0', '@monthly': '0 0 1 * *', '@yearly': '0 0 1 1 *', '@annually': '0 0 1 1 *' });

/**
 * `Every day at 03:30 Europe/Berlin`; what has no short wording stays as it was written.  The zone is said when the
 * words have an hour and it is not `home`, the zone of who reads.
 * @param {any} schedule  with `cron`, `interval` or `rrule`
 * @param {string} [home]
 */
export function scheduleWords(schedule, home = Intl.DateTimeFormat().resolvedOptions().timeZone) {
  const words = schedule?.cron ? cronWords(schedule.cron) ?? `cron ${schedule.cron}`
    : schedule?.interval ? intervalWords(Number(schedule.interval))
    : schedule?.rrule ? rruleWords(schedule.rrule) ?? schedule.rrule : 'Unknown schedule';
  const zone = schedule?.timezone ?? 'UTC';
  return / at \d|cron /.test(words) && zone !== home ? `${words} ${zone}` : words;
}

/** @param {number} seconds */
export function intervalWords(seconds) {
  for (const [size, unit] of /** @type {[number, string][]} */ ([[604800, 'week'], [86400, 'day'], [3600, 'hour'], [60, 'minute'], [1, 'second']])) {
    if (seconds >= size && seconds % size === 0) return seconds === size ? `Every ${unit}` : `Every ${seconds / size} ${unit}s`;
  }
  return `Every ${duration(seconds)}`;
}

/** @param {string[]} words */
const listed = (words) => (words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`);

/** @param {string} field @param {number} low @param {number} high @param {(text: string) => number} read @returns {number[] | null} */
function values(field, low, high, read) {
  const found = [];
  for (const part of field.split(',')) {
    const range = /^([^-]+)-([^-]+)$/.exec(part);
    const [from, to] = range ? [read(range[1]), read(range[2])] : [read(part), read(part)];
    if (!(from >= low && to <= high && from <= to)) return null;
    for (let n = from; n <= to; n++) found.push(n);
  }
  return found;
}

const number = (/** @type {string} */ text) => (/^\d+$/.test(text) ? Number(text) : NaN);
const dayNumber = (/** @type {string} */ text) => { const at = SHORT_DAYS.indexOf(text.toUpperCase()); return at >= 0 ? at : number(text); };

/** @param {number[]} days */
function dayWords(days) {
  const all = [...new Set(days.map((day) => day % 7))];
  if (all.length === 7) return 'Every day';
  if (all.length > 2 && all.every((day, i) => i === 0 || day === all[i - 1] + 1)) return `${DAYS[all[0]]} to ${DAYS[all[all.length - 1]]}`;
  return `Every ${listed(all.map((day) => DAYS[day]))}`;
}

/** @param {string} cron @returns {string | null} */
export function cronWords(cron) {
  const fields = (MACROS[cron.trim()] ?? cron.trim()).split(/\s+/);
  if (fields.length !== 5) return null;
  const [minute, hour, day, month, weekday] = fields;
  const rest = day === '*' && month === '*' && weekday === '*';
  const every = /^\*\/(\d+)$/;
  if (rest && hour === '*') {
    if (minute === '*') return 'Every minute';
    const step = every.exec(minute);
    if (step) return step[1] === '1' ? 'Every minute' : `Every ${step[1]} minutes`;
    const at = values(minute, 0, 59, number);
    if (at && at.length <= 6) return at.length === 1 && at[0] === 0 ? 'Every hour' : `Every hour at ${listed(at.map((m) => `:${pad(m)}`))}`;
    return null;
  }
  if (rest && /^\d+$/.test(minute) && every.test(hour)) return `Every ${hour.slice(2)} hours${minute === '0' ? '' : ` at :${pad(Number(minute))}`}`;
  const minutes = values(minute, 0, 59, number);
  const hours = values(hour, 0, 23, number);
  if (!minutes || !hours || minutes.length * hours.length > 6) return null;
  const times = listed(hours.flatMap((h) => minutes.map((m) => `${pad(h)}:${pad(m)}`)));
  let when = 'Every day';
  if (weekday !== '*') {
    const days = values(weekday, 0, 7, dayNumber);
    if (!days || day !== '*') return null;
    when = dayWords(days);
  } else if (day !== '*') {
    const days = day === 'L' ? null : values(day, 1, 31, number);
    if (!days && day !== 'L') return null;
    when = days ? `On day ${listed(days.map(String))} of the month` : 'On the last day of the month';
  }
  if (month !== '*') {
    const months = values(month, 1, 12, number);
    if (!months) return null;
    when += ` in ${listed(months.map((m) => MONTHS[m - 1]))}`;
  }
  return `${when} at ${times}`;
}

const UNITS = /** @type {Record<string, string>} */ ({ SECONDLY: 'second', MINUTELY: 'minute', HOURLY: 'hour', DAILY: 'day', WEEKLY: 'week', MONTHLY: 'month', YEARLY: 'year' });
const NTH = /** @type {Record<string, string>} */ ({ 1: 'first', 2: 'second', 3: 'third', 4: 'fourth', '-1': 'last' });
const KNOWN = new Set(['FREQ', 'INTERVAL', 'BYDAY', 'BYHOUR', 'BYMINUTE', 'BYSECOND', 'BYMONTHDAY', 'WKST', 'COUNT', 'UNTIL']);

/** @param {string} text @returns {string | null} */
export function rruleWords(text) {
  const lines = text.split('\n').map((line) => line.trim()).filter(Boolean);
  const rules = lines.filter((line) => !line.startsWith('DTSTART'));
  if (rules.length !== 1 || rules[0].startsWith('RDATE') || rules[0].startsWith('EX')) return null;
  const parts = Object.fromEntries(rules[0].replace(/^RRULE:/, '').split(';').map((part) => part.split('=')));
  const unit = UNITS[parts.FREQ];
  if (!unit || Object.keys(parts).some((key) => !KNOWN.has(key))) return null;
  const every = Number(parts.INTERVAL ?? 1);
  let words = every === 1 ? `Every ${unit}` : `Every ${every} ${unit}s`;
  if (parts.BYDAY) {
    const days = parts.BYDAY.split(',').map((/** @type {string} */ day) => /^(-?\d+)?(SU|MO|TU|WE|TH|FR|SA)$/.exec(day));
    if (days.some((/** @type {any} */ day) => !day || (day[1] && !NTH[day[1]]))) return null;
    words += ` on ${listed(days.map((/** @type {any} */ day) => `${day[1] ? `the ${NTH[day[1]]} ` : ''}${DAYS[SHORT_DAYS.findIndex((name) => name.startsWith(day[2]))]}`))}`;
  }
  if (parts.BYMONTHDAY) words += ` on day ${listed(parts.BYMONTHDAY.split(','))}`;
  if (parts.BYHOUR && !parts.BYHOUR.includes(',')) words += ` at ${pad(Number(parts.BYHOUR))}:${pad(Number(parts.BYMINUTE ?? 0))}`;
  else if (parts.BYHOUR) return null;
  if (parts.COUNT) words += `, ${parts.COUNT} times`;
  if (parts.UNTIL) words += `, until ${parts.UNTIL.slice(0, 4)}-${parts.UNTIL.slice(4, 6)}-${parts.UNTIL.slice(6, 8)}`;
  return words;
}

/** The form of a schedule as its author thinks of it: `cron`, `interval` or `rrule`. @param {any} schedule */
export const kindOfSchedule = (schedule) => (schedule?.cron ? 'cron' : schedule?.rrule ? 'rrule' : 'interval');

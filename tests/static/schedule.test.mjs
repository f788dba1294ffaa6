import assert from 'node:assert/strict';
import test from 'node:test';
import { cronWords, intervalWords, kindOfSchedule, rruleWords, scheduleWords } from '../../flowctl/static/app/ui/schedule.js';

test('cron in words', () => {
  const cases = {
    '* * * * *': 'Every minute', '*/5 * * * *': 'Every 5 minutes', '0 * * * *': 'Every hour', '15,45 * * * *': 'Every hour at :15 and :45',
    '15 */2 * * *': 'Every 2 hours at :15', '0 */6 * * *': 'Every 6 hours', '30 3 * * *': 'Every day at 03:30', '0 8,12 * * *': 'Every day at 08:00 and 12:00',
    '0 8 * * 1-5': 'Monday to Friday at 08:00', '0 8 * * MON,WED': 'Every Monday and Wednesday at 08:00', '0 8 * * 7': 'Every Sunday at 08:00',
    '0 0 1 * *': 'On day 1 of the month at 00:00', '0 0 L * *': 'On the last day of the month at 00:00', '5 4 1 1,7 *': 'On day 1 of the month in January and July at 04:05', '@daily': 'Every day at 00:00',
  };
  for (const [cron, words] of Object.entries(cases)) assert.equal(cronWords(cron), words, cron);
  for (const cron of ['0 8 1 * 1', '0 8 * * 1#2', '* 8 * * *', '0 8 * *', '99 8 * * *', '0 0 * * * 30', '']) assert.equal(cronWords(cron), null, cron);
});

test('intervals and recurrence rules in words', () => {
  assert.equal(intervalWords(60), 'Every minute');
  assert.equal(intervalWords(7200), 'Every 2 hours');
  assert.equal(intervalWords(90), 'Every 90 seconds');
  assert.equal(intervalWords(0.5), 'Every 500ms');
  assert.equal(rruleWords('RRULE:FREQ=WEEKLY;BYDAY=MO,FR;BYHOUR=9;BYMINUTE=5'), 'Every week on Monday and Friday at 09:05');
  assert.equal(rruleWords('DTSTART:20261101T000000\nFREQ=MONTHLY;INTERVAL=2;BYDAY=1MO,-1FR;COUNT=3'), 'Every 2 months on the first Monday and the last Friday, 3 times');
  assert.equal(rruleWords('FREQ=DAILY;UNTIL=20261231T000000Z'), 'Every day, until 2026-12-31');
  assert.equal(rruleWords('FREQ=DAILY;BYSETPOS=1'), null);
  assert.equal(rruleWords('nonsense'), null);
});

test('the zone is said where it matters', () => {
  assert.equal(scheduleWords({ cron: '30 3 * * *', timezone: 'Europe/Berlin' }, 'UTC'), 'Every day at 03:30 Europe/Berlin');
  assert.equal(scheduleWords({ cron: '30 3 * * *', timezone: 'Europe/Berlin' }, 'Europe/Berlin'), 'Every day at 03:30');
  assert.equal(scheduleWords({ cron: '*/5 * * * *', timezone: 'Europe/Berlin' }, 'UTC'), 'Every 5 minutes');
  assert.equal(scheduleWords({ interval: 20, timezone: 'Asia/Tokyo' }, 'UTC'), 'Every 20 seconds');
  assert.equal(scheduleWords({ cron: '0 8 * * 1#2', timezone: null }, 'UTC'), 'cron 0 8 * * 1#2');
  assert.deepEqual([{ cron: '* * * * *' }, { interval: 5 }, { rrule: 'FREQ=DAILY' }].map(kindOfSchedule), ['cron', 'interval', 'rrule']);
});

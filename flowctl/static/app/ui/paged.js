// Long lists: as many pages as were scrolled to, each a request of its own, so that no request grows without end.

import { post } from '../api.js';

export const PAGE = 200;
/** Pages of a list; who has more flows than that finds one by searching. */
export const PAGES = 10;

/**
 * @param {string} path  `…/paginate`
 * @param {Record<string, any>} body
 * @param {number} pages  so many, from the first
 * @param {AbortSignal} signal
 * @returns {Promise<{results: any[], count: number}>}  each object once
 */
export async function paged(path, body, pages, signal) {
  const answers = await Promise.all(Array.from({ length: pages }, (_, i) => post(path, { ...body, limit: PAGE, page: i + 1 }, { signal })));
  const found = new Map(answers.flatMap((answer) => answer.results.map((/** @type {any} */ each) => [each.id, each])));
  return { results: [...found.values()], count: answers[0]?.count ?? 0 };
}

/**
 * The same question about parts of many ids, its answers put together.
 * @template T
 * @param {string[]} ids
 * @param {(part: string[]) => Promise<T>} ask
 * @returns {Promise<T[]>}
 */
export const inParts = (ids, ask) => Promise.all(Array.from({ length: Math.ceil(ids.length / PAGE) }, (_, i) => ask(ids.slice(i * PAGE, (i + 1) * PAGE))));

/** What is at the end of a list. @param {number} shown @param {number} total @param {number} pages @param {string} words  `12 flows` @param {string} many */
export const endOfList = (shown, total, pages, words, many) =>
  shown >= total ? words : pages < PAGES ? `${shown.toLocaleString('en-US')} of ${total.toLocaleString('en-US')} ${many}` : `${shown.toLocaleString('en-US')} of ${total.toLocaleString('en-US')} ${many}; search to find the others`;

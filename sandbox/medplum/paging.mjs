/** Links of a search page: cursors for sweeps in order of lastUpdated, offsets for everything else. */
import { DEFAULT_SEARCH_COUNT, OperationOutcomeError, badRequest, formatSearchQuery, serverError } from '@medplum/core';

const lastUpdated = (record) => record.versions.at(-1).lastUpdated;

/**
 * @param {string | undefined} text `2-<milliseconds>[-<ids already seen of that millisecond>]`
 * @returns {{since: string, excluded: Set<string>} | undefined}
 */
export function parseCursor(text) {
  if (!text) {
    return undefined;
  }
  const match = /^2-(\d+)(?:-(.+))?$/u.exec(text);
  if (!match) {
    throw new OperationOutcomeError(badRequest('Invalid cursor'));
  }
  return { since: new Date(Number(match[1])).toISOString(), excluded: new Set(match[2]?.split(',')) };
}

function cursorAfter(page, next, before) {
  const since = lastUpdated(next);
  const seen = page.filter((record) => lastUpdated(record) === since).map((record) => record.id);
  if (seen.length === page.length && parseCursor(before)?.since === since) {
    throw new OperationOutcomeError(serverError(new Error('Cursor fails to make progress')));
  }
  return `2-${Date.parse(since)}${seen.length > 0 ? '-' + seen.join(',') : ''}`;
}

/** @returns {boolean} whether the server pages this search by cursor */
function pagesByCursor(request) {
  const rule = request.sortRules?.length === 1 ? request.sortRules[0] : undefined;
  return rule?.code === '_lastUpdated' && !rule.descending && request.count >= DEFAULT_SEARCH_COUNT && !request.offset;
}

/**
 * @param {object} request the search with its limits @param {object[]} page the records shown
 * @param {object | undefined} next the first record that is not shown
 */
export function linksOf(request, page, next, baseUrl) {
  const { types, resourceType } = request;
  const base = baseUrl + 'fhir/R4/' + (types ? '' : resourceType);
  const url = (change) => base + formatSearchQuery({ ...request, ...change });
  const links = [{ relation: 'self', url: url({}) }];
  if (page.length === 0) {
    return links;
  }
  links.push({ relation: 'first', url: url({ cursor: undefined, offset: undefined }) });
  if (next && pagesByCursor(request)) {
    links.push({ relation: 'next', url: url({ cursor: cursorAfter(page, next, request.cursor), offset: undefined }) });
  } else if (next) {
    links.push({ relation: 'next', url: url({ offset: request.offset + request.count }) });
  }
  if (request.offset > 0) {
    links.push({ relation: 'previous', url: url({ offset: Math.max(0, request.offset - request.count) }) });
  }
  return links;
}

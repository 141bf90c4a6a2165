/** What must be known about a request before Medplum's router sees it. */
import { OperationOutcomeError, badRequest } from '@medplum/core';

const MODIFIERS = new Set([
  'contains', 'exact', 'above', 'below', 'text', 'not', 'in', 'not-in', 'of-type', 'missing', 'identifier', 'iterate',
]);

/** The requests of a bundle that has not been checked yet. */
function requestsOf(bundle) {
  return Array.isArray(bundle.entry) ? bundle.entry.map((item) => item?.request).filter(Boolean) : [];
}

/**
 * The 5.0.10 router reads If-Match only on PUT by id; the published 5.2.13 router passes it on everywhere.
 * @param {string} method @param {string} url @param {object} headers @param {any} body changed in place
 */
export function ignoreIfMatch(method, url, headers, body) {
  if (method !== 'PUT' || url.includes('?') || !url.includes('/')) {
    delete headers['if-match'];
  }
  if (body?.resourceType === 'Bundle') {
    for (const request of requestsOf(body)) {
      // A conditional PUT keeps it: in a bundle it becomes a PUT by id before it runs.
      if (request.method === 'DELETE' || request.method === 'PATCH') {
        delete request.ifMatch;
      }
    }
  }
}

/**
 * Medplum's parser reads an unknown modifier as none; the server refuses it.
 * @param {Iterable<string>} names of search parameters @throws {OperationOutcomeError} 400
 */
export function checkModifiers(names) {
  for (const name of names) {
    const [code, modifier] = name.split(':');
    // An upper-case letter is a target type, as in subject:Patient; chains have a syntax of their own.
    const free = /^[A-Z]/u.test(modifier ?? '') || name.includes('.') || code === '_has';
    if (modifier && !free && !MODIFIERS.has(modifier)) {
      throw new OperationOutcomeError(badRequest(`Invalid modifier :${modifier} for ${code}`));
    }
  }
}

/** @returns {string[]} the resource types that a request writes */
export function writtenTypes(method, url, body) {
  const type = (text) => text.split(/[/?]/u)[0];
  if (body?.resourceType === 'Bundle' && url === '') {
    const writes = requestsOf(body).filter((request) => request.url && request.method !== 'GET');
    return [...new Set(writes.map((request) => type(request.url)))];
  }
  return method === 'GET' || url.includes('/_search') ? [] : [type(url)];
}

/** The history bundle of one record: newest first, a deletion as an entry without a resource. */
import { allOk, gone } from '@medplum/core';

const DEFAULT_COUNT = 100;
const MAX_COUNT = 1000;

function toEntry(type, id, version, baseUrl) {
  const fullUrl = `${baseUrl}fhir/R4/${type}/${id}/_history/${version.versionId}`;
  const request = { method: 'GET', url: `${type}/${id}/_history/${version.versionId}` };
  if (version.json !== undefined) {
    return { fullUrl, request, response: { status: '200', outcome: allOk }, resource: JSON.parse(version.json) };
  }
  const issue = [{ ...gone.issue[0], details: { text: `Deleted on ${version.lastUpdated}` } }];
  return { fullUrl, request, response: { status: '410', outcome: { ...gone, issue } } };
}

/**
 * @param {string} type @param {object} record @param {{offset?: number, limit?: number}} page @param {string} baseUrl
 * @returns {object} a Bundle of type history
 */
export function historyBundle(type, record, { offset = 0, limit = DEFAULT_COUNT } = {}, baseUrl) {
  const versions = record.versions.toReversed();
  const shown = versions.slice(offset, offset + Math.min(limit, MAX_COUNT));
  const entry = shown.map((version) => toEntry(type, record.id, version, baseUrl));
  return { resourceType: 'Bundle', type: 'history', total: versions.length, entry };
}

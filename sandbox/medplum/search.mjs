/** Search requests, as parsed by Medplum's own parser, run over the store. */
import {
  DEFAULT_MAX_SEARCH_COUNT, DEFAULT_SEARCH_COUNT, OperationOutcomeError, badRequest, getDataType, getSearchParameter,
  subsetResource, validateResourceType,
} from '@medplum/core';
import { compileFilter } from './filters.mjs';
import { linksOf, parseCursor } from './paging.mjs';
import { latest } from './store.mjs';
import { valuesOf } from './values.mjs';

const MAX_OFFSET = 10_000;

function typesOf(request) {
  const types = request.types ?? [request.resourceType];
  types.forEach(validateResourceType);
  if (types.includes('Binary')) {
    throw new OperationOutcomeError(badRequest('Cannot search on Binary resource type'));
  }
  return types;
}

function applyLimits(request) {
  request.count = Math.min(request.count ?? DEFAULT_SEARCH_COUNT, DEFAULT_MAX_SEARCH_COUNT);
  request.offset ??= 0;
  if (request.offset > MAX_OFFSET) {
    const text = `Search offset exceeds maximum (got ${request.offset}, max ${MAX_OFFSET})`;
    throw new OperationOutcomeError(badRequest(text));
  }
  if (request.offset > 0 && request.cursor) {
    throw new OperationOutcomeError(badRequest('Cannot use both offset and cursor'));
  }
}

/** Compiles the filters of a request; `ordered` says whether its records come in order of lastUpdated. */
function plan(store, type, request) {
  const find = (inner) => [...run(plan(store, inner.resourceType, inner))];
  const filters = (request.filters ?? []).map((filter) => compileFilter(type, filter, store, find));
  const indexed = filters.filter((f) => f.candidates).map((f) => ({ filter: f, records: f.candidates() }));
  const smallest = indexed.sort((a, b) => a.records.size - b.records.size)[0];
  const rest = filters.filter((f) => !(f.exact && f === smallest?.filter));
  const records = smallest?.records ?? store.tables.get(type)?.live.values() ?? [];
  return { tests: testsOf(rest), all: filters, records, ordered: !smallest };
}

function testsOf(filters) {
  return {
    ofVersion: filters.map((filter) => filter.testVersion).filter(Boolean),
    ofContent: filters.map((filter) => filter.test).filter(Boolean),
  };
}

/** The content is parsed only when the version alone does not decide. */
function accepts({ ofVersion, ofContent }, record) {
  const version = record.versions.at(-1);
  if (!ofVersion.every((test) => test(version))) {
    return false;
  }
  const resource = ofContent.length > 0 ? latest(record) : undefined;
  return ofContent.every((test) => test(resource));
}

function* run({ tests, records }) {
  for (const record of records) {
    if (accepts(tests, record)) {
      yield record;
    }
  }
}

/** @returns {boolean} whether a live record matches a parsed criteria string, such as a subscription's */
export function matches(store, request, record) {
  return accepts(testsOf(plan(store, request.resourceType, request).all), record);
}

const lastUpdated = (record) => record.versions.at(-1).lastUpdated;
const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

function sortKey(record, rule) {
  if (rule.code === '_lastUpdated') {
    return lastUpdated(record);
  }
  const resource = latest(record);
  const param = getSearchParameter(resource.resourceType, rule.code);
  if (!param) {
    throw new OperationOutcomeError(badRequest('Unknown sort parameter: ' + rule.code));
  }
  const value = valuesOf(resource, param)[0]?.value;
  return typeof value === 'object' ? JSON.stringify(value).toLowerCase() : value;
}

function sort(records, rules) {
  const keyed = records.map((record) => ({ record, keys: rules.map((rule) => sortKey(record, rule)) }));
  keyed.sort((a, b) => {
    for (const [i, rule] of rules.entries()) {
      const missing = (a.keys[i] === undefined) - (b.keys[i] === undefined);
      const order = missing || compare(a.keys[i], b.keys[i]) * (rule.descending ? -1 : 1);
      if (order !== 0) {
        return order;
      }
    }
    return 0;
  });
  return keyed.map(({ record }) => record);
}

function selectFields(resource, request) {
  const mandatory = () => [...(getDataType(resource.resourceType).mandatoryProperties ?? [])];
  if (request.fields) {
    subsetResource(resource, [...mandatory(), ...request.fields]);
  } else if (request.summary === 'text') {
    subsetResource(resource, ['text', ...mandatory()]);
  } else if (request.summary === 'data') {
    subsetResource(resource, Object.keys(resource).filter((key) => key !== 'text'));
  } else if (request.summary === 'true') {
    subsetResource(resource, [...(getDataType(resource.resourceType).summaryProperties ?? [])]);
  }
  return resource;
}

/** Takes `limit` records in the order of the request, or all of them when the total is wanted. */
function take(store, request, limit) {
  const cursor = parseCursor(request.cursor);
  const rules = request.sortRules ?? [];
  const natural = rules.length === 1 && rules[0].code === '_lastUpdated' && !rules[0].descending;
  const found = [];
  for (const type of typesOf(request)) {
    const planned = plan(store, type, request);
    const inOrder = rules.length === 0 || (natural && planned.ordered);
    const stop = inOrder && !request.types && !request.total ? limit : Infinity;
    for (const record of run(planned)) {
      if (!cursor || (lastUpdated(record) >= cursor.since && !cursor.excluded.has(record.id))) {
        found.push(record);
      }
      if (found.length >= stop) {
        break;
      }
    }
  }
  return rules.length > 0 ? sort(found, rules) : found;
}

/**
 * @param {import('./store.mjs').Store} store @param {object} request a parsed SearchRequest, completed in place
 * @param {{baseUrl: string, include: Function}} context
 * @param {boolean} resourceOnly leave links and totals out
 * @returns {Promise<object>} the searchset bundle
 */
export async function search(store, request, context, resourceOnly = false) {
  applyLimits(request);
  const limit = request.offset + request.count + 1;
  const found = request.count > 0 || request.total ? take(store, request, limit) : take(store, request, 1);
  const page = found.slice(request.offset, request.offset + request.count);
  const entry = page.map((record) => toEntry(latest(record), context.baseUrl));
  await context.include(request, entry);
  entry.forEach(({ resource }) => selectFields(resource, request));
  const bundle = { resourceType: 'Bundle', type: 'searchset', entry: entry.length > 0 ? entry : undefined };
  if (!resourceOnly) {
    bundle.total = request.total && request.total !== 'none' ? found.length : undefined;
    bundle.link = linksOf(request, page, found[request.offset + request.count], context.baseUrl);
  }
  return bundle;
}

function toEntry(resource, baseUrl) {
  return { fullUrl: `${baseUrl}fhir/R4/${resource.resourceType}/${resource.id}`, search: { mode: 'match' }, resource };
}

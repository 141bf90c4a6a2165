/** One search filter: which records can match (by index) and whether one does. */
import {
  OperationOutcomeError, Operator, badRequest, convertToSearchableDates, convertToSearchableNumbers,
  convertToSearchableQuantities, convertToSearchableReferences, convertToSearchableStrings, convertToSearchableUris,
  getSearchParameter, invalidSearchOperator, splitSearchOnComma, toPeriod,
} from '@medplum/core';
import { compileChain } from './chains.mjs';
import { compareNumber } from './numbers.mjs';
import { compileIndexedToken, compileToken, union } from './tokens.mjs';
import { valuesOf } from './values.mjs';

const NOT_IMPLEMENTED = new Set([
  '_filter', '_deleted', '_compartment', '_project', '_content', '_text', '_list', '_query',
]);
const refuse = (outcome) => {
  throw new OperationOutcomeError(outcome);
};
function compileReference(filter, param, table) {
  const negated = filter.operator === Operator.NOT || filter.operator === Operator.NOT_EQUALS;
  const only = param.target?.length === 1 ? param.target[0] + '/' : undefined;
  const wanted = new Set(splitSearchOnComma(filter.value).map((v) => (v.includes('/') || !only ? v : only + v)));
  if (filter.operator === Operator.IDENTIFIER) {
    const logical = new Set([...wanted].map((value) => 'identifier:' + value));
    return { test: (r) => convertToSearchableReferences(valuesOf(r, param)).some((v) => logical.has(v)) };
  }
  const test = (r) => convertToSearchableReferences(valuesOf(r, param)).some((v) => wanted.has(v)) !== negated;
  // Canonical references are not in the index, so only plain Type/id values may use it.
  const literal = !negated && [...wanted].every((value) => /^[A-Z]\w+\/[\w.-]+$/u.test(value));
  const keys = [...wanted].map((value) => 'r' + value);
  return { test, candidates: literal ? () => union(table.index, keys) : undefined };
}

function compileString(filter, param) {
  const wanted = splitSearchOnComma(filter.value).map((v) => v.toLowerCase());
  const how = {
    [Operator.CONTAINS]: (text, want) => text.includes(want),
    [Operator.EXACT]: (text, want) => text === want,
    [Operator.EQUALS]: (text, want) => text.startsWith(want) || text.includes(' ' + want),
  }[filter.operator];
  const texts = (r) => convertToSearchableStrings(valuesOf(r, param)).map((v) => v.toLowerCase());
  return { test: (r) => texts(r).some((text) => wanted.some((want) => how(text, want))) };
}

function compileUri(filter, param, table) {
  const wanted = splitSearchOnComma(filter.value);
  const how = {
    [Operator.EQUALS]: (uri, want) => uri === want,
    [Operator.NOT]: (uri, want) => uri === want,
    [Operator.BELOW]: (uri, want) => uri.startsWith(want),
    [Operator.CONTAINS]: (uri, want) => uri.includes(want),
  }[filter.operator];
  const negated = filter.operator === Operator.NOT;
  const indexed = param.code === '_source' && filter.operator === Operator.EQUALS;
  const uris = (r) => convertToSearchableUris(valuesOf(r, param));
  const test = (r) => uris(r).some((uri) => wanted.some((want) => how(uri, want))) !== negated;
  return { test, candidates: indexed ? () => union(table.index, wanted.map((v) => 'u' + v)) : undefined };
}

function dateMatches({ start = '0000', end = '9999' }, operator, wanted) {
  switch (operator) {
    case Operator.LESS_THAN: return start < wanted.start;
    case Operator.GREATER_THAN: return end > wanted.end;
    case Operator.LESS_THAN_OR_EQUALS: return start <= wanted.end;
    case Operator.GREATER_THAN_OR_EQUALS: return end >= wanted.start;
    case Operator.STARTS_AFTER: return start > wanted.end;
    case Operator.ENDS_BEFORE: return end < wanted.start;
    default: return start <= wanted.end && end >= wanted.start;
  }
}

function compileDate(filter, param) {
  const wanted = splitSearchOnComma(filter.value).map((v) => toPeriod(v) ?? refuse(badRequest('Invalid date: ' + v)));
  const negated = filter.operator === Operator.NOT_EQUALS;
  const matches = (period) => wanted.some((want) => dateMatches(period, filter.operator, want)) !== negated;
  if (param.code === '_lastUpdated') {
    return { testVersion: ({ lastUpdated }) => matches({ start: lastUpdated, end: lastUpdated }) };
  }
  return { test: (r) => convertToSearchableDates(valuesOf(r, param)).some(matches) };
}

function compileQuantity(filter, param) {
  const [number, system, code] = filter.value.split('|');
  const unit = (q) => (!code || q.code === code || q.unit === code) && (!system || q.system === system);
  const test = (r) => convertToSearchableQuantities(valuesOf(r, param))
    .some((q) => compareNumber(q.value, filter.operator, number) && unit(q));
  return { test };
}

function compileNumber(filter, param) {
  const test = (r) => convertToSearchableNumbers(valuesOf(r, param))
    .some(([low]) => low !== undefined && compareNumber(low, filter.operator, filter.value));
  return { test };
}

const RANGES = ['eq', 'ne', 'gt', 'lt', 'ge', 'le', 'sa', 'eb', 'ap'];
const KINDS = {
  token: { compile: compileToken, operators: ['eq', 'ne', 'not', 'text'] },
  reference: { compile: compileReference, operators: ['eq', 'ne', 'not', 'identifier'] },
  string: { compile: compileString, operators: ['eq', 'contains', 'exact'] },
  uri: { compile: compileUri, operators: ['eq', 'not', 'below', 'contains'] },
  date: { compile: compileDate, operators: RANGES },
  quantity: { compile: compileQuantity, operators: RANGES },
  number: { compile: compileNumber, operators: RANGES },
};

function compileId(filter, table) {
  const ids = new Set(splitSearchOnComma(filter.value));
  const negated = filter.operator === Operator.NOT;
  const candidates = () => new Set([...ids].map((id) => table.live.get(id)).filter(Boolean));
  return { candidates: negated ? undefined : candidates, exact: !negated, test: (r) => ids.has(r.id) !== negated };
}

function compileMissing(filter, param) {
  const wanted = (filter.value === 'true') === (filter.operator === Operator.PRESENT);
  return { test: (r) => valuesOf(r, param).length > 0 === wanted };
}

/**
 * @param {string} type @param {{code: string, operator: string, value: string}} filter
 * @param {import('./store.mjs').Store} store
 * @param {(request: object) => object[]} find runs an inner search without limits, for chains
 * @returns {{candidates?: () => Iterable<object>, test?: (resource: object) => boolean, testVersion?: Function}}
 * @throws {OperationOutcomeError} 400 for what neither the server nor this sandbox understands
 */
export function compileFilter(type, filter, store, find) {
  const table = store.table(type);
  if (filter.code.startsWith('_has:') || filter.code.includes('.')) {
    return compileChain(type, filter, table, find);
  }
  if (NOT_IMPLEMENTED.has(filter.code)) {
    refuse(badRequest(`The embedded server does not implement the search parameter ${filter.code}`));
  }
  const param = getSearchParameter(type, filter.code) ?? refuse(badRequest('Unknown search parameter: ' + filter.code));
  if (filter.operator === Operator.MISSING || filter.operator === Operator.PRESENT) {
    return compileMissing(filter, param);
  }
  const kind = KINDS[param.type];
  if (!kind) {
    refuse(badRequest(`The embedded server does not implement ${param.type} search parameters: ${filter.code}`));
  }
  if (!kind.operators.includes(filter.operator)) {
    refuse(invalidSearchOperator(filter.operator, filter.code));
  }
  if (filter.code === '_id') {
    return compileId(filter, table);
  }
  const plain = filter.operator === Operator.EQUALS || filter.operator === Operator.NOT;
  if (plain && (filter.code === 'identifier' || filter.code === '_tag')) {
    return compileIndexedToken(filter, table);
  }
  return kind.compile(filter, param, table);
}

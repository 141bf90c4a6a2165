/** Token search: exact and case-sensitive, with the escapes of FHIR. */
import { Operator, convertToSearchableTokens } from '@medplum/core';
import { comparable, tokenKeys } from './indexes.mjs';
import { valuesOf } from './values.mjs';

/**
 * Splits a token filter on unescaped commas, then each part on its first unescaped bar.
 * @param {string} input the value of a token parameter, with backslash escapes
 * @returns {{system?: string, value: string, bar: boolean}[]}
 */
export function splitTokens(input) {
  const parts = [''];
  for (let i = 0; i < input.length; i++) {
    if (input[i] === ',') {
      parts.push('');
    } else {
      parts[parts.length - 1] += input[i] === '\\' ? input[i] + (input[++i] ?? '') : input[i];
    }
  }
  return parts.map(splitToken);
}

function splitToken(text) {
  const unescape = (part) => part.replace(/\\(.)/gsu, '$1');
  const bar = /^(?:\\.|[^|\\])*\|/su.exec(text);
  if (!bar) {
    return { value: comparable(unescape(text)), bar: false };
  }
  const system = unescape(bar[0].slice(0, -1));
  return { system, value: comparable(unescape(text.slice(bar[0].length))), bar: true };
}

function tokenMatches(token, { system, value, bar }) {
  if (!bar) {
    return token.value !== undefined && comparable(token.value) === value;
  }
  if (system === '') {
    return value !== '' && !token.system && token.value !== undefined && comparable(token.value) === value;
  }
  return token.system === system && (value === '' || comparable(token.value ?? '') === value);
}

function anyToken(tokens, wanted) {
  return tokens.some((token) => wanted.some((want) => tokenMatches(token, want)));
}

/** @returns {Set<object>} the records that hold any of the keys */
export function union(index, keys) {
  if (keys.length === 1) {
    return index.find(keys[0]);
  }
  const all = new Set();
  for (const key of keys) {
    index.find(key).forEach((record) => all.add(record));
  }
  return all;
}

function keyOf(kind, { system, value, bar }) {
  const { byValue, bySystem, byBoth } = tokenKeys(kind, system, value);
  if (!bar) {
    return byValue;
  }
  return value === '' ? bySystem : byBoth;
}

/** Identifiers and tags: the two token parameters with an index, read without FHIRPath. */
export function compileIndexedToken(filter, table) {
  const wanted = splitTokens(filter.value);
  const kind = filter.code === '_tag' ? 't' : 'i';
  const tokens = kind === 't'
    ? (resource) => (resource.meta?.tag ?? []).map((tag) => ({ system: tag.system, value: tag.code }))
    : (resource) => [resource.identifier ?? []].flat();
  const negated = filter.operator === Operator.NOT;
  const keys = wanted.map((want) => keyOf(kind, want));
  const candidates = negated ? undefined : () => union(table.index, keys);
  return { candidates, exact: !negated, test: (resource) => anyToken(tokens(resource), wanted) !== negated };
}

/** Any other token parameter, by its FHIRPath. */
export function compileToken(filter, param) {
  const wanted = splitTokens(filter.value);
  const negated = filter.operator === Operator.NOT || filter.operator === Operator.NOT_EQUALS;
  if (filter.operator === Operator.TEXT) {
    const text = filter.value.toLowerCase();
    return { test: (r) => JSON.stringify(valuesOf(r, param).map((v) => v.value)).toLowerCase().includes(text) };
  }
  const lower = param.code === 'email' || param.code === 'phone' || param.code === 'telecom';
  const options = lower ? wanted.map((want) => ({ ...want, value: want.value.toLowerCase() })) : wanted;
  return { test: (r) => anyToken(convertToSearchableTokens(valuesOf(r, param)), options) !== negated };
}

/** Chained search: `subject:Patient.identifier=x` and `_has:Observation:subject:code=x`. */
import {
  OperationOutcomeError, badRequest, convertToSearchableReferences, getSearchParameter, parseSearchRequest,
} from '@medplum/core';
import { latest } from './store.mjs';
import { valuesOf } from './values.mjs';

function paramOf(type, code) {
  const param = getSearchParameter(type, code);
  if (!param) {
    throw new OperationOutcomeError(badRequest(`Invalid search parameter in chain: ${type}?${code}`));
  }
  return param;
}

/** @param {(request: object) => object[]} find gives the records that match a search request */
export function compileChain(type, filter, table, find) {
  const compile = filter.code.startsWith('_has:') ? compileReverse : compileForward;
  return compile(type, filter, table, find);
}

function compileForward(type, filter, table, find) {
  const dot = filter.code.indexOf('.');
  const [code, named] = filter.code.slice(0, dot).split(':');
  const param = paramOf(type, code);
  const target = named ?? (param.target?.length === 1 ? param.target[0] : undefined);
  if (!target) {
    const text = `Unable to identify next resource type for search parameter: ${type}?${code}`;
    throw new OperationOutcomeError(badRequest(text));
  }
  const inner = parseSearchRequest(target, { [filter.code.slice(dot + 1)]: filter.value });
  const wanted = new Set(find(inner).map((record) => `${target}/${record.id}`));
  const candidates = () => {
    const records = new Set();
    wanted.forEach((reference) => table.index.find('r' + reference).forEach((record) => records.add(record)));
    return records;
  };
  return { candidates, test: (r) => convertToSearchableReferences(valuesOf(r, param)).some((v) => wanted.has(v)) };
}

function compileReverse(type, filter, table, find) {
  const [, origin, code, ...rest] = filter.code.split(':');
  const param = paramOf(origin, code);
  const ids = new Set();
  for (const record of find(parseSearchRequest(origin, { [rest.join(':')]: filter.value }))) {
    for (const reference of convertToSearchableReferences(valuesOf(latest(record), param))) {
      if (reference.startsWith(type + '/')) {
        ids.add(reference.slice(type.length + 1));
      }
    }
  }
  const candidates = () => new Set([...ids].map((id) => table.live.get(id)).filter(Boolean));
  return { candidates, test: (r) => ids.has(r.id) };
}

/** References inside a resource: conditional ones are resolved, and all are checked if the project says so. */
import {
  OperationOutcomeError, badRequest, createStructureIssue, getDisplayString, parseSearchRequest,
} from '@medplum/core';

/** Yields every reference element with its FHIRPath, e.g. `Observation.performer[0]`. */
function* referencesIn(value, path) {
  if (Array.isArray(value)) {
    for (const [i, item] of value.entries()) {
      yield* referencesIn(item, `${path}[${i}]`);
    }
  } else if (value && typeof value === 'object') {
    if (typeof value.reference === 'string') {
      yield [value, path];
    }
    for (const name of Object.keys(value)) {
      if (typeof value[name] === 'object') {
        yield* referencesIn(value[name], `${path}.${name}`);
      }
    }
  }
}

async function resolveOne(element, path, searchResources) {
  const request = parseSearchRequest(element.reference);
  request.count = 2;
  const matches = await searchResources(request);
  if (matches.length !== 1) {
    const problem = matches.length === 0 ? 'did not match any resources' : 'matched multiple resources';
    throw new OperationOutcomeError(badRequest(`Conditional reference '${element.reference}' ${problem}`, path));
  }
  element.reference = `${matches[0].resourceType}/${matches[0].id}`;
  element.display = getDisplayString(matches[0]);
}

/**
 * Replaces `Patient?identifier=x` by `Patient/<id>` and fills in the display, in place.
 * @param {object} resource @param {(request: object) => Promise<object[]>} searchResources
 * @throws {OperationOutcomeError} 400 unless exactly one resource matches
 */
export async function resolveConditional(resource, searchResources) {
  for (const [element, path] of referencesIn(resource, resource.resourceType)) {
    if (/^[A-Z][A-Za-z]+\?/u.test(element.reference)) {
      await resolveOne(element, path, searchResources);
    }
  }
}

/**
 * The project setting checkReferencesOnWrite: refuses what does not exist, absolute and urn references too.
 * @param {object} resource @param {(type: string, id: string) => 'live' | 'gone' | undefined} look
 */
export function checkReferences(resource, look) {
  const issues = [];
  for (const [{ reference }, path] of referencesIn(resource, resource.resourceType)) {
    if (reference.startsWith('#')) {
      continue;
    }
    const [type, id] = reference.split('/');
    const state = look(type, id);
    if (state !== 'live') {
      issues.push(createStructureIssue(path, `Invalid reference (${state === 'gone' ? 'Gone' : 'Not found'})`));
    }
  }
  if (issues.length > 0) {
    throw new OperationOutcomeError({ resourceType: 'OperationOutcome', issue: issues });
  }
}

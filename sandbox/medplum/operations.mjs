/** Routes beside the router's own: $validate, $expunge and the capability statement. */
import { badRequest, forbidden, getResourceTypes, getSearchParameters } from '@medplum/core';

async function validate(request, repo) {
  const { body, params } = request;
  const resource = body?.resourceType === 'Parameters'
    ? body.parameter?.find(({ name }) => name === 'resource')?.resource
    : body;
  if (resource?.resourceType !== params.resourceType) {
    return [badRequest('Incorrect resource type')];
  }
  return [await repo.validateOnly(resource)];
}

/** @param {import('@medplum/fhir-router').FhirRouter} router */
export function addOperations(router) {
  router.add('POST', ':resourceType/$validate', validate);
  router.add('POST', ':resourceType/:id/$validate', validate);
  // Only a project admin may expunge, and the clients of this server are ordinary ones.
  router.add('POST', ':resourceType/:id/$expunge', async () => [forbidden]);
}

/** @returns {object} the CapabilityStatement with the flags of the real server */
export function capabilities(baseUrl, version) {
  const codes = ['create', 'read', 'update', 'patch', 'delete', 'search-type', 'vread', 'history-instance'];
  const resource = getResourceTypes().filter((type) => getSearchParameters(type)).toSorted().map((type) => ({
    type,
    interaction: codes.map((code) => ({ code })),
    versioning: 'versioned',
    readHistory: true,
    updateCreate: false,
    conditionalCreate: true,
    conditionalRead: 'not-supported',
    conditionalUpdate: true,
    conditionalDelete: 'single',
    searchParam: Object.values(getSearchParameters(type)).map(({ code, type: kind }) => ({ name: code, type: kind })),
  }));
  return {
    resourceType: 'CapabilityStatement', id: 'medplum-server', status: 'active', date: '2026-01-01T00:00:00Z',
    kind: 'instance', fhirVersion: '4.0.1', format: ['json'],
    software: { name: 'Medplum', version },
    implementation: { description: 'Embedded Medplum', url: baseUrl + 'fhir/R4' },
    rest: [{ mode: 'server', resource, interaction: [{ code: 'transaction' }, { code: 'batch' }] }],
  };
}

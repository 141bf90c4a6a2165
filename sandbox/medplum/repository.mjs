/** The storage rules of the server around Medplum's abstract repository. */
import {
  OperationOutcomeError, allOk, applyPatch, badRequest, deepEquals, fhirpathPatchTypedValue, gone, isUUID,
  normalizeOperationOutcome, notFound, parseFhirPathPatchParameters, preconditionFailed, stringify, toTypedValue,
  validateResourceType,
} from '@medplum/core';
import { FhirRepository, getExtraEntries } from '@medplum/fhir-router';
import { randomUUID } from 'node:crypto';
import { historyBundle } from './history.mjs';
import { COST } from './quota.mjs';
import { checkReferences, resolveConditional } from './references.mjs';
import { search } from './search.mjs';
import { isLive, latest } from './store.mjs';
import { validate } from './validation.mjs';

const SERVER_META = ['versionId', 'lastUpdated', 'author', 'project', 'compartment'];
const fail = (outcome) => {
  throw new OperationOutcomeError(outcome);
};

function withoutServerMeta(meta) {
  return Object.fromEntries(Object.entries(meta ?? {}).filter(([key]) => !SERVER_META.includes(key)));
}

/** The repository of one request: the shared server state and the client that asks. */
export class Repository extends FhirRepository {
  /**
   * @param {object} server `{store, profiles, quota, conflicts, stats, options, baseUrl}`
   * @param {{id: string}} client who asks
   * @param {boolean} stale reads by id give the version before the newest, as an old cache would
   */
  constructor(server, client, stale = false) {
    super();
    this.server = server;
    this.client = client;
    this.stale = stale;
    this.serializable = 0;
    this.transactions = 0;
    this.unchecked = [];
  }

  setMode() {}

  generateId() {
    return randomUUID();
  }

  charge(kind) {
    this.server.stats.interaction(kind, COST[kind]);
    this.server.quota.consume(this.client.id, COST[kind]);
  }

  stamp() {
    const author = `ClientApplication/${this.client.id}`;
    return { versionId: randomUUID(), lastUpdated: this.server.store.stamp(), author };
  }

  /** @returns {object} the record, deleted or not. @throws {OperationOutcomeError} 404 */
  known(type, id) {
    validateResourceType(type);
    return (isUUID(id) && this.server.store.record(type, id)) || fail(notFound);
  }

  /** @returns {object} a live record. @throws {OperationOutcomeError} 404 or 410 */
  alive(type, id) {
    const record = this.known(type, id);
    return isLive(record) ? record : fail(gone);
  }

  async createResource(resource, options) {
    this.charge('create');
    return this.save('create', resource, options?.assignedId ? resource.id : randomUUID());
  }

  async updateResource(resource, options) {
    this.charge('update');
    return this.replace(resource, options);
  }

  async replace(resource, options) {
    const { resourceType, id } = resource;
    if (!isUUID(id)) {
      fail(badRequest('Invalid id'));
    }
    const record = this.known(resourceType, id);
    // A deleted resource has no version to protect: the server restores it whatever If-Match says.
    if (options?.ifMatch && isLive(record) && record.versions.at(-1).versionId !== options.ifMatch) {
      fail(preconditionFailed);
    }
    return this.save('update', resource, id, isLive(record) ? record : undefined);
  }

  async save(kind, resource, id, existing) {
    const { conflicts, store, stats, options, profiles } = this.server;
    validateResourceType(resource.resourceType);
    conflicts.draw(kind, resource.resourceType, this.serializable > 0);
    const body = { ...resource, id };
    await resolveConditional(body, (request) => this.searchResources(request));
    if (options.validate) {
      validate(body, profiles);
    }
    this.checkReferences(body);
    const content = JSON.parse(stringify({ ...body, meta: withoutServerMeta(body.meta) }));
    const stored = existing && latest(existing);
    if (stored && deepEquals({ ...stored, meta: withoutServerMeta(stored.meta) }, content)) {
      return stored;
    }
    const stamp = this.stamp();
    content.meta = { ...content.meta, versionId: stamp.versionId, lastUpdated: stamp.lastUpdated };
    store.write(content.resourceType, id, stamp, content);
    stats.version();
    return content;
  }

  checkReferences(resource) {
    if (this.transactions > 0) {
      // In a transaction they are checked at its end, so that the order of entries does not matter.
      this.unchecked.push(resource);
    } else if (this.server.options.checkReferences) {
      const { store } = this.server;
      checkReferences(resource, (type, id) => {
        const record = store.record(type, id);
        return record && (isLive(record) ? 'live' : 'gone');
      });
    }
  }

  async patchResource(type, id, patch, options) {
    this.charge('patch');
    const resource = latest(this.alive(type, id));
    try {
      if (Array.isArray(patch)) {
        const problems = applyPatch(resource, patch).filter(Boolean);
        if (problems.length > 0) {
          fail(badRequest(problems.map((problem) => problem.message).join('\n')));
        }
      } else {
        fhirpathPatchTypedValue(toTypedValue(resource), parseFhirPathPatchParameters(patch));
      }
    } catch (error) {
      fail(normalizeOperationOutcome(error));
    }
    return this.replace(resource, options);
  }

  async deleteResource(type, id, options) {
    this.charge('delete');
    const { store, conflicts, stats } = this.server;
    const record = this.known(type, id);
    if (!isLive(record)) {
      return;
    }
    if (options?.ifMatch && record.versions.at(-1).versionId !== options.ifMatch) {
      fail(preconditionFailed);
    }
    conflicts.draw('update', type, this.serializable > 0);
    store.write(type, id, this.stamp(), undefined);
    stats.version();
  }

  async readResource(type, id) {
    this.charge('read');
    const record = this.alive(type, id);
    const older = this.stale && record.versions.at(-2)?.json;
    return older ? JSON.parse(older) : latest(record);
  }

  async readVersion(type, id, versionId) {
    this.charge('read');
    const version = this.known(type, id).versions.find((candidate) => candidate.versionId === versionId);
    return JSON.parse((version ?? fail(notFound)).json ?? fail(gone));
  }

  async readHistory(type, id, page) {
    this.charge('history');
    return historyBundle(type, this.known(type, id), page, this.server.baseUrl);
  }

  async readReference(reference) {
    const [type, id] = reference.reference?.split('/') ?? [];
    return latest(this.alive(type, id));
  }

  async readReferences(references) {
    const read = (reference) => this.readReference(reference).catch((error) => error);
    return Promise.all(references.map(read));
  }

  async search(request, options) {
    this.charge('search');
    return this.find(request, options?.resourceOnly);
  }

  find(request, resourceOnly) {
    const { store, baseUrl } = this.server;
    const include = (asked, entry) => this.include(asked, entry);
    return search(store, request, { baseUrl, include }, resourceOnly);
  }

  async include(request, entry) {
    if ((request.include || request.revInclude) && entry.length > 0) {
      const { baseUrl } = this.server;
      await getExtraEntries(this, request, entry.map(({ resource }) => resource), entry, {
        fullUrl: (type, id) => `${baseUrl}fhir/R4/${type}/${id}`,
        executeSearch: async (inner) => (await this.find(inner, true)).entry?.map(({ resource }) => resource) ?? [],
      });
    }
  }

  async searchByReference(request, field, references) {
    const result = {};
    for (const value of references) {
      const filters = [...(request.filters ?? []), { code: field, operator: 'eq', value }];
      result[value] = await this.searchResources({ ...request, filters });
    }
    return result;
  }

  /** Undone as a whole when it fails; in serializable ones creates draw injected conflicts. */
  async withTransaction(callback, options) {
    const serializable = options?.serializable ? 1 : 0;
    this.serializable += serializable;
    this.transactions++;
    try {
      return await this.server.store.transaction(async () => {
        const result = await callback(this);
        if (this.transactions === 1) {
          this.transactions = 0;
          this.unchecked.splice(0).forEach((resource) => this.checkReferences(resource));
          this.transactions = 1;
        }
        return result;
      });
    } finally {
      this.serializable -= serializable;
      this.transactions = Math.max(0, this.transactions - 1);
      this.unchecked = this.transactions > 0 ? this.unchecked : [];
    }
  }

  /** Answers $validate. */
  async validateOnly(resource) {
    validate(resource, this.server.profiles);
    return allOk;
  }
}

/** One FHIR request: from the parsed body to Medplum's router and back to status, headers and body. */
import { getStatus, normalizeOperationOutcome } from '@medplum/core';
import { setTimeout as sleep } from 'node:timers/promises';
import { readRawBinary, writeRawBinary } from './binaries.mjs';
import { checkModifiers, ignoreIfMatch, writtenTypes } from './bundles.mjs';
import { headersOf, MAX_ASYNC_BYTES, MAX_JSON_BYTES, parseBody, unpack } from './exchange.mjs';
import { Repository } from './repository.mjs';

/** How long a request waits so that another one of the same type can be seen beside it. */
const OVERLAP_MS = 3;

const isRawBinary = (method, url, contentType) =>
  method === 'POST' && url === 'Binary' && !/json/u.test(contentType) && contentType !== '';

/** Answers requests below /fhir/R4 one at a time, which makes every one of them serializable. */
export class Fhir {
  /** @param {object} server @param {import('@medplum/fhir-router').FhirRouter} router @param {object} jobs */
  constructor(server, router, jobs) {
    this.server = server;
    this.router = router;
    this.jobs = jobs;
    this.turn = Promise.resolve();
  }

  /** @returns {Promise<any>} what `work` gives, once all earlier work has ended */
  inTurn(work) {
    const result = this.turn.then(work);
    this.turn = result.catch(() => undefined);
    return result;
  }

  /**
   * @param {{method: string, url: string, headers: object, raw: Buffer, client: {id: string}, stale: boolean}} request
   * @returns {Promise<{status: number, body: any, headers: object}>}
   */
  async answer(request) {
    try {
      return await this.dispatch(request);
    } catch (error) {
      return this.toAnswer(request, [normalizeOperationOutcome(error)]);
    }
  }

  async dispatch(request) {
    const { method, url, headers, raw, client, stale } = request;
    const contentType = headers['content-type'] ?? '';
    const repo = new Repository(this.server, client, stale);
    if (isRawBinary(method, url, contentType)) {
      const bytes = unpack(raw, headers['content-encoding'], MAX_ASYNC_BYTES);
      return this.toAnswer(request, await this.inTurn(() => writeRawBinary(repo, contentType, bytes)));
    }
    const binary = method === 'GET' && await readRawBinary(repo, url, headers.accept ?? '');
    if (binary) {
      return binary;
    }
    const later = method === 'POST' && url === '' && headers.prefer === 'respond-async';
    const limit = later ? MAX_ASYNC_BYTES : request.limit ?? MAX_JSON_BYTES;
    const body = parseBody(unpack(raw, headers['content-encoding'], limit), contentType);
    if (later) {
      return this.jobs.start(body, client, (asked) => this.answer({ ...request, ...asked }));
    }
    return this.jobs.status(method, url) ?? this.toAnswer(request, await this.route(request, body, repo));
  }

  async route({ method, url, headers }, body, repo) {
    const { options, conflicts } = this.server;
    this.checkSearch(method, url, body);
    if (!options.strictIfMatch) {
      ignoreIfMatch(method, url, headers, body);
    }
    const leave = options.conflicts > 0 ? conflicts.enter(writtenTypes(method, url, body)) : () => undefined;
    try {
      await (options.conflicts > 0 ? sleep(OVERLAP_MS) : undefined);
      const config = { transactions: options.transactions };
      const request = { method, url, pathname: '', body, params: {}, query: {}, headers, config };
      return await this.inTurn(() => this.router.handleRequest(request, repo));
    } finally {
      leave();
    }
  }

  checkSearch(method, url, body) {
    if (url.endsWith('/_search')) {
      checkModifiers(Object.keys(body ?? {}));
    } else if (method === 'GET' && /^\w+\?/u.test(url)) {
      checkModifiers(new URLSearchParams(url.slice(url.indexOf('?') + 1)).keys());
    }
  }

  toAnswer({ method, headers }, [outcome, resource]) {
    const status = getStatus(outcome);
    const entries = resource?.resourceType === 'Bundle' ? resource.entry ?? [] : [];
    this.server.stats.outcomes([status, ...entries.map(({ response }) => Number(response?.status))]);
    const answer = { status, body: resource ?? outcome, headers: headersOf(status, resource, this.server.baseUrl) };
    if (method === 'GET' && answer.headers.ETag && headers['if-none-match'] === answer.headers.ETag) {
      return { ...answer, status: 304, body: undefined };
    }
    if (headers.prefer === 'return=minimal' && status < 300 && method !== 'GET') {
      return { ...answer, body: undefined };
    }
    if (headers['x-medplum'] === 'extended') {
      this.showAuthors([resource, ...entries.map((entry) => entry.resource)]);
    }
    return answer;
  }

  showAuthors(resources) {
    for (const resource of resources) {
      const versions = resource?.id && this.server.store.record(resource.resourceType, resource.id)?.versions;
      const version = versions && versions.find(({ versionId }) => versionId === resource.meta?.versionId);
      if (version) {
        resource.meta.author = { reference: version.author };
      }
    }
  }
}

/** Faults that a test asks for at POST /__fault; each is used up after `times` requests, or never if that is 0. */
import { badRequest } from '@medplum/core';

const DISGUISED = badRequest('connect ECONNREFUSED 127.0.0.1:5432');
const KNOWN = new Set([
  'status', 'times', 'retryAfter', 'match', 'matchBody', 'method', 'body', 'after', 'cut', 'disguised', 'delayMs',
  'stale', 'every',
]);

/** The faults that are waiting, oldest first. */
export class Faults {
  constructor() {
    this.waiting = [];
  }

  clear() {
    this.waiting = [];
  }

  /**
   * @param {object} fault see docs/sandbox-medplum.md
   * @throws {Error} for a field that does not exist, because a fault that never fires makes a test pass wrongly
   */
  add(fault) {
    const unknown = Object.keys(fault).filter((key) => !KNOWN.has(key));
    if (unknown.length > 0) {
      throw new Error('Unknown fault field: ' + unknown.join(', '));
    }
    this.waiting.push({ times: 1, every: 1, ...fault, fitting: 0, used: 0 });
  }

  /** @returns {object | undefined} the fault for this request; it counts as used */
  take(method, url, body) {
    const fault = this.fitting(method, url, body).find((candidate) => ++candidate.fitting % candidate.every === 0);
    if (fault && ++fault.used === fault.times) {
      this.waiting = this.waiting.filter((candidate) => candidate !== fault);
    }
    return fault;
  }

  fitting(method, url, body) {
    return this.waiting.filter((candidate) =>
      (!candidate.method || candidate.method === method) &&
      // Only a fault that names them hits the token endpoint and the health check.
      (candidate.match ? new RegExp(candidate.match, 'u').test(url) : url.startsWith('/fhir/')) &&
      (!candidate.matchBody || new RegExp(candidate.matchBody, 'u').test(body.toString('utf8')))
    );
  }
}

/** @returns {{status: number, body: object, headers: object} | undefined} what is answered in the server's place */
export function substitute(fault) {
  if (fault?.disguised) {
    return { status: 400, body: DISGUISED, headers: {} };
  }
  if (fault?.status) {
    const issue = [{ severity: 'error', code: 'exception', details: { text: `Injected fault ${fault.status}` } }];
    const headers = fault.retryAfter === undefined ? {} : { 'Retry-After': String(fault.retryAfter) };
    return { status: fault.status, body: fault.body ?? { resourceType: 'OperationOutcome', issue }, headers };
  }
  return undefined;
}

/** The FHIR quota: points per client and fixed window, with the costs observed on a running server. */
import { OperationOutcomeError, setRateLimitReset, tooManyRequests } from '@medplum/core';

/** Points by kind; conditional writes cost more because their searches are charged as searches. */
export const COST = { read: 1, search: 20, history: 10, create: 100, update: 100, patch: 100, delete: 100 };
const DEFAULT_POINTS = 50_000;
const REQUESTS = 60_000;

/** One window per client; the header counts down also where nothing is enforced, as the real one does. */
export class Quota {
  /** @param {number | undefined} points enforced if given @param {number} windowS seconds */
  constructor(points, windowS) {
    this.limit(points, windowS);
  }

  /** Changes the limit; every client begins a new window. */
  limit(points, windowS) {
    this.enforced = points !== undefined;
    this.points = points ?? DEFAULT_POINTS;
    this.windowMs = windowS * 1000;
    this.clear();
  }

  clear() {
    this.windows = new Map();
  }

  window(client) {
    const now = Date.now();
    let window = this.windows.get(client);
    if (!window || now >= window.ends) {
      window = { ends: now + this.windowMs, consumed: 0, requests: 0 };
      this.windows.set(client, window);
    }
    return window;
  }

  /** Counts one HTTP request. */
  request(client) {
    this.window(client).requests++;
  }

  /** @throws {OperationOutcomeError} 429 when the client's points are used up */
  consume(client, points) {
    const window = this.window(client);
    window.consumed += points;
    if (this.enforced && window.consumed > this.points) {
      throw new OperationOutcomeError(this.refusal(window));
    }
  }

  refusal(window) {
    const msBeforeNext = window.ends - Date.now();
    const diagnostics = { _msBeforeNext: msBeforeNext, _consumedPoints: window.consumed, limit: this.points };
    const issue = { ...tooManyRequests.issue[0], diagnostics: JSON.stringify(diagnostics) };
    const outcome = { ...tooManyRequests, issue: [issue] };
    setRateLimitReset(outcome, msBeforeNext);
    return outcome;
  }

  /** @returns {string} the RateLimit header of the moment */
  header(client) {
    const window = this.window(client);
    const t = Math.max(0, Math.ceil((window.ends - Date.now()) / 1000));
    const left = (limit, used) => Math.max(0, limit - used);
    return `"requests";r=${left(REQUESTS, window.requests)};t=${t}, ` +
      `"fhirInteractions";r=${left(this.points, window.consumed)};t=${t}`;
  }
}

/** Asynchronous batches: 202 with a job to poll, results in a Binary. */
import { accepted, badRequest } from '@medplum/core';
import { randomUUID } from 'node:crypto';

/** Jobs live in memory only: after a restart they are gone, where the real server runs them again. */
export class Jobs {
  /** @param {object} server */
  constructor(server) {
    this.server = server;
    this.jobs = new Map();
  }

  clear() {
    this.jobs.clear();
  }

  /** @param {object} bundle @param {object} client @param {(request: object) => Promise<object>} run */
  start(bundle, client, run) {
    if (bundle?.type === 'transaction' && this.server.options.transactions) {
      return { status: 400, body: badRequest('Asynchronous transactions are not supported'), headers: {} };
    }
    const id = randomUUID();
    const location = `${this.server.baseUrl}fhir/R4/job/${id}/status`;
    this.jobs.set(id, { resourceType: 'AsyncJob', id, status: 'accepted', request: location });
    setImmediate(() => this.work(id, bundle, run));
    return { status: 202, body: accepted(location), headers: { 'Content-Location': location } };
  }

  async work(id, bundle, run) {
    const asked = { method: 'POST', url: '', headers: {}, limit: Infinity };
    const batch = await run({ ...asked, raw: Buffer.from(JSON.stringify(bundle)) });
    const raw = Buffer.from(JSON.stringify(batch.body));
    const binary = await run({ method: 'POST', url: 'Binary', headers: { 'content-type': 'text/plain' }, raw });
    const results = { name: 'results', valueReference: { reference: `Binary/${binary.body.id}` } };
    const job = this.jobs.get(id);
    if (job) {
      this.jobs.set(id, { ...job, status: 'completed', output: { resourceType: 'Parameters', parameter: [results] } });
    }
  }

  /** @returns {object | undefined} the answer to a poll, undefined when the URL is no poll */
  status(method, url) {
    const job = method === 'GET' ? this.jobs.get(/^job\/([\w-]+)\/status$/u.exec(url)?.[1]) : undefined;
    return job && { status: job.status === 'accepted' ? 202 : 200, body: job, headers: {} };
  }
}

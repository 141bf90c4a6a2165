/** The HTTP server: `node server.mjs [options]`, see docs/sandbox-medplum.md. One JSON line on stdout when ready. */
import { badRequest, unauthorized } from '@medplum/core';
import { FhirRouter } from '@medplum/fhir-router';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Auth } from './auth.mjs';
import { Conflicts } from './conflicts.mjs';
import { loadDefinitions } from './definitions.mjs';
import { readBody, send } from './exchange.mjs';
import { Faults, substitute } from './faults.mjs';
import { Fhir } from './fhir.mjs';
import { Jobs } from './jobs.mjs';
import { Journal } from './journal.mjs';
import { addOperations, capabilities } from './operations.mjs';
import { readOptions } from './options.mjs';
import { Quota } from './quota.mjs';
import { Stats } from './stats.mjs';
import { Store } from './store.mjs';
import { Subscriptions } from './subscriptions.mjs';
import { Profiles } from './validation.mjs';

const VERSION = '5.2.13';
const BASE = '/fhir/R4';
const JSON_TYPE = { 'Content-Type': 'application/json; charset=utf-8' };
const LIMITS = ['quota', 'quotaWindowS', 'latencyMs'];

/** Everything one running server holds. */
class Server {
  constructor(options, profiles) {
    this.options = options;
    this.limits = Object.fromEntries(LIMITS.map((name) => [name, options[name]]));
    this.journal = new Journal(options.data);
    this.store = new Store(this.journal, (event) => this.committed(event));
    this.profiles = new Profiles(this.store, profiles);
    this.quota = new Quota(options.quota, options.quotaWindowS);
    this.conflicts = new Conflicts(options.conflicts, options.seed);
    this.stats = new Stats();
    this.faults = new Faults();
    this.auth = new Auth(options);
    this.subscriptions = new Subscriptions(this.store, options);
    this.jobs = new Jobs(this);
    const router = new FhirRouter();
    addOperations(router);
    this.fhir = new Fhir(this, router, this.jobs);
    this.store.replay(this.journal.open());
  }

  committed(event) {
    if (event.type === 'StructureDefinition') {
      this.profiles.changed();
    }
    this.subscriptions.committed(event);
  }

  reset() {
    this.journal.clear();
    [this.store, this.stats, this.subscriptions, this.jobs].forEach((part) => part.clear());
    this.heal();
    this.profiles.changed();
  }

  /** Forgets faults, and takes back the limits it was started with. */
  heal() {
    this.faults.clear();
    this.limit(Object.fromEntries(LIMITS.map((name) => [name, this.options[name]])));
  }

  /** @throws {Error} for a limit that does not exist */
  limit(limits) {
    const unknown = Object.keys(limits).filter((name) => !LIMITS.includes(name));
    if (unknown.length > 0) {
      throw new Error('Unknown limit: ' + unknown.join(', '));
    }
    this.limits = { ...this.limits, ...limits };
    this.quota.limit(this.limits.quota, this.limits.quotaWindowS);
  }

  /** @returns {Promise<object>} `{status, body, headers}` or `{cut: true}` to close the connection */
  async answer(method, path, headers, raw) {
    if (path.startsWith('/__')) {
      return this.control(method, path, raw);
    }
    const fault = this.faults.take(method, path, raw);
    const delayMs = this.limits.latencyMs + (fault?.delayMs ?? 0);
    if (delayMs > 0) {
      await sleep(delayMs);
    }
    if (fault?.cut) {
      return { cut: true };
    }
    const answer = substitute(fault) ?? await this.serve(method, path, headers, raw, fault);
    return { ...answer, cut: Boolean(fault?.after) };
  }

  async serve(method, path, headers, raw, fault) {
    if (path === '/healthcheck') {
      return { status: 200, body: { ok: true, version: VERSION }, headers: JSON_TYPE };
    }
    if (path === '/oauth2/token' && method === 'POST') {
      const contentType = headers['content-type'] ?? '';
      const [status, body] = this.auth.grant(contentType, raw.toString('utf8'), headers.authorization);
      return { status, body, headers: JSON_TYPE };
    }
    if (!(path + '/').startsWith(BASE + '/') && !path.startsWith(BASE + '?')) {
      return { status: 404, body: { error: 'Not found' }, headers: JSON_TYPE };
    }
    const url = path.slice(BASE.length).replace(/^\//u, '');
    if (method === 'GET' && url === 'metadata') {
      return { status: 200, body: capabilities(this.baseUrl, VERSION), headers: {} };
    }
    const client = this.auth.client(headers.authorization);
    if (!client) {
      return { status: 401, body: unauthorized, headers: {} };
    }
    this.quota.request(client.id);
    const answer = await this.fhir.answer({ method, url, headers, raw, client, stale: Boolean(fault?.stale) });
    return { ...answer, headers: { ...answer.headers, RateLimit: this.quota.header(client.id) } };
  }

  control(method, path, raw) {
    const actions = {
      'POST /__reset': () => this.reset(),
      'POST /__heal': () => this.heal(),
      'POST /__limit': () => this.limit(JSON.parse(raw.toString('utf8'))),
      'POST /__fault': () => this.faults.add(JSON.parse(raw.toString('utf8'))),
      'GET /__stats': () => this.counters(),
    };
    const action = actions[`${method} ${path}`];
    if (!action) {
      return { status: 404, body: { error: 'Not found' }, headers: JSON_TYPE };
    }
    try {
      return { status: 200, body: action() ?? {}, headers: JSON_TYPE };
    } catch (error) {
      return { status: 400, body: badRequest(error.message), headers: JSON_TYPE };
    }
  }

  counters() {
    const { requests, interactions, writes, createdVersions, quota, conflicts409, throttled429 } = this.stats;
    const resources = Object.fromEntries([...this.store.tables].map(([type, table]) => [type, table.live.size]));
    return { requests, interactions, writes, createdVersions, quota, conflicts409, throttled429, resources,
      rssBytes: process.memoryUsage().rss };
  }
}

async function handle(server, request, response) {
  const { method, url } = request;
  try {
    const answer = await server.answer(method, url, request.headers, await readBody(request));
    if (!url.startsWith('/__')) {
      server.stats.request(method, answer.cut ? 'cut' : answer.status);
    }
    if (answer.cut) {
      request.socket.destroy();
    } else {
      send(response, answer.status, answer.body, answer.headers);
    }
  } catch (error) {
    // The stack, never the body: it may hold patient data.
    process.stderr.write(`error ${method} ${error.name} ${String(error.stack).split('\n')[1] ?? ''}\n`);
    response.destroy();
  }
}

function exitWithParent(pid) {
  setInterval(() => {
    try {
      process.kill(pid, 0);
    } catch {
      process.exit(0);
    }
  }, 1000).unref();
}

const options = readOptions(process.argv.slice(2));
const server = new Server(options, await loadDefinitions(options.defs, options.uscore));
const http = createServer({ keepAliveTimeout: 60_000 }, (request, response) => handle(server, request, response));
process.on('SIGTERM', () => process.exit(0));
http.listen(options.port, '127.0.0.1', () => {
  const { port } = http.address();
  server.baseUrl = `http://127.0.0.1:${port}/`;
  if (options.parentPid !== undefined) {
    exitWithParent(options.parentPid);
  }
  process.stdout.write(JSON.stringify({ port, baseUrl: server.baseUrl }) + '\n');
});

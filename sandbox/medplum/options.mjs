/** Command-line options of the server. */
import { parseArgs } from 'node:util';

const DEFINITIONS = {
  port: { type: 'string', default: '0' },
  data: { type: 'string' },
  defs: { type: 'string' },
  uscore: { type: 'boolean', default: false },
  'client-id': { type: 'string', default: '5f1d1c2e-6a4b-4c58-9f0e-0a5d3c7b9e11' },
  'client-secret': { type: 'string', default: 'embedded-medplum-secret' },
  client: { type: 'string', multiple: true, default: [] },
  'token-lifetime': { type: 'string', default: '3600' },
  'no-auth': { type: 'boolean', default: false },
  'no-validate': { type: 'boolean', default: false },
  transactions: { type: 'boolean', default: false },
  'check-refs': { type: 'boolean', default: false },
  'router-if-match': { type: 'string', default: 'lax' },
  quota: { type: 'string' },
  'quota-window': { type: 'string', default: '60' },
  conflicts: { type: 'string', default: '0' },
  seed: { type: 'string', default: '1' },
  latency: { type: 'string', default: '0' },
  'retry-base': { type: 'string', default: '1000' },
  'parent-pid': { type: 'string' },
};

function clientsOf(values) {
  const clients = new Map([[values['client-id'], values['client-secret']]]);
  for (const pair of values.client) {
    const [id, secret] = pair.split(':');
    clients.set(id, secret);
  }
  return clients;
}

/**
 * @param {string[]} args the arguments after the script
 * @returns {object} typed options
 */
export function readOptions(args) {
  const { values } = parseArgs({ args, options: DEFINITIONS });
  if (!['lax', 'strict'].includes(values['router-if-match'])) {
    throw new Error('--router-if-match must be lax or strict');
  }
  return {
    port: Number(values.port),
    data: values.data,
    defs: values.defs,
    uscore: values.uscore,
    clients: clientsOf(values),
    defaultClient: values['client-id'],
    tokenLifetimeS: Number(values['token-lifetime']),
    auth: !values['no-auth'],
    validate: !values['no-validate'],
    transactions: values.transactions,
    checkReferences: values['check-refs'],
    strictIfMatch: values['router-if-match'] === 'strict',
    quota: values.quota === undefined ? undefined : Number(values.quota),
    quotaWindowS: Number(values['quota-window']),
    conflicts: Number(values.conflicts),
    seed: Number(values.seed),
    latencyMs: Number(values.latency),
    retryBaseMs: Number(values['retry-base']),
    parentPid: values['parent-pid'] === undefined ? undefined : Number(values['parent-pid']),
  };
}

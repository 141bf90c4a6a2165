/** rest-hook Subscriptions: deliveries after commit, with Medplum's headers, signature and retries. */
import {
  evalFhirPathTyped, getExtensionValue, isChainedSearchFilter, parseSearchRequest, toTypedValue,
} from '@medplum/core';
import { createHmac } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { matches } from './search.mjs';
import { latest } from './store.mjs';

const MEDPLUM = 'https://medplum.com/fhir/StructureDefinition/';
const SECRET = 'https://www.medplum.com/fhir/StructureDefinition/subscription-secret';
const DEFAULT_RETRIES = 4;
const TIMEOUT_MS = 120_000;

function interactionOf({ resource, previous }) {
  if (!resource) {
    return 'delete';
  }
  return previous?.json === undefined ? 'create' : 'update';
}

/** The version that is compared and, unless it is a deletion, sent: author included, as the server does. */
function imageOf(version) {
  if (version?.json === undefined) {
    return undefined;
  }
  const resource = JSON.parse(version.json);
  resource.meta.author = { reference: version.author };
  return resource;
}

function currentImage({ resource, stamp }) {
  return resource && { ...resource, meta: { ...resource.meta, author: { reference: stamp.author } } };
}

function headersOf(subscription, event, body) {
  const headers = {
    'Content-Type': 'application/fhir+json',
    'X-Medplum-Subscription': subscription.id,
    'X-Medplum-Interaction': interactionOf(event),
  };
  if (!event.resource) {
    headers['X-Medplum-Deleted-Resource'] = `${event.type}/${event.id}`;
  }
  for (const header of subscription.channel.header ?? []) {
    // As in the server, a second colon cuts the value.
    const [name, value] = header.split(':');
    headers[name.trim()] = (value ?? '').trim();
  }
  const secret = getExtensionValue(subscription, SECRET);
  if (secret) {
    headers['X-Signature'] = createHmac('sha256', secret).update(body).digest('hex');
  }
  return headers;
}

/** Finds the subscriptions of each event and delivers in the background. */
export class Subscriptions {
  /** @param {import('./store.mjs').Store} store @param {{retryBaseMs: number}} options */
  constructor(store, options) {
    this.store = store;
    this.options = options;
    this.epoch = 0;
    this.active = undefined;
  }

  /** Drops retries that are waiting. */
  clear() {
    this.epoch++;
    this.active = undefined;
  }

  read() {
    const all = [...(this.store.tables.get('Subscription')?.live.values() ?? [])].map(latest);
    return all.filter(({ status, channel }) => status === 'active' && channel?.type === 'rest-hook');
  }

  /** @param {object} event of the store, after its commit */
  committed(event) {
    if (event.type === 'Subscription') {
      this.active = undefined;
      return;
    }
    this.active ??= this.read();
    for (const subscription of this.active) {
      if (this.wants(subscription, event)) {
        this.deliver(subscription, event).catch(() => undefined);
      }
    }
  }

  wants(subscription, event) {
    const interaction = interactionOf(event);
    const supported = getExtensionValue(subscription, MEDPLUM + 'subscription-supported-interaction');
    if (supported ? supported !== interaction : interaction === 'delete') {
      return false;
    }
    // The criteria of a deletion are those of the last version, and so is its author.
    const image = currentImage(event) ?? imageOf(event.previous);
    try {
      const request = parseSearchRequest(subscription.criteria);
      if (request.filters?.some(isChainedSearchFilter)) {
        return false; // As in the server: chained criteria never fire.
      }
      const version = { lastUpdated: image.meta.lastUpdated, json: JSON.stringify(image) };
      const record = { id: event.id, versions: [version] };
      return request.resourceType === event.type && matches(this.store, request, record) &&
        this.expressionHolds(subscription, image, imageOf(event.previous));
    } catch {
      return false;
    }
  }

  expressionHolds(subscription, current, previous) {
    const expression = getExtensionValue(subscription, MEDPLUM + 'fhir-path-criteria-expression');
    if (!expression) {
      return true;
    }
    const variables = {
      '%current': toTypedValue(current),
      '%previous': previous ? toTypedValue(previous) : { type: 'undefined', value: undefined },
    };
    return evalFhirPathTyped(expression, [toTypedValue(current)], variables)[0]?.value === true;
  }

  async deliver(subscription, event) {
    const epoch = this.epoch;
    const retries = getExtensionValue(subscription, MEDPLUM + 'subscription-max-attempts') ?? DEFAULT_RETRIES;
    for (let attempt = 0; attempt <= retries; attempt++) {
      if (attempt > 0) {
        await sleep(this.options.retryBaseMs * 2 ** (attempt - 1), undefined, { ref: false });
      }
      // A retry whose version is no longer the newest is dropped: the newer version has its own delivery.
      const newest = this.store.record(event.type, event.id)?.versions.at(-1).versionId;
      if (epoch !== this.epoch || (attempt > 0 && newest !== event.stamp.versionId)) {
        return;
      }
      if (await this.attempt(subscription, event)) {
        return;
      }
    }
  }

  async attempt(subscription, event) {
    const body = JSON.stringify(currentImage(event) ?? {});
    const headers = headersOf(subscription, event, body);
    try {
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      const { status } = await fetch(subscription.channel.endpoint, { method: 'POST', headers, body, signal });
      return status >= 200 && status < 400;
    } catch {
      return false;
    }
  }
}

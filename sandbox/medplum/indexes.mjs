/** Search keys of one resource type: which live records hold a value. */

/** @returns {string} what is compared of a token's value: the server ignores trailing blanks. */
export const comparable = (value) => String(value).trimEnd();

/**
 * Three keys for a token: by value, by system, by both. They are exact, so that a hit needs no second look.
 * @param {'i' | 't'} kind identifier or tag @param {string | undefined} system @param {string | undefined} value
 */
export const tokenKeys = (kind, system, value) => ({
  byValue: `${kind}v${comparable(value ?? '')}`,
  bySystem: `${kind}s${system}`,
  byBoth: `${kind}b${system ?? ''}\0${comparable(value ?? '')}`,
});

function addToken(keys, kind, system, value) {
  const { byValue, bySystem, byBoth } = tokenKeys(kind, system, value);
  if (value !== undefined) {
    keys.add(byValue);
    keys.add(byBoth);
  }
  if (system !== undefined) {
    keys.add(bySystem);
  }
}

/**
 * The index keys of a resource: tokens of its identifiers and tags, `u` source, `r` literal reference at any depth.
 * @param {object} resource a stored resource
 * @returns {string[]} distinct keys
 */
export function keysOf(resource) {
  const keys = new Set();
  for (const { system, value } of [resource.identifier ?? []].flat()) {
    addToken(keys, 'i', system, value);
  }
  for (const { system, code } of resource.meta?.tag ?? []) {
    addToken(keys, 't', system, code);
  }
  if (resource.meta?.source) {
    keys.add('u' + resource.meta.source);
  }
  addReferences(resource, keys);
  return [...keys];
}

function addReferences(value, keys) {
  if (Array.isArray(value)) {
    for (const item of value) {
      addReferences(item, keys);
    }
  } else if (value && typeof value === 'object') {
    if (typeof value.reference === 'string') {
      keys.add('r' + value.reference);
    }
    for (const name in value) {
      if (typeof value[name] === 'object') {
        addReferences(value[name], keys);
      }
    }
  }
}

/** Posting lists; a key of one record holds the record itself, because most keys are unique. */
export class Index {
  constructor() {
    this.postings = new Map();
  }

  /** @param {object} record @param {string[]} keys */
  add(record, keys) {
    for (const key of keys) {
      const held = this.postings.get(key);
      if (held === undefined) {
        this.postings.set(key, record);
      } else if (held instanceof Set) {
        held.add(record);
      } else if (held !== record) {
        this.postings.set(key, new Set([held, record]));
      }
    }
  }

  /** @param {object} record @param {string[]} keys */
  remove(record, keys) {
    for (const key of keys) {
      const held = this.postings.get(key);
      if (held instanceof Set && held.size > 1) {
        held.delete(record);
      } else if (held instanceof Set ? held.has(record) : held === record) {
        this.postings.delete(key);
      }
    }
  }

  /** @returns {Set<object>} the records that hold `key` */
  find(key) {
    const held = this.postings.get(key);
    return held instanceof Set ? held : new Set(held === undefined ? [] : [held]);
  }
}

/** Every version of every resource, with transactions by an undo list. */
import { Index, keysOf } from './indexes.mjs';

/**
 * A record is `{id, versions, keys}`; a version `{versionId, lastUpdated, author, json}`, newest last, where `json` is
 * the resource as text and undefined for a deletion. Text, because it cannot be changed by accident and is small.
 */
class Table {
  constructor(type) {
    this.type = type;
    this.records = new Map();
    /** Live records ordered by lastUpdated: a written record moves to the end. */
    this.live = new Map();
    this.index = new Index();
  }

  /** Puts the order right again after a rollback, which appends what it restores. */
  reorder() {
    const newest = (record) => record.versions.at(-1).lastUpdated;
    const sorted = [...this.live.values()].sort((a, b) => (newest(a) < newest(b) ? -1 : newest(a) > newest(b) ? 1 : 0));
    this.live = new Map(sorted.map((record) => [record.id, record]));
  }

  place(record, keys) {
    this.index.remove(record, record.keys);
    this.live.delete(record.id);
    record.keys = keys;
    this.index.add(record, keys);
    if (isLive(record)) {
      this.live.set(record.id, record);
    }
  }
}

/** @returns {boolean} whether the newest version is not a deletion */
export function isLive(record) {
  return record?.versions.at(-1)?.json !== undefined;
}

/** @returns {object} a fresh copy of the newest version of a live record */
export function latest(record) {
  return JSON.parse(record.versions.at(-1).json);
}

/** All tables, the journal behind them and the events in front of them. */
export class Store {
  /** @param {import('./journal.mjs').Journal} journal @param {(event: object) => void} onCommit */
  constructor(journal, onCommit = () => undefined) {
    this.journal = journal;
    this.onCommit = onCommit;
    this.clear();
  }

  clear() {
    this.tables = new Map();
    this.binaries = new Map();
    this.depth = 0;
    this.undo = [];
    this.lines = [];
    this.events = [];
    this.clock = 0;
  }

  /** @returns {Table} the table of a type, made when first asked for */
  table(type) {
    let table = this.tables.get(type);
    if (!table) {
      table = new Table(type);
      this.tables.set(type, table);
    }
    return table;
  }

  /** @returns {object | undefined} the record, deleted ones included */
  record(type, id) {
    return this.tables.get(type)?.records.get(id);
  }

  /** @returns {string} an instant that never goes back, so that no sweep over lastUpdated misses a write */
  stamp() {
    this.clock = Math.max(this.clock, Date.now());
    return new Date(this.clock).toISOString();
  }

  /**
   * Adds a version; `resource` undefined is a deletion.
   * @param {string} type @param {string} id @param {{versionId: string, lastUpdated: string, author?: string}} stamp
   * @param {object | undefined} resource the complete resource, with its meta
   */
  write(type, id, stamp, resource) {
    const json = resource && JSON.stringify(resource);
    const record = this.add(type, id, { ...stamp, json }, resource);
    const head = JSON.stringify({ type, id, ...stamp });
    this.lines.push(json === undefined ? head : `${head.slice(0, -1)},"resource":${json}}`);
    this.events.push({ type, id, stamp, resource, previous: record.versions.at(-2) });
    this.settle();
  }

  /** Keeps the bytes of a Binary. */
  writeBinary(id, contentType, data) {
    this.binaries.set(id, { contentType, data });
    this.undo.push(() => this.binaries.delete(id));
    this.lines.push(JSON.stringify({ binary: id, contentType, data: data.toString('base64') }));
    this.settle();
  }

  add(type, id, version, resource) {
    const table = this.table(type);
    let record = table.records.get(id);
    const created = !record;
    record ??= { id, versions: [], keys: [] };
    const before = record.keys;
    table.records.set(id, record);
    record.versions.push(version);
    table.place(record, resource ? keysOf(resource) : []);
    this.undo.push(() => {
      record.versions.pop();
      table.place(record, before);
      if (created) {
        table.records.delete(id);
      }
      return table;
    });
    return record;
  }

  /** Runs `body`; if it throws, everything it wrote is gone. Nested calls are savepoints. */
  async transaction(body) {
    const mark = { undo: this.undo.length, lines: this.lines.length, events: this.events.length };
    this.depth++;
    try {
      return await body();
    } catch (error) {
      this.rollback(mark);
      throw error;
    } finally {
      this.depth--;
      this.settle();
    }
  }

  rollback(mark) {
    const touched = new Set();
    while (this.undo.length > mark.undo) {
      touched.add(this.undo.pop()());
    }
    this.lines.length = mark.lines;
    this.events.length = mark.events;
    for (const table of touched) {
      table.reorder?.();
    }
  }

  /** Commits, unless a transaction is open. */
  settle() {
    if (this.depth > 0) {
      return;
    }
    const events = this.events;
    this.journal.append(this.lines);
    this.undo = [];
    this.lines = [];
    this.events = [];
    events.forEach((event) => this.onCommit(event));
  }

  /** Replays the commits of earlier runs. */
  replay(commits) {
    for (const operation of commits.flat()) {
      const { type, id, resource, binary, contentType, data, ...stamp } = operation;
      if (binary) {
        this.binaries.set(binary, { contentType, data: Buffer.from(data, 'base64') });
        continue;
      }
      this.add(type, id, { ...stamp, json: resource && JSON.stringify(resource) }, resource);
      this.clock = Math.max(this.clock, Date.parse(stamp.lastUpdated));
      this.undo = [];
    }
  }
}

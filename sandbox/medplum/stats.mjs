/** Counters that the demo and the benchmarks read at GET /__stats. */

const bump = (table, key, amount = 1) => {
  table[key] = (table[key] ?? 0) + amount;
};

/** Everything counted since start or reset. */
export class Stats {
  constructor() {
    this.clear();
  }

  clear() {
    this.requests = { total: 0, byMethod: {}, byStatus: {} };
    this.interactions = {};
    this.writes = 0;
    this.createdVersions = 0;
    this.quota = { total: 0, byKind: {} };
    this.conflicts409 = 0;
    this.throttled429 = 0;
  }

  /** One HTTP request and its answer. */
  request(method, status) {
    this.requests.total++;
    bump(this.requests.byMethod, method);
    bump(this.requests.byStatus, status);
  }

  /** One repository operation, in a bundle or alone. */
  interaction(kind, points) {
    bump(this.interactions, kind);
    bump(this.quota.byKind, kind, points);
    this.quota.total += points;
    if (kind !== 'read' && kind !== 'search' && kind !== 'history') {
      this.writes++;
    }
  }

  version() {
    this.createdVersions++;
  }

  /** Counts the 409 and 429 answers, also of bundle entries. */
  outcomes(statuses) {
    this.conflicts409 += statuses.filter((status) => status === 409).length;
    this.throttled429 += statuses.filter((status) => status === 429).length;
  }
}

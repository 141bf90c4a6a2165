/** Injected serialization failures: the lock of this server never produces the 409s that Postgres does. */
import { OperationOutcomeError, conflict } from '@medplum/core';

const TEXT = {
  create: 'could not serialize access due to read/write dependencies among transactions',
  update: 'could not serialize access due to concurrent update',
};

/** A small seeded generator (mulberry32), so that a run can be repeated. */
function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** Draws a conflict for conditional creates, and for writes beside another write of the same type. */
export class Conflicts {
  /** @param {number} rate probability of a 409, 0 to 1 @param {number} seed */
  constructor(rate, seed) {
    this.rate = rate;
    this.random = generator(seed);
    this.inFlight = new Map();
  }

  /** Counts a request's types as being written until the returned function is called. */
  enter(types) {
    const add = (amount) => types.forEach((type) => this.inFlight.set(type, (this.inFlight.get(type) ?? 0) + amount));
    add(1);
    return () => add(-1);
  }

  /**
   * @param {'create' | 'update'} kind @param {string} type @param {boolean} conditional
   * @throws {OperationOutcomeError} 409 with coding 40001
   */
  draw(kind, type, conditional) {
    const exposed = (conditional && kind === 'create') || (this.inFlight.get(type) ?? 0) > 1;
    if (this.rate > 0 && exposed && this.random() < this.rate) {
      throw new OperationOutcomeError(conflict(TEXT[kind], '40001'));
    }
  }
}

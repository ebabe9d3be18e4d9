// Seeded chance: the same seed is the same workload, the same order of sending and the same moments.

import { hash, random } from '../sdk/plan.mjs';

/** What is drawn from the generator of a seed. */
export class Random {
  /** A number from 0 up to 1. */
  next;

  constructor(seed) {
    this.next = random(hash(seed));
  }

  /** A whole number from `low` to `high`, both included. */
  between(low, high) {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  of(list) {
    return list[Math.floor(this.next() * list.length)];
  }

  chance(share) {
    return this.next() < share;
  }

  shuffle(list) {
    for (let n = list.length - 1; n > 0; n--) {
      const other = this.between(0, n);
      [list[n], list[other]] = [list[other], list[n]];
    }
    return list;
  }
}

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

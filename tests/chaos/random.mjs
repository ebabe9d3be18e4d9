// Seeded chance: the same seed is the same workload, the same order of sending and the same moments.

/** A small random generator (mulberry32). */
export class Random {
  constructor(seed) {
    this.state = typeof seed === 'number' ? seed >>> 0 : hash(String(seed));
  }

  /** A number from 0 up to 1. */
  next() {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
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

function hash(text) {
  let h = 0x811c9dc5;
  for (let n = 0; n < text.length; n++) h = Math.imul(h ^ text.charCodeAt(n), 0x01000193) >>> 0;
  return h;
}

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

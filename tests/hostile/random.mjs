// Pseudo-random numbers that a seed repeats: splitmix32 over a hash of the seed and a number.

/** A generator for one request of one run, so that each can be made again alone. */
export class Random {
  constructor(seed, number = 0) {
    this.state = (Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(number + 1, 0xc2b2ae35)) >>> 0;
    this.next();
  }

  next() {
    this.state = (this.state + 0x9e3779b9) >>> 0;
    let z = this.state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  }

  /** A whole number from 0 up to, but not, `below`. */
  below(below) {
    return Math.floor((this.next() / 4294967296) * below);
  }

  chance(probability) {
    return this.next() / 4294967296 < probability;
  }

  pick(list) {
    return list[this.below(list.length)];
  }

  /** One of `[weight, value]` pairs. */
  weighed(pairs) {
    let left = this.below(pairs.reduce((sum, [weight]) => sum + weight, 0));
    for (const [weight, value] of pairs) {
      left -= weight;
      if (left < 0) return value;
    }
    return pairs[0][1];
  }

  bytes(count) {
    const bytes = Buffer.alloc(count);
    for (let i = 0; i < count; i++) bytes[i] = this.next() & 255;
    return bytes;
  }

  word(length = 8) {
    let text = '';
    for (let i = 0; i < length; i++) text += 'abcdefghijklmnopqrstuvwxyz0123456789'[this.below(36)];
    return text;
  }
}

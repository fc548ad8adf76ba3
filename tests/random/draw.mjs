// Choices that a seed makes. Each step of a plan has a generator of its own, so that what it draws does not depend on how
// the steps before it were interleaved.
import { createHash } from 'node:crypto'

import { randomFrom } from '../chaos/history.mjs'

export class Draw {
  constructor(seed, name = '') {
    this.random = randomFrom(createHash('sha256').update(`${seed} ${name}`).digest().readUInt32LE())
  }

  below(n) {
    return Math.floor(this.random() * n)
  }

  chance(probability) {
    return this.random() < probability
  }

  /** One of a list; undefined of an empty one. */
  pick(list) {
    return list[this.below(list.length)]
  }

  some(list, n) {
    const left = [...list]
    return Array.from({ length: Math.min(n, left.length) }, () => left.splice(this.below(left.length), 1)[0])
  }

  /** A key of {key: weight}. */
  weighted(weights) {
    let at = this.random() * Object.values(weights).reduce((sum, weight) => sum + weight, 0)
    for (const [key, weight] of Object.entries(weights)) if ((at -= weight) < 0) return key
    return Object.keys(weights).at(-1)
  }

  uuid() {
    const hex = createHash('sha256').update(`${this.random()} ${this.random()}`).digest('hex')
    return hex.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, '$1-$2-4$3-8$4-$5')
  }
}

/**
 * Queue: first in, first out, also where very many wait: engines move all elements of a long array for each `shift`.
 * @template T
 */
export class Queue {
  /** @type {(T | undefined)[]} */
  #items = []
  #head = 0

  get length() {
    return this.#items.length - this.#head
  }

  /** @param {T} item */
  push(item) {
    this.#items.push(item)
  }

  /** @returns {T | undefined} */
  shift() {
    if (this.length === 0) return undefined
    const item = this.#items[this.#head]
    this.#items[this.#head++] = undefined
    if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    return item
  }

  /** @returns {T[]} all, which are taken out */
  take() {
    const items = /** @type {T[]} */ (this.#items.slice(this.#head))
    this.#items = []
    this.#head = 0
    return items
  }
}

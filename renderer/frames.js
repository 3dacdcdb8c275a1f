/** Frames: those of a session by their numbers, each an endpoint. */

/** @typedef {import('./renderer-frame.js').Endpoint} Endpoint */

export const MAIN_FRAME = 0

export class Frames {
  /** @type {Map<number, Endpoint>} */
  #all = new Map()
  #last = MAIN_FRAME

  /** @param {number} frame */
  has(frame) {
    return this.#all.has(frame)
  }

  /** @param {number} frame */
  get(frame) {
    return this.#all.get(frame)
  }

  /** @returns {[number, Endpoint][]} as they are now, the main frame first */
  get list() {
    return [...this.#all]
  }

  /** The same without the main frame. */
  get below() {
    return this.list.filter(([number]) => number !== MAIN_FRAME)
  }

  /** @param {Endpoint} endpoint */
  setMain(endpoint) {
    this.#all.set(MAIN_FRAME, endpoint)
  }

  /**
   * @param {Endpoint} endpoint
   * @returns {number}
   */
  add(endpoint) {
    this.#all.set(++this.#last, endpoint)
    return this.#last
  }

  /**
   * Takes a frame and those below it out, the deepest first.
   * @param {number} frame
   * @returns {[number, Endpoint][]}
   */
  take(frame) {
    const endpoint = this.#all.get(frame)
    if (!endpoint) return []
    const below = this.below.filter(([, { parent }]) => parent === frame).flatMap(([number]) => this.take(number))
    this.#all.delete(frame)
    return [...below, [frame, endpoint]]
  }
}

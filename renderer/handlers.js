/** Handlers: at most one a channel, for what the host invokes. */

/** @typedef {(event: any, ...args: any[]) => any} Handler */

export class Handlers {
  /** @type {Map<string, { handler: Handler, once: boolean }>} */
  #handlers = new Map()
  #counted

  /** @param {(change: number) => void} counted told by how many there are more or fewer */
  constructor(counted) {
    this.#counted = counted
  }

  /**
   * @param {string} channel
   * @param {Handler} handler
   * @param {boolean} once
   */
  add(channel, handler, once) {
    if (this.#handlers.has(channel)) throw new Error(`Attempted to register a second handler for '${channel}'`)
    if (typeof handler !== 'function') throw new TypeError(`Expected handler to be a function, but found type '${typeof handler}'`)
    this.#counted(1)
    this.#handlers.set(channel, { handler, once })
  }

  /** @param {string} channel */
  remove(channel) {
    if (this.#handlers.delete(channel)) this.#counted(-1)
  }

  /**
   * The channel's handler, to be called now.
   * @param {string} channel
   * @returns {Handler | undefined}
   */
  take(channel) {
    const found = this.#handlers.get(channel)
    if (found?.once) this.remove(channel)
    return found?.handler
  }
}

/**
 * Connection: the main lane of a session, which may come again: one link after the other, with a growing pause between. Knows
 * when, and nothing of what is said.
 */

/** @typedef {import('./outbox.js').Transport & { limit: number }} Transport */
/** @typedef {import('./connect.js').Engine} Engine */
/** @typedef {import('./session.js').Closed} Closed */

/** In ms. */
const ATTEMPT = 10000
const FIRST_PAUSE = 250
const LONGEST_PAUSE = 5000
/** How long calls wait for a host that keeps no session. */
const UNKEPT_PATIENCE = 10000

/**
 * @typedef {object} ConnectionParts what the session does for it
 * @property {(link: Transport) => void} opened
 * @property {(bytes: Uint8Array, at: number, end: number) => void} block
 * @property {() => void} batched
 * @property {(closed: Closed) => void} fault
 * @property {(error: Error | undefined, closed: Closed | undefined) => void} lost
 * @property {() => void} expired the time in which the session may be resumed is over
 */

export const GOING_AWAY = 1001
export const NOT_THERE = 4008
/** What a link may end with and another follow: it broke, its pings were not answered, the host heard no hello in time, had no room, or not the session. */
const LOSSES = new Set([1005, 1006, 1011, 1012, 1013, 1014, 4001, 4002, 4004, NOT_THERE])

/** @typedef {boolean | { min?: number, max?: number }} Reconnect */

/**
 * @param {any} option
 * @returns {{ min: number, max: number } | undefined} the pauses between attempts; undefined: none are made
 */
function pausesOf(option) {
  if (option === false) return undefined
  const { min = FIRST_PAUSE, max = Math.max(min, LONGEST_PAUSE) } = Object(option)
  if (!(min >= 0 && max >= min)) throw new RangeError('reconnect must be a boolean or { min, max } in milliseconds')
  return { min, max }
}

export class Connection {
  /** @type {Transport | undefined} */
  link
  /** Whether another link may follow; known since the first. */
  comesAgain = false
  #open = false
  #closing = false
  #engine
  #parts
  #pauses
  /** Whether it comes again when the host has stopped in good order. */
  #returns
  #address = ''
  #held = true
  #attempts = 0
  /** @type {any[]} of what is waited for */
  #timers = []
  /** @type {any} */
  #expiry
  #unwatch = () => {}

  /**
   * @param {Engine} engine
   * @param {ConnectionParts} parts
   * @param {Reconnect} [reconnect]
   */
  constructor(engine, parts, reconnect) {
    this.#engine = engine
    this.#parts = parts
    this.#pauses = pausesOf(reconnect)
    this.#returns = reconnect === undefined ? engine.returns : reconnect !== false
  }

  /** @param {string} address */
  dial(address) {
    this.#address = address
    const parts = this.#parts
    /** @type {Transport} */
    const link = this.#engine.dial(address, {
      onopen: () => { if (link === this.link) this.#opened(link) },
      onblock: (bytes, at, end) => { if (link === this.link) parts.block(bytes, at, end) },
      onbatch: () => { if (link === this.link) parts.batched() },
      onfault: ({ closeCode, message }) => { if (link === this.link) parts.fault({ code: closeCode, reason: message }) },
      onclose: (error, closed) => { if (link === this.link) parts.lost(error, closed) },
    })
    this.link = link
    this.#open = false
    this.comesAgain = this.#pauses !== undefined && link.comesAgain
    if (!this.#held) link.unref()
  }

  /** @param {Transport} link */
  #opened(link) {
    this.#open = true
    this.#parts.opened(link)
    if (this.#closing) link.close()
  }

  /** @param {number} code whether another link follows one that has ended with it */
  comesAfter(code) {
    return this.comesAgain && (code === GOING_AWAY ? this.#returns : LOSSES.has(code))
  }

  /** The host has said welcome. */
  settled() {
    this.#attempts = 0
    this.#clear()
    clearTimeout(this.#expiry)
    this.#expiry = undefined
  }

  /**
   * Dials again after a pause.
   * @param {number} patience in ms, after which `expired` is called, again and again; 0 for some time
   * @param {boolean} [atOnce] without the pause: the host is there
   */
  again(patience, atOnce) {
    this.link?.drop()
    this.link = undefined
    this.#clear()
    this.#expiry ??= this.#timer(() => this.#expire(patience || UNKEPT_PATIENCE), patience || UNKEPT_PATIENCE)
    const { min, max } = /** @type {{ min: number, max: number }} */ (this.#pauses)
    const pause = atOnce ? 0 : Math.min(max, min * 2 ** this.#attempts++)
    this.#timers.push(this.#timer(() => this.#redial(), pause * (0.75 + Math.random() / 2)))
    this.#unwatch = this.#engine.wake?.(() => this.#redial()) ?? this.#unwatch
  }

  /** Others have found the host there: what is left of a pause is not waited for. */
  hurry() {
    if (!this.link && this.#timers.length > 0) this.#redial()
  }

  /** No link until the next `dial`; what was sent still leaves. */
  rest() {
    this.#clear()
    clearTimeout(this.#expiry)
    this.#expiry = undefined
    if (this.#open) this.link?.close()
    else this.link?.drop()
    this.link = undefined
  }

  /** @param {number} patience */
  #expire(patience) {
    this.#expiry = this.#timer(() => this.#expire(patience), patience)
    this.#parts.expired()
  }

  #redial() {
    this.#clear()
    this.#timers.push(this.#timer(() => this.#parts.lost(undefined, undefined), ATTEMPT))
    this.dial(this.#address)
  }

  /**
   * @param {() => void} fn
   * @param {number} ms
   * @returns {any}
   */
  #timer(fn, ms) {
    /** @type {any} */
    const timer = setTimeout(fn, ms)
    if (!this.#held) timer.unref?.()
    return timer
  }

  #clear() {
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers = []
    this.#unwatch()
    this.#unwatch = () => {}
  }

  /** @param {boolean} held whether the process waits for it */
  hold(held) {
    if (held === this.#held) return
    this.#held = held
    const way = held ? 'ref' : 'unref'
    this.link?.[way]()
    for (const timer of [...this.#timers, this.#expiry]) timer?.[way]?.()
  }

  /** The end: what was sent still leaves, also on a link that is still to open. */
  close() {
    this.#clear()
    clearTimeout(this.#expiry)
    this.#closing = true
    if (this.#open) this.link?.close()
  }
}

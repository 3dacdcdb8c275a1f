/** Calls: the invokes that wait for their answers. Knows no packet. */
import { invokeError, remoteError } from './errors.js'

/** What the executor of the promise that is being made was given; one function for all calls. */
let madeResolve = /** @type {(value: any) => void} */ (() => {})
let madeReject = /** @type {(reason: any) => void} */ (() => {})
/**
 * @param {(value: any) => void} resolve
 * @param {(reason: any) => void} reject
 */
function takeSettlers(resolve, reject) {
  madeResolve = resolve
  madeReject = reject
}

/**
 * @typedef {object} Call
 * @property {number} number
 * @property {string} channel
 * @property {number} frame
 * @property {Promise<any>} promise
 * @property {(value: any) => void} resolve
 * @property {(reason: any) => void} reject
 * @property {(() => void) | undefined} settled called when it is over, however
 */

export const ABORTED = 0
export const TIMED_OUT = 1
/** In ms: timers of the engines fire at once when they are asked for more. What takes longer is not limited. */
export const LONGEST_TIMER = 2 ** 31 - 1

export class Calls {
  /** @type {Map<number, Call>} */
  #pending = new Map()
  #last = 0

  get size() {
    return this.#pending.size
  }

  /** The number of the next call. */
  get next() {
    return this.#last + 1
  }

  /**
   * Makes the call whose number is `next`.
   * @param {string} channel
   * @param {number} frame
   * @returns {Call}
   */
  open(channel, frame) {
    const promise = new Promise(takeSettlers)
    const number = ++this.#last
    /** @type {Call} */
    const call = { number, channel, frame, promise, resolve: madeResolve, reject: madeReject, settled: undefined }
    this.#pending.set(number, call)
    return call
  }

  /** Takes the number of a call that is answered elsewhere. */
  skip() {
    this.#last++
  }

  /**
   * @param {number} number
   * @returns {boolean}
   */
  has(number) {
    return this.#pending.has(number)
  }

  /**
   * @param {number} number
   * @returns {Call | undefined}
   */
  take(number) {
    const call = this.#pending.get(number)
    if (call === undefined) return undefined
    this.#pending.delete(number)
    call.settled?.()
    return call
  }

  /**
   * Settles a call by its answer; one that nobody waits for is ignored.
   * @param {number} number
   * @param {boolean} failed
   * @param {any} value
   */
  answer(number, failed, value) {
    const call = this.take(number)
    if (call === undefined) return
    if (failed) call.reject(remoteError(call.channel, value))
    else call.resolve(value)
  }

  /**
   * Rejects the calls that a test picks.
   * @param {(call: Call) => boolean} which
   * @param {string} code
   * @param {string} text
   */
  rejectAll(which, code, text) {
    for (const [number, call] of this.#pending) {
      if (!which(call)) continue
      this.take(number)
      call.reject(invokeError(call.channel, code, text))
    }
  }
}

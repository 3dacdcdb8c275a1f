/** Answers: the calls of the host that handlers are at work on. Knows no packet. */
import { codedError, detailsOf } from './errors.js'

const FINE = 0
const FAILED = 1
const CALLER_TIMED_OUT = 1

/** @typedef {(signal: AbortSignal) => any} Work */

export class Answers {
  /** @type {Map<number, { frame: number, controller: AbortController }>} */
  #pending = new Map()
  #put
  #changed

  /**
   * @param {(call: number, status: number, value: any) => void} put sends an answer, or throws what is wrong with the value
   * @param {() => void} changed told when there are more or fewer
   */
  constructor(put, changed) {
    this.#put = put
    this.#changed = changed
  }

  get size() {
    return this.#pending.size
  }

  /**
   * Answers a call with what the work gives, or throws.
   * @param {number} call
   * @param {number} frame
   * @param {string} channel
   * @param {Work} work
   */
  async start(call, frame, channel, work) {
    const controller = new AbortController()
    this.#pending.set(call, { frame, controller })
    this.#changed()
    try {
      const value = await work(controller.signal)
      if (this.#take(call)) this.#resolve(call, channel, value)
    } catch (error) {
      if (this.#take(call)) this.reject(call, channel, error)
      console.error(`Error occurred in handler for '${channel}':`, error)
    }
  }

  /**
   * @param {number} call
   * @param {string} channel
   * @param {any} value
   */
  #resolve(call, channel, value) {
    try {
      this.#put(call, FINE, value)
    } catch (error) {
      this.reject(call, channel, error)
    }
  }

  /**
   * A call has come.
   * @param {{ call: number, frame: number, channel: string }} items
   * @param {import('./renderer-frame.js').Endpoint | undefined} endpoint undefined: the frame is gone
   * @param {any[]} args
   */
  invoked({ call, frame, channel }, endpoint, args) {
    const work = endpoint?.work(channel, args)
    if (work) this.start(call, frame, channel, work)
    else if (endpoint) this.reject(call, channel, codedError('ERR_NO_HANDLER', `No handler registered for '${channel}'`))
    else this.reject(call, channel, codedError('ERR_DESTROYED', 'the frame was closed'))
  }

  /**
   * Answers a call with an error.
   * @param {number} call
   * @param {string} channel
   * @param {unknown} error
   */
  reject(call, channel, error) {
    const { data, cause, ...plain } = detailsOf(error)
    let refusal
    // Data and cause are left out where they cannot be cloned.
    for (const loose of [{ data, cause }, { cause }, { data }, {}]) {
      try {
        this.#put(call, FAILED, withoutUndefined({ ...plain, ...loose }))
        break
      } catch (reason) {
        refusal ??= reason
      }
    }
    if (refusal) console.warn(`a part of the error of the handler for '${channel}' was left out:`, refusal)
  }

  /**
   * @param {number} call
   * @returns {AbortController | undefined}
   */
  #take(call) {
    const found = this.#pending.get(call)
    if (!this.#pending.delete(call)) return undefined
    this.#changed()
    return found?.controller
  }

  /**
   * The host does not want the answer any longer.
   * @param {number} call
   * @param {number | undefined} reason
   */
  cancel(call, reason) {
    this.#take(call)?.abort(reason === CALLER_TIMED_OUT
      ? codedError('ERR_TIMEOUT', 'The caller\'s time-out has passed', 'TimeoutError')
      : codedError('ERR_ABORTED', 'The call was cancelled by the caller', 'AbortError'))
  }

  /**
   * Nobody will hear the answers that a test picks.
   * @param {(frame: number) => boolean} which
   * @param {string} code
   * @param {string} text
   */
  end(which, code, text) {
    for (const [call, { frame }] of this.#pending) if (which(frame)) this.#take(call)?.abort(codedError(code, text))
  }
}

/** @param {Record<string, any>} map */
function withoutUndefined(map) {
  return Object.fromEntries(Object.entries(map).filter(([, value]) => value !== undefined))
}

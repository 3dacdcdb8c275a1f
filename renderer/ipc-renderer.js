/** IpcRenderer: Electron's, for one frame. */
import { ABORTED, LONGEST_TIMER, TIMED_OUT } from './calls.js'
import { EventEmitter } from './emitter.js'
import { invokeError } from './errors.js'
import { Handlers } from './handlers.js'
import { CHANNEL_MAX } from './packet-layout.js'
import { isWellFormed } from './text.js'

/** @typedef {import('./session.js').Session} Session */

/** Names by which the emitter speaks of itself: a message on such a channel sets nothing off. */
const OWN_EVENTS = new Set(['newListener', 'removeListener'])
/** The longest channel of which no check of its bytes is needed. */
const SHORT_CHANNEL = CHANNEL_MAX / 3

/** @param {unknown} channel */
function checkChannel(channel) {
  if (typeof channel !== 'string') throw new TypeError('Missing required channel argument')
  if (!isWellFormed(channel)) throw new TypeError('A channel must be well-formed text')
  if (channel.length > SHORT_CHANNEL && new TextEncoder().encode(channel).length > CHANNEL_MAX) {
    throw new TypeError(`A channel has at most ${CHANNEL_MAX} bytes`)
  }
}

export class IpcRenderer extends EventEmitter {
  #session
  #frame
  #handlers

  /**
   * @param {Session} session
   * @param {() => number} frame
   */
  constructor(session, frame) {
    let listening = 0
    super((count) => {
      // Who listens wants to be connected, and the process waits for what comes.
      if (count > listening) session.open()
      session.holds(count - listening)
      listening = count
    })
    this.#session = session
    this.#frame = frame
    this.#handlers = new Handlers((change) => {
      if (change > 0) session.open()
      session.holds(change)
    })
  }

  /**
   * @param {string} channel
   * @param {...any} args
   * @returns {boolean} false if more than `limits.outbound` waits to leave; it is sent nevertheless
   */
  send(channel, ...args) {
    checkChannel(channel)
    return this.#session.send(this.#frame(), channel, args)
  }

  /**
   * @param {string} channel
   * @param {...any} args
   * @returns {Promise<any>}
   */
  invoke(channel, ...args) {
    try {
      checkChannel(channel)
      return this.#session.invoke(this.#frame(), channel, args, 0).promise
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * Blocks until a listener has answered by `event.returnValue`.
   * @param {string} channel
   * @param {...any} args
   * @returns {any}
   */
  sendSync(channel, ...args) {
    checkChannel(channel)
    return this.#session.sendSync(this.#frame(), channel, args)
  }

  /**
   * @param {string} channel
   * @param {any} message
   * @param {readonly any[]} [transfer] MessagePorts
   */
  postMessage(channel, message, transfer) {
    checkChannel(channel)
    if (arguments.length < 2) throw new TypeError('Insufficient number of arguments')
    if (transfer !== undefined && !Array.isArray(transfer)) throw new TypeError('Invalid value for transfer')
    this.#session.post(this.#frame(), channel, message, transfer)
  }

  /**
   * Calls that are given up when the signal aborts or the time (in ms) is over; the handler's `event.signal` hears of it.
   * @param {{ signal?: AbortSignal, timeout?: number }} options
   */
  with({ signal, timeout } = {}) {
    if (timeout !== undefined && !(timeout >= 0)) throw new RangeError('timeout must be a number of milliseconds')
    return {
      /**
       * @param {string} channel
       * @param {...any} args
       * @returns {Promise<any>}
       */
      invoke: (channel, ...args) => this.#invokeWith(signal, timeout, channel, args),
    }
  }

  /**
   * @param {AbortSignal | undefined} signal
   * @param {number | undefined} timeout
   * @param {string} channel
   * @param {any[]} args
   * @returns {Promise<any>}
   */
  async #invokeWith(signal, timeout = Infinity, channel, args) {
    checkChannel(channel)
    signal?.throwIfAborted()
    const limited = timeout <= LONGEST_TIMER
    const call = this.#session.invoke(this.#frame(), channel, args, limited ? Math.ceil(timeout) : 0)
    const abort = () => this.#session.cancel(call, ABORTED, signal?.reason)
    const expire = () => {
      const error = invokeError(channel, 'ERR_TIMEOUT', `no answer within ${timeout} ms`, 'TimeoutError')
      this.#session.cancel(call, TIMED_OUT, error)
    }
    const timer = limited ? setTimeout(expire, timeout) : undefined
    signal?.addEventListener('abort', abort)
    call.settled = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
    }
    return call.promise
  }

  /**
   * Answers what the host invokes on the channel: with what the handler returns, or the promise of that; what it throws rejects.
   * @param {string} channel
   * @param {import('./handlers.js').Handler} handler
   */
  handle(channel, handler) {
    checkChannel(channel)
    this.#handlers.add(channel, handler, false)
    return this
  }

  /**
   * As handle; removed before it runs.
   * @param {string} channel
   * @param {import('./handlers.js').Handler} handler
   */
  handleOnce(channel, handler) {
    checkChannel(channel)
    this.#handlers.add(channel, handler, true)
    return this
  }

  /** @param {string} channel */
  removeHandler(channel) {
    checkChannel(channel)
    this.#handlers.remove(channel)
    return this
  }

  /**
   * What the host's call of the channel sets off; nothing where there is no handler.
   * @param {string} channel
   * @param {any[]} args
   * @returns {import('./answers.js').Work | undefined}
   * @internal
   */
  work(channel, args) {
    const handler = this.#handlers.take(channel)
    return handler && ((signal) => handler({ sender: this, ports: [], signal }, ...args))
  }

  /**
   * A message from the host.
   * @param {string} channel
   * @param {any[]} args
   * @param {any[]} ports
   * @returns {boolean} whether somebody listened
   * @internal
   */
  deliver(channel, args, ports) {
    return !OWN_EVENTS.has(channel) && this.emit(channel, { sender: this, ports }, ...args)
  }
}

/** BlockingLink: a link to the host for whose answers the caller waits: a transport over a BlockingSocket. */
import { LaneError } from './lane-error.js'
import { BlockingSocket } from './node-blocking-socket.js'

/** @typedef {import('./outbox.js').Handlers} Handlers */
/** @typedef {import('./outbox.js').Transport & { limit: number }} LimitedTransport */
/** @typedef {import('./node-socket-worker.js').SocketWorker} SocketWorker */
/** @typedef {import('./sync-calls.js').SyncQuestion} SyncQuestion */
/** @typedef {(handlers: Handlers, connect: (options: any) => any) => LimitedTransport} Dial makes a transport over the socket that `connect` makes */

/** How long the host may take for its first word. */
const FIRST_WORD_MS = 10000

export class BlockingLink {
  #worker
  #transport
  /** @type {Uint8Array[] | undefined} what is to be said once it is open */
  #early = []
  /** @type {SyncQuestion['onblock'] | undefined} of the call that waits */
  #onblock
  #heard = false
  #answered = false
  /** @type {unknown} why it is of no more use */
  #error

  /**
   * @param {SocketWorker} worker whose only link it is from now on
   * @param {Dial} dial
   */
  constructor(worker, dial) {
    this.#worker = worker
    this.#transport = dial({
      onopen: () => this.#opened(),
      onblock: (bytes, at, end) => this.#block(bytes, at, end),
      onbatch: () => {},
      onfault: (fault) => this.#drop(fault),
      onclose: (error) => { this.#error ??= lostError(error) },
    }, (options) => new BlockingSocket(worker, options))
  }

  #opened() {
    const blocks = this.#early ?? []
    this.#early = undefined
    for (const block of blocks) this.#transport.send(block)
  }

  /** @type {Handlers['onblock']} */
  #block(bytes, at, end) {
    this.#heard = true
    if (!this.#onblock?.(bytes, at, end)) return
    // What comes after it, a bye perhaps, is not the call's.
    this.#answered = true
    this.#onblock = undefined
  }

  /**
   * Sends blocks, and returns when they are answered. Throws what kept it from that.
   * @param {Uint8Array[]} blocks
   * @param {number} limit of bytes in a block of the host's
   * @param {SyncQuestion['onblock']} onblock
   * @returns {boolean} false: a link that was of use before is lost; the host tells by its number a call that it has
   */
  ask(blocks, limit, onblock) {
    while (this.#worker.poll());
    if (this.#error) return false
    const known = this.#heard
    this.#answered = false
    this.#onblock = onblock
    this.#transport.limit = limit
    try {
      for (const block of blocks) this.#send(block)
      this.#wait()
    } catch (error) {
      this.#drop(error)
      throw error
    } finally {
      this.#onblock = undefined
    }
    if (this.#answered) return true
    if (known && this.#error instanceof LaneError) return false
    throw this.#error
  }

  /** @param {Uint8Array} block */
  #send(block) {
    const { headroom } = this.#transport
    const bytes = new Uint8Array(headroom + block.length)
    bytes.set(block, headroom)
    if (this.#early) this.#early.push(bytes)
    else this.#transport.send(bytes)
  }

  #wait() {
    const deadline = performance.now() + FIRST_WORD_MS
    while (!this.#answered && !this.#error) {
      if (this.#worker.wait(this.#heard ? Infinity : deadline - performance.now())) continue
      if (this.#worker.started) throw new LaneError('ERR_TIMEOUT', `no answer within ${FIRST_WORD_MS} ms`, 'TimeoutError')
      throw new LaneError('ERR_CLOSED', `the worker for sendSync did not start within ${FIRST_WORD_MS} ms`)
    }
  }

  /** @param {unknown} error */
  #drop(error) {
    this.#error ??= error
    this.#transport.drop()
  }
}

/** @param {any} error of the transport, if it had one */
function lostError(error) {
  return new LaneError(error?.code ?? 'ERR_CLOSED', error?.message ?? 'the host closed the lane without an answer')
}

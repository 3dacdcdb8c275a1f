/** BlockingSocket: the socket of a SocketWorker, with those parts of node:net's that a transport uses. */
import { EventEmitter } from 'node:events'

/** @typedef {import('./node-socket-worker.js').SocketWorker} SocketWorker */
/** @typedef {import('./node-socket-worker.js').SocketEvent} SocketEvent */

export class BlockingSocket extends EventEmitter {
  connecting = true
  /** All is with the worker at once. */
  writableLength = 0
  #worker
  #onread

  /**
   * @param {SocketWorker} worker
   * @param {{ onread: import('node:net').OnReadOpts }} options those of node:net's connect
   */
  constructor(worker, { onread, ...target }) {
    super()
    this.#worker = worker
    this.#onread = onread
    worker.open(target, this.#dispatch)
  }

  /** @type {(event: SocketEvent) => void} */
  #dispatch = ({ name, bytes, error }) => {
    this.connecting = false
    if (bytes) this.#onread.callback(bytes.length, bytes)
    else if (error) this.emit(name, Object.assign(new Error(error.message), { code: error.code }))
    else this.emit(name)
  }

  /** @param {Uint8Array | string} bytes all that is behind them is copied */
  write(bytes) {
    this.#worker.post(typeof bytes === 'string' ? Buffer.from(bytes) : bytes)
  }

  destroySoon() {
    this.#worker.post({ name: 'end' })
  }

  destroy() {
    this.#worker.post({ name: 'destroy' })
  }
}

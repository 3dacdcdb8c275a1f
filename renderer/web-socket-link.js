/**
 * WebSocketLink: the platform's WebSocket as a transport. A block is one binary message. Keeps what is sent until the socket is
 * open, which is asked for by `begin`. Knows nothing of what is in a block.
 */
import { codedError } from './errors.js'
import { MalformedError } from './malformed-error.js'

/** @typedef {import('./outbox.js').Handlers} Handlers */

const NOT_OPENED = 'it is not running, or it refuses this page; its log says which'

export class WebSocketLink {
  headroom = 0
  /** The longest block that is taken. */
  limit = 64 * 1024 * 1024
  #address
  #handlers
  /** @type {WebSocket | undefined} */
  #socket
  /** @type {Uint8Array[] | undefined} what was sent before the socket was open; undefined since then */
  #early = []
  #earlyAmount = 0
  #closing = false

  /**
   * @param {string} address
   * @param {Handlers} handlers
   */
  constructor(address, handlers) {
    this.#address = address
    this.#handlers = handlers
  }

  /** @param {Uint8Array} first */
  begin(first) {
    if (this.#closing) return
    const socket = (this.#socket = new WebSocket(this.#address))
    socket.binaryType = 'arraybuffer'
    socket.onopen = () => this.#opened(socket, first)
    socket.onmessage = ({ data }) => this.#received(data)
    socket.onclose = (event) => this.#closed(event)
  }

  /**
   * @param {WebSocket} socket
   * @param {Uint8Array} first
   */
  #opened(socket, first) {
    const early = this.#early ?? []
    this.#early = undefined
    this.#earlyAmount = 0
    for (const block of [first, ...early]) socket.send(block)
    if (this.#closing) socket.close(1000)
  }

  /** @param {ArrayBuffer | string} data */
  #received(data) {
    const fault = this.#faultOf(data)
    if (fault) return this.#handlers.onfault(fault)
    const bytes = new Uint8Array(/** @type {ArrayBuffer} */ (data))
    this.#handlers.onblock(bytes, 0, bytes.length)
    this.#handlers.onbatch()
  }

  /** @param {ArrayBuffer | string} data */
  #faultOf(data) {
    if (typeof data === 'string') return new MalformedError(1003, 'a text message')
    if (data.byteLength > this.limit) return new MalformedError(1009, `a block of ${data.byteLength} bytes; at most ${this.limit}`)
  }

  /** @param {CloseEvent} event */
  #closed({ code, reason }) {
    if (this.#early) return this.#handlers.onclose(codedError('ERR_CLOSED', `Cannot connect to ${this.#address}: ${NOT_OPENED}`))
    if (code === 1006) return this.#handlers.onclose(codedError('ERR_CLOSED', `The connection to ${this.#address} broke`))
    this.#handlers.onclose(undefined, { code, reason })
  }

  get bufferedAmount() {
    return (this.#socket?.bufferedAmount ?? 0) + this.#earlyAmount
  }

  /**
   * @param {Uint8Array} bytes
   * @returns {boolean}
   */
  send(bytes) {
    if (this.#early) {
      this.#early.push(bytes.slice())
      this.#earlyAmount += bytes.length
    } else {
      this.#socket?.send(bytes)
    }
    // A copy was made, here or by the socket.
    return true
  }

  /**
   * @param {Uint8Array} bytes
   * @returns {Uint8Array}
   */
  unseal(bytes) {
    return bytes
  }

  close() {
    this.#closing = true
    if (!this.#early) this.#socket?.close(1000)
  }

  /** A page lives on its own. */
  ref() {}

  unref() {}
}

/** WebSocketLink: the platform's WebSocket as a transport. A block is one binary message. Knows nothing of what is in a block. */
import { codedError } from './errors.js'
import { MalformedError } from './malformed-error.js'

/** @typedef {import('./outbox.js').Handlers} Handlers */

/** What a close says that is none of the session's (docs/protocol.md, section 10): nothing was heard. */
const LOST = 4002
const NOT_OPENED = 'it is not running, or it refuses this page; its log says which'

export class WebSocketLink {
  headroom = 0
  comesAgain = true
  /** The longest block that is taken. */
  limit = 64 * 1024 * 1024
  #address
  #handlers
  #socket
  #isOpen = false

  /**
   * @param {string} address
   * @param {Handlers} handlers
   */
  constructor(address, handlers) {
    this.#address = address
    this.#handlers = handlers
    this.#socket = new WebSocket(address)
    this.#socket.binaryType = 'arraybuffer'
    this.#socket.onopen = () => this.#opened()
    this.#socket.onmessage = ({ data }) => this.#received(data)
    this.#socket.onclose = (event) => this.#closed(event)
  }

  #opened() {
    this.#isOpen = true
    this.#handlers.onopen()
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
    if (!this.#isOpen) return this.#handlers.onclose(codedError('ERR_CLOSED', `Cannot connect to ${this.#address}: ${NOT_OPENED}`))
    if (code === 1006) return this.#handlers.onclose(codedError('ERR_CLOSED', `The connection to ${this.#address} broke`))
    this.#handlers.onclose(undefined, { code, reason })
  }

  get bufferedAmount() {
    return this.#socket.bufferedAmount
  }

  /**
   * @param {Uint8Array} bytes
   * @returns {boolean}
   */
  send(bytes) {
    this.#socket.send(bytes)
    // The socket has made a copy.
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
    this.#socket.close(1000)
  }

  /** A host takes 1000 for the end of the session. */
  drop() {
    this.#socket.close(LOST)
  }

  /** A page lives on its own. */
  ref() {}

  unref() {}
}

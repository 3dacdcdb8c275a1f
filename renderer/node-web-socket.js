/** NodeWebSocket: a WebSocket of Node as a transport, by this package's own client. A block is one binary message. */
import { randomBytes } from 'node:crypto'
import { MalformedError } from './malformed-error.js'
import { socketError } from './socket-error.js'
import { BINARY, CLOSE, FRAME_HEADROOM, FrameReader, makeFrame, PONG, sealFrame, unsealFrame } from './web-socket-frames.js'
import { UpgradeReader, upgradeRequest } from './web-socket-upgrade.js'

/** @typedef {import('./outbox.js').Handlers} Handlers */

const SOCKET_READ_BUFFER = 256 * 1024
/** How long the host may take to close as well, once all is written. */
const CLOSE_MS = 1000
/** A host that is busy reads later: how long one may take nothing at all of what is left to write. */
const STALL_MS = 10000
const NORMAL_CLOSE = new Uint8Array([1000 >> 8, 1000 & 255])

export class NodeWebSocket {
  headroom = FRAME_HEADROOM
  comesAgain = true
  #address
  #handlers
  #socket
  #frames
  /** @type {UpgradeReader | undefined} until the connection is a WebSocket */
  #upgrade
  #connected = false
  #closing = false
  /** What came is no run of frames: nothing more is read. */
  #broken = false
  /** @type {{ code: number, reason: string } | undefined} what the host closes with */
  #closed
  /** @type {Error | undefined} */
  #error
  /** @type {NodeJS.Timeout | undefined} while the host is to close as well */
  #linger

  /**
   * @param {string} address as a user wrote it, for messages
   * @param {{ host: string, port: number, authority: string, path: string }} target
   * @param {(options: any) => import('node:net').Socket} connect as node:net's
   * @param {Handlers} handlers
   */
  constructor(address, target, connect, handlers) {
    this.#address = address
    this.#handlers = handlers
    this.#frames = new FrameReader({
      onmessage: handlers.onblock,
      onping: (payload) => this.#socket.write(makeFrame(PONG, payload)),
      onclose: (closed) => this.#peerCloses(closed),
    })
    const key = randomBytes(16).toString('base64')
    this.#upgrade = new UpgradeReader(key)
    const onread = { buffer: Buffer.allocUnsafeSlow(SOCKET_READ_BUFFER), callback: this.#read }
    this.#socket = connect({ host: target.host, port: target.port, noDelay: true, onread })
    this.#socket.on('connect', () => { this.#connected = true })
    this.#socket.on('error', (error) => { this.#error ??= socketError(address, this.#connected, error) })
    this.#socket.on('close', () => this.#gone())
    this.#socket.write(upgradeRequest(target, key))
  }

  /** The longest block that is taken. */
  set limit(bytes) {
    this.#frames.limit = bytes
  }

  get limit() {
    return this.#frames.limit
  }

  /** @type {(length: number, bytes: Uint8Array) => boolean} */
  #read = (length, bytes) => {
    const at = this.#upgrade ? this.#answered(this.#upgrade, bytes, length) : 0
    if (at < 0 || this.#closed || this.#broken) return true
    try {
      this.#frames.push(bytes, at, length)
      this.#handlers.onbatch()
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error
      this.#broken = true
      this.#handlers.onfault(error)
    }
    return true
  }

  /**
   * @param {UpgradeReader} upgrade
   * @param {Uint8Array} bytes
   * @param {number} length
   * @returns {number} where frames begin; -1: nowhere yet
   */
  #answered(upgrade, bytes, length) {
    try {
      const at = upgrade.push(bytes, length)
      if (at < 0) return at
      this.#upgrade = undefined
      this.#handlers.onopen()
      return at
    } catch (error) {
      this.#fail(error)
      return -1
    }
  }

  /** @param {any} error of an upgrade */
  #fail(error) {
    error.message = `Cannot connect to ${this.#address}: ${error.message}`
    this.#error = error
    this.#socket.destroy()
  }

  #gone() {
    clearTimeout(this.#linger)
    try {
      if (!this.#error) this.#upgrade?.ended()
    } catch (error) {
      this.#fail(error)
    }
    this.#handlers.onclose(this.#error, this.#closed)
  }

  /** @param {{ code: number, reason: string }} closed */
  #peerCloses(closed) {
    this.#closed = closed
    if (!this.#closing) this.#socket.write(makeFrame(CLOSE, closed.code === 1005 ? new Uint8Array(0) : NORMAL_CLOSE))
    this.#socket.destroySoon()
  }

  get bufferedAmount() {
    return this.#socket.writableLength
  }

  /**
   * @param {Uint8Array} bytes
   * @returns {boolean}
   */
  send(bytes) {
    this.#socket.write(sealFrame(bytes, BINARY))
    // Nothing is left with the socket when the kernel took it all at once.
    return this.#socket.writableLength === 0
  }

  /**
   * @param {Uint8Array} bytes
   * @returns {Uint8Array}
   */
  unseal(bytes) {
    return unsealFrame(bytes)
  }

  close() {
    if (this.#closing) return
    this.#closing = true
    if (this.#upgrade) this.drop()
    else this.#sayClose()
  }

  drop() {
    this.#socket.destroy()
  }

  #sayClose() {
    if (this.#closed) return
    this.#socket.setTimeout(STALL_MS, () => this.drop())
    this.#socket.write(makeFrame(CLOSE, NORMAL_CLOSE), () => {
      // It holds the process, at whose end the kernel would drop what is under way if anything had come and was not read.
      if (!this.#socket.destroyed) this.#linger = setTimeout(() => this.drop(), CLOSE_MS)
    })
  }

  ref() {
    this.#socket.ref()
  }

  unref() {
    this.#socket.unref()
  }
}

/** SocketWorker: a thread that has a socket (node-socket-thread.js), of which the caller can wait for what comes. */
import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads'
import { LaneError } from './lane-error.js'

/**
 * What the worker is told: bytes to write, or what to do with its socket.
 * @typedef {Uint8Array | { name: 'open', serial: number, target: object } | { name: 'end' } | { name: 'destroy' }} SocketCommand
 */

/**
 * What the worker tells of a socket, by its serial number, from 1; and of itself, that it has started and that it ends.
 * @typedef {object} SocketEvent
 * @property {number} serial
 * @property {'started' | 'connect' | 'data' | 'error' | 'close' | 'exit'} name
 * @property {Uint8Array} [bytes] of data
 * @property {{ code?: string, message: string }} [error]
 */

export class SocketWorker {
  started = false
  /** It is of no more use then. */
  ended = false
  /** Of memory that both see: how many events the worker has posted. */
  #posted
  #worker
  #port
  #serial = 0
  /** @type {(event: SocketEvent) => void} of the newest socket */
  #onevent = () => {}

  constructor() {
    if (typeof SharedArrayBuffer === 'undefined') throw new LaneError('ERR_UNSUPPORTED', 'sendSync needs SharedArrayBuffer, which is switched off here')
    this.#posted = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
    const { port1, port2 } = new MessageChannel()
    this.#port = port1
    // Options of this process, such as --input-type, may be none of a worker's.
    this.#worker = new Worker(new URL('./node-socket-thread.js', import.meta.url), {
      workerData: { posted: this.#posted, port: port2 }, transferList: [port2], execArgv: [],
    })
    // Such as what a module that is loaded into every thread throws there.
    this.#worker.on('error', () => {})
    this.#worker.on('exit', () => this.#end())
    this.#worker.unref()
    // What comes while nobody waits, such as the end of the host.
    port1.on('message', this.#dispatch)
    port1.unref()
  }

  /** @type {(event: SocketEvent) => void} */
  #dispatch = (event) => {
    this.started = true
    if (event.name === 'exit') this.#end()
    else if (event.serial === this.#serial) this.#onevent(event)
  }

  #end() {
    if (this.ended) return
    this.ended = true
    this.#onevent({ serial: this.#serial, name: 'close' })
  }

  /**
   * Another socket, in place of that which there was.
   * @param {object} target what node:net connects to
   * @param {(event: SocketEvent) => void} onevent
   */
  open(target, onevent) {
    this.#onevent = onevent
    this.#port.postMessage({ name: 'open', serial: ++this.#serial, target })
  }

  /** @param {SocketCommand} command of which a copy is made */
  post(command) {
    this.#port.postMessage(command)
  }

  /**
   * Waits for an event, and dispatches it.
   * @param {number} ms at most
   * @returns {boolean} false: none came
   */
  wait(ms) {
    const seen = Atomics.load(this.#posted, 0)
    if (this.poll()) return true
    try {
      if (Atomics.wait(this.#posted, 0, seen, ms) === 'timed-out') return false
    } catch (error) {
      throw new LaneError('ERR_UNSUPPORTED', `sendSync needs Atomics.wait, which this thread must not use: ${/** @type {any} */ (error).message}`)
    }
    this.poll()
    return true
  }

  /**
   * Dispatches an event that is there.
   * @returns {boolean} whether one was
   */
  poll() {
    const received = receiveMessageOnPort(this.#port)
    if (received) this.#dispatch(received.message)
    return received !== undefined
  }

  close() {
    this.#port.close()
    this.#worker.terminate()
  }
}

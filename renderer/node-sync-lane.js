/** WorkerLane: calls that block, in Node. The link is a worker's, for which the caller waits. */
import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads'
import { LaneError } from './lane-error.js'

/** @typedef {import('./sync-calls.js').SyncQuestion} SyncQuestion */

/** What the flags of the memory that both see say. */
export const ANSWERS = 0
export const STARTED = 1
const FLAGS = 2
/** Far above what a worker takes to start. */
const START_MS = 10000

export class WorkerLane {
  #flags
  #worker
  #port
  /** Whether the worker had its link when it last answered. */
  #linked = false

  /** @param {string} address */
  constructor(address) {
    if (typeof SharedArrayBuffer === 'undefined') throw new LaneError('ERR_UNSUPPORTED', 'sendSync needs SharedArrayBuffer, which is switched off here')
    this.#flags = new Int32Array(new SharedArrayBuffer(FLAGS * Int32Array.BYTES_PER_ELEMENT))
    const { port1, port2 } = new MessageChannel()
    this.#port = port1
    // Options of this process, such as --input-type, may be none of a worker's.
    this.#worker = new Worker(new URL('./node-sync-worker.js', import.meta.url), {
      workerData: { address, flags: this.#flags, port: port2 }, transferList: [port2], execArgv: [],
    })
    this.#worker.on('error', () => {})
    this.#worker.unref()
    this.#port.unref()
  }

  /** @param {SyncQuestion} question */
  ask({ kept, hello, after, packet, limit, onblock }) {
    const blocks = [...kept.map(({ bytes }) => bytes), packet]
    const anew = () => this.#wait({ hello: hello(kept[0]?.after ?? after), blocks, limit })
    // A link counts from where it began: what was kept needs another one.
    const reply = this.#linked && kept.length === 0 ? this.#wait({ hello: undefined, blocks, limit }) : anew()
    const { answers, linked, error } = reply.lost ? anew() : reply
    this.#linked = linked
    for (const bytes of answers) onblock(bytes)
    if (error) throw new LaneError(error.code, error.message)
  }

  /**
   * @param {{ hello: Uint8Array | undefined, blocks: Uint8Array[], limit: number }} message
   * @returns {{ answers: Uint8Array[], linked: boolean, lost?: boolean, error?: { code: string, message: string } }}
   */
  #wait(message) {
    const before = Atomics.load(this.#flags, ANSWERS)
    this.#port.postMessage(message)
    while (Atomics.load(this.#flags, ANSWERS) === before) this.#pause(before)
    return /** @type {any} */ (receiveMessageOnPort(this.#port)).message
  }

  /** @param {number} before */
  #pause(before) {
    const started = Atomics.load(this.#flags, STARTED) === 1
    try {
      const how = Atomics.wait(this.#flags, ANSWERS, before, started ? Infinity : START_MS)
      if (how !== 'timed-out' || Atomics.load(this.#flags, STARTED) === 1) return
    } catch (error) {
      throw new LaneError('ERR_UNSUPPORTED', `sendSync needs Atomics.wait, which this thread must not use: ${/** @type {any} */ (error).message}`)
    }
    throw new LaneError('ERR_CLOSED', `the worker for sendSync did not start within ${START_MS} ms`)
  }

  close() {
    this.#port.close()
    this.#worker.terminate()
  }
}

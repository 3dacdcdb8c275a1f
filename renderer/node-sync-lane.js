/** WorkerLane: calls that block, in Node. A worker has the socket; all above it happens here, where the caller waits. */
import { joined } from './construct.js'
import { LaneError } from './lane-error.js'
import { BlockingLink } from './node-blocking-link.js'
import { SocketWorker } from './node-socket-worker.js'

/** @typedef {import('./sync-calls.js').SyncQuestion} SyncQuestion */

export class WorkerLane {
  #dial
  #worker = new SocketWorker()
  /** @type {BlockingLink | undefined} */
  #link

  /** @param {import('./node-blocking-link.js').Dial} dial */
  constructor(dial) {
    this.#dial = dial
  }

  /** @param {SyncQuestion} question */
  ask({ kept, hello, after, packet, limit, onblock }) {
    const blocks = [...kept.map(({ bytes }) => bytes), packet]
    // A link counts from where it began: what was kept needs another one.
    if (kept.length === 0 && this.#link?.ask(blocks, onblock)) return
    this.#link = this.#open(limit)
    this.#link.ask(begun(hello(kept[0]?.after ?? after), blocks, limit), onblock)
  }

  /** @param {number} limit */
  #open(limit) {
    try {
      return new BlockingLink(this.#worker, this.#dial, limit)
    } catch (error) {
      throw new LaneError('ERR_CLOSED', /** @type {any} */ (error).message)
    }
  }

  close() {
    this.#worker.close()
  }
}

/**
 * One block for the hello and what follows it, if it may be as long.
 * @param {Uint8Array} hello
 * @param {Uint8Array[]} blocks
 * @param {number} limit
 * @returns {Uint8Array[]}
 */
function begun(hello, [first, ...rest], limit) {
  const size = hello.length + first.length
  return size <= limit ? [joined([hello, first], size), ...rest] : [hello, first, ...rest]
}

/** WorkerLane: calls that block, in Node. A worker has the socket; all above it happens here, where the caller waits. */
import { joined } from './construct.js'
import { BlockingLink } from './node-blocking-link.js'
import { SocketWorker } from './node-socket-worker.js'

/** @typedef {import('./sync-calls.js').SyncQuestion} SyncQuestion */

/** What goes together with the hello: the host says welcome when it has all of it, and is not to take long for that. */
const JOINED_MAX = 64 * 1024

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
    if (kept.length === 0 && this.#link?.ask(blocks, limit, onblock)) return
    if (this.#worker.ended) this.#worker = new SocketWorker()
    this.#link = new BlockingLink(this.#worker, this.#dial)
    this.#link.ask(begun(hello(kept[0]?.after ?? after), blocks, Math.min(limit, JOINED_MAX)), limit, onblock)
  }

  close() {
    this.#worker.close()
  }
}

/**
 * One block for the hello and what follows it, if that is not too long.
 * @param {Uint8Array} hello
 * @param {Uint8Array[]} blocks
 * @param {number} most
 * @returns {Uint8Array[]}
 */
function begun(hello, [first, ...rest], most) {
  const size = hello.length + first.length
  return size <= most ? [joined([hello, first], size), ...rest] : [hello, first, ...rest]
}

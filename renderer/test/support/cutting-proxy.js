/** A proxy before a host that cuts connections within whatever they carry. */
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { setTimeout } from 'node:timers/promises'

export class CuttingProxy {
  /** How many connections were cut, and how many were made. */
  cuts = 0
  connections = 0
  /** How long each connection waits before it leads anywhere, in ms. */
  delay = 0
  /** @type {string | undefined} what every connection is answered instead of being led anywhere */
  answer
  /** @type {(() => void) | undefined} the next connection brings the answer to its handshake and no more from the host; called as it swallows something */
  onsilence
  #server = createServer((socket) => this.#accept(socket))
  /** @type {string | undefined} */
  #target
  #budget
  #live = new Set()

  /**
   * @param {() => number} [budget] how many bytes the next connection may carry in both directions; Infinity by default
   */
  constructor(budget = () => Infinity) {
    this.#budget = budget
  }

  async listen() {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    this.port = this.#server.address().port
    this.address = `ws://127.0.0.1:${this.port}`
    return this
  }

  /** What a host's config must say that it is reached by this. */
  get security() {
    return `security = { hosts = { "127.0.0.1:${this.port}" }, origins = { "http://127.0.0.1:${this.port}" } }`
  }

  /** Where connections lead from now on, `ws://host:port`; undefined: nowhere. */
  set target(address) {
    this.#target = address
  }

  async #accept(client) {
    this.connections++
    if (this.delay > 0) await setTimeout(this.delay)
    if (this.answer) return client.end(this.answer)
    if (!this.#target) return client.destroy()
    const { hostname, port } = new URL(this.#target)
    const host = connect({ host: hostname, port: Number(port), noDelay: true })
    client.setNoDelay(true)
    const pair = { client, host, left: this.#budget(), mute: false, onsilence: this.onsilence, answered: false }
    this.onsilence = undefined
    this.#live.add(pair)
    this.#carry(pair, client, host)
    this.#carry(pair, host, client)
  }

  #carry(pair, from, to) {
    from.on('data', (bytes) => {
      if (pair.mute && from === pair.host) return this.#cut(pair)
      if (pair.onsilence && from === pair.host) {
        if (pair.answered) return pair.onsilence()
        pair.answered = true
      }
      to.write(bytes.subarray(0, Math.max(0, pair.left)))
      pair.left -= bytes.length
      if (pair.left <= 0) this.#cut(pair)
    })
    from.on('end', () => to.end())
    from.on('error', () => to.destroy())
    from.on('close', () => {
      this.#live.delete(pair)
      to.destroySoon()
    })
  }

  #cut(pair) {
    if (!this.#live.delete(pair)) return
    this.cuts++
    // What was written still leaves one side; the other finds the connection broken.
    pair.client.destroySoon()
    pair.host.destroySoon()
  }

  /** Cuts what is connected now. */
  cut() {
    for (const pair of [...this.#live]) this.#cut(pair)
  }

  /** Cuts the newest connection; at its next answer, which does not arrive, if `mute`. */
  cutNewest(mute = false) {
    const pair = [...this.#live].at(-1)
    if (mute) pair.mute = true
    else this.#cut(pair)
  }

  close() {
    this.cut()
    this.#server.close()
  }
}

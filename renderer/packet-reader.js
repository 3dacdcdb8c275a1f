/**
 * PacketReader: the packets of a block, headers only. A block that is not a run of whole packets is a MalformedError
 * 1002, whatever stands in front of the fault. Knows no session.
 */
import { CHANNEL_MAX, KIND, LAYOUTS, UNNUMBERED } from './packet-layout.js'
import { Packet } from './packet.js'
import { Reader } from './reader.js'

/** How deep items that are ignored may be nested. */
const TRAILING_DEPTH = 32
const KEY_LENGTH = 16
const INDEFINITE = 31

export class PacketReader extends Reader {
  constructor() {
    super(1002)
  }

  /**
   * @param {Uint8Array} bytes
   * @param {number} at
   * @param {number} end
   * @returns {Packet[]}
   */
  readBlock(bytes, at, end) {
    const packets = []
    this.open(bytes, at, end)
    while (this.at < end) packets.push(this.#packet())
    return packets
  }

  /**
   * The block in shorter ones, of at most `most` bytes each or of one packet.
   * @param {Uint8Array} block
   * @param {number} most
   * @returns {{ bytes: Uint8Array, count: number }[]} `count` is how many of its packets are numbered
   */
  split(block, most) {
    const pieces = []
    let start = 0
    let count = 0
    this.open(block, 0, block.length)
    while (this.at < this.end) {
      const { at } = this
      const { kind } = this.#packet()
      if (at > start && this.at - start > most) {
        pieces.push({ bytes: block.subarray(start, at), count })
        start = at
        count = 0
      }
      if (!UNNUMBERED.has(kind)) count++
    }
    pieces.push({ bytes: block.subarray(start), count })
    return pieces
  }

  #packet() {
    const initial = this.initial()
    if (initial >> 5 !== 4) this.fault('packet: expected an array of definite length')
    let left = this.argument(initial & 31)
    if (left === 0) this.fault('packet: expected an array that begins with a kind')
    if (left > this.end - this.at) this.fault('packet: more items than bytes are left of the block')
    const packet = new Packet(this.uint())
    left -= 1
    if (left === 3 && packet.kind === KIND.REPLY) return this.#reply(packet)
    if (left === 3 && packet.kind === KIND.SEND) return this.#send(packet)
    for (left = this.#items(packet, left); left > 0; left--) this.#skipItem(TRAILING_DEPTH)
    return packet
  }

  /** @param {Packet} packet */
  #reply(packet) {
    packet.call = this.uint()
    packet.status = this.uint()
    this.#payload(packet)
    return packet
  }

  /** @param {Packet} packet */
  #send(packet) {
    packet.frame = this.uint()
    packet.channel = this.#channel()
    this.#payload(packet)
    return packet
  }

  /**
   * Reads what the kind's layout says.
   * @param {Packet} packet
   * @param {number} left
   * @returns {number} how many items of the packet are left
   */
  #items(packet, left) {
    const layout = LAYOUTS[packet.kind]
    if (!layout) return left
    if (left < layout.items.length) this.fault(`${layout.name}: expected at least ${layout.items.length + 1} items, not ${left + 1}`)
    /** @type {Record<string, any>} */
    const items = (packet.items = {})
    for (const { name, type } of layout.items) {
      if (type === 'payload') this.#payload(packet)
      else items[name] = this.#item(type)
    }
    packet.frame = items.frame ?? 0
    packet.call = items.call ?? 0
    packet.status = items.status ?? 0
    packet.channel = items.channel ?? ''
    return left - layout.items.length
  }

  /** @param {import('./packet-layout.js').ItemType} type */
  #item(type) {
    switch (type) {
      case 'bool':
        return this.#bool()
      case 'text':
        return this.#text()
      case 'channel':
        return this.#channel()
      case 'key':
        return this.#key()
      case 'bytes':
        return this.#bytes()
      case 'ports':
        return this.#ports()
      default:
        return this.uint()
    }
  }

  /**
   * The length of a string that must be of the major type and definite.
   * @param {number} major
   */
  #length(major) {
    const initial = this.initial()
    if (initial >> 5 !== major) this.fault(major === 3 ? 'expected a text' : 'expected a byte string')
    return this.argument(initial & 31)
  }

  #bool() {
    const initial = this.initial()
    return initial === 0xf4 || initial === 0xf5 ? initial === 0xf5 : this.fault('expected a boolean')
  }

  #text() {
    return this.text(this.#length(3))
  }

  #channel() {
    const length = this.#length(3)
    if (length > CHANNEL_MAX) this.fault(`a channel longer than ${CHANNEL_MAX} bytes`)
    return this.name(length)
  }

  #bytes() {
    const start = this.skip(this.#length(2))
    return this.bytes.slice(start, this.at)
  }

  #key() {
    const key = this.#bytes()
    return key.length === KEY_LENGTH ? key : this.fault(`expected ${KEY_LENGTH} bytes`)
  }

  /** @param {Packet} packet */
  #payload(packet) {
    packet.payloadAt = this.skip(this.#length(2))
    packet.payloadEnd = this.at
  }

  #ports() {
    const initial = this.initial()
    if (initial >> 5 !== 4) this.fault('expected an array of ports')
    const ports = []
    for (let left = this.argument(initial & 31); left > 0; left--) ports.push(this.uint())
    return ports
  }

  /**
   * Steps over an item that is ignored but must be well-formed.
   * @param {number} depth
   * @returns {void}
   */
  #skipItem(depth) {
    const initial = this.initial()
    const major = initial >> 5
    const info = initial & 31
    if (major === 7) return this.#skipSimple(info)
    if (info === INDEFINITE) return this.#skipIndefinite(major, depth)
    const count = this.argument(info)
    if (major === 2 || major === 3) {
      this.skip(count)
      return
    }
    if (major === 6) return this.#skipItem(depth)
    if (major < 2) return
    if (depth === 0) this.fault(`items nested deeper than ${TRAILING_DEPTH} levels`)
    const items = major === 5 ? count * 2 : count
    if (items > this.end - this.at) this.fault('more items than bytes are left of the block')
    for (let left = items; left > 0; left--) this.#skipItem(depth - 1)
  }

  /** @param {number} info */
  #skipSimple(info) {
    if (info === INDEFINITE) this.fault('a break that ends nothing')
    const value = this.argument(info)
    if (info === 24 && value < 32) this.fault('a simple value in a reserved form')
  }

  /**
   * @param {number} major
   * @param {number} depth
   */
  #skipIndefinite(major, depth) {
    if (major < 2 || major === 6) this.fault('a head of a reserved form')
    if (major > 3 && depth === 0) this.fault(`items nested deeper than ${TRAILING_DEPTH} levels`)
    let count = 0
    for (; this.at < this.end && this.bytes[this.at] !== 0xff; count++) {
      if (major > 3) this.#skipItem(depth - 1)
      else this.skip(this.#length(major))
    }
    if (major === 5 && count % 2 === 1) this.fault('a name without a value')
    this.initial()
  }
}

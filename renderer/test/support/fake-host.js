/** A host made of this package's own parts, for what a real one does not do: refuse, break the protocol, read nothing. */
import { once } from 'node:events'
import { createServer } from 'node:net'
import { BlockReader } from '../../block-reader.js'
import { Decoder } from '../../decode.js'
import { Encoder } from '../../encode.js'
import { KIND, LAYOUTS } from '../../packet-layout.js'
import { PacketReader } from '../../packet-reader.js'
import { beginPacket } from '../../packet-writer.js'
import { Writer } from '../../writer.js'

const LIMITS = { packet: 1 << 26, nesting: 1000, invokes: 65536, frames: 1000, ports: 1000, window: 1 << 20, outbound: 1 << 20, outbound_max: 1 << 28, idle: 30000 }
/** Far above what anything takes: a packet that does not come is a failure. */
const PATIENCE_MS = 20000
const FRAME = { routingId: 7, frameTreeNodeId: 8, frameToken: 'token' }

/** Packets, each [kind, items, payload], as one block. */
export function blockOf(packets) {
  const writer = new Writer()
  for (const [kind, items, payload] of packets) {
    const open = beginPacket(writer, kind, items)
    if (!LAYOUTS[kind].items.some(({ type }) => type === 'payload')) continue
    new Encoder().encode(writer, payload, 'payload')
    writer.closeBytes(open)
  }
  return writer.bytes.subarray(0, writer.length)
}

/** What answers hello. */
export function welcomePacket(limits = {}) {
  return [KIND.WELCOME, { resumed: false, sent: 0, received: 0 }, { host: new ArrayBuffer(16), processId: 5, webContentsId: 6, frame: FRAME, limits: { ...LIMITS, ...limits }, features: 0, server: 'fake' }]
}

export class FakeHost {
  /** @type {{ name: string, payload?: any }[]} what has come and was not asked for yet */
  #packets = []
  #wanted = []
  /** @type {BlockReader} */
  #blocks
  #server = createServer((socket) => this.#accept(socket))

  /** How many blocks have come. */
  blocks = 0

  async listen() {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    this.address = `tcp://127.0.0.1:${this.#server.address().port}`
    return this
  }

  #accept(socket) {
    this.socket = socket
    const blocks = (this.#blocks = new BlockReader((bytes, at, end) => {
      this.blocks++
      for (const packet of new PacketReader().readBlock(bytes, at, end)) this.#came(bytes, packet)
    }))
    socket.on('data', (bytes) => {
      try {
        blocks.push(bytes, 0, bytes.length)
      } catch (error) {
        socket.destroy(error)
      }
    })
    socket.on('error', (error) => this.#failed(error))
    this.gone = once(socket, 'close').catch(() => {})
  }

  #came(bytes, { kind, frame, call, channel, items, payloadAt, payloadEnd }) {
    const payload = payloadEnd > payloadAt ? new Decoder().decode(bytes, payloadAt, payloadEnd) : undefined
    const packet = { name: LAYOUTS[kind].name, frame, call, channel, ...items, payload }
    const wanted = this.#wanted.shift()
    if (wanted) wanted.resolve(packet)
    else this.#packets.push(packet)
  }

  /** Nothing will come any more. */
  #failed(error) {
    for (const { reject } of this.#wanted.splice(0)) reject(error)
  }

  /** The next packet that comes. */
  next() {
    if (this.#packets.length > 0) return Promise.resolve(this.#packets.shift())
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#failed(new Error('no packet came')), PATIENCE_MS)
      const settled = (settle) => (value) => { clearTimeout(timer); settle(value) }
      this.#wanted.push({ resolve: settled(resolve), reject: settled(reject) })
    })
  }

  /** Takes hello and answers it. */
  async welcome(limits = {}) {
    const hello = await this.next()
    // A block over what it tells is an error, as with a real one.
    this.#blocks.limit = limits.packet ?? LIMITS.packet
    this.send(welcomePacket(limits))
    return hello
  }

  /** Sends packets, each [kind, items, payload], in one block. */
  send(...packets) {
    this.sendBlock(blockOf(packets))
  }

  sendBlock(bytes) {
    const header = Buffer.alloc(4)
    header.writeUInt32LE(bytes.length)
    this.socket.write(Buffer.concat([header, bytes]))
  }

  close() {
    this.socket?.destroy()
    this.#server.close()
  }
}

export { KIND } from '../../packet-layout.js'

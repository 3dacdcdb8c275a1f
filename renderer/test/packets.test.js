/** Packets and blocks against spec/vectors/packets.json. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BlockReader } from '../block-reader.js'
import { KIND, LAYOUTS } from '../packet-layout.js'
import { PacketReader } from '../packet-reader.js'
import { beginInvoke, beginPacket, beginSend } from '../packet-writer.js'
import { Writer } from '../writer.js'
import { fromHex, vectors } from './support/same.js'

const { valid, invalid, streams } = vectors('packets')
const hexOf = (bytes) => Buffer.from(bytes).toString('hex')

/** What a receiver reads, in the words of the vectors. */
function read(hex) {
  const bytes = fromHex(hex)
  return new PacketReader().readBlock(bytes, 0, bytes.length).map((packet) => {
    const layout = LAYOUTS[packet.kind]
    if (!layout) return { kind: 'unknown', number: packet.kind }
    const seen = { kind: layout.name }
    for (const { name, type } of layout.items) {
      const value = packet.items ? packet.items[name] : packet[name]
      if (type === 'payload') seen.payloadHex = hexOf(bytes.subarray(packet.payloadAt, packet.payloadEnd))
      else if (type === 'key' || type === 'bytes') seen[`${name}Hex`] = hexOf(value)
      else seen[name] = value
    }
    return seen
  })
}

/** Writes a packet of the vectors. */
function write(packet) {
  const writer = new Writer(8)
  const kind = LAYOUTS.findIndex(({ name }) => name === packet.kind)
  const items = { ...packet }
  for (const name of ['id', 'secret', 'ticket']) if (packet[`${name}Hex`] !== undefined) items[name] = fromHex(packet[`${name}Hex`])
  const payload = beginPacket(writer, kind, items)
  if (packet.payloadHex !== undefined) {
    writer.raw(fromHex(packet.payloadHex))
    writer.closeBytes(payload)
  }
  return writer
}

for (const { name, hex, packets } of valid) {
  test(`valid: ${name}`, () => assert.deepEqual(read(hex), packets))
}

test('what is written is what is read, and least', () => {
  for (const { hex, packets } of valid) {
    if (packets.some(({ kind }) => kind === 'unknown')) continue
    const written = packets.map((packet) => hexOf(write(packet).bytes.subarray(0, write(packet).length))).join('')
    assert.deepEqual(read(written), packets)
    assert.ok(written.length <= hex.length, hex)
  }
})

test('the frequent kinds are written alike', () => {
  for (const { packets: [packet] } of valid) {
    const writer = new Writer(8)
    if (packet?.kind === 'send') beginSend(writer, packet.frame, packet.channel)
    else if (packet?.kind === 'invoke') beginInvoke(writer, packet.frame, packet.call, packet.deadline, packet.channel)
    else continue
    const other = new Writer(8)
    beginPacket(other, packet.kind === 'send' ? KIND.SEND : KIND.INVOKE, packet)
    assert.equal(hexOf(writer.bytes.subarray(0, writer.length)), hexOf(other.bytes.subarray(0, other.length)))
  }
})

for (const { name, hex, error } of invalid) {
  test(`invalid: ${name}`, () => assert.throws(() => read(hex), { closeCode: Number(error) }))
}

test('a channel has at most 65535 bytes', () => {
  for (const [size, fits] of [[65535, true], [65536, false]]) {
    const writer = new Writer()
    const payload = beginSend(writer, 0, 'x'.repeat(size))
    writer.byte(0x80)
    writer.closeBytes(payload)
    const hex = hexOf(writer.bytes.subarray(0, writer.length))
    if (fits) assert.equal(read(hex)[0].channel.length, size)
    else assert.throws(() => read(hex), { closeCode: 1002 })
  }
})

test('every proper prefix of a packet is malformed', () => {
  for (const { hex, packets } of valid) {
    if (packets.length !== 1) continue
    for (let length = 2; length < Math.min(hex.length, 400); length += 2) {
      assert.throws(() => read(hex.slice(0, length)), { closeCode: 1002 }, `${length / 2} bytes of ${hex}`)
    }
  }
})

/** Feeds a stream in steps of `size` bytes, out of a buffer that is used again as a socket's is. */
function feed({ streamHex, limit }, size) {
  const bytes = fromHex(streamHex)
  const room = Buffer.alloc(Math.max(size, 1))
  const blocks = []
  const reader = new BlockReader((block, at, end) => blocks.push(hexOf(block.subarray(at, end))))
  reader.limit = limit
  try {
    for (let at = 0; at < bytes.length; at += size) {
      const count = bytes.copy(room, 0, at, at + size)
      reader.push(room, 0, count)
    }
  } catch (error) {
    return { blocks, error: String(error.closeCode) }
  }
  return { blocks, ...(reader.partial && { partial: true }) }
}

for (const { name, ...stream } of streams) {
  test(`stream: ${name}`, () => {
    const { blocks, error, partial } = stream
    const expected = { blocks, ...(error && { error: String(error) }), ...(partial && { partial }) }
    for (const size of [1, 2, 3, 4, 5, 6, 7, 8, 9, 64, 1 << 20]) assert.deepEqual(feed(stream, size), expected, `steps of ${size}`)
  })
}

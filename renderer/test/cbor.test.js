/** The codec against another one, where both say the same: cbor-x. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Decoder as CborX, Encoder as CborXEncoder } from 'cbor-x'
import { Decoder } from '../decode.js'
import { Encoder } from '../encode.js'
import { Writer } from '../writer.js'

const common = [
  0, 23, 24, 255, 256, 65535, 65536, -1, -24, -25, -256, -257, 1.5, 0.1, -1e300, '', 'milk', 'é'.repeat(100), 'x'.repeat(300),
  true, false, null, [], [1, [2, [3]]], Array.from({ length: 30 }, (_, i) => i), { a: 1, b: ['x', { c: null }] }, new Map([[1, 'a'], ['b', { c: 2 }]]),
  new Date(1.5e12), new Date(1500000000123), 2n ** 64n, 2n ** 100n, new Uint8Array([1, 2, 3]), new Float64Array([1.5, 2]), new Set([1, 'a']),
]

test('it reads what we write', () => {
  const other = new CborX({ mapsAsObjects: true, useRecords: false })
  for (const value of common) {
    const writer = new Writer()
    new Encoder().encode(writer, value, 'args')
    assert.deepEqual(other.decode(Buffer.from(writer.bytes.subarray(0, writer.length))), value)
  }
})

test('we read what it writes', () => {
  const other = new CborXEncoder({ useRecords: false, mapsAsObjects: true, tagUint8Array: true })
  for (const value of common) assert.deepEqual(new Decoder().decode(other.encode(value)), value)
})

test('it reads our references', () => {
  const shared = { a: 1 }
  const value = [shared, [shared], shared]
  value.push(value)
  const writer = new Writer()
  new Encoder().encode(writer, value, 'args')
  const read = new CborX({ structuredClone: true, useRecords: false }).decode(Buffer.from(writer.bytes.subarray(0, writer.length)))
  assert.ok(read[0] === read[1][0] && read[0] === read[2] && read[3] === read)
})

/** The codec against spec/vectors/values.json. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Decoder } from '../decode.js'
import { Encoder } from '../encode.js'
import { Writer } from '../writer.js'
import { difference, evaluate, fromHex, vectors } from './support/same.js'

const { valid, read, invalid } = vectors('values')
const decoder = new Decoder()

function encode(value) {
  const writer = new Writer(16)
  new Encoder().encode(writer, value, 'args')
  return Buffer.from(writer.bytes.subarray(0, writer.length)).toString('hex')
}

/** An engine without Float16Array cannot write one; what it reads is in the test below. */
const known = ({ js }) => !js.includes('Float16Array') || 'Float16Array' in globalThis

for (const vector of valid.filter(known)) {
  const { name, hex, js } = vector
  test(`valid: ${name}`, () => {
    assert.equal(encode(evaluate(js)), hex)
    assert.equal(difference(decoder.decode(fromHex(hex)), evaluate(js)), undefined)
    // A plain Uint8Array takes other ways through the decoder than a Buffer.
    assert.equal(difference(decoder.decode(Uint8Array.from(fromHex(hex))), evaluate(js)), undefined)
  })
}

for (const { name, hex, js } of read.filter(known)) {
  test(`read: ${name}`, () => assert.equal(difference(decoder.decode(fromHex(hex)), evaluate(js)), undefined))
}

for (const { name, hex } of invalid) {
  test(`invalid: ${name}`, () => assert.throws(() => decoder.decode(fromHex(hex)), { closeCode: 1007, code: 'ERR_PAYLOAD' }))
}

test('half floats arrive as numbers in an engine without Float16Array', () => {
  const own = globalThis.Float16Array
  delete globalThis.Float16Array
  try {
    for (const hex of ['d85444003e00c0', 'd850443e00c000', 'd81b846c466c6f61743136417272617944003e00c00002']) {
      assert.deepEqual(decoder.decode(fromHex(hex)), new Float32Array([1.5, -2]))
    }
  } finally {
    if (own) globalThis.Float16Array = own
  }
})

test('every proper prefix of a document is refused', () => {
  for (const { hex } of valid) {
    const bytes = fromHex(hex)
    for (let length = 0; length < Math.min(bytes.length, 200); length++) {
      assert.throws(() => decoder.decode(bytes, 0, length), { closeCode: 1007 }, `${length} bytes of ${hex}`)
    }
  }
})

test('bytes at random are decoded or refused', () => {
  let seed = 1
  const random = () => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) >> 8
  const seeds = [...valid, ...read].map(({ hex }) => fromHex(hex)).filter(({ length }) => length > 0 && length < 200)
  for (let round = 0; round < 20000; round++) {
    const bytes = Buffer.from(seeds[random() % seeds.length])
    for (let times = 1 + (random() % 3); times > 0; times--) bytes[random() % bytes.length] = random()
    try {
      encode(decoder.decode(bytes))
    } catch (error) {
      assert.ok(error.closeCode === 1007 || error.code === 'ERR_LIMIT_NESTING' || error.code === 'ERR_DATA_CLONE', String(error.stack))
    }
  }
})

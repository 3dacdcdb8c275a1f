/** The codec against the engine's own structuredClone: encoded and decoded, a value is what structuredClone makes of it. */
import assert from 'node:assert/strict'
import { createSecretKey } from 'node:crypto'
import * as namespace from 'node:os'
import { test } from 'node:test'
import { types } from 'node:util'
import vm from 'node:vm'
import { Decoder } from '../decode.js'
import { Encoder } from '../encode.js'
import { Writer } from '../writer.js'
import { difference } from './support/same.js'

const encoder = new Encoder({ isProxy: types.isProxy })
const writer = new Writer()

function echo(value) {
  writer.length = 0
  encoder.encode(writer, value, 'args')
  return new Decoder().decode(writer.bytes, 0, writer.length)
}

class Point {
  #hidden = 1
  constructor() { this.x = 1 }
  get y() { return this.#hidden }
  method() {}
}
class Tagged { constructor() { this.a = 1 } get [Symbol.toStringTag]() { throw new Error('it was read') } }
class Custom extends TypeError { constructor() { super('custom'); this.extra = 1 } }
const resizable = (length, max) => new ArrayBuffer(length, { maxByteLength: max })
const counted = (fn) => Object.defineProperty({}, 'value', { enumerable: true, get: fn })
const with_ = (value, more) => Object.assign(value, more)

/** Each makes a new value. */
const same = {
  'numbers': () => [0, -0, 1, -1, 1.5, 0.1, NaN, Infinity, -Infinity, 2 ** 31, -(2 ** 31), 2 ** 32, 2 ** 53, 2 ** 53 + 2, -(2 ** 53), 1e300, 5e-324, Math.PI, 2 ** -149],
  'BigInts': () => [0n, 1n, -1n, 255n, 256n, -256n, -257n, 2n ** 53n, 2n ** 64n, -(2n ** 64n), 2n ** 1000n, -(2n ** 1000n) + 1n],
  'strings': () => ['', 'a', 'é', '日本', '🜁', '\ud800', '\udc00a', 'a\ud800', '\udc00\ud800', '\0', '\ufeff', '\ufffd', 'x'.repeat(47), 'x'.repeat(48), 'x'.repeat(49), 'é'.repeat(200), 'x'.repeat(70000), '🜁'.repeat(30000)],
  'undefined, null, booleans': () => [undefined, null, true, false],
  'objects': () => ({ a: 1, b: { c: [] }, '': 2, 1: 'one', '-1': 2, 'a b': 3, 'é': 4, '\ud800': 5 }),
  'an own __proto__': () => ({ ['__proto__']: { polluted: true }, a: 1 }),
  'names of Object.prototype': () => ({ constructor: 1, toString: 2, hasOwnProperty: 3, valueOf: 4, length: 5 }),
  'no prototype': () => with_(Object.create(null), { a: 1 }),
  'another prototype': () => Object.create({ inherited: 1 }, { own: { value: 2, enumerable: true }, hidden: { value: 3 } }),
  'an instance': () => new Point(),
  'instances': () => [new Point(), new Point()],
  'a frozen object': () => Object.freeze({ a: Object.freeze([1]) }),
  'a symbol as name': () => ({ [Symbol('a')]: 1, b: 2 }),
  'names that are not enumerable': () => Object.defineProperty({ a: 1 }, 'b', { value: 2 }),
  'a getter': () => ({ get a() { return [1] } }),
  'a getter that deletes what comes': () => { const o = { get a() { delete o.b; return 1 }, b: 2, c: 3 }; return o },
  'a getter that adds': () => { const o = { get a() { o.z = 1; return 1 }, b: 2 }; return o },
  '24 names, two of which are deleted': () => { const o = { get a() { delete o.k3; delete o.k5; return 1 } }; for (let i = 0; i < 23; i++) o[`k${i}`] = i; return o },
  'a class with a tag': () => new Tagged(),
  'Math, JSON': () => [Math, JSON],
  'empty Array': () => [],
  'Arrays': () => [1, [2, [3]], [], ['a']],
  'a hole': () => [1, , 3],
  'holes at the ends': () => [, 1, , ],
  'undefined and holes': () => [undefined, , undefined],
  'a sparse Array': () => with_([], { 1000: 'x', length: 2000 }),
  'the longest Array': () => with_([], { length: 4294967295 }),
  'the longest Array, its last element': () => { const a = []; a[4294967294] = 1; return a },
  'an Array with more names': () => with_([1, 2], { name: 'x', '-1': 2, '1.5': 3, '01': 4, 4294967295: 5 }),
  'an Array with holes and more names': () => with_([1, , 3], { x: undefined }),
  'what a match gives': () => /(?<year>\d+)-(\d+)/.exec('at 2020-12'),
  'a subclass of Array': () => new (class List extends Array {})(1, 2, 3),
  'a getter among elements': () => Object.defineProperty([1, 2], 0, { get: () => 7, enumerable: true }),
  'an element that is not enumerable': () => Object.defineProperty([1, 2, 3], 1, { value: 2, enumerable: false }),
  'an Array without its prototype': () => Object.setPrototypeOf([1, 2], null),
  'Dates': () => [new Date(0), new Date(-1), new Date(1.5e12 + 1), new Date(8.64e15), new Date(-8.64e15), new Date(NaN), new Date(1234567890123), new Date(999), new Date(-999), new Date(-62198755200001)],
  'a Date with more': () => with_(new Date(5), { extra: 1, getTime: 2 }),
  'a subclass of Date': () => new (class extends Date {})(5),
  'RegExps': () => [/a/, /a/dgimsuy, new RegExp(''), /\//, /[/]\n/, new RegExp('\n'), /é🜁/u],
  'a RegExp in use': () => { const r = /a/g; r.lastIndex = 5; return r },
  'a RegExp whose flags lie': () => Object.defineProperty(/a/i, 'flags', { value: 'g' }),
  'Maps': () => new Map([[1, 'a'], ['1', 'b'], [NaN, 1], [-0, 2], [null, undefined], [undefined, null], [{ a: 1 }, new Map()], [[], new Set()]]),
  'a Map with more': () => Object.defineProperty(with_(new Map([[1, 2]]), { x: 1, entries: 1 }), 'size', { value: 7 }),
  'a subclass of Map': () => new (class extends Map { constructor() { super(); this.x = 1; this.set(1, 2) } get size() { return 99 } forEach() {} })(),
  'a Map without its prototype': () => Object.setPrototypeOf(new Map([[1, 2]]), null),
  'a Map that inherits from Object': () => Object.setPrototypeOf(new Date(7), Object.prototype),
  'what only inherits from Map': () => Object.create(Map.prototype),
  'what only inherits from Date': () => with_(Object.create(Date.prototype), { a: 1 }),
  'what only inherits from Error': () => with_(Object.create(Error.prototype), { a: 1 }),
  'the prototypes themselves': () => [Map.prototype, Date.prototype, RegExp.prototype, Error.prototype, Uint8Array.prototype].map((each) => each === RegExp.prototype ? {} : each),
  'a Map that changes while it is cloned': () => { const m = new Map(); m.set('a', { get x() { m.set('c', 3); m.delete('b'); return 1 } }); m.set('b', 2); return m },
  'Sets': () => new Set([1, '1', NaN, -0, null, undefined, {}, [], new Set([1])]),
  'a Set with more': () => with_(new Set([1]), { x: 1 }),
  'ArrayBuffers': () => [new ArrayBuffer(0), new Uint8Array([1, 2, 3]).buffer, new ArrayBuffer(100000)],
  'a resizable ArrayBuffer': () => resizable(4, 16),
  'typed arrays': () => [Uint8Array, Uint8ClampedArray, Uint16Array, Uint32Array, Int8Array, Int16Array, Int32Array, Float32Array, Float64Array].map((Class) => new Class([1, 2, 254])),
  'typed arrays of BigInts': () => [new BigInt64Array([1n, -1n]), new BigUint64Array([1n, 2n ** 64n - 1n])],
  'empty typed arrays': () => [new Uint8Array(0), new Float64Array(0)],
  'parts of buffers': () => [new Uint8Array(new ArrayBuffer(8), 2), new Uint16Array(new ArrayBuffer(8), 2, 1), new Float64Array(new ArrayBuffer(16), 8), new DataView(new ArrayBuffer(8), 1, 2), new Uint8Array(new ArrayBuffer(4), 4)],
  'DataViews': () => [new DataView(new ArrayBuffer(8)), new DataView(new ArrayBuffer(0))],
  'views of resizable buffers': () => [new Uint8Array(resizable(4, 8)), new Uint8Array(resizable(4, 8), 1), new Uint8Array(resizable(4, 8), 1, 2), new Uint8Array(resizable(4, 8), 0, 4), new Uint32Array(resizable(8, 8)), new Uint32Array(resizable(8, 8), 4, 1), new Uint32Array(resizable(4, 6)), new Uint32Array(resizable(4, 6), 0, 1), new Uint8Array(resizable(0, 8)), new Uint8Array(resizable(0, 8), 0, 0), new Uint8Array(resizable(8, 8)), new Uint8Array(resizable(8, 8), 0, 8), new DataView(resizable(4, 8)), new DataView(resizable(4, 8), 1), new DataView(resizable(4, 8), 1, 3), new DataView(resizable(4, 4), 0, 4), new DataView(resizable(4, 4))],
  'a subclass of Uint8Array': () => new (class extends Uint8Array { get byteLength() { return 1 } })([1, 2, 3]),
  'a typed array with more': () => with_(new Uint8Array([1]), { x: 1 }),
  'a Buffer of its own': () => Buffer.from(new Uint8Array([1, 2, 3]).buffer),
  'a part of a Buffer of its own': () => Buffer.from(new Uint8Array([1, 2, 3]).buffer, 1, 1),
  'Errors': () => [new Error('a'), new EvalError('b'), new RangeError('c'), new ReferenceError('d'), new SyntaxError('e'), new TypeError('f'), new URIError('g')],
  'an Error without a message': () => new Error(),
  'an AggregateError': () => new AggregateError([new Error('x')], 'many'),
  'a subclass of TypeError with more': () => new Custom(),
  'Errors by their name': () => ['TypeError', 'RangeError', 'Foo', 'AggregateError', '', 5].map((name) => with_(new Error('x'), { name })),
  'Errors and their messages': () => ['', 5, undefined, null, { toString: () => 'text' }].map((message) => Object.defineProperty(new Error('x'), 'message', { value: message })),
  'an Error whose message is a getter': () => Object.defineProperty(new Error('x'), 'message', { get: () => 'y' }),
  'Errors and their stacks': () => ['at y', undefined, 5, ''].map((stack) => with_(new Error('x'), { stack })),
  'an Error that lost its stack': () => { const e = new Error('x'); delete e.stack; return e },
  'causes': () => [new Error('x', { cause: new TypeError('y', { cause: { a: [1] } }) }), new Error('x', { cause: undefined }), Object.defineProperty(new Error('x'), 'cause', { get: () => 1 })],
  'an Error without its prototype': () => Object.setPrototypeOf(new Error('x'), null),
  'boxes': () => [Object(1), Object(-0), Object('ab'), Object(''), Object('\ud800'), Object(true), Object(false), Object(7n)],
  'boxes with more': () => [with_(Object('ab'), { x: 1 }), with_(Object(1), { x: 1 })],
  'objects of another realm': () => vm.runInNewContext('[{ a: 1 }, [1, , 2], new Map([[1, 2]]), new Set([1]), new Date(5), /a/g, new Uint8Array([1, 2]), new ArrayBuffer(2), Object(1), new (class A { x = 1 })]'),
  'an Error of another realm': () => vm.runInNewContext('const e = new TypeError("x"); e.stack = "at y"; e'),
  'the same twice': () => { const o = {}; const d = new Date(1); const u = new Uint8Array(2); return [o, d, u, o, d, u, { o, d, u }] },
  'equal but not the same': () => [{}, {}, [], []],
  'a buffer and its views': () => { const b = new ArrayBuffer(8); return { b, u: new Uint8Array(b), w: new Uint16Array(b), d: new DataView(b), p: new Uint8Array(b, 2, 3) } },
  'views and then their buffer': () => { const b = new ArrayBuffer(8); return [new Uint8Array(b), new Uint16Array(b, 2), b, new Uint8Array(b)] },
  'two views': () => { const b = new ArrayBuffer(8); return [new Uint8Array(b, 4), new Uint8Array(b)] },
  'long shared buffers': () => { const b = new Uint8Array(70000).fill(7).buffer; return [new Uint8Array(b), new Float64Array(b), b] },
  'many shared objects': () => { const list = Array.from({ length: 300 }, (_, i) => ({ i })); return [list, [...list].reverse(), list] },
  'cycles': () => { const o = { list: [], map: new Map(), set: new Set() }; o.self = o; o.list.push(o, o.list); o.map.set(o.map, o); o.set.add(o.set).add(o); return o },
  'a cycle through an Array with more names': () => { const a = [1]; a.self = a; return a },
  'a deep list': () => { let list = null; for (let i = 0; i < 900; i++) list = { list }; return list },
  'a large object': () => Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`key ${i}`, i])),
}

for (const [name, make] of Object.entries(same)) {
  test(`as structuredClone: ${name}`, () => {
    const value = make()
    // Two Errors have two stacks.
    const other = /Error|cause/.test(name) ? value : make()
    assert.equal(difference(echo(value), structuredClone(other)), undefined)
  })
}

test('what tracks the length of a buffer still does', () => {
  const tracking = echo(new Uint8Array(resizable(4, 8), 1))
  const fixed = echo(new Uint8Array(resizable(4, 8), 1, 3))
  tracking.buffer.resize(8)
  fixed.buffer.resize(8)
  assert.deepEqual([tracking.length, fixed.length], [7, 3])
})

test('each getter runs once', () => {
  let runs = 0
  const once = () => ++runs
  const value = { a: counted(once), list: [counted(once)], map: new Map([[1, counted(once)]]), error: new Error('x', { cause: counted(once) }) }
  echo(value)
  assert.equal(runs, 4)
})

test('what a getter throws is thrown', () => {
  assert.throws(() => echo({ get a() { throw new RangeError('mine') } }), { name: 'RangeError', message: 'mine' })
  assert.deepEqual(echo([1]), [1])
})

test('Object.prototype stays as it is', () => {
  const value = echo({ ['__proto__']: { polluted: true } })
  assert.equal({}.polluted, undefined)
  assert.ok(Object.hasOwn(value, '__proto__'))
})

test('replaced methods of the prototypes are not called', () => {
  const { get } = Object.getOwnPropertyDescriptor(Map.prototype, 'size')
  const { forEach } = Map.prototype
  try {
    Object.defineProperty(Map.prototype, 'size', { get: () => 99, configurable: true })
    Map.prototype.forEach = () => {}
    writer.length = 0
    encoder.encode(writer, new Map([[1, 2]]), 'args')
  } finally {
    Object.defineProperty(Map.prototype, 'size', { get, configurable: true })
    Map.prototype.forEach = forEach
  }
  assert.deepEqual(new Decoder().decode(writer.bytes, 0, writer.length), new Map([[1, 2]]))
})

test('a Buffer out of the pool goes as its own bytes only', () => {
  const buffer = Buffer.from('secret-free')
  assert.notEqual(buffer.buffer.byteLength, buffer.length)
  assert.equal(difference(echo(buffer), new Uint8Array(Buffer.from('secret-free'))), undefined)
})

const refused = {
  'function': () => () => {}, 'symbol': () => Symbol('x'), 'Promise': () => Promise.resolve(), 'WeakMap': () => new WeakMap(),
  'WeakSet': () => new WeakSet(), 'WeakRef': () => new WeakRef({}), 'Symbol': () => Object(Symbol('x')),
  'SharedArrayBuffer': () => new SharedArrayBuffer(4), 'Proxy': () => new Proxy({}, {}), 'URL': () => new URL('http://x'),
  'URLSearchParams': () => new URLSearchParams('a=1'), 'Headers': () => new Headers(), 'Response': () => new Response('x'),
  'FormData': () => new FormData(), 'AbortSignal': () => new AbortController().signal, 'AbortController': () => new AbortController(),
  'Blob': () => new Blob(['x']), 'Event': () => new Event('x'), 'EventTarget': () => new EventTarget(),
  'DOMException': () => new DOMException('x'), 'MessagePort': () => { const { port1 } = new MessageChannel(); port1.close(); return port1 },
  'ReadableStream': () => new ReadableStream(), 'TextEncoder': () => new TextEncoder(), 'Module': () => new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])),
  'Collator': () => new Intl.Collator(), 'SecretKeyObject': () => createSecretKey(Buffer.alloc(16)),
  'object': () => namespace,
}
for (const [what, make] of Object.entries(refused)) {
  test(`refused: ${what}`, () => {
    assert.throws(() => echo([0, { rows: [make()] }]), {
      name: 'DataCloneError', code: 'ERR_DATA_CLONE', message: `An object could not be cloned: args[1].rows[0] (${what})`,
    })
  })
}

test('refused: iterators, generators, arguments, the global object, a subclass of Promise, of EventTarget', () => {
  const generator = (function* () {})()
  const args = (function () { return arguments })(1)
  const none = (function () { return arguments })()
  for (const value of [[].values(), new Map().entries(), 'a'[Symbol.iterator](), generator, args, none, globalThis, with_(Promise.resolve(), { x: 1 }), new (class extends Promise {})(() => {}), new (class extends EventTarget { x = 1 })()]) {
    assert.throws(() => echo(value), { name: 'DataCloneError' })
  }
})

test('refused: proxies of every kind, without setting off a trap', () => {
  const trap = new Proxy({}, { get: (_, name) => assert.fail(`the trap ${name} was set off`) })
  for (const target of [{}, [], new Map(), new Date()]) assert.throws(() => echo({ a: new Proxy(target, trap) }), /args\.a \(Proxy\)/)
})

test('refused: detached buffers, and views that are out of bounds', () => {
  const buffer = new ArrayBuffer(8)
  const view = new Uint8Array(buffer)
  structuredClone(buffer, { transfer: [buffer] })
  const resized = resizable(8, 8)
  const views = [new DataView(resized, 4, 4), new Uint8Array(new SharedArrayBuffer(4))]
  resized.resize(2)
  for (const value of [buffer, view, ...views]) assert.throws(() => echo({ value }), { name: 'DataCloneError' })
})

test('the path says where it is', () => {
  const fn = () => {}
  const paths = [
    [fn, 'args'], [[fn], 'args[0]'], [{ a: fn }, 'args.a'], [{ 'a b': fn }, 'args["a b"]'], [{ 1: fn }, 'args["1"]'], [{ é: fn }, 'args.é'],
    [{ '': fn }, 'args[""]'], [[, [, fn]], 'args[1][1]'], [new Map([['k', fn]]), 'args.get("k")'], [new Map([[1, { x: fn }]]), 'args.get(1).x'],
    [new Map([[fn, 1]]), 'args<key 0>'], [new Set([1, fn]), 'args[1]'], [new Error('x', { cause: fn }), 'args.cause'],
    [with_([1], { x: fn }), 'args.x'], [with_([], { 99: { y: fn } }), 'args[99].y'], [[{ a: 1 }, { b: { c: 1 }, d: fn }], 'args[1].d'],
  ]
  for (const [value, path] of paths) assert.throws(() => echo(value), { message: `An object could not be cloned: ${path} (function)` })
})

test('nesting has a limit on both sides', () => {
  let deep = []
  for (let i = 1; i < 1000; i++) deep = [deep]
  echo(deep)
  assert.throws(() => echo([deep]), { code: 'ERR_LIMIT_NESTING', message: 'limits.nesting (1000) exceeded by the value of args' })
  const cycle = {}
  cycle.self = { cycle }
  echo(cycle)
})

test('a refused value leaves nothing behind', () => {
  writer.length = 0
  writer.byte(0x01)
  assert.throws(() => encoder.encode(writer, [1, 2, () => {}], 'args'))
  assert.equal(writer.length, 1)
  const shared = {}
  assert.throws(() => encoder.encode(writer, [shared, () => {}], 'args'))
  assert.deepEqual(echo([shared]), [{}])
})

test('sparse arrays cost nothing, whatever their length', () => {
  const before = process.memoryUsage()
  const arrays = []
  const decoder = new Decoder()
  for (let i = 0; i < 200; i++) {
    arrays.push(echo(with_([], { length: 4294967295 })))
    for (const length of ['1a01ffffff', '1a004c4b40', '1a00100000']) {
      arrays.push(decoder.decode(Buffer.from(`d81b83654172726179${length}a0`, 'hex')))
    }
  }
  const after = process.memoryUsage()
  const used = after.heapUsed + after.external - before.heapUsed - before.external
  assert.ok(used < 64 << 20, `${used} bytes for ${arrays.length} arrays`)
})

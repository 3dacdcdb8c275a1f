/** contextBridge, without a host. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bridgeOf } from '../context-bridge.js'
import { EventEmitter } from '../emitter.js'
import { ipcRenderer } from '../index.js'

/** What the world gets for an API. */
function exposed(api) {
  const world = /** @type {any} */ ({})
  bridgeOf(world).exposeInMainWorld('api', api)
  assert.throws(() => { world.api = 1 }, TypeError)
  return world.api
}

test('exposeInMainWorld sets a property of the world, copied and frozen, with the functions that it was given', () => {
  const api = { call: () => 1, data: { list: [1, { deep: true }] }, nothing: null, none: undefined, hidden: Symbol('s') }
  api.self = api
  const own = exposed(api)
  assert.equal(own.call, api.call)
  assert.equal(own.self, own)
  assert.deepEqual(own.data, api.data)
  assert.notEqual(own.data.list, api.data.list)
  assert.deepEqual(Object.keys(own), ['call', 'data', 'nothing', 'none', 'self'])
  for (const value of [own, own.data, own.data.list, own.data.list[1]]) assert.ok(Object.isFrozen(value))
  for (const value of ['text', 5, true]) assert.equal(exposed(value), value)
  assert.equal(exposed(api.call), api.call)
  assert.deepEqual(exposed([1, [2]]), [1, [2]])
  api.data.list.push(3)
  assert.equal(own.data.list.length, 2)
})

test('exposeInMainWorld copies the values of an instance and not its class, and nothing of ipcRenderer', () => {
  class Counter { count = 1; #hidden = 2; add() { return this.#hidden } }
  const own = exposed({ counter: new Counter(), emitter: new EventEmitter(), none: Object.create(null) })
  assert.deepEqual(own, { counter: { count: 1 }, emitter: {}, none: {} })
  assert.equal(Object.getPrototypeOf(own.counter), Object.prototype)
  assert.deepEqual(exposed({ ipcRenderer }), { ipcRenderer: {} })
})

test('exposeInMainWorld clones what a message would, and leaves promises and what it cannot know', () => {
  const shared = new Uint8Array([1, 2])
  const error = Object.assign(new TypeError('broken'), { custom: 1 })
  const api = { when: new Date(5), map: new Map([[1, { a: 2 }]]), match: /a/g, bytes: shared, again: shared, error, later: Promise.resolve(1), url: new URL('a:b') }
  const own = exposed(api)
  for (const name of ['when', 'map', 'match', 'bytes']) {
    assert.deepEqual(own[name], api[name])
    assert.notEqual(own[name], api[name])
  }
  assert.equal(own.again, own.bytes)
  assert.ok(own.error instanceof TypeError && own.error.message === 'broken' && !('custom' in own.error))
  assert.equal(own.later, api.later)
  assert.equal(own.url, api.url)
})

test('exposeInMainWorld makes an own __proto__ a property like any other', () => {
  const own = exposed(JSON.parse('{"__proto__": {"polluted": true}, "nested": {"__proto__": {"polluted": true}}}'))
  for (const each of [own, own.nested]) {
    assert.ok(Object.hasOwn(each, '__proto__'))
    assert.equal(Object.getPrototypeOf(each), Object.prototype)
    assert.equal(each.polluted, undefined)
  }
})

test('exposeInMainWorld refuses a name that is taken, in Electron\'s words', () => {
  const world = { taken: 1 }
  const bridge = bridgeOf(world)
  bridge.exposeInMainWorld('api', 1)
  for (const key of ['taken', 'api', 'toString']) {
    assert.throws(() => bridge.exposeInMainWorld(key, 2), { message: 'Cannot bind an API on top of an existing property on the window object' })
  }
  assert.throws(() => bridge.exposeInMainWorld(1, 2), { name: 'TypeError', message: 'Error processing argument at index 0' })
  assert.deepEqual(world, { taken: 1, api: 1 })
})

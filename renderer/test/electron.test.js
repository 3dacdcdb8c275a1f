/** contextBridge, without a host. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bridgeOf } from '../context-bridge.js'

test('exposeInMainWorld sets a property of the world, copied and frozen, with the functions that it was given', () => {
  const world = {}
  const api = { call: () => 1, data: { list: [1, { deep: true }] }, when: new Date(0), hidden: Symbol('s') }
  api.self = api
  bridgeOf(world).exposeInMainWorld('api', api)
  assert.equal(world.api.call, api.call)
  assert.equal(world.api.when, api.when)
  assert.equal(world.api.self, world.api)
  assert.deepEqual(world.api.data, api.data)
  assert.notEqual(world.api.data.list, api.data.list)
  assert.ok(!('hidden' in world.api))
  for (const value of [world.api, world.api.data, world.api.data.list, world.api.data.list[1]]) assert.ok(Object.isFrozen(value))
  assert.throws(() => { world.api = 1 }, TypeError)
  assert.ok(!Object.isFrozen(api))
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

/** Values to a host and back: exact, and what Lua saw of each. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { connect } from '../../index.js'
import { startHost, transports } from '../support/host.js'
import { difference, evaluate, vectors } from '../support/same.js'

const script = `
ipcMain.handle("echo", function(_, value) return value end)
ipcMain.handle("type", function(_, value) return ipc.type(value) end)
ipcMain.handle("see", function(_, value, source)
  return assert(load("local value = ... return " .. source, "see", "t", { ipc = ipc, math = math, type = type, rawequal = rawequal, tostring = tostring }))(value)
end)
ipcMain.handle("same", function(_, a, b) return { rawequal(a, b), rawequal(a.self, a), rawequal(b.list[1], a) } end)
`

/** What ipc.type says of a value. */
const kinds = [
  ['undefined', 'undefined'], ['null', 'null'], ['true', 'boolean'], ["'a'", 'string'], ["'\\ud800'", 'string'], ['1', 'number'], ['1.5', 'number'],
  ['10n', 'bigint'], ['Object(10n)', 'BigInt'], ['[]', 'Array'], ['[1, , 2]', 'Array'], ['({})', 'Object'], ['({ a: 1 })', 'Object'], ['new Date(5)', 'Date'], ['/a/g', 'RegExp'],
  ['new Map()', 'Map'], ['new Set()', 'Set'], ['new ArrayBuffer(2)', 'ArrayBuffer'], ['new Uint8Array(2)', 'Uint8Array'],
  ['new Float64Array(2)', 'Float64Array'], ['new BigInt64Array(2)', 'BigInt64Array'], ['new DataView(new ArrayBuffer(2))', 'DataView'],
  ["new Error('x')", 'Error'], ["new TypeError('x')", 'TypeError'], ['Object(1)', 'Number'], ["Object('a')", 'String'], ['Object(true)', 'Boolean'],
]

/** What Lua sees: an expression over `value` and what it gives. */
const seen = [
  ['undefined', 'value == nil', true], ['null', 'value == ipc.null', true], ['null', 'value and 1 or 2', 1], ['1', 'math.type(value)', 'integer'],
  ['1.5', 'math.type(value)', 'float'], ['2 ** 53', 'math.type(value)', 'integer'], ['-0', '1 / value', -Infinity], ['NaN', 'value ~= value', true],
  ["'zażółć'", '#value', 10], ['10n ** 20n', 'tostring(value)', '100000000000000000000'], ['10n ** 20n', 'value + 1', 10n ** 20n + 1n],
  ['[1, 2, 3]', '#value', 3], ['[1, 2, 3]', 'value[3]', 3], ['[1, undefined]', 'value[2] == ipc.undefined', true], ['[1, , 3]', 'value.length', 3],
  ['[1, , 3]', 'value[2] == nil', true], ['({ a: { b: 5 } })', 'value.a.b', 5], ['({ a: undefined })', 'value.a == nil', true],
  ["({ 1: 'x' })", "value['1']", 'x'], ['new Date(1234)', 'value:getTime()', 1234], ["new Map([['k', 1]])", "value:get('k')", 1], ['new Map([[1, 2]])', 'value.size', 1],
  ['new Set([1, 2])', 'value:has(2)', true], ['new Uint8Array([7, 8])', 'value[2]', 8], ['new Uint8Array([7, 8])', '#value', 2],
  ['new Int16Array([-5])', 'value[1]', -5], ["new TypeError('why')", 'value.message', 'why'], ["new TypeError('why')", 'value.name', 'TypeError'],
  ["new Error('a', { cause: 5 })", 'value.cause', 5], ['Object(5)', 'value.value', 5],
]

for (const transport of transports) {
  describe(`values over ${transport}`, () => {
    let host, renderer, invoke
    before(async () => {
      host = await startHost(script)
      renderer = await connect(host.address[transport])
      invoke = (...args) => renderer.ipcRenderer.invoke(...args)
    })
    after(async () => {
      renderer.close()
      await host.stop()
    })

    for (const { name, js } of vectors('values').valid) {
      if (js.includes('Float16Array') && !('Float16Array' in globalThis)) continue
      test(`there and back: ${name}`, async () => {
        // Two levels less than the deepest, for the arguments around it.
        if (name.includes('the deepest')) return assert.rejects(invoke('echo', evaluate(js)), { code: 'ERR_LIMIT_NESTING' })
        assert.equal(difference(sorted(await invoke('echo', evaluate(js))), sorted(evaluate(js))), undefined)
      })
    }

    for (const [js, kind] of kinds) {
      test(`the kind of ${js}`, async () => assert.equal(await invoke('type', evaluate(js)), kind))
    }

    for (const [js, lua, expected] of seen) {
      test(`of ${js} Lua sees ${lua}`, async () => assert.deepEqual(await invoke('see', evaluate(js), lua), expected))
    }

    test('identity spans the arguments', async () => {
      const shared = { list: [] }
      shared.self = shared
      shared.list.push(shared)
      assert.deepEqual(await invoke('same', shared, shared), [true, true, true])
    })

    test('what a Lua string says that is no text is a Uint8Array', async () => {
      assert.equal(difference(await invoke('see', 0, '"\\xff\\x00"'), new Uint8Array([255, 0])), undefined)
      assert.equal(await invoke('see', 0, '"\\xed\\xa0\\x80"'), '\ud800')
    })

    test('a Lua integer beyond 2^53 is a BigInt', async () => {
      assert.equal(await invoke('see', 0, 'math.maxinteger'), 2n ** 63n - 1n)
      assert.equal(await invoke('see', 0, 'math.mininteger'), -(2n ** 63n))
    })
  })
}

/** The same value with the names of a plain object in order, which Lua does not keep. */
function sorted(value) {
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value
  const names = Object.keys(value).sort()
  const copy = names.map((name) => [name, value[name]])
  for (const name of names) delete value[name]
  for (const [name, each] of copy) Object.defineProperty(value, name, { value: each, writable: true, enumerable: true, configurable: true })
  return value
}

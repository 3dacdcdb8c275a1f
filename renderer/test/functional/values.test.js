/** Values to a host and back: exact, and what Lua saw of each. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { connect } from '../../index.js'
import { startHost, transports } from '../support/host.js'
import { difference, evaluate, sorted, vectors } from '../support/same.js'
import { echoScript, kinds, seen } from '../support/value-table.js'

for (const transport of transports) {
  describe(`values over ${transport}`, () => {
    let host, renderer, invoke
    before(async () => {
      host = await startHost(echoScript)
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

/** Electron's documents of the renderer's side in Node, once a transport; in pages: ../browser/renderer-process.test.js. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { connect } from '../../index.js'
import { startHost, transports } from '../support/host.js'
import { stated, statements } from '../support/renderer-process.js'

const script = readFileSync(new URL('../../../spec/functional/renderer_process.lua', import.meta.url), 'utf8')

for (const transport of transports) {
  describe(`Electron's documents of the renderer over ${transport}`, () => {
    let host, renderer, other
    before(async () => { host = await startHost(script) })
    after(() => host.stop())
    beforeEach(async () => {
      renderer = await connect(host.address[transport])
      other = await connect(host.address[transport])
    })
    afterEach(() => {
      renderer.close()
      other.close()
    })
    for (const [name, statement] of Object.entries(statements)) {
      test(name, async () => {
        assert.deepEqual(await statement({ ipcRenderer: renderer.ipcRenderer, renderer, other }), stated[name])
      })
    }
  })
}

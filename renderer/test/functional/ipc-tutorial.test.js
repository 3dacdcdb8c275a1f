/** Electron's tutorial of inter-process communication in Node, once a transport; in a page: ../browser/ipc-tutorial.test.js. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { connect } from '../../index.js'
import { startHost, transports } from '../support/host.js'

const script = readFileSync(new URL('../../../spec/functional/ipc_tutorial.lua', import.meta.url), 'utf8')

/** Of the test that runs. */
let host, renderer, ipcRenderer

/** The next message on a channel: its event and its first argument. */
const next = (emitter, channel) => new Promise((resolve) => emitter.once(channel, (event, ...args) => resolve([event, ...args])))

function patterns() {
  test('sends to main, asks it, and hears it', async () => {
    const title = next(ipcRenderer, 'title')
    ipcRenderer.send('set-title', 'Notes')
    assert.equal((await title)[1], 'Notes')
    assert.equal(await ipcRenderer.invoke('dialog:openFile', false), '/a')
    assert.equal(await ipcRenderer.invoke('dialog:openFile', true), undefined)
    const reply = next(ipcRenderer, 'asynchronous-reply')
    ipcRenderer.send('asynchronous-message', 'ping')
    assert.equal((await reply)[1], 'pong')
    assert.equal(ipcRenderer.sendSync('synchronous-message', 'ping'), 'pong')
    let counter = 0
    ipcRenderer.on('update-counter', (event, value) => {
      counter += value
      event.sender.send('counter-value', counter)
    })
    for (const by of [1, 1, -1]) ipcRenderer.send('click', undefined, by)
    assert.deepEqual(await ipcRenderer.invoke('counted', 3), [1, 2, 1])
  })

  test('reaches another renderer through main, and by a port', async () => {
    const other = await connect(host.address.unix)
    const told = next(other.ipcRenderer, 'told')
    const ports = [next(ipcRenderer, 'port'), next(other.ipcRenderer, 'port')]
    ipcRenderer.send('tell', other.webContentsId, 'hello')
    ipcRenderer.send('connect', other.webContentsId)
    assert.deepEqual((await told).slice(1), [renderer.webContentsId, 'hello'])
    const [mine, theirs] = (await Promise.all(ports)).map(([event]) => event.ports[0])
    theirs.onmessage = ({ data }) => theirs.postMessage(data * 2)
    const answer = new Promise((resolve) => { mine.onmessage = ({ data }) => resolve(data) })
    mine.postMessage(21)
    assert.equal(await answer, 42)
    mine.close()
    other.close()
  })

  test('refuses what belongs to the process', async () => {
    for (const value of [process.env, { env: process.env }, process.stdin, renderer]) {
      const expected = { name: 'DataCloneError', code: 'ERR_DATA_CLONE', message: /^An object could not be cloned: args/ }
      assert.throws(() => ipcRenderer.send('click', value), expected)
      assert.throws(() => ipcRenderer.sendSync('click', value), expected)
      await assert.rejects(ipcRenderer.invoke('title', value), expected)
    }
  })
}

for (const transport of transports) {
  describe(`Electron's tutorial of IPC over ${transport}`, () => {
    before(async () => { host = await startHost(script) })
    after(() => host.stop())
    beforeEach(async () => {
      renderer = await connect(host.address[transport])
      ipcRenderer = renderer.ipcRenderer
    })
    afterEach(() => renderer.close())
    patterns()
  })
}

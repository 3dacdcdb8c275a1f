/** ipchost/electron in Node: the names of Electron, found by the name of the package. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { contextBridge, ipcRenderer, webFrame } from 'ipchost/electron'
import { renderer } from '../../index.js'
import { startHost } from '../support/host.js'

const script = `
ipcMain.handle("add", function(_, a, b) return a + b end)
`

let host
before(async () => {
  host = await startHost(script)
  process.env.IPCHOST_ADDRESS = host.address.unix
})
after(async () => {
  renderer.close()
  await host.stop()
})

test('a renderer written for Electron runs with its import changed', async () => {
  contextBridge.exposeInMainWorld('calculator', { add: (a, b) => ipcRenderer.invoke('add', a, b) })
  assert.equal(await globalThis.calculator.add(2, 3), 5)
  assert.equal(ipcRenderer, renderer.ipcRenderer)
  assert.equal(webFrame, renderer.webFrame)
  assert.throws(() => contextBridge.exposeInMainWorld('calculator', {}), /^Error: Cannot bind an API on top of an existing property on the window object$/)
})

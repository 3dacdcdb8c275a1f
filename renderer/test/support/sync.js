/** What specs of sendSync in Node and in pages ask of a host, and the values that they send. */
import { readFileSync } from 'node:fs'

export const syncScript = readFileSync(new URL('../../../scripts/electron_examples.lua', import.meta.url), 'utf8') + `
ipcMain.handle("echo", function(_, ...) return ... end)
ipcMain.on("echo sync", function(event, value) event.returnValue = value end)
ipcMain.on("add sync", function(event, a, b) event.returnValue = a + b end)
ipcMain.on("later sync", function(event, ms) async.sleep(ms) event.returnValue = "late" end)
ipcMain.on("raise sync", function() error { name = "NoteError", message = "full" } end)
ipcMain.on("forget sync", function() end)
ipcMain.on("size sync", function(event, text) event.returnValue = #text end)
ipcMain.on("identity sync", function(event)
  event.returnValue = { process = event.processId, contents = event.sender.id, frame = event.frameId, url = event.senderFrame.url }
end)
ipcMain.handle("identity", function(event)
  return { process = event.processId, contents = event.sender.id, frame = event.frameId, url = event.senderFrame.url }
end)
ipcMain.on("push sync", function(event, count)
  for i = 1, count do event.sender:send("pushed", i) end
  event.returnValue = count
end)
local seen = ipc.Array {}
local bulk = 0
ipcMain.on("note", function(_, number) seen[#seen + 1] = number end)
ipcMain.handle("note", function(_, number) seen[#seen + 1] = number return number end)
ipcMain.on("note sync", function(event, number) seen[#seen + 1] = number event.returnValue = number end)
ipcMain.handle("seen", function() local all = seen seen = ipc.Array {} return all end)
ipcMain.on("bulk", function(_, text) bulk = bulk + #text end)
ipcMain.on("bulk sync", function(event) event.returnValue = bulk bulk = 0 end)
`

/** Around the sizes at which heads, blocks and buffers grow. */
export const sizes = [0, 1, 65535, 65536, 65537, 262147, 3145729]

/** A module of a page and of its workers: what they do by sendSync, as functions of ipcRenderer. */
const syncTests = `
export const tests = {
  answer: (ipcRenderer) => ipcRenderer.sendSync('synchronous-message', 'ping'),

  async payloads(ipcRenderer, sizes) {
    await ipcRenderer.invoke('echo')
    return sizes.filter((size) => {
      const text = 'x'.repeat(size)
      const bytes = new Uint8Array(size).map((_, i) => i * 7)
      const nested = ipcRenderer.sendSync('echo sync', { deep: [{ text, bytes }] }).deep[0]
      const same = (other) => other.length === size && other.every((byte, i) => byte === bytes[i])
      return ipcRenderer.sendSync('echo sync', text) !== text || !same(ipcRenderer.sendSync('echo sync', bytes)) ||
        nested.text !== text || !same(nested.bytes)
    })
  },

  async order(ipcRenderer, count) {
    let state = 7
    const random = (below) => (state = (state * 1103515245 + 12345) % 2147483648) % below
    const pending = []
    for (let i = 0; i < count; i++) {
      const kind = random(8)
      if (kind < 3) ipcRenderer.send('note', i)
      else if (kind < 5) pending.push(ipcRenderer.invoke('note', i))
      else if (kind < 6) ipcRenderer.postMessage('note', i)
      else ipcRenderer.sendSync('note sync', i)
      if (random(20) === 0) await ipcRenderer.invoke('echo')
    }
    await Promise.all(pending)
    const seen = await ipcRenderer.invoke('seen')
    return seen.length === count && seen.every((number, i) => number === i)
  },

  async bulk(ipcRenderer) {
    await ipcRenderer.invoke('echo')
    const text = 'x'.repeat(1024 * 1024)
    for (let i = 0; i < 32; i++) ipcRenderer.send('bulk', text)
    const first = ipcRenderer.sendSync('bulk sync')
    await ipcRenderer.invoke('echo')
    return [first, ipcRenderer.sendSync('bulk sync')]
  },
}
`

export const syncPages = {
  'sync-tests.js': syncTests,
  'sync-page.js': "import { tests } from './sync-tests.js'\nwindow.tests = tests\n",
  'sync-worker.js': `import { ipcRenderer } from '/ipchost/renderer.js'
import { tests } from './sync-tests.js'
onmessage = async ({ data: [name, ...args] }) => postMessage(await tests[name](ipcRenderer, ...args))
`,
  'sync-classic-worker.js': `importScripts('/ipchost/renderer.classic.js')
onmessage = () => postMessage(ipchost.ipcRenderer.sendSync('synchronous-message', 'ping'))
`,
  'forbidden.html': `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Forbidden</title>
<link rel="icon" href="icon.svg">
<iframe allow="sync-xhr 'none'" src="module.html" title="frame"></iframe>
</html>
`,
}

/** What specs of sendSync in Node and in pages ask of a host, and the values that they send. */
import { readFileSync } from 'node:fs'

export const syncScript = readFileSync(new URL('../../../scripts/electron_examples.lua', import.meta.url), 'utf8') + `
ipcMain.handle("echo", function(_, ...) return ... end)
ipcMain.on("echo sync", function(event, value) event.returnValue = value end)
ipcMain.on("echo back", function(event, value) event:reply("echoed", value) end)
ipcMain.on("echo port", function(event)
  local port = event.ports[1]
  port:on("message", function(message) port:postMessage(message.data) end)
  port:start()
end)
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

/**
 * Another seed each time, which the test says; $IPCHOST_SEED gives one again.
 * @param {import('node:test').TestContext} t
 */
export function seedOf(t) {
  const seed = Number(process.env.IPCHOST_SEED ?? Math.floor(Math.random() * 2 ** 31))
  t.diagnostic(`IPCHOST_SEED=${seed}`)
  return seed
}

export const syncPages = {
  'sync-tests.js': readFileSync(new URL('sync-tests.js', import.meta.url), 'utf8'),
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

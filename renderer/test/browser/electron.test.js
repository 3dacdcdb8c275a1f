/** ipchost/electron in Chromium: a page and a preload script written for Electron, with their imports changed. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { useChromium } from '../support/chromium.js'
import { startHost } from '../support/host.js'

const script = `
ipcMain.handle("add", function(_, a, b) return a + b end)
ipcMain.on("ping", function(event, text) event:reply("pong", text .. "!") end)
`
const pages = {
  'icon.svg': '<svg xmlns="http://www.w3.org/2000/svg"/>',
  'index.html': `<!doctype html><html lang="en"><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'self'"><title>Electron</title><link rel="icon" href="icon.svg">
<script type="module" src="preload.js"></script><script type="module" src="page.js"></script></html>`,
  'preload.js': `import { contextBridge, ipcRenderer } from '/ipchost/electron.js'
contextBridge.exposeInMainWorld('api', {
  add: (a, b) => ipcRenderer.invoke('add', a, b),
  onPong: (listener) => ipcRenderer.on('pong', (event, text) => listener(text)),
  ping: (text) => ipcRenderer.send('ping', text),
  element: document.documentElement, blob: new Blob(['text']), later: Promise.resolve('later'), bytes: new Uint8Array([1, 2]), ipcRenderer,
})
`,
  'page.js': `import { contextBridge, webFrame } from '/ipchost/electron.js'
import { webFrame as own } from '/ipchost/renderer.js'
const pong = new Promise((resolve) => window.api.onPong(resolve))
window.api.ping('hello')
const answers = [await window.api.add(2, 3), await pong, webFrame === own, Object.isFrozen(window.api)]
try { contextBridge.exposeInMainWorld('api', {}) } catch (error) { answers.push(error.message) }
const { element, blob, later, bytes, ipcRenderer } = window.api
answers.push(element === document.documentElement, await blob.text(), await later, [...bytes], Reflect.ownKeys(ipcRenderer).length, ipcRenderer.send)
window.answers = answers
`,
}

const browser = useChromium()
let host
before(async () => { host = await startHost(script, '', pages) })
after(() => host.stop())

test('a page and its preload script run with their imports changed', async () => {
  const page = await browser.open(`${host.url}/`)
  await page.waitForFunction(() => window.answers)
  assert.deepEqual(await page.evaluate(() => window.answers),
    [5, 'hello!', true, true, 'Cannot bind an API on top of an existing property on the window object', true, 'text', 'later', [1, 2], 0, undefined])
})

/** Electron's tutorial of inter-process communication in Chromium: its page and its preload script, with their imports changed. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { useChromium } from '../support/chromium.js'
import { startHost } from '../support/host.js'

const script = readFileSync(new URL('../../../spec/functional/ipc_tutorial.lua', import.meta.url), 'utf8')

const pages = {
  'icon.svg': '<svg xmlns="http://www.w3.org/2000/svg"/>',
  'index.html': `<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="UTF-8">
    <meta http-equiv="Content-Security-Policy" content="default-src 'self'; script-src 'self'">
    <title>Hello World!</title>
    <link rel="icon" href="icon.svg">
  </head>
  <body>
    <label>Title: <input id="title"></label><button id="set" type="button">Set</button>
    <button id="open" type="button">Open a File</button> File path: <strong id="filePath"></strong>
    Current value: <strong id="counter">0</strong>
    <script type="module" src="preload.js"></script>
    <script type="module" src="renderer.js"></script>
  </body>
</html>
`,
  'preload.js': `import { contextBridge, ipcRenderer } from '/ipchost/electron.js'
import { renderer } from '/ipchost/renderer.js'
contextBridge.exposeInMainWorld('electronAPI', {
  setTitle: (title) => ipcRenderer.send('set-title', title),
  onTitle: (callback) => ipcRenderer.on('title', (_event, value) => callback(value)),
  openFile: () => ipcRenderer.invoke('dialog:openFile', false),
  onUpdateCounter: (callback) => ipcRenderer.on('update-counter', (_event, value) => callback(value)),
  counterValue: (value) => ipcRenderer.send('counter-value', value),
})
ipcRenderer.on('asynchronous-reply', (_event, arg) => { window.reply = arg })
ipcRenderer.send('asynchronous-message', 'ping')
window.answer = ipcRenderer.sendSync('synchronous-message', 'ping')
ipcRenderer.on('told', (_event, ...args) => { window.told = args })
ipcRenderer.on('port', ({ ports: [port] }) => { window.port = port })
Object.assign(window, { ipcRenderer, renderer })
`,
  'renderer.js': `const by = (id) => document.getElementById(id)
by('set').addEventListener('click', () => window.electronAPI.setTitle(by('title').value))
window.electronAPI.onTitle((title) => { document.title = title })
by('open').addEventListener('click', async () => { by('filePath').innerText = await window.electronAPI.openFile() })
window.electronAPI.onUpdateCounter((value) => {
  const newValue = Number(by('counter').innerText) + value
  by('counter').innerText = newValue.toString()
  window.electronAPI.counterValue(newValue)
})
`,
}

const browser = useChromium()
let host

before(async () => { host = await startHost(script, '', pages) })
after(() => host.stop())

async function open() {
  const page = await browser.open(`${host.url}/`)
  await page.waitForFunction(() => window.reply)
  return page
}

test('the page of the tutorial works, and another is reached from it', async () => {
  const page = await open()
  const invoke = (...args) => page.evaluate((call) => window.ipcRenderer.invoke(...call), args)
  assert.deepEqual(await page.evaluate(() => [window.reply, window.answer]), ['pong', 'pong'])

  await page.fill('#title', 'Notes')
  await page.click('#set')
  await page.waitForFunction(() => document.title === 'Notes')
  assert.equal(await page.evaluate(async () => {
    let title
    do title = await window.ipcRenderer.invoke('title')
    while (title !== 'Notes')
    return title
  }), 'Notes')

  await page.click('#open')
  await page.waitForFunction(() => document.getElementById('filePath').innerText === '/a')

  const other = await open()
  const ids = await Promise.all([page, other].map((each) => each.evaluate(() => window.renderer.webContentsId)))
  for (const by of [1, 1, -1]) await other.evaluate((args) => window.ipcRenderer.send('click', ...args), [ids[0], by])
  assert.deepEqual(await invoke('counted', 3), [1, 2, 1])
  assert.equal(await page.innerText('#counter'), '1')

  await page.evaluate((id) => {
    window.ipcRenderer.send('tell', id, 'hello')
    window.ipcRenderer.send('connect', id)
  }, ids[1])
  await Promise.all([page, other].map((each) => each.waitForFunction(() => window.port)))
  assert.deepEqual(await other.evaluate(() => window.told), [ids[0], 'hello'])
  await other.evaluate(() => { window.port.onmessage = ({ data }) => window.port.postMessage(data * 2) })
  assert.equal(await page.evaluate(() => new Promise((resolve) => {
    window.port.onmessage = ({ data }) => resolve(data)
    window.port.postMessage(21)
  })), 42)
})

test('objects of the document are refused', async () => {
  const page = await open()
  const refused = await page.evaluate(() => {
    const { ipcRenderer } = window
    return [document.body, location, new DOMMatrix(), window, document.styleSheets, new Event('x')].map((value) => {
      try {
        return ipcRenderer.send('click', { value })
      } catch ({ name, code, message }) {
        return `${name} ${code} ${message}`
      }
    })
  })
  assert.deepEqual(refused, ['HTMLBodyElement', 'Location', 'DOMMatrix', 'Window', 'StyleSheetList', 'Event']
    .map((name) => `DataCloneError ERR_DATA_CLONE An object could not be cloned: args[0].value (${name})`))
})

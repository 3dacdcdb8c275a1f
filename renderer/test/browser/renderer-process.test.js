/** Electron's documents of the renderer's side in Chromium, in pages of modules and of the classic script. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { useChromium } from '../support/chromium.js'
import { startHost } from '../support/host.js'
import { pages } from '../support/pages.js'
import { stated, statements } from '../support/renderer-process.js'

const read = (path) => readFileSync(new URL(path, import.meta.url), 'utf8')
const script = read('../../../spec/functional/renderer_process.lua')
const all = {
  ...pages,
  'renderer-process.js': read('../support/renderer-process.js'),
  'statements.js': "import { statements } from './renderer-process.js'\nwindow.statements = statements\n",
}
for (const name of ['module.html', 'classic.html']) {
  all[name] = all[name].replace('</html>', '<script type="module" src="statements.js"></script>\n</html>')
}

const browser = useChromium()
let host

before(async () => { host = await startHost(script, '', all) })
after(() => host.stop())

async function open(name) {
  const page = await browser.open(`${host.url}/${name}`)
  await page.waitForFunction(() => window.ipchost && window.statements)
  return page
}

// One page for all: opening it costs more than what it does.
for (const name of ['module.html', 'classic.html']) {
  test(`all that is stated holds in ${name}`, async () => {
    const page = await open(name)
    for (const statement of Object.keys(statements)) {
      assert.deepEqual(await page.evaluate(async (key) => {
        const { connect, ipcRenderer, renderer } = window.ipchost
        window.other ??= await connect(location.origin)
        return window.statements[key]({ ipcRenderer, renderer, other: window.other })
      }, statement), stated[statement], statement)
    }
  })
}

test('a port goes on to other code of the page by window.postMessage', async () => {
  const page = await open('module.html')
  assert.equal(await page.evaluate(async () => {
    const { ipcRenderer } = window.ipchost
    const answered = new Promise((resolve) => { ipcRenderer.once('from renderer main world', (event, data) => resolve(data)) })
    addEventListener('message', ({ source, data, ports: [port] }) => {
      if (source === window && data === 'main-world-port') port.onmessage = (event) => port.postMessage(event.data.test * 2)
    })
    ipcRenderer.once('main-world-port', (event) => window.postMessage('main-world-port', '*', event.ports))
    ipcRenderer.send('main world')
    return answered
  }), 42)
})

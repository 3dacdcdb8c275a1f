/** The main process of Electron's documents as a Node process finds it, once a transport. */
import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from '../../index.js'
import { startHost, transports } from '../support/host.js'
import { checks, mainScript } from '../support/main-process.js'
import { tests } from '../support/main-process-tests.js'

/** Of the test that runs. */
let host, renderer, main, child

const frameOf = (of) => ({ ipcRenderer: of.ipcRenderer, webFrame: of.webFrame, renderer: of, MessageChannel })

/** @param {string} transport */
function ends(transport) {
  test('a frame that is gone keeps its ids, and all else says so', async () => {
    child.ipcRenderer.send('keep')
    await child.ipcRenderer.invoke('heard')
    const { processId, webContentsId, webFrame: { routingId, frameToken } } = child.renderer
    child.renderer.close()
    assert.deepEqual(await main.ipcRenderer.invoke('end of the kept'), {
      senderFrame: true, contents: false, ids: [processId, routingId, processId, routingId, webContentsId], token: frameToken,
      url: 'Render frame was disposed before WebFrameMain could be accessed', found: false,
      ...Object.fromEntries(['replied', 'sent', 'posted', 'toFrame'].map((key) => [key, [false, 'destroyed']])),
    })
  })

  test('a contents that the scripts close is destroyed, and says so', async () => {
    const other = await connect(host.address.unix)
    other.ipcRenderer.send('keep')
    await other.ipcRenderer.invoke('heard')
    await main.ipcRenderer.invoke('close the kept')
    assert.equal((await other.closed).code, 1000)
    const { contents, found, replied } = await main.ipcRenderer.invoke('end of the kept')
    assert.deepEqual([contents, found, replied], [true, false, [false, 'destroyed']])
    assert.deepEqual(await main.ipcRenderer.invoke('heard'), ['destroyed true'])
  })

  test('a process that is killed is destroyed, and gone before where that can be told', async () => {
    const entry = new URL('../../index.js', import.meta.url).href
    const source = `import { ipcRenderer } from '${entry}'
      ipcRenderer.send('keep')
      await ipcRenderer.invoke('heard')
      console.log('kept')
      ipcRenderer.on('more', () => {})`
    const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
      env: { ...process.env, IPCHOST_ADDRESS: host.address[transport] }, stdio: ['ignore', 'pipe', 'inherit'],
    })
    const ended = once(child, 'exit')
    await once(child.stdout, 'data')
    child.kill('SIGKILL')
    await ended
    assert.equal((await main.ipcRenderer.invoke('end of the kept')).contents, true)
    assert.deepEqual(await main.ipcRenderer.invoke('heard'), [...(transport === 'ws' ? ['gone abnormal-exit'] : []), 'destroyed true'])
  })

  test('frames and contents of another process are sent to', async () => {
    const other = await connect(host.address.unix)
    const heard = []
    const news = new Promise((resolve) => {
      other.ipcRenderer.on('from another', (_, id) => heard.push(id))
      other.ipcRenderer.on('nobody', () => heard.push('nobody'))
      other.ipcRenderer.on('news', (_, text) => resolve(heard.push(text)))
    })
    const id = main.renderer.webContentsId
    const sent = await main.ipcRenderer.invoke('send to another', other.processId, other.webFrame.routingId, other.webContentsId)
    assert.deepEqual(sent, [true, false, false, true])
    await news
    assert.deepEqual(heard, [id, `of ${id}`])
    other.close()
  })
}

for (const transport of transports) {
  describe(`the main process over ${transport}`, () => {
    before(async () => { host = await startHost(mainScript, 'limits = { resume = "50ms" }') })
    after(() => host.stop())
    beforeEach(async () => {
      renderer = await connect(host.address[transport], { url: 'app://main' })
      main = frameOf(renderer)
      child = frameOf(await renderer.createFrame({ url: 'app://main/child', name: 'child' }))
    })
    afterEach(() => renderer.close())
    for (const [what, check] of Object.entries(checks)) test(what, () => check((name, ...args) => tests[name](main, child, ...args)))
    ends(transport)
  })
}

/** Connecting, and what a process waits for. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { connect } from '../../index.js'
import { runNode, startHost, transports, WORK } from '../support/host.js'

test('connect explains its failures', async () => {
  await assert.rejects(connect('unix:/nowhere/app.sock'), {
    code: 'ENOENT', message: 'Cannot connect to unix:/nowhere/app.sock: ENOENT, there is no such socket; is the host running?',
  })
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  await assert.rejects(connect(`tcp://127.0.0.1:${port}`), {
    code: 'ECONNREFUSED', message: `Cannot connect to tcp://127.0.0.1:${port}: ECONNREFUSED, nobody listens there; is the host running?`,
  })
  for (const address of ['app.sock', 'http://127.0.0.1:1', 'tcp://127.0.0.1', '']) {
    await assert.rejects(connect(address), { code: 'ERR_ADDRESS', message: /unix:\/path, tcp:\/\/host:port, ws:\/\/host:port or stdio:/ })
  }
  await assert.rejects(connect(), TypeError)
  await assert.rejects(connect('unix:/x', { name: 5 }), { name: 'TypeError', message: 'name must be a string' })
  await assert.rejects(connect('unix:/x', { timeout: 'soon' }), RangeError)
})

test('connect gives up on who does not answer', async () => {
  const server = createServer(() => {}).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = `tcp://127.0.0.1:${server.address().port}`
  const gone = once(server, 'connection').then(([socket]) => once(socket.resume(), 'close'))
  await assert.rejects(connect(address, { timeout: 20 }), { name: 'TimeoutError', code: 'ERR_TIMEOUT', message: `Cannot connect to ${address}: no answer within 20 ms` })
  await gone
  server.close()
})

const script = WORK + `
ipcMain.handle("echo", function(_, ...) return ... end)
ipcMain.handle("later", function(_, ms) async.sleep(ms) return "late" end)
local notes, waiting = {}, {}
ipcMain.on("note", function(_, text)
  notes[text] = true
  for _, resolve in ipairs(waiting[text] or {}) do resolve(true) end
end)
ipcMain.handle("noted", function(_, text)
  return notes[text] or Promise.new(function(resolve)
    waiting[text] = waiting[text] or {}
    table.insert(waiting[text], resolve)
  end)
end)
ipcMain.on("large", function() end)
ipcMain.on("push", function(event, ...) event.reply(...) end)
`

/** Of the test that runs. */
let host, address
const run = (source) => runNode(source, address)

function processes() {
  test('connects at first use, and ends when nothing is left to wait for', async () => {
    const { code, out, err } = await run(`
      import { ipcRenderer, renderer, webFrame } from 'ipchost'
      console.log(webFrame.routingId, await ipcRenderer.invoke('echo', 'here'), webFrame.routingId > 0, renderer.processId > 0)`)
    assert.deepEqual({ code, out, err }, { code: 0, out: 'undefined here true true\n', err: '' })
  })

  test('is held by a pending call', async () => {
    const { code, out } = await run(`
      import { ipcRenderer } from 'ipchost'
      ipcRenderer.invoke('later', 50).then(console.log)`)
    assert.deepEqual({ code, out }, { code: 0, out: 'late\n' })
  })

  test('is held by a listener, until it is removed', async () => {
    const { code, out } = await run(`
      import { ipcRenderer } from 'ipchost'
      ipcRenderer.on('x', function listener(event, text) { console.log(text); ipcRenderer.off('x', listener) })
      ipcRenderer.send('push', 'x', 'held')`)
    assert.deepEqual({ code, out }, { code: 0, out: 'held\n' })
  })

  test('is not held by a connection alone; what it sent arrives', async () => {
    const { code, err } = await run(`
      import { connect, ipcRenderer } from 'ipchost'
      await connect(process.env.IPCHOST_ADDRESS)
      ipcRenderer.send('note', 'from a process that ended')`)
    assert.deepEqual({ code, err }, { code: 0, err: '' })
    const renderer = await connect(address)
    assert.equal(await renderer.ipcRenderer.invoke('noted', 'from a process that ended'), true)
    renderer.close()
  })
}

function ends() {
  test('ends after close', async () => {
    const { code, out } = await run(`
      import { connect } from 'ipchost'
      const renderer = await connect(process.env.IPCHOST_ADDRESS)
      renderer.ipcRenderer.on('x', () => {})
      renderer.close()
      console.log(await renderer.closed)`)
    assert.deepEqual({ code, out }, { code: 0, out: "{ code: 1000, reason: '' }\n" })
  })

  test('ends after close; what it sent to a host that is busy arrives', async () => {
    const { code, err } = await run(`
      import { connect } from 'ipchost'
      const renderer = await connect(process.env.IPCHOST_ADDRESS)
      renderer.ipcRenderer.send('work', 300)
      for (let i = 0; i < 10; i++) renderer.ipcRenderer.send('large', 'x'.repeat(1000000))
      renderer.ipcRenderer.send('note', 'behind much')
      renderer.close()`)
    assert.deepEqual({ code, err }, { code: 0, err: '' })
    const renderer = await connect(address)
    assert.equal(await renderer.ipcRenderer.with({ timeout: 20000 }).invoke('noted', 'behind much'), true)
    renderer.close()
  })

  test('reports what a listener throws as uncaught, after the other listeners', async () => {
    const { code, out, err } = await run(`
      import { ipcRenderer } from 'ipchost'
      process.on('uncaughtException', ({ message }) => { console.log('uncaught', message); ipcRenderer.removeAllListeners() })
      ipcRenderer.on('x', () => { throw new Error('mine') })
      ipcRenderer.on('x', () => console.log('second'))
      ipcRenderer.send('push', 'x')`)
    assert.deepEqual({ code, out, err }, { code: 0, out: 'second\nuncaught mine\n', err: '' })
  })
}

for (const transport of transports) {
  describe(`a Node process over ${transport}`, () => {
    before(async () => {
      host = await startHost(script)
      address = host.address[transport]
    })
    after(() => host.stop())
    processes()
    ends()
  })
}

test('importing alone connects to nothing; the first use says what is missing', async () => {
  const { code, out, err } = await runNode(`
    import { ipcRenderer, renderer } from 'ipchost'
    await ipcRenderer.invoke('x').catch(({ code, message }) => console.log(code, message))
    try { ipcRenderer.on('x', () => {}) } catch ({ code }) { console.log(code, ipcRenderer.listenerCount('x')) }
    try { ipcRenderer.send('x') } catch ({ code }) { console.log(code) }`, '')
  const text = 'IPCHOST_ADDRESS is not set: set it to the address of the host, or use connect(address)'
  assert.deepEqual({ code, out, err }, { code: 0, out: `ERR_ADDRESS ${text}\nERR_ADDRESS 0\nERR_ADDRESS\n`, err: '' })
})

test('a call on a host that is not there rejects', async () => {
  const { code, out } = await runNode(`
    import { ipcRenderer, renderer } from 'ipchost'
    await ipcRenderer.invoke('x').catch(({ code, message }) => console.log(code, message))
    console.log((await renderer.closed).code)`, 'unix:/nowhere/app.sock')
  assert.equal(code, 0)
  assert.equal(out, "ERR_CLOSED Error invoking remote method 'x': Error: Cannot connect to unix:/nowhere/app.sock: ENOENT, there is no such socket; is the host running?\n1006\n")
})

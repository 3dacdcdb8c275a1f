/** ipcRenderer against a real host, once a transport. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { connect } from '../../index.js'
import { startHost, transports, WORK } from '../support/host.js'

const script = WORK + `
ipcMain.handle("echo", function(_, ...) return ... end)
ipcMain.handle("add", function(_, a, b) return a + b end)
ipcMain.handle("raise", function(_, value) error(value) end)
ipcMain.handle("raise text", function() error("broken") end)
ipcMain.handle("raise object", function()
  error { name = "NoteError", message = "full", code = "E_FULL", data = { left = 0 }, cause = ipc.Error { message = "disk" } }
end)
ipcMain.handle("function", function() return { rows = ipc.Array { { cb = print } } } end)
ipcMain.handle("never", function(event)
  kept = event
  return Promise.new(function() end)
end)
ipcMain.handle("later", function(_, ms, value) async.sleep(ms) return value end)
ipcMain.handle("identity", function(event)
  local frame, sender = event.senderFrame, event.sender
  return { process = event.processId, contents = sender.id, frame = event.frameId, url = frame.url, name = frame.name,
           origin = frame.origin, title = sender:getTitle(), pid = sender:getOSProcessId(), type = sender:getType(),
           token = frame.frameToken, parent = frame.parent and frame.parent.routingId or 0 }
end)
waiting = {}
ipcMain.handle("watch", function(event, name)
  event.signal:onAbort(function() webContents.broadcast("aborted " .. name, event.signal.reason.code) end)
  event.sender:send("watching " .. name)
  return Promise.new(function(resolve) waiting[name] = resolve end)
end)
ipcMain.on("push", function(event, channel, ...) event.reply(channel, ...) end)
ipcMain.on("burst", function(event, count)
  for i = 1, count do event.reply("burst", i) end
end)
local order = {}
ipcMain.on("order", function(_, i) order[#order + 1] = i end)
ipcMain.handle("order", function(_, i) order[#order + 1] = i local seen = order order = {} return seen end)
ipcMain.on("posted", function(event, ...) event.reply("posted", select("#", ...), #event.ports, ...) end)
local leaver
ipcMain.handle("leaves", function(event)
  local ended, resolve = Promise.withResolvers()
  leaver = { big = 0, ended = ended }
  event.sender:on("render-process-gone", function(_, details) leaver.gone = details.reason end)
  event.sender:once("destroyed", resolve)
end)
ipcMain.on("big", function() leaver.big = leaver.big + 1 end)
ipcMain.handle("left", function()
  await(leaver.ended)
  return { big = leaver.big, gone = leaver.gone }
end)
ipcMain.handle("close me", function(event) event.sender:close() end)
`

/** Of the test that runs. */
let host, renderer, ipcRenderer

function invoking() {
  test('invoke resolves with what the handler returned', async () => {
    assert.equal(await ipcRenderer.invoke('add', 2, 3), 5)
    assert.equal(await ipcRenderer.invoke('echo', 'a', 'b'), 'a')
    assert.equal(await ipcRenderer.invoke('echo'), undefined)
    assert.equal(await ipcRenderer.invoke('later', 2, 'x'), 'x')
  })

  test('an error has the message, name, code, data and cause of what was raised', async () => {
    await assert.rejects(ipcRenderer.invoke('raise text'), (error) => {
      assert.ok(error instanceof Error)
      assert.equal(error.message, "Error invoking remote method 'raise text': Error: broken")
      assert.equal(error.name, 'Error')
      assert.ok(!('code' in error) && !('data' in error) && !('cause' in error))
      return true
    })
    await assert.rejects(ipcRenderer.invoke('raise object'), (error) => {
      assert.equal(error.message, "Error invoking remote method 'raise object': NoteError: full")
      assert.equal(error.name, 'NoteError')
      assert.equal(error.code, 'E_FULL')
      assert.deepEqual(error.data, { left: 0 })
      assert.ok(error.cause instanceof Error && error.cause.message === 'disk')
      return true
    })
    await assert.rejects(ipcRenderer.invoke('raise', 42), { message: "Error invoking remote method 'raise': Error: 42" })
  })

  test('errors that the host makes have codes', async () => {
    await assert.rejects(ipcRenderer.invoke('nothing'), {
      message: "Error invoking remote method 'nothing': Error: No handler registered for 'nothing'", code: 'ERR_NO_HANDLER',
    })
    await assert.rejects(ipcRenderer.invoke('function'), {
      message: /DataCloneError: An object could not be cloned: result\.rows\[1\]\.cb \(function\)/, name: 'DataCloneError', code: 'ERR_DATA_CLONE',
    })
  })

  test('10,000 invokes at once are answered, each with its own value', async () => {
    const answers = await Promise.all(Array.from({ length: 10000 }, (_, i) => ipcRenderer.invoke('echo', i)))
    assert.ok(answers.every((value, i) => value === i))
  })

  test('large values pass', async () => {
    const bytes = new Uint8Array(5_000_000).map((_, i) => i % 251)
    const text = 'zażółć '.repeat(300_000)
    assert.ok(Buffer.from(await ipcRenderer.invoke('echo', bytes)).equals(Buffer.from(bytes)))
    assert.equal(await ipcRenderer.invoke('echo', text), text)
  })

  test('the host knows who speaks', async () => {
    assert.deepEqual(await ipcRenderer.invoke('identity'), {
      process: renderer.processId, contents: renderer.webContentsId, frame: renderer.webFrame.routingId, url: 'app://notes/1',
      name: 'notes', origin: 'app://notes', title: 'Notes', pid: process.pid, type: 'native', token: renderer.webFrame.frameToken, parent: 0,
    })
    for (const name of ['routingId', 'frameToken']) assert.throws(() => { renderer.webFrame[name] = 0 }, TypeError)
  })
}

function misusing() {
  test('what cannot be cloned is refused here, and nothing is sent', async () => {
    const value = { rows: [{ cb() {} }] }
    const expected = { name: 'DataCloneError', code: 'ERR_DATA_CLONE', message: 'An object could not be cloned: args[1].rows[0].cb (function)' }
    assert.throws(() => ipcRenderer.send('order', 0, value), expected)
    await assert.rejects(ipcRenderer.invoke('order', 0, value), expected)
    assert.throws(() => ipcRenderer.postMessage('order', value), { message: 'An object could not be cloned: message.rows[0].cb (function)' })
    assert.deepEqual(await ipcRenderer.invoke('order', 1), [1])
  })

  test('a channel that is missing is misuse', async () => {
    for (const channel of [undefined, null, 1, Symbol('x')]) {
      const expected = { name: 'TypeError', message: 'Missing required channel argument' }
      assert.throws(() => ipcRenderer.send(channel), expected)
      assert.throws(() => ipcRenderer.postMessage(channel, 1), expected)
      await assert.rejects(ipcRenderer.invoke(channel), expected)
      await assert.rejects(ipcRenderer.with({ timeout: 5 }).invoke(channel), expected)
    }
    assert.throws(() => ipcRenderer.send('\ud800'), TypeError)
    assert.throws(() => ipcRenderer.send('é'.repeat(32768)), TypeError)
    assert.equal(ipcRenderer.send('é'.repeat(32767)), true)
  })
}

function messaging() {
  test('send reaches listeners, and what they send reaches ours', async () => {
    const got = new Promise((resolve) => ipcRenderer.once('answer', (event, ...args) => resolve({ event, args })))
    assert.equal(ipcRenderer.send('push', 'answer', 1, { a: ['x'] }, undefined), true)
    const { event, args } = await got
    assert.deepEqual(args, [1, { a: ['x'] }, undefined])
    assert.equal(event.sender, ipcRenderer)
    assert.deepEqual(event.ports, [])
  })

  test('postMessage carries one value', async () => {
    const got = new Promise((resolve) => ipcRenderer.once('posted', (_, ...args) => resolve(args)))
    ipcRenderer.postMessage('posted', { a: 1 })
    assert.deepEqual(await got, [1, 0, { a: 1 }])
    assert.throws(() => ipcRenderer.postMessage('posted'), TypeError)
    assert.throws(() => ipcRenderer.postMessage('posted', 1, {}), TypeError)
  })

  test('send and invoke are dispatched in the order of the calls', async () => {
    for (let i = 0; i < 500; i++) ipcRenderer.send('order', i)
    const seen = await ipcRenderer.invoke('order', 500)
    assert.deepEqual(seen, Array.from({ length: 501 }, (_, i) => i))
  })

  test('messages and answers are seen in the order in which the host sent them', async () => {
    const seen = []
    ipcRenderer.on('order', (_, text) => seen.push(text))
    const done = new Promise((resolve) => ipcRenderer.once('done', resolve))
    // Several functions deep, so that the reaction to an answer takes several turns of the microtask queue.
    const echo = async (text) => await ipcRenderer.invoke('echo', text)
    const note = async (text) => { seen.push(await echo(text)) }
    for (let i = 1; i <= 3; i++) {
      note(`echo ${i}`)
      ipcRenderer.send('push', 'order', `push ${i}`)
    }
    ipcRenderer.send('push', 'done')
    await done
    assert.deepEqual(seen, ['echo 1', 'push 1', 'echo 2', 'push 2', 'echo 3', 'push 3'])
  })

  test('a burst arrives whole', async () => {
    const seen = []
    const whole = new Promise((resolve) => ipcRenderer.on('burst', (_, i) => { if (seen.push(i) === 20000) resolve() }))
    ipcRenderer.send('burst', 20000)
    await whole
    assert.ok(seen.every((i, at) => i === at + 1))
  })
}

function givingUp() {
  test('an abort rejects with its reason and reaches the handler', async () => {
    const controller = new AbortController()
    const aborted = new Promise((resolve) => ipcRenderer.once('aborted a', (_, code) => resolve(code)))
    ipcRenderer.once('watching a', () => controller.abort(new Error('enough')))
    await assert.rejects(ipcRenderer.with({ signal: controller.signal }).invoke('watch', 'a'), { message: 'enough' })
    assert.equal(await aborted, 'ERR_ABORTED')
    await assert.rejects(ipcRenderer.with({ signal: controller.signal }).invoke('watch', 'b'), { message: 'enough' })
    await assert.rejects(ipcRenderer.with({ signal: AbortSignal.abort() }).invoke('watch', 'b'), { name: 'AbortError' })
  })

  test('a time-out rejects with TimeoutError and reaches the handler', async () => {
    const aborted = new Promise((resolve) => ipcRenderer.once('aborted c', (_, code) => resolve(code)))
    await assert.rejects(ipcRenderer.with({ timeout: 20 }).invoke('watch', 'c'), {
      name: 'TimeoutError', code: 'ERR_TIMEOUT', message: "Error invoking remote method 'watch': TimeoutError: no answer within 20 ms",
    })
    assert.equal(await aborted, 'ERR_TIMEOUT')
    assert.equal(await ipcRenderer.with({ timeout: 60000, signal: new AbortController().signal }).invoke('add', 1, 1), 2)
    assert.throws(() => ipcRenderer.with({ timeout: -1 }), RangeError)
    await assert.rejects(ipcRenderer.with({ timeout: 60000 }).invoke('raise text'), { message: /broken/ })
  })
}

function closingWithin() {
  test('a getter of what is sent may give up and close: that leaves behind it', async () => {
    const child = await renderer.createFrame()
    const controller = new AbortController()
    const given = assert.rejects(ipcRenderer.with({ signal: controller.signal }).invoke('never'), { name: 'AbortError' })
    const closing = { get value() { controller.abort(); child.close(); return 'whole' } }
    assert.deepEqual(await ipcRenderer.invoke('echo', closing), { value: 'whole' })
    await given
    assert.equal((await child.closed).code, 1000)
    ipcRenderer.send('push', 'x', { get value() { renderer.close(); return 1 } })
    assert.deepEqual(await renderer.closed, { code: 1000, reason: '' })
  })
}

/** @param {string} transport */
function framesAndTheEnd(transport) {
  test('createFrame gives a frame below, in the same session', async () => {
    const child = await renderer.createFrame({ url: 'app://notes/child', name: 'child' })
    const grandchild = await child.createFrame()
    assert.equal(child.processId, renderer.processId)
    assert.equal(child.webContentsId, renderer.webContentsId)
    const identity = await child.ipcRenderer.invoke('identity')
    assert.equal(identity.frame, child.webFrame.routingId)
    assert.equal(identity.name, 'child')
    assert.equal(identity.parent, renderer.webFrame.routingId)
    assert.equal((await grandchild.ipcRenderer.invoke('identity')).parent, child.webFrame.routingId)
    const heard = []
    ipcRenderer.on('to', () => heard.push('main'))
    child.ipcRenderer.on('to', () => heard.push('child'))
    child.ipcRenderer.send('push', 'to')
    await child.ipcRenderer.invoke('echo')
    assert.deepEqual(heard, ['child'])
    const pending = assert.rejects(grandchild.ipcRenderer.invoke('never'), { code: 'ERR_DESTROYED' })
    child.close()
    await pending
    assert.deepEqual(await child.closed, { code: 1000, reason: '' })
    assert.deepEqual(await grandchild.closed, { code: 1000, reason: '' })
    assert.throws(() => child.ipcRenderer.send('push'), { message: 'IPC method called after context was released', code: 'ERR_CLOSED' })
    assert.equal(await ipcRenderer.invoke('add', 1, 2), 3)
    await assert.rejects(renderer.createFrame({ name: 5 }), TypeError)
  })

  test('close ends everything', async () => {
    const states = []
    renderer.on('connection', (change) => states.push(change))
    const pending = ipcRenderer.invoke('never')
    const child = await renderer.createFrame()
    renderer.close()
    await assert.rejects(pending, { code: 'ERR_CLOSED', message: "Error invoking remote method 'never': Error: the connection was closed (1000)" })
    assert.deepEqual(await renderer.closed, { code: 1000, reason: '' })
    assert.deepEqual(await child.closed, { code: 1000, reason: '' })
    assert.deepEqual(states, [{ state: 'closed', resumed: false }])
    const released = { message: 'IPC method called after context was released', code: 'ERR_CLOSED' }
    assert.throws(() => ipcRenderer.send('x'), released)
    assert.throws(() => ipcRenderer.postMessage('x', 1), released)
    await assert.rejects(ipcRenderer.invoke('x'), released)
    await assert.rejects(renderer.createFrame(), released)
    ipcRenderer.on('x', () => {})
    renderer.close()
  })

  test('close delivers what was sent to a host that is busy', async () => {
    const leaver = await connect(host.address[transport])
    await leaver.ipcRenderer.invoke('leaves')
    leaver.ipcRenderer.send('work', 1500)
    for (let i = 0; i < 10; i++) leaver.ipcRenderer.send('big', 'x'.repeat(1000000))
    leaver.close()
    assert.deepEqual(await ipcRenderer.invoke('left'), { big: 10 })
  })

  test('the host closes a contents', async () => {
    await assert.rejects(ipcRenderer.invoke('close me'), { code: 'ERR_CLOSED' })
    assert.equal((await renderer.closed).code, 1000)
  })
}

for (const transport of transports) {
  describe(`ipcRenderer over ${transport}`, () => {
    before(async () => { host = await startHost(script) })
    after(() => host.stop())
    beforeEach(async () => {
      renderer = await connect(host.address[transport], { url: 'app://notes/1', name: 'notes', title: 'Notes' })
      ipcRenderer = renderer.ipcRenderer
    })
    afterEach(() => renderer.close())
    invoking()
    misusing()
    messaging()
    givingUp()
    framesAndTheEnd(transport)
    closingWithin()
  })

  test(`frames keep to limits.frames over ${transport}`, async () => {
    const host = await startHost(script, 'limits = { frames = 3 }')
    const renderer = await connect(host.address[transport])
    const over = { code: 'ERR_LIMIT_FRAMES', message: 'limits.frames (3) exceeded; close frames or raise limits.frames' }
    const child = await renderer.createFrame()
    await child.createFrame()
    await assert.rejects(renderer.createFrame(), over)
    await assert.rejects(child.createFrame(), over)
    child.close()
    const [one, , three] = await Promise.allSettled([1, 2, 3].map(() => renderer.createFrame()))
    assert.equal(three.reason?.code, 'ERR_LIMIT_FRAMES')
    assert.equal(await one.value.ipcRenderer.invoke('echo', 'on'), 'on')
    renderer.close()
    await host.stop()
  })

  test(`packets keep to the host's limits over ${transport}`, async () => {
    const host = await startHost(script, 'limits = { packet = "64KiB", nesting = 20 }')
    const { ipcRenderer } = await connect(host.address[transport])
    const value = 'x'.repeat(70000)
    assert.throws(() => ipcRenderer.send('order', value), { code: 'ERR_LIMIT_PACKET' })
    await assert.rejects(ipcRenderer.invoke('echo', value), { code: 'ERR_LIMIT_PACKET' })
    let deep = []
    for (let i = 0; i < 19; i++) deep = [deep]
    await assert.rejects(ipcRenderer.invoke('echo', deep), { code: 'ERR_LIMIT_NESTING' })
    const many = await Promise.all(Array.from({ length: 50 }, () => ipcRenderer.invoke('echo', value.slice(0, 9000))))
    assert.ok(many.every((each) => each.length === 9000))
    await host.stop()
  })

  test(`a host that dies, and one that stops, are told apart over ${transport}`, async () => {
    const dying = await startHost(script)
    const lost = await connect(dying.address[transport], { reconnect: false })
    const pending = assert.rejects(lost.ipcRenderer.invoke('never'), { code: 'ERR_CLOSED' })
    await dying.kill()
    await pending
    assert.equal((await lost.closed).code, 1006)
    const stopping = await startHost(script)
    const left = await connect(stopping.address[transport])
    await stopping.stop()
    assert.equal((await left.closed).code, 1001)
  })
}

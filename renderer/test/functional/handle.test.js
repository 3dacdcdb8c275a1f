/** ipcRenderer.handle against a real host that asks, once a transport. */
import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, mock, test } from 'node:test'
import { connect } from '../../index.js'
import { runNode, startHost, transports } from '../support/host.js'

const script = `
local function describe(err) return { name = err.name, message = err.message, code = err.code, data = err.data, cause = err.cause } end
ipcMain.handle("ask", function(event, channel, ...) return event.sender:invoke(channel, ...) end)
ipcMain.handle("ask frame", function(event, channel, ...) return event.senderFrame:invoke(channel, ...) end)
ipcMain.handle("fails", function(event, channel, ...)
  local ok, err = pcall(await, event.senderFrame:invoke(channel, ...))
  assert(not ok)
  return describe(err)
end)
ipcMain.handle("times out", function(event, channel)
  local ok, err = pcall(await, event.sender:with { timeout = 10 }:invoke(channel))
  return describe(err)
end)
ipcMain.handle("aborts", function(event, channel)
  local controller = AbortController()
  local promise = event.sender:with { signal = controller.signal }:invoke(channel)
  ipcMain.once("started", function() controller:abort(ipc.Error { message = "enough", code = "E_ENOUGH" }) end)
  local ok, err = pcall(await, promise)
  return describe(err)
end)
local held = {}
ipcMain.on("hold", function(event, name, channel)
  held[name] = event.senderFrame:invoke(channel)
  held[name]:catch(function() end)
end)
ipcMain.handle("held", function(_, name)
  local ok, err = pcall(await, held[name])
  return describe(err)
end)
ipcMain.handle("calls", function() return app.metrics().outgoingCalls end)
ipcMain.handle("order", function(event)
  event.sender:send("note", 1)
  local answer = event.sender:invoke("note")
  event.sender:send("note", 3)
  return await(answer)
end)
local answered, resolve = Promise.withResolvers()
ipcMain.on("ask me", function(event, channel) resolve(event.sender:invoke(channel)) end)
ipcMain.handle("answered", function() return answered end)
`

/** Of the test that runs. */
let host, renderer, ipcRenderer, logged

/** A handler that waits for its signal; `started` resolves with that. */
function waiting(channel, on = ipcRenderer) {
  let begun
  const started = new Promise((resolve) => { begun = resolve })
  on.handle(channel, (event) => {
    begun(event.signal)
    on.send('started')
    return new Promise(() => {})
  })
  return started
}

const aborted = (signal) => new Promise((resolve) => {
  if (signal.aborted) resolve(signal.reason)
  else signal.addEventListener('abort', () => resolve(signal.reason))
})

function answering() {
  test('a handler answers with a value, or a promise of one', async () => {
    ipcRenderer.handle('add', (event, a, b) => {
      assert.equal(event.sender, ipcRenderer)
      assert.deepEqual(event.ports, [])
      assert.ok(event.signal instanceof AbortSignal && !event.signal.aborted)
      return a + b
    })
    ipcRenderer.handle('later', async (event, value) => ({ value }))
    ipcRenderer.handle('nothing', () => {})
    assert.equal(await ipcRenderer.invoke('ask', 'add', 2, 3), 5)
    assert.deepEqual(await ipcRenderer.invoke('ask frame', 'later', [1, 'x']), { value: [1, 'x'] })
    assert.equal(await ipcRenderer.invoke('ask', 'nothing'), undefined)
  })

  test('what it throws has name, message, code, data and cause', async () => {
    ipcRenderer.handle('throw', async () => {
      throw Object.assign(new TypeError('full', { cause: new RangeError('disk') }), { code: 'E_FULL', data: { left: 0 } })
    })
    const { cause, ...error } = await ipcRenderer.invoke('fails', 'throw')
    assert.deepEqual(error, {
      name: 'TypeError', message: "Error invoking remote method 'throw': TypeError: full", code: 'E_FULL', data: { left: 0 },
    })
    assert.ok(cause instanceof RangeError && cause.message === 'disk')
    assert.match(logged[0], /^Error occurred in handler for 'throw':/)
    ipcRenderer.handle('plain', () => { throw new Error('broken') })
    assert.deepEqual(await ipcRenderer.invoke('fails', 'plain'), { name: 'Error', message: "Error invoking remote method 'plain': Error: broken" })
    for (const [value, text] of [[42, '42'], ['text', 'text'], [null, 'null'], [{ message: 'm', code: {} }, 'm'], [{ toString() { throw 1 } }, 'an error was thrown that cannot be described'], [{ get message() { throw 1 } }, 'an error was thrown that cannot be described']]) {
      ipcRenderer.removeHandler('value').handle('value', () => { throw value })
      assert.equal((await ipcRenderer.invoke('fails', 'value')).message, `Error invoking remote method 'value': Error: ${text}`)
    }
  })

  test('what cannot be cloned is refused, or left out of an error', async () => {
    ipcRenderer.handle('function', () => ({ rows: [() => {}] }))
    const error = await ipcRenderer.invoke('fails', 'function')
    assert.equal(error.message, "Error invoking remote method 'function': DataCloneError: An object could not be cloned: result.rows[0] (function)")
    assert.equal(error.code, 'ERR_DATA_CLONE')
    ipcRenderer.handle('data', () => { throw Object.assign(new Error('odd', { cause: 7 }), { data: Symbol('x') }) })
    const { message, data, cause } = await ipcRenderer.invoke('fails', 'data')
    assert.deepEqual([message, data, cause], ["Error invoking remote method 'data': Error: odd", undefined, 7])
    assert.ok(logged.some((text) => text.startsWith("a part of the error of the handler for 'data' was left out:")))
  })
}

function registering() {
  test('without a handler the call rejects at once', async () => {
    const { message, code } = await ipcRenderer.invoke('fails', 'none')
    assert.equal(message, "Error invoking remote method 'none': Error: No handler registered for 'none'")
    assert.equal(code, 'ERR_NO_HANDLER')
  })

  test('one handler a channel, once or until it is removed', async () => {
    ipcRenderer.handle('x', () => 1)
    assert.throws(() => ipcRenderer.handle('x', () => 2), { message: "Attempted to register a second handler for 'x'" })
    assert.throws(() => ipcRenderer.handle('y'), { name: 'TypeError', message: "Expected handler to be a function, but found type 'undefined'" })
    assert.throws(() => ipcRenderer.handle(), { name: 'TypeError', message: 'Missing required channel argument' })
    ipcRenderer.removeHandler('x').removeHandler('x').handleOnce('x', () => 3)
    assert.equal(await ipcRenderer.invoke('ask', 'x'), 3)
    assert.equal((await ipcRenderer.invoke('fails', 'x')).code, 'ERR_NO_HANDLER')
  })
}

function ending() {
  test('a time-out and an abort reach the handler as its signal', async () => {
    const late = waiting('late')
    const error = await ipcRenderer.invoke('times out', 'late')
    assert.deepEqual([error.name, error.code, error.message], ['TimeoutError', 'ERR_TIMEOUT', "Error invoking remote method 'late': TimeoutError: no answer within 10 ms"])
    const reason = await aborted(await late)
    assert.deepEqual([reason.name, reason.code], ['TimeoutError', 'ERR_TIMEOUT'])
    const given = waiting('given up')
    assert.equal((await ipcRenderer.invoke('aborts', 'given up')).code, 'E_ENOUGH')
    assert.equal((await aborted(await given)).code, 'ERR_ABORTED')
    assert.equal(await ipcRenderer.invoke('calls'), 0)
  })

  test('sends and calls come in the order in which they were made', async () => {
    const seen = []
    ipcRenderer.on('note', (_, n) => seen.push(n)).handle('note', () => { seen.push(2); return 'done' })
    assert.equal(await ipcRenderer.invoke('order'), 'done')
    assert.deepEqual(seen, [1, 2, 3])
  })

  test('the end of a frame, or of the connection, ends what it was asked', async () => {
    const child = await renderer.createFrame({ name: 'child' })
    const ofChild = waiting('x', child.ipcRenderer)
    child.ipcRenderer.send('hold', 'child', 'x')
    const signal = await ofChild
    child.close()
    assert.equal((await aborted(signal)).code, 'ERR_DESTROYED')
    assert.equal((await ipcRenderer.invoke('held', 'child')).code, 'ERR_DESTROYED')
    const other = await connect(host.address.unix)
    const ofOther = waiting('y', other.ipcRenderer)
    other.ipcRenderer.send('hold', 'other', 'y')
    await ofOther
    other.close()
    assert.equal((await aborted(await ofOther)).code, 'ERR_CLOSED')
    assert.equal((await ipcRenderer.invoke('held', 'other')).code, 'ERR_CLOSED')
    assert.equal(await ipcRenderer.invoke('calls'), 0)
  })
}

for (const transport of transports) {
  describe(`ipcRenderer.handle over ${transport}`, () => {
    before(async () => { host = await startHost(script) })
    after(() => host.stop())
    beforeEach(async () => {
      logged = []
      for (const method of ['error', 'warn']) mock.method(console, method, (text) => { logged.push(text) })
      renderer = await connect(host.address[transport])
      ipcRenderer = renderer.ipcRenderer
    })
    afterEach(() => {
      renderer.close()
      mock.restoreAll()
    })
    answering()
    registering()
    ending()
  })
}

describe('a process with a handler', () => {
  before(async () => { host = await startHost(script) })
  after(() => host.stop())

  test('is held by it until it is removed and has answered', async () => {
    const { code, err } = await runNode(`
      import { ipcRenderer } from 'ipchost'
      ipcRenderer.handleOnce('who', () => new Promise((resolve) => setTimeout(resolve, 5, 'node').unref()))
      ipcRenderer.send('ask me', 'who')
    `, host.address.unix)
    assert.deepEqual([code, err], [0, ''])
    const other = await connect(host.address.unix)
    assert.equal(await other.ipcRenderer.invoke('answered'), 'node')
    other.close()
  })
})

/** MessagePorts through a real host: between scripts and this process, and between two connections. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { connect } from '../../index.js'
import { runNode, startHost, transports } from '../support/host.js'

const SIZES = [0, 1, 65535, 65536, 65537, 262147, 3145729]

const script = `
kept = {}
local closed = {}
ipcMain.handle("give", function(event, name, count)
  local port1, port2 = MessageChannelMain.pair()
  kept[name] = port1
  local promise, resolve = Promise.withResolvers()
  closed[name] = promise
  port1:on("close", function() resolve("closed") end)
  for i = 1, count or 0 do port1:postMessage(i) end
  event.sender:postMessage("given", name, { port2 })
end)
ipcMain.handle("say", function(_, name, ...) return (kept[name]:postMessage(...)) end)
ipcMain.handle("hear", function(_, name, count)
  local got, promise, resolve = {}, Promise.withResolvers()
  kept[name]:on("message", function(event)
    got[#got + 1] = event.data
    if #got == count then resolve(ipc.Array(got)) end
  end)
  kept[name]:start()
  return promise
end)
ipcMain.handle("nest", function(_, name)
  local port1, port2 = MessageChannelMain.pair()
  kept[name .. " nested"] = port1
  port1:postMessage("inside")
  kept[name]:postMessage("nested", { port2 })
end)
ipcMain.handle("ports", function() return app.metrics().ports end)
ipcMain.handle("close", function(_, name) kept[name]:close() end)
ipcMain.handle("closed", function(_, name) return closed[name] end)
ipcMain.on("keep", function(event, name)
  kept[name] = event.ports[1]
  local promise, resolve = Promise.withResolvers()
  closed[name] = promise
  kept[name]:on("close", function() resolve("closed") end)
end)
ipcMain.on("echo", function(event, first)
  local port = event.ports[1]
  port:on("message", function(inner) port:postMessage(inner.data, inner.ports) end)
  port:start()
  port:postMessage(first)
end)
ipcMain.on("to other", function(event, id) webContents.fromId(id):postMessage("passed", "on", event.ports) end)
ipcMain.handle("join", function(_, one, other)
  local port1, port2 = MessageChannelMain.pair()
  webContents.fromId(one):postMessage("joined", 1, { port1 })
  webContents.fromId(other):postMessage("joined", 2, { port2 })
end)
`

/** Of the test that runs. */
let host, renderer, other, ipc

/** The next message on a channel: its event, with what came in `data`. */
function next(emitter, channel) {
  return new Promise((resolve) => emitter.once(channel, (event, data) => resolve(Object.assign(event, { data }))))
}

/** What a port gets, as a promise for each. */
function reading(port) {
  const got = []
  const wanted = []
  port.onmessage = (event) => {
    const waiting = wanted.shift()
    if (waiting) waiting(event)
    else got.push(event)
  }
  return () => new Promise((resolve) => { got.length > 0 ? resolve(got.shift()) : wanted.push(resolve) })
}

async function given(name, count) {
  const [event] = await Promise.all([next(ipc, 'given'), ipc.invoke('give', name, count)])
  return event.ports[0]
}

async function joined() {
  const mine = next(ipc, 'joined')
  const theirs = next(other.ipcRenderer, 'joined')
  await ipc.invoke('join', renderer.webContentsId, other.webContentsId)
  return [(await mine).ports[0], (await theirs).ports[0]]
}

function withScripts() {
  test('a port of the scripts is native here, and has what was queued', async () => {
    const port = await given('native', 3)
    assert.ok(port instanceof MessagePort)
    const read = reading(port)
    for (let i = 1; i <= 3; i++) assert.equal((await read()).data, i)
    await ipc.invoke('say', 'native', { x: new Map([[1, 2n]]) })
    assert.deepEqual((await read()).data, { x: new Map([[1, 2n]]) })
    port.postMessage('from here')
    port.postMessage({ last: true })
    assert.deepEqual(await ipc.invoke('hear', 'native', 2), ['from here', { last: true }])
    port.close()
  })

  test('waits for start, whoever listens', async () => {
    const port = await given('waiting', 1)
    const got = []
    port.start()
    port.addEventListener('message', ({ data }) => got.push(data))
    await once(port, 'message')
    assert.deepEqual(got, [1])
    port.close()
  })

  test('a port of this process arrives in event.ports, and is neutered', async () => {
    const { port1, port2 } = new MessageChannel()
    const read = reading(port2)
    port2.postMessage('before')
    ipc.postMessage('echo', 'hello', [port1])
    assert.equal((await read()).data, 'hello')
    assert.equal((await read()).data, 'before')
    assert.throws(() => ipc.postMessage('echo', 1, [port1]), { message: 'Port at index 0 is already neutered', name: 'DataCloneError' })
    port2.close()
  })
}

function carrying() {
  test('messages of every size', async () => {
    const { port1, port2 } = new MessageChannel()
    const read = reading(port2)
    ipc.postMessage('echo', 'ready', [port1])
    await read()
    for (const size of SIZES) {
      const bytes = new Uint8Array(size).map((_, i) => i * 7)
      port2.postMessage(bytes)
      const { data } = await read()
      assert.ok(data instanceof Uint8Array)
      assert.ok(Buffer.from(data).equals(Buffer.from(bytes)), `${size} bytes`)
    }
    port2.close()
  })

  test('what cannot be transferred or cloned is refused, and nothing is neutered by it', async () => {
    const { port1, port2 } = new MessageChannel()
    const port = await given('refusing')
    assert.throws(() => ipc.postMessage('echo', 1, [port1, port1]), { message: 'Port at index 1 is a duplicate' })
    assert.throws(() => ipc.postMessage('echo', 1, [{}]), { message: 'Invalid value for transfer', name: 'TypeError' })
    assert.throws(() => ipc.postMessage('echo', () => {}, [port1]), { name: 'DataCloneError' })
    assert.throws(() => port.postMessage(1, [port]), { message: 'Port at index 0 contains the source port' })
    assert.throws(() => port.postMessage(() => {}, [port1]), { name: 'DataCloneError' })
    const empty = new ArrayBuffer(8)
    structuredClone(empty, { transfer: [empty] })
    assert.throws(() => port.postMessage(1, [port1, empty]), { message: 'ArrayBuffer at index 1 is already detached', name: 'DataCloneError' })
    for (const wrong of [5, [5], { transfer: [port1, {}] }]) {
      assert.throws(() => port.postMessage(1, wrong), { message: 'Invalid value for transfer', name: 'TypeError' })
    }
    assert.throws(() => port.postMessage(), { message: 'Insufficient number of arguments', name: 'TypeError' })
    assert.throws(() => ipc.postMessage('echo', 1, [new ArrayBuffer(8)]), { message: 'Invalid value for transfer', name: 'TypeError' })
    const read = reading(port2)
    ipc.postMessage('echo', 'still good', [port1])
    assert.equal((await read()).data, 'still good')
    port2.close()
    port.close()
  })

}

function travelling() {
  test('ports travel through ports, both ways', async () => {
    const port = await given('carrier')
    const read = reading(port)
    await ipc.invoke('nest', 'carrier')
    const event = await read()
    assert.equal(event.data, 'nested')
    const inner = reading(event.ports[0])
    assert.equal((await inner()).data, 'inside')
    event.ports[0].postMessage('back')
    assert.deepEqual(await ipc.invoke('hear', 'carrier nested', 1), ['back'])
    const { port1, port2 } = new MessageChannel()
    const echo = new MessageChannel()
    const heard = reading(echo.port2)
    ipc.postMessage('echo', 'start', [echo.port1])
    await heard()
    echo.port2.postMessage('take this', [port1])
    const back = (await heard()).ports[0]
    const through = reading(back)
    port2.postMessage('round')
    assert.equal((await through()).data, 'round')
    for (const each of [port, event.ports[0], echo.port2, back, port2]) each.close()
  })
}

function asOnTheWeb() {
  test('a port that came takes options, lists of any kind, and buffers, which are empty then', async () => {
    const port = await given('as on the web')
    const { port1, port2 } = new MessageChannel()
    const bytes = new Uint8Array([1, 2, 3])
    port.postMessage(bytes, [bytes.buffer])
    assert.equal(bytes.buffer.byteLength, 0)
    port.postMessage('options', { transfer: new Set([port1]) })
    port.postMessage('none', {})
    port.postMessage('nothing', null)
    assert.deepEqual(await ipc.invoke('hear', 'as on the web', 4), [new Uint8Array([1, 2, 3]), 'options', 'none', 'nothing'])
    port2.close()
    port.close()
  })

  test('a port that came has onclose', async () => {
    const port = await given('onclose')
    const events = []
    port.onclose = () => events.push('first')
    assert.equal(typeof port.onclose, 'function')
    const closed = new Promise((resolve) => {
      port.onclose = function (event) {
        events.push(this === port, event.type)
        resolve()
      }
    })
    port.start()
    await ipc.invoke('close', 'onclose')
    await closed
    assert.deepEqual(events, [true, 'close'])
  })

  test('what is said of a port that is closed is dropped', async () => {
    const port = await given('closed')
    port.close()
    port.postMessage('late')
    assert.equal(await ipc.invoke('closed', 'closed'), 'closed')
    assert.equal(await ipc.invoke('say', 'closed', 'to nobody'), false)
  })
}

function closing() {
  test('closes once, after what was queued, when the scripts close', async () => {
    const port = await given('closing', 2)
    const order = []
    port.onmessage = ({ data }) => order.push(data)
    port.addEventListener('close', () => order.push('close'))
    await ipc.invoke('close', 'closing')
    while (!order.includes('close')) await once(port, 'close')
    await ipc.invoke('give', 'turn')
    assert.deepEqual(order, [1, 2, 'close'])
  })

  test('closes at the scripts when the port is closed here, or was posted where nobody listens', async () => {
    const port = await given('here')
    port.close()
    assert.equal(await ipc.invoke('closed', 'here'), 'closed')
    await ipc.invoke('give', 'nobody listens')
    assert.equal(await ipc.invoke('closed', 'nobody listens'), 'closed')
    const { port1, port2 } = new MessageChannel()
    ipc.postMessage('nobody there', 1, [port1])
    await once(port2, 'close')
  })

  test('closes at the scripts when the connection closes', async () => {
    const [event] = await Promise.all([next(other.ipcRenderer, 'given'), other.ipcRenderer.invoke('give', 'gone')])
    const closed = once(event.ports[0], 'close')
    other.close()
    assert.equal(await ipc.invoke('closed', 'gone'), 'closed')
    await closed
  })
}

function betweenTwo() {
  test('two that were joined talk in order', async () => {
    const [mine, theirs] = await joined()
    const count = 20000
    const done = new Promise((resolve) => {
      let expected = 0
      theirs.onmessage = ({ data }) => {
        assert.equal(data, expected++)
        if (expected === count) resolve()
      }
    })
    for (let i = 0; i < count; i++) mine.postMessage(i)
    await done
    const read = reading(mine)
    theirs.postMessage(new Uint8Array(3145729))
    assert.equal((await read()).data.length, 3145729)
    mine.close()
    await once(theirs, 'close')
  })

  test('a port moves on with what was not dispatched, in order', async () => {
    const port = await given('moving', 3)
    const got = []
    const three = new Promise((resolve) => {
      port.onmessage = ({ data }) => {
        got.push(data)
        if (got.length === 3) resolve()
      }
    })
    await three
    port.postMessage('before')
    // These are under way while the port moves.
    for (let i = 4; i <= 2000; i++) ipc.invoke('say', 'moving', i)
    const passed = next(other.ipcRenderer, 'passed')
    await new Promise((resolve) => { port.addEventListener('message', resolve, { once: true }) })
    ipc.postMessage('to other', other.webContentsId, [port])
    const heard = got.length
    const theirs = (await passed).ports[0]
    const read = reading(theirs)
    for (let i = heard + 1; i <= 2000; i++) assert.equal((await read()).data, i)
    assert.equal(got.length, heard)
    theirs.postMessage('after')
    assert.deepEqual(await ipc.invoke('hear', 'moving', 2), ['before', 'after'])
    theirs.close()
  })
}

/** A worker that takes a port, and says when it has read so many bytes there. */
const READING = `
const { parentPort } = require('node:worker_threads')
parentPort.once('message', ({ port, expected }) => {
  let length = 0
  port.onmessage = ({ data }) => {
    length += data.length
    if (length === expected) port.postMessage(length)
  }
})`

function apart() {
  for (const used of [false, true]) {
    test(`a port that was received goes on in a worker, ${used ? 'after' : 'before'} it was used here`, async () => {
      const name = used ? 'used' : 'unused'
      const port = await given(name)
      if (used) {
        const read = reading(port)
        await ipc.invoke('say', name, 'first')
        assert.equal((await read()).data, 'first')
      }
      const worker = new Worker(READING, { eval: true })
      const heard = ipc.invoke('hear', name, 1)
      worker.postMessage({ port, expected: 4 << 20 }, [port])
      // Four times what the host would send without credit.
      for (let i = 0; i < 16; i++) await ipc.invoke('say', name, 'x'.repeat(1 << 18))
      assert.deepEqual(await heard, [4 << 20])
      await worker.terminate()
      assert.equal(await ipc.invoke('closed', name), 'closed')
    })
  }

  test('a reader that does not start holds nothing but its window', async () => {
    const [mine, theirs] = await joined()
    const chunk = new Uint8Array(65536)
    for (let i = 0; i < 64; i++) mine.postMessage(chunk)
    const again = new Promise((resolve) => {
      let count = 0
      theirs.addEventListener('close', () => resolve(count))
      theirs.onmessage = () => { count++ }
    })
    mine.close()
    assert.equal(await again, 64)
  })

  test('closes when the process of the other is killed', async () => {
    const entry = new URL('../../index.js', import.meta.url).href
    const source = `import { ipcRenderer, renderer } from '${entry}'
      ipcRenderer.on('joined', ({ ports: [port] }) => { port.onmessage = () => {}; port.postMessage('hello') })
      ipcRenderer.send('nothing'); await ipcRenderer.invoke('give', 'x'); console.log(renderer.webContentsId)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', source], { env: { ...process.env, IPCHOST_ADDRESS: host.address.unix }, stdio: ['ignore', 'pipe', 'inherit'] })
    const [id] = await once(child.stdout, 'data')
    const mine = next(ipc, 'joined')
    await ipc.invoke('join', renderer.webContentsId, Number(id))
    const port = (await mine).ports[0]
    assert.equal((await reading(port)()).data, 'hello')
    const closed = once(port, 'close')
    child.kill('SIGKILL')
    await closed
  })
}

/** A port whose window is full, and one whose other port is in a message that waits there. */
async function waiting(port) {
  const { port1, port2 } = new MessageChannel()
  for (let i = 0; i < 4; i++) port.postMessage('x'.repeat(3000))
  port.postMessage('waits', [port1])
  return port2
}

/** Of what a packet has beside a payload, more than is left. */
const NEARLY = 65536 - 128 - 5

function limited() {
  test('a post whose channel or ports go past limits.packet is refused, and neuters nothing', async () => {
    const [mine] = await joined()
    const { port1, port2 } = new MessageChannel()
    assert.throws(() => ipc.postMessage('x'.repeat(300), 'x'.repeat(NEARLY), [port1]), { code: 'ERR_LIMIT_PACKET' })
    const many = Array.from({ length: 40 }, () => new MessageChannel())
    assert.throws(() => mine.postMessage('x'.repeat(NEARLY), [port1, ...many.map((each) => each.port1)]), { code: 'ERR_LIMIT_PACKET' })
    // So is one that would have to wait.
    for (let i = 0; i < 4; i++) mine.postMessage('x'.repeat(3000))
    assert.throws(() => mine.postMessage('x'.repeat(NEARLY), [port1, ...many.map((each) => each.port1)]), { code: 'ERR_LIMIT_PACKET' })
    const read = reading(port2)
    ipc.postMessage('echo', 'still good', [port1])
    assert.equal((await read()).data, 'still good')
    port2.close()
  })

  test('a port in a message that waits is closed when nobody can get it any longer', async () => {
    const [mine, theirs] = await joined()
    const told = once(await waiting(mine), 'close')
    theirs.close()
    await told
    const [mineAgain] = await joined()
    const toldOfEnd = once(await waiting(mineAgain), 'close')
    renderer.close()
    await toldOfEnd
  })

  test('a port closes where a message is too long to leave that was posted before the limits were known', async () => {
    const { code, out, err } = await runNode(`
      import { ipcRenderer, renderer } from 'ipchost'
      const [outer, inner] = [new MessageChannel(), new MessageChannel()]
      ipcRenderer.on('nothing', () => {}) // holds the process
      ipcRenderer.postMessage('keep', 'early', [outer.port2])
      outer.port1.postMessage('x'.repeat(65536), [inner.port2])
      await Promise.all([outer, inner].map(({ port1 }) => new Promise((resolve) => port1.addEventListener('close', resolve))))
      console.log(await ipcRenderer.invoke('closed', 'early'))
      renderer.close()`, host.address.unix)
    assert.deepEqual([code, err, out], [0, '', 'closed\n'])
  })
}

function closedEarly() {
  test('a port that was closed while messages wait there ends when the other does, whatever it has not dispatched', async () => {
    const before = await ipc.invoke('ports')
    const port = await given('both ways', 3)
    const own = await new Promise((resolve) => {
      port.onmessage = () => {
        resolve(waiting(port))
        port.close()
      }
    })
    const told = once(own, 'close')
    await ipc.invoke('close', 'both ways')
    await told
    assert.equal(await ipc.invoke('ports'), before)
  })
}

describe('ports within small limits', () => {
  before(async () => { host = await startHost(script, 'limits = { window = "8KiB", packet = "64KiB" }') })
  after(() => host.stop())
  beforeEach(async () => {
    renderer = await connect(host.address.unix)
    other = await connect(host.address.unix)
    ipc = renderer.ipcRenderer
  })
  afterEach(() => {
    renderer.close()
    other.close()
  })
  limited()
  closedEarly()
})

for (const transport of transports) {
  describe(`ports over ${transport}`, () => {
    before(async () => { host = await startHost(script) })
    after(() => host.stop())
    beforeEach(async () => {
      renderer = await connect(host.address[transport])
      other = await connect(host.address[transport])
      ipc = renderer.ipcRenderer
    })
    afterEach(() => {
      renderer.close()
      other.close()
    })
    withScripts()
    carrying()
    travelling()
    asOnTheWeb()
    closing()
    betweenTwo()
    apart()
  })
}

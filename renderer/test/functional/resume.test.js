/** Sessions over WebSocket that outlive their connections: through a proxy that cuts them. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, describe, test } from 'node:test'
import { connect } from '../../index.js'
import { CuttingProxy } from '../support/cutting-proxy.js'
import { startHost } from '../support/host.js'

const SCRIPT = `
local heard, ran, waiting = 0, {}, {}
local faults = {}
ipcMain.on("count", function(event, n)
  if n ~= heard + 1 then faults[#faults + 1] = n .. " after " .. heard end
  heard = n
  event.reply("counted", n, ("x"):rep(n % 11 == 0 and 5000 or n % 40))
end)
ipcMain.handle("run", function(_, n)
  ran[n] = (ran[n] or 0) + 1
  return n
end)
ipcMain.handle("state", function(event)
  local twice = 0
  for _, times in pairs(ran) do if times ~= 1 then twice = twice + 1 end end
  return { heard = heard, faults = table.concat(faults, ", "), twice = twice, ran = #ran }
end)
ipcMain.handle("id", function(event) return event.sender.id end)
ipcMain.handle("wait", function(event, name)
  local answer
  answer, waiting[name] = Promise.withResolvers()
  return answer
end)
ipcMain.handle("answer", function(_, name, value) waiting[name](value) end)
ipcMain.handle("close", function(_, id) webContents.fromId(id):close() end)
ipcMain.handle("tell", function(_, id, ...) return webContents.fromId(id):send("told", ...) end)
ipcMain.handle("ask", function(_, id, ...) return webContents.fromId(id):invoke("asked", ...) end)
ipcMain.on("sync", function(event, value) event.returnValue = value end)
ipcMain.on("port", function(event)
  local port = event.ports[1]
  port:on("message", function(message) port:postMessage(message.data + 1) end)
  port:start()
end)
`
const FAST = { min: 1, max: 5 }

/** A generator of numbers in [0, 1) that a seed says. */
function randomOf(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

function statesOf(renderer) {
  const states = []
  renderer.on('connection', ({ state, resumed }) => states.push(resumed ? 'resumed' : state))
  return states
}

/** Resolves with the next change of the connection to `state`, also where another comes in the same turn. */
function until(renderer, state) {
  return new Promise((resolve) => {
    renderer.on('connection', function changed(change) {
      if (change.state !== state) return
      renderer.off('connection', changed)
      resolve(change)
    })
  })
}

/** Cuts this process's own connections to a host. */
function cutOwn(address) {
  const { port } = new URL(address)
  for (const handle of process._getActiveHandles()) if (handle.remotePort === Number(port)) handle.destroy()
}

/** @type {Awaited<ReturnType<typeof startHost>>} */
let host
/** @type {CuttingProxy} */
let proxy
let other
let renderer
const told = []

before(async () => {
  proxy = await new CuttingProxy().listen()
  host = await startHost(SCRIPT, proxy.security)
  proxy.target = host.address.ws
  other = await connect(host.address.unix)
})
after(async () => {
  other.close()
  proxy.close()
  await host.stop()
})

async function connected(options = {}) {
  renderer = await connect(proxy.address, { reconnect: FAST, ...options })
  told.length = 0
  renderer.ipcRenderer.on('told', (_, value) => told.push(value))
}

describe('a session whose connection is lost', () => {
  test('goes on: calls, messages, asks and ids', async () => {
    await connected()
    const { ipcRenderer, webContentsId, processId } = renderer
    const states = statesOf(renderer)
    ipcRenderer.handle('asked', (_, value) => `${value}!`)
    const pending = ipcRenderer.invoke('wait', 'x')
    assert.equal(await ipcRenderer.invoke('id'), webContentsId)
    const lost = until(renderer, 'lost')
    proxy.cut()
    await lost
    assert.equal(ipcRenderer.send('count', 1), true)
    const asked = other.ipcRenderer.invoke('ask', webContentsId, 'there')
    assert.equal(await other.ipcRenderer.invoke('tell', webContentsId, 1), true)
    await other.ipcRenderer.invoke('answer', 'x', 'late')
    assert.equal(await pending, 'late')
    assert.equal(await asked, 'there!')
    assert.deepEqual(states, ['lost', 'resumed'])
    assert.deepEqual(told, [1])
    assert.equal((await ipcRenderer.invoke('state')).heard, 1)
    assert.deepEqual([renderer.webContentsId, renderer.processId], [webContentsId, processId])
    renderer.close()
    assert.equal((await renderer.closed).code, 1000)
  })

  test('takes frames and ports with it', async () => {
    await connected()
    const child = await renderer.createFrame({ name: 'child' })
    const states = statesOf(child)
    const { port1, port2 } = new MessageChannel()
    renderer.ipcRenderer.postMessage('port', null, [port2])
    for (let i = 1; i <= 5; i++) {
      port1.postMessage(i)
      assert.deepEqual(await once(port1, 'message'), [i + 1])
      const lost = until(renderer, 'lost')
      proxy.cut()
      await lost
    }
    assert.equal(await child.ipcRenderer.invoke('run', 900), 900)
    assert.deepEqual(states.slice(0, 2), ['lost', 'resumed'])
    renderer.close()
    port1.close()
  })
})

describe('a session that comes again', () => {
  test('is told that scripts have closed it', async () => {
    await connected()
    const states = statesOf(renderer)
    const pending = assert.rejects(renderer.ipcRenderer.invoke('wait', 'closed'), { code: 'ERR_CLOSED' })
    proxy.target = undefined
    proxy.cut()
    await until(renderer, 'lost')
    await other.ipcRenderer.invoke('close', renderer.webContentsId)
    proxy.target = host.address.ws
    assert.deepEqual(await renderer.closed, { code: 1000, reason: 'closed by the host' })
    await pending
    assert.deepEqual(states, ['lost', 'closed'])
  })

  test('goes on when a proxy had no host to lead to for a while', async () => {
    await connected()
    const { ipcRenderer, webContentsId } = renderer
    const states = statesOf(renderer)
    proxy.answer = 'HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'
    const lost = until(renderer, 'lost')
    const { connections } = proxy
    proxy.cut()
    await lost
    const answer = ipcRenderer.invoke('id')
    while (proxy.connections < connections + 3) await new Promise(setImmediate)
    proxy.answer = undefined
    assert.equal(await answer, webContentsId)
    assert.deepEqual(states, ['lost', 'resumed'])
    renderer.close()
  })
})

describe('a connection that is lost', () => {
  test('may call by sendSync meanwhile, and brings along what it has kept', async () => {
    // Not through the proxy, which would wait for this thread.
    renderer = await connect(host.address.ws, { reconnect: { min: 200 } })
    const { ipcRenderer } = renderer
    ipcRenderer.on('told', () => {}) // what holds no process is not found by cutOwn
    const { heard } = await ipcRenderer.invoke('state')
    assert.equal(ipcRenderer.sendSync('sync', 1), 1)
    const lost = until(renderer, 'lost')
    cutOwn(host.address.ws)
    await lost
    ipcRenderer.send('count', heard + 1)
    assert.equal(ipcRenderer.sendSync('sync', 2), 2)
    ipcRenderer.send('count', heard + 2)
    const resumed = until(renderer, 'connected')
    assert.equal((await ipcRenderer.invoke('state')).heard, heard + 2)
    assert.equal((await resumed).resumed, true)
    assert.equal((await other.ipcRenderer.invoke('state')).faults, '')
    renderer.close()
  })

  test('without reconnect ends', async () => {
    await connected({ reconnect: false })
    const pending = assert.rejects(renderer.ipcRenderer.invoke('wait', 'x'), { code: 'ERR_CLOSED' })
    await renderer.ipcRenderer.invoke('id')
    proxy.cut()
    await pending
    assert.equal((await renderer.closed).code, 1006)
    await assert.rejects(connect(proxy.address, { reconnect: { min: 5, max: 1 } }), RangeError)
  })

  test('and never was is refused as ever', async () => {
    const closed = await new CuttingProxy().listen()
    await assert.rejects(connect(closed.address, { reconnect: FAST }), { code: 'ERR_CLOSED' })
    closed.close()
  })
})

test('a host that is started anew gets another session, and nothing of the old one', async () => {
  const proxy = await new CuttingProxy().listen()
  const first = await startHost(SCRIPT, `${proxy.security}, limits = { resume = "60s" }`)
  proxy.target = first.address.ws
  const renderer = await connect(proxy.address, { reconnect: FAST })
  const { ipcRenderer } = renderer
  const child = await renderer.createFrame({ name: 'child' })
  const told = []
  ipcRenderer.on('told', (_, value) => told.push(value))
  const states = statesOf(renderer)
  const before = { token: renderer.webFrame.frameToken, child: child.webFrame.frameToken }
  const { port1, port2 } = new MessageChannel()
  const closed = once(port1, 'close')
  ipcRenderer.postMessage('port', null, [port2])
  const pending = assert.rejects(ipcRenderer.invoke('wait', 'x'), { code: 'ERR_CLOSED', message: /the host does not have the session any longer/ })
  await ipcRenderer.invoke('id')
  proxy.target = undefined
  const lost = until(renderer, 'lost')
  await first.kill()
  await lost
  ipcRenderer.send('count', 1)
  const second = await startHost(SCRIPT, proxy.security)
  const reopened = until(child, 'connected')
  proxy.target = second.address.ws
  await pending
  await closed
  await reopened
  assert.deepEqual(states, ['lost', 'connected'])
  assert.notEqual(renderer.webFrame.frameToken, before.token)
  assert.notEqual(child.webFrame.frameToken, before.child)
  assert.deepEqual(await child.ipcRenderer.invoke('state'), { heard: 0, faults: '', twice: 0, ran: 0 })
  assert.equal(await ipcRenderer.invoke('tell', await ipcRenderer.invoke('id'), 'again'), true)
  assert.equal(await ipcRenderer.invoke('id'), renderer.webContentsId)
  assert.deepEqual(told, ['again'])
  // One that stops in good order is waited for as well where that was asked for.
  const stopped = until(renderer, 'lost')
  await second.stop()
  await stopped
  renderer.close()
  assert.equal((await renderer.closed).code, 1000)
  proxy.close()
})

test('frames are opened before what is said in them, each once, in a session that follows another', async () => {
  const proxy = await new CuttingProxy().listen()
  const [first, second] = await Promise.all([1, 2].map(() => startHost(SCRIPT, proxy.security)))
  proxy.target = first.address.ws
  const renderer = await connect(proxy.address, { reconnect: FAST })
  const child = await renderer.createFrame({ name: 'child' })
  proxy.target = undefined
  const lost = until(renderer, 'lost')
  await first.stop()
  await lost
  child.ipcRenderer.send('count', 1)
  const ran = child.ipcRenderer.invoke('run', 1)
  const made = renderer.createFrame({ name: 'made meanwhile' })
  const connected = until(renderer, 'connected')
  proxy.target = second.address.ws
  assert.equal((await connected).resumed, false)
  child.ipcRenderer.send('count', 2)
  assert.equal(await ran, 1)
  const { ipcRenderer: inMade, webFrame } = await made
  assert.ok(webFrame.routingId > 0)
  inMade.send('count', 3)
  assert.deepEqual(await inMade.invoke('state'), { heard: 3, faults: '', twice: 0, ran: 1 })
  // One that is made while the connection is lost is there when the host has it.
  const again = until(renderer, 'connected')
  proxy.cut()
  await until(renderer, 'lost')
  const { webFrame: late } = await renderer.createFrame({ name: 'late' })
  assert.ok(late.routingId > webFrame.routingId)
  assert.equal((await again).resumed, true)
  renderer.close()
  proxy.close()
  await second.stop()
})

test('a link that always breaks brings what is sent again piece by piece', { timeout: 60000 }, async () => {
  let budget = Infinity
  const proxy = await new CuttingProxy(() => budget).listen()
  const host = await startHost(SCRIPT, `${proxy.security}, limits = { resume = "60s" }`)
  const other = await connect(host.address.unix)
  proxy.target = host.address.ws
  const renderer = await connect(proxy.address, { reconnect: FAST })
  const { ipcRenderer, webContentsId } = renderer
  const news = []
  renderer.on('connection', ({ state, resumed }) => { if (state === 'connected' && !resumed) news.push(state) })
  const told = []
  const all = new Promise((resolve) => ipcRenderer.on('told', (_, n) => { if (told.push(n) === 400) resolve() }))
  proxy.target = undefined
  const lost = until(renderer, 'lost')
  proxy.cut()
  await lost
  for (let n = 1; n <= 400; n++) ipcRenderer.send('count', n, 'y'.repeat(n % 50 === 0 ? 20000 : 1000))
  for (let n = 1; n <= 400; n++) await other.ipcRenderer.invoke('tell', webContentsId, n, 'x'.repeat(n % 50 === 0 ? 20000 : 1000))
  const counted = new Promise((resolve) => ipcRenderer.on('counted', (_, n) => { if (n === 400) resolve() }))
  budget = 64 * 1024
  proxy.target = host.address.ws
  await Promise.all([all, counted])
  assert.deepEqual(told, Array.from({ length: 400 }, (_, i) => i + 1))
  const { heard, faults } = await other.ipcRenderer.invoke('state')
  assert.deepEqual([heard, faults, news], [400, '', []])
  assert.ok(proxy.cuts > 5)
  for (const each of [renderer, other]) each.close()
  proxy.close()
  await host.stop()
})

test('what cannot come again in time is over', async () => {
  const proxy = await new CuttingProxy().listen()
  const host = await startHost(SCRIPT, `${proxy.security}, limits = { resume = "200ms", outbound_max = "64KiB" }`)
  proxy.target = host.address.ws
  const renderer = await connect(proxy.address, { reconnect: FAST })
  const { ipcRenderer, webContentsId } = renderer
  const pending = assert.rejects(ipcRenderer.invoke('wait', 'x'), { code: 'ERR_CLOSED', message: /did not come again in time/ })
  await ipcRenderer.invoke('id')
  proxy.target = undefined
  const lost = until(renderer, 'lost')
  proxy.cut()
  await lost
  ipcRenderer.send('count', 1, 'x'.repeat(60000))
  assert.throws(() => ipcRenderer.send('count', 2, 'x'.repeat(10000)), { code: 'ERR_LIMIT_OUTBOUND' })
  await assert.rejects(ipcRenderer.invoke('run', 'x'.repeat(10000)), { code: 'ERR_LIMIT_OUTBOUND' })
  await pending
  const connected = until(renderer, 'connected')
  proxy.target = host.address.ws
  assert.equal((await connected).resumed, false)
  assert.notEqual(renderer.webContentsId, webContentsId)
  assert.equal((await ipcRenderer.invoke('state')).heard, 0)
  // Neither when the way takes longer than that.
  const again = until(renderer, 'connected')
  proxy.delay = 500
  proxy.cut()
  await again
  renderer.close()
  proxy.close()
  await host.stop()
})

test('a thousand cuts lose nothing, double nothing and change no order', async (t) => {
  const seed = Number(process.env.IPCHOST_SEED ?? Date.now() % 1e9)
  const random = randomOf(seed)
  t.diagnostic(`IPCHOST_SEED=${seed}`)
  let cutting = false
  const proxy = await new CuttingProxy(() => (cutting ? 2 ** (random() * 17) : Infinity)).listen()
  const host = await startHost(SCRIPT, `${proxy.security}, limits = { resume = "60s" }`)
  proxy.target = host.address.ws
  const renderer = await connect(proxy.address, { reconnect: { min: 0, max: 1 } })
  const { ipcRenderer } = renderer
  const news = []
  renderer.on('connection', ({ state, resumed }) => { if (state === 'connected' && !resumed) news.push(state) })
  let counted = 0
  const wrong = []
  ipcRenderer.on('counted', (_, n) => {
    if (n !== counted + 1) wrong.push(`${n} after ${counted}`)
    counted = n
  })
  cutting = true
  proxy.cut()
  const calls = []
  let sent = 0
  while (proxy.cuts < 1000) {
    for (let i = Math.floor(random() * 5); i >= 0; i--) ipcRenderer.send('count', ++sent, 'y'.repeat(Math.floor(random() * 300)))
    calls.push(ipcRenderer.invoke('run', calls.length + 1))
    if (random() < 0.7) await calls.at(-1)
    else await new Promise(setImmediate)
  }
  cutting = false
  proxy.cut()
  assert.deepEqual(await Promise.all(calls), calls.map((_, i) => i + 1))
  assert.deepEqual(await ipcRenderer.invoke('state'), { heard: sent, faults: '', twice: 0, ran: calls.length })
  assert.deepEqual({ counted, wrong, news }, { counted: sent, wrong: [], news: [] })
  t.diagnostic(`${sent} messages each way, ${calls.length} calls, ${proxy.connections} connections`)
  renderer.close()
  proxy.close()
  await host.stop()
})

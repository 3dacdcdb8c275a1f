/** The session against a host that does what a real one does not. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { connect } from '../index.js'
import { FakeHost, KIND } from './support/fake-host.js'

let host
beforeEach(async () => { host = await new FakeHost().listen() })
afterEach(() => host.close())

/** Connects to the fake host. */
async function connected(limits, options) {
  const connecting = connect(host.address, options)
  const hello = await host.welcome(limits)
  return { renderer: await connecting, hello }
}
const later = () => new Promise(setImmediate)

test('hello says who we are', async () => {
  const { renderer, hello } = await connected({}, { url: 'app://x', name: 'n', title: 't', token: 'secret' })
  assert.equal(hello.name, 'hello')
  assert.deepEqual([hello.version, hello.features, hello.lane, hello.sent, hello.received], [1, 0, 0, 0, 0])
  assert.deepEqual([hello.id.length, hello.secret.length], [16, 16])
  assert.notDeepEqual(hello.id, hello.secret)
  const { client, ...details } = hello.payload
  assert.deepEqual(details, { type: 'native', pid: process.pid, url: 'app://x', name: 'n', title: 't', token: 'secret' })
  assert.match(client, /^ipchost-js\/[\d.]+ node\//)
  assert.deepEqual([renderer.processId, renderer.webContentsId, renderer.webFrame], [5, 6, { routingId: 7, frameToken: 'token' }])
  renderer.close()
  assert.deepEqual(await host.next(), { name: 'bye', frame: 0, call: 0, channel: '', code: 1000, text: '', payload: undefined })
  await host.gone
})

test('what is sent in one turn, microtasks included, is one block', async () => {
  const { renderer } = await connected()
  const before = host.blocks
  const deep = async (depth) => { if (depth > 0) await deep(depth - 1); renderer.ipcRenderer.send('x', depth) }
  for (let i = 0; i < 50; i++) deep(i % 10)
  const waiting = []
  for (let i = 0; i < 50; i++) waiting.push(host.next())
  await Promise.all(waiting)
  assert.equal(host.blocks - before, 1)
  renderer.close()
})

test('an invoke carries frame, call and deadline; calls are numbered from 1', async () => {
  const { renderer } = await connected()
  renderer.ipcRenderer.invoke('a', 1).catch(() => {})
  renderer.ipcRenderer.with({ timeout: 1500.5 }).invoke('b').catch(() => {})
  renderer.ipcRenderer.with({ timeout: 2 ** 31 }).invoke('c').catch(() => {})
  const [first, second, third] = [await host.next(), await host.next(), await host.next()]
  assert.deepEqual(first, { name: 'invoke', frame: 0, call: 1, deadline: 0, channel: 'a', payload: [1] })
  assert.deepEqual(second, { name: 'invoke', frame: 0, call: 2, deadline: 1501, channel: 'b', payload: [] })
  assert.equal(third.deadline, 0) // longer than any timer takes: not limited
  renderer.close()
})

test('cancel tells why; a late answer and one to no call are ignored', async () => {
  const { renderer } = await connected()
  const controller = new AbortController()
  const aborted = assert.rejects(renderer.ipcRenderer.with({ signal: controller.signal }).invoke('a'), { name: 'AbortError' })
  await host.next()
  controller.abort()
  await aborted
  const expired = assert.rejects(renderer.ipcRenderer.with({ timeout: 1 }).invoke('b'), { code: 'ERR_TIMEOUT' })
  const packets = [await host.next(), await host.next(), await host.next()].map(({ name, call, reason }) => [name, call, reason])
  assert.deepEqual(packets, [['cancel', 1, 0], ['invoke', 2, undefined], ['cancel', 2, 1]])
  await expired
  host.send([KIND.REPLY, { call: 1, status: 0 }, 'late'], [KIND.REPLY, { call: 2, status: 1 }, {}], [KIND.REPLY, { call: 99, status: 0 }, 'x'])
  const answer = renderer.ipcRenderer.invoke('c')
  await host.next()
  host.send([KIND.REPLY, { call: 3, status: 0 }, 'c'])
  assert.equal(await answer, 'c')
  renderer.close()
})

test('a message behind an answer waits for what the answer sets off', async () => {
  const { renderer } = await connected()
  const { ipcRenderer } = renderer
  const seen = []
  const deep = async (depth) => (depth > 0 ? deep(depth - 1) : ipcRenderer.invoke('x'))
  for (let i = 1; i <= 2; i++) deep(5).then((value) => seen.push(value))
  const done = new Promise((resolve) => ipcRenderer.on('done', resolve))
  ipcRenderer.on('m', (_, text) => {
    seen.push(text)
    Promise.resolve().then(() => seen.push(`after ${text}`))
  })
  await host.next()
  await host.next()
  const message = (text) => [KIND.SEND, { frame: 0, channel: 'm' }, [text]]
  host.send(message('m1'), [KIND.REPLY, { call: 1, status: 0 }, 'r1'], message('m2'), [KIND.REPLY, { call: 2, status: 0 }, 'r2'], message('m3'), [KIND.SEND, { frame: 0, channel: 'done' }, []])
  await done
  assert.deepEqual(seen.filter((text) => !text.startsWith('after')), ['m1', 'r1', 'm2', 'r2', 'm3'])
  renderer.close()
})

test('an answer that came before the end counts', async () => {
  const { renderer } = await connected()
  const answer = renderer.ipcRenderer.invoke('x')
  const heard = new Promise((resolve) => renderer.ipcRenderer.on('m', (_, text) => resolve(text)))
  const second = renderer.ipcRenderer.invoke('y')
  await host.next()
  await host.next()
  host.send([KIND.REPLY, { call: 1, status: 0 }, 1], [KIND.SEND, { frame: 0, channel: 'm' }, ['m']], [KIND.REPLY, { call: 2, status: 0 }, 2], [KIND.BYE, { code: 1001, text: 'going' }])
  assert.deepEqual([await answer, await second, await heard], [1, 2, 'm'])
  assert.deepEqual(await renderer.closed, { code: 1001, reason: 'going' })
})

test('over the mark send is false, over the cap it throws', async () => {
  const { renderer } = await connected({ outbound: 3000000, outbound_max: 9000000 })
  const { ipcRenderer } = renderer
  host.socket.pause()
  const text = 'x'.repeat(100000)
  const results = []
  assert.throws(() => { for (let i = 0; i < 1000; i++) results.push(ipcRenderer.send('x', text)) }, {
    code: 'ERR_LIMIT_OUTBOUND', message: 'limits.outbound_max (9000000 bytes) exceeded by what waits to be sent',
  })
  assert.equal(results[0], true)
  assert.equal(results.at(-1), false)
  assert.ok(results.indexOf(false) >= 28 && results.lastIndexOf(true) === results.indexOf(false) - 1, 'once over the mark it stays false')
  await assert.rejects(ipcRenderer.invoke('x', text), { code: 'ERR_LIMIT_OUTBOUND' })
  assert.throws(() => ipcRenderer.postMessage('x', text), { code: 'ERR_LIMIT_OUTBOUND' })
  host.socket.resume()
  for (let i = 0; i < results.length; i++) assert.equal((await host.next()).payload[0].length, text.length)
  await later()
  assert.equal(ipcRenderer.send('x', 1), true)
  renderer.close()
})

test('an invoke from the host is answered: there are no handlers', async () => {
  const { renderer } = await connected()
  host.send([KIND.INVOKE, { frame: 0, call: 4, deadline: 0, channel: 'ask' }, [1]], [KIND.INVOKE, { frame: 9, call: 5, deadline: 0, channel: 'ask' }, []])
  assert.deepEqual((await host.next()).payload, { name: 'Error', message: "No handler registered for 'ask'", code: 'ERR_NO_HANDLER' })
  assert.deepEqual((await host.next()).payload, { name: 'Error', message: 'the frame was closed', code: 'ERR_DESTROYED' })
  renderer.close()
})

test('ping is answered; what is unknown, or for a frame that is gone, is ignored', async () => {
  const { renderer } = await connected()
  host.sendBlock(Buffer.from('82182a01', 'hex'))
  host.sendBlock(Buffer.alloc(0))
  host.send([KIND.SEND, { frame: 3, channel: 'x' }, []], [KIND.ACK, { received: 1 }], [KIND.CANCEL, { call: 1, reason: 0 }], [KIND.PING, { token: 77 }])
  const { name, token } = await host.next()
  assert.deepEqual([name, token], ['pong', 77])
  renderer.close()
})

test('messages on the names of the emitter itself set nothing off', async () => {
  const { renderer } = await connected()
  const heard = []
  renderer.ipcRenderer.on('newListener', (name) => heard.push(name)).on('removeListener', (name) => heard.push(name))
  const done = new Promise((resolve) => renderer.ipcRenderer.on('done', resolve))
  heard.length = 0
  host.send([KIND.SEND, { frame: 0, channel: 'newListener' }, ['x']], [KIND.SEND, { frame: 0, channel: 'removeListener' }, ['x']], [KIND.SEND, { frame: 0, channel: 'done' }, []])
  await done
  assert.deepEqual(heard, [])
  renderer.close()
})

const broken = {
  'a block that is no packets': { bytes: '01', code: 1002 },
  'a packet that is cut': { bytes: '8405010041', code: 1002 },
  'arguments that are no array': { bytes: '840200617841a0', code: 1007 },
  'a payload that is malformed': { bytes: '8402006178421801ff', code: 1002 },
  'a value that is refused': { bytes: '840200617843d81d00', code: 1007 },
  'a second welcome': { bytes: '8501f4000041a0', code: 1002 },
}
for (const [name, { bytes, code }] of Object.entries(broken)) {
  test(`${name} ends the connection with ${code}`, async () => {
    const { renderer } = await connected()
    const pending = assert.rejects(renderer.ipcRenderer.invoke('x'), { code: 'ERR_CLOSED' })
    await host.next()
    renderer.ipcRenderer.on('x', () => assert.fail('it was dispatched'))
    host.sendBlock(Buffer.from(bytes, 'hex'))
    const bye = await host.next()
    assert.deepEqual([bye.name, bye.code], ['bye', code])
    await pending
    assert.equal((await renderer.closed).code, code)
    await host.gone
  })
}

test('a block over the limit, or with the reserved bit, ends the connection', async () => {
  for (const [header, code] of [['01000004', 1009], ['00000080', 1002]]) {
    const { renderer } = await connected()
    host.socket.write(Buffer.from(header, 'hex'))
    assert.equal((await renderer.closed).code, code)
    assert.equal((await host.next()).code, code)
  }
})

test('a refusal says why', async () => {
  for (const [code, expected] of [[1008, 'ERR_DENIED'], [4000, 'ERR_VERSION'], [4004, 'ERR_LIMIT_CONNECTIONS'], [1001, 'ERR_CLOSED']]) {
    const connecting = connect(host.address)
    await host.next()
    host.send([KIND.BYE, { code, text: 'peer uid 0 is not 1000; add it to security.uids or use the token' }])
    await assert.rejects(connecting, { code: expected, message: `Cannot connect to ${host.address}: peer uid 0 is not 1000; add it to security.uids or use the token` })
  }
})

test('anything before welcome is a fault', async () => {
  const connecting = connect(host.address)
  await host.next()
  host.send([KIND.SEND, { frame: 0, channel: 'x' }, []])
  await assert.rejects(connecting, { code: 'ERR_PROTOCOL' })
})

test('a frame that the host closes takes those below it along', async () => {
  const { renderer } = await connected()
  const opening = renderer.createFrame({ name: 'child' })
  const opened = await host.next()
  assert.deepEqual([opened.name, opened.frame, opened.parent, opened.payload], ['frame-open', 1, 0, { name: 'child' }])
  host.send([KIND.FRAME_OPENED, { frame: 1 }, { routingId: 20, frameTreeNodeId: 21, frameToken: 'child' }])
  const child = await opening
  assert.deepEqual(child.webFrame, { routingId: 20, frameToken: 'child' })
  const grandchild = child.createFrame()
  const refused = assert.rejects(grandchild, { code: 'ERR_CLOSED' })
  const pending = assert.rejects(child.ipcRenderer.invoke('x'), { code: 'ERR_DESTROYED', message: "Error invoking remote method 'x': Error: the frame was closed" })
  host.send([KIND.FRAME_CLOSE, { frame: 1 }])
  await Promise.all([refused, pending])
  assert.deepEqual(await child.closed, { code: 1000, reason: 'the host closed the frame' })
  const main = renderer.closed
  host.send([KIND.FRAME_CLOSE, { frame: 0 }])
  assert.deepEqual(await main, { code: 1000, reason: 'the host closed the frame' })
})

test('an answer may lack a name, or bring a stack', async () => {
  const { renderer } = await connected()
  const calls = [1, 2, 3, 4].map(() => renderer.ipcRenderer.invoke('x'))
  for (let i = 0; i < 4; i++) await host.next()
  host.send(
    [KIND.REPLY, { call: 1, status: 1 }, { message: 'plain' }],
    [KIND.REPLY, { call: 2, status: 1 }, { name: '', message: 'nameless' }],
    [KIND.REPLY, { call: 3, status: 1 }, { name: 'E', message: 'm', stack: 'main.lua:1', code: 5, cause: undefined }],
    [KIND.REPLY, { call: 4, status: 1 }, 'no map'],
  )
  await assert.rejects(calls[0], { name: 'Error', message: "Error invoking remote method 'x': Error: plain" })
  await assert.rejects(calls[1], { name: 'Error', message: "Error invoking remote method 'x': nameless" })
  await assert.rejects(calls[2], (error) => error.stack.endsWith('at the host: main.lua:1') && error.code === 5 && Object.hasOwn(error, 'cause'))
  await assert.rejects(calls[3], { message: "Error invoking remote method 'x': Error: undefined" })
  renderer.close()
})

test('a getter may not send while it is sent', async () => {
  const { renderer } = await connected()
  const { ipcRenderer } = renderer
  assert.throws(() => ipcRenderer.send('x', { get a() { return ipcRenderer.send('y') } }), { code: 'ERR_REENTRANT' })
  ipcRenderer.send('z')
  assert.equal((await host.next()).channel, 'z')
  renderer.close()
})

test('many packets of one turn leave in blocks that the host takes', async () => {
  const { renderer } = await connected({ packet: 70000 })
  for (let i = 0; i < 40; i++) renderer.ipcRenderer.send('x', 'y'.repeat(30000), i)
  for (let i = 0; i < 40; i++) assert.equal((await host.next()).payload[1], i)
  renderer.close()
})

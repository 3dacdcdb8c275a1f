/** The WebSocket client for Node: frames as RFC 6455 has them, and what a server may and may not say. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { connect } from '../index.js'
import { BINARY, FRAME_HEADROOM, FrameReader, makeFrame, sealFrame } from '../web-socket-frames.js'
import { blockOf, welcomePacket } from './support/fake-host.js'
import { WebSocketPeer } from './support/web-socket-peer.js'

/** @param {number} first @param {Uint8Array | string} payload @param {number[]} [length] as written, instead of the least */
function frame(first, payload, length) {
  const bytes = Buffer.from(payload)
  const least = bytes.length < 126 ? [bytes.length] : bytes.length < 65536 ? [126, bytes.length >> 8, bytes.length & 255]
    : [127, 0, 0, 0, 0, bytes.length >>> 24, (bytes.length >> 16) & 255, (bytes.length >> 8) & 255, bytes.length & 255]
  return Buffer.concat([Buffer.from([first, ...(length ?? least)]), bytes])
}

/** Reads it in pieces of a size; what was heard, in order. */
function read(bytes, size = bytes.length, limit = 1 << 20) {
  const heard = []
  const reader = new FrameReader({
    onmessage: (all, at, end) => heard.push(['message', Buffer.from(all.subarray(at, end)).toString()]),
    onping: (payload) => heard.push(['ping', Buffer.from(payload).toString()]),
    onclose: ({ code, reason }) => heard.push(['close', code, reason]),
  })
  reader.limit = limit
  for (let at = 0; at < bytes.length; at += size) {
    const piece = Buffer.from(bytes.subarray(at, at + size))
    reader.push(piece, 0, piece.length)
    piece.fill(0)
  }
  return heard
}

for (const size of [0, 1, 3, 4, 5, 125, 126, 127, 65535, 65536, 70001]) {
  test(`a frame of ${size} bytes is masked, and is what was sealed`, () => {
    const bytes = new Uint8Array(FRAME_HEADROOM + size).map((_, i) => i * 7)
    const payload = bytes.slice(FRAME_HEADROOM)
    const sealed = sealFrame(bytes, BINARY)
    assert.equal(sealed.length, size + (size < 126 ? 6 : size < 65536 ? 8 : 14))
    assert.deepEqual(new WebSocketPeer().push(Buffer.from(sealed)), [{ fin: true, opcode: BINARY, payload: Buffer.from(payload) }])
  })
}

test('no two frames have the same key', () => {
  const keys = new Set(Array.from({ length: 3000 }, () => Buffer.from(makeFrame(BINARY, new Uint8Array(8)).subarray(2, 6)).toString('hex')))
  assert.ok(keys.size > 2990, `${keys.size} keys`)
})

test('messages, fragments and what stands between them are read from pieces of any size', () => {
  const long = 'x'.repeat(300)
  const huge = 'y'.repeat(70000)
  const stream = Buffer.concat([
    frame(0x82, 'one'), frame(0x82, ''), frame(0x02, 'a'), frame(0x89, 'p'), frame(0x00, ''), frame(0x80, 'b'), frame(0x02, ''), frame(0x80, ''),
    frame(0x82, long), frame(0x8a, 'unasked'), frame(0x02, ''), frame(0x80, 'end'), frame(0x82, huge), frame(0x88, Buffer.from([3, 233, ...Buffer.from('żegnaj')])),
  ])
  const expected = [
    ['message', 'one'], ['message', ''], ['ping', 'p'], ['message', 'ab'], ['message', ''], ['message', long], ['message', 'end'], ['message', huge], ['close', 1001, 'żegnaj'],
  ]
  for (const size of [1, 2, 3, 5, 7, 11, 64, 301, 4096, stream.length]) assert.deepEqual(read(stream, size), expected, `in pieces of ${size}`)
  assert.deepEqual(read(frame(0x88, '')), [['close', 1005, '']])
})

const faults = [
  ['reserved bits', frame(0xc2, 'x'), 1002], ['a mask', Buffer.from([0x82, 0x81, 1, 2, 3, 4, 5]), 1002], ['a text', frame(0x81, 'x'), 1003],
  ['an unknown kind', frame(0x83, 'x'), 1002], ['an unknown control', frame(0x8b, ''), 1002], ['a cut ping', frame(0x09, 'x'), 1002],
  ['a long ping', frame(0x89, 'x'.repeat(126)), 1002], ['a continuation of nothing', frame(0x80, 'x'), 1002],
  ['a message within a message', Buffer.concat([frame(0x02, 'x'), frame(0x82, 'y')]), 1002], ['a length of 16 bits that fits 7', frame(0x82, 'x', [126, 0, 1]), 1002],
  ['a length of 64 bits that fits 16', frame(0x82, 'x', [127, 0, 0, 0, 0, 0, 0, 0, 1]), 1002], ['a length beyond 2^53', frame(0x82, '', [127, 255, 0, 0, 0, 0, 0, 0, 0]), 1009],
  ['a message over the limit', frame(0x82, 'x'.repeat(101)), 1009], ['fragments over the limit', Buffer.concat([frame(0x02, 'x'.repeat(60)), frame(0x80, 'x'.repeat(60))]), 1009],
  ['a close of one byte', frame(0x88, 'x'), 1002], ['a close with 1005', frame(0x88, Buffer.from([3, 237])), 1002], ['a close with 999', frame(0x88, Buffer.from([3, 231])), 1002],
  ['a close with 5000', frame(0x88, Buffer.from([19, 136])), 1002], ['a close with no UTF-8', frame(0x88, Buffer.from([3, 232, 255])), 1007],
]
for (const [what, bytes, closeCode] of faults) {
  test(`${what} is refused with ${closeCode}`, () => {
    for (const size of [1, bytes.length]) assert.throws(() => read(bytes, size, 100), { closeCode })
  })
}

/** A server that answers whatever is asked. */
async function answering(t, answer) {
  const server = createServer((socket) => socket.on('error', () => {}).once('data', (request) => answer(socket, String(request)))).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return `ws://127.0.0.1:${server.address().port}`
}

const refusals = [
  ['403', 'HTTP/1.1 403 Forbidden\r\nContent-Length: 19\r\n\r\n403: not on Sundays', 'ERR_DENIED', '403: not on Sundays'],
  ['404', 'HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\nnothing here', 'ERR_CLOSED', 'nothing here'],
  ['no body', 'HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n', 'ERR_CLOSED', 'the host answered 500'],
  ['the wrong key', 'HTTP/1.1 101 OK\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: AAAA\r\n\r\n', 'ERR_CLOSED', 'what answers there speaks no WebSocket'],
  ['no end', `HTTP/1.1 101 OK\r\n${'x'.repeat(70000)}`, 'ERR_CLOSED', 'what answers there is no host'],
]
for (const [what, text, code, why] of refusals) {
  test(`connect says why it is refused: ${what}`, async (t) => {
    const address = await answering(t, (socket) => socket.end(text))
    await assert.rejects(connect(address), { code, message: `Cannot connect to ${address}: ${why}` })
  })
}

test('connect says that nobody answered', async (t) => {
  const address = await answering(t, (socket) => socket.destroy())
  await assert.rejects(connect(address), { message: new RegExp(`${address}`) })
})

test('the request is one that RFC 6455 has', async (t) => {
  let asked
  const address = await answering(t, (socket, request) => {
    asked = request
    socket.end()
  })
  await assert.rejects(connect(`${address}/there?x=1`))
  const host = address.slice('ws://'.length)
  assert.match(asked, new RegExp(`^GET /there\\?x=1 HTTP/1\\.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: [A-Za-z0-9+/]{22}==\r\n\r\n$`))
})

/** Connected to a server made here, which has answered hello. */
async function connected(t) {
  const peer = new WebSocketPeer()
  const address = await answering(t, (socket, request) => {
    const key = /Sec-WebSocket-Key: (\S+)/.exec(request)[1]
    const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
    const answer = `HTTP/1.1 101 Switching Protocols\r\nupgrade: WebSocket\r\nconnection: upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`
    peer.take(socket)
    // In two pieces, the second with the first frame.
    socket.write(answer.slice(0, 40), () => socket.write(Buffer.concat([Buffer.from(answer.slice(40)), frame(0x82, blockOf([welcomePacket()]))])))
  })
  const renderer = await connect(address, { reconnect: false })
  assert.equal((await peer.next()).opcode, BINARY)
  return { renderer, peer }
}

test('a ping is answered with its payload', async (t) => {
  const { renderer, peer } = await connected(t)
  peer.socket.write(frame(0x89, 'ping'))
  assert.deepEqual(await peer.next(), { fin: true, opcode: 10, payload: Buffer.from('ping') })
  peer.socket.destroy()
  assert.equal((await renderer.closed).code, 1006)
})

test('close says bye, then closes', async (t) => {
  const { renderer, peer } = await connected(t)
  renderer.close()
  assert.equal((await peer.next()).opcode, BINARY)
  assert.deepEqual(await peer.next(), { fin: true, opcode: 8, payload: Buffer.from([3, 232]) })
  const gone = once(peer.socket, 'close')
  peer.socket.write(frame(0x88, Buffer.from([3, 232])))
  await gone
})

test('a close by the server is answered, and is what closed', async (t) => {
  const { renderer, peer } = await connected(t)
  peer.socket.write(frame(0x88, Buffer.from([15, 162, ...Buffer.from('idle')])))
  assert.equal((await peer.next()).opcode, 8)
  assert.deepEqual(await renderer.closed, { code: 4002, reason: 'idle' })
  peer.socket.destroy()
})

test('what breaks the protocol ends the session', async (t) => {
  const { renderer, peer } = await connected(t)
  peer.socket.write(frame(0x81, 'text'))
  assert.deepEqual(await renderer.closed, { code: 1003, reason: 'a text message' })
  peer.socket.destroy()
})

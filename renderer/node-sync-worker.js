/** The worker of a WorkerLane: has the link, and wakes the caller with what came. */
import { workerData } from 'node:worker_threads'
import { nodeEngine } from './node-engine.js'
import { ANSWERS, STARTED } from './node-sync-lane.js'
import { KIND } from './packet-layout.js'
import { PacketReader } from './packet-reader.js'
import { beginPacket } from './packet-writer.js'
import { Writer } from './writer.js'

/** @typedef {import('./session.js').Transport} Transport */

const WELCOME_MS = 10000
/** @type {{ address: string, flags: Int32Array, port: import('node:worker_threads').MessagePort }} */
const { address, flags, port } = workerData
const reader = new PacketReader()

/** @type {Transport | undefined} */
let link
/** @type {Uint8Array[] | undefined} what is to be said once it is open */
let early
let welcomed = false
/** @type {Uint8Array[] | undefined} what came for the caller; undefined while nobody waits */
let answers
/** @type {NodeJS.Timeout | undefined} */
let patience

/** @param {{ code: string, message: string }} [error] */
function answer(error) {
  clearTimeout(patience)
  if (!answers) return
  const all = answers
  answers = undefined
  wake({ answers: all, linked: link !== undefined, error })
}

/** @param {object} message */
function wake(message) {
  port.postMessage(message)
  Atomics.add(flags, ANSWERS, 1)
  Atomics.notify(flags, ANSWERS)
}

/** @param {Uint8Array[]} parts of one block */
function send(...parts) {
  if (!link) return
  const { headroom } = link
  const bytes = new Uint8Array(headroom + parts.reduce((size, part) => size + part.length, 0))
  let at = headroom
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  if (early) early.push(bytes)
  else link.send(bytes)
}

/** @param {number} token */
function pong(token) {
  const writer = new Writer(16)
  beginPacket(writer, KIND.PONG, { token })
  send(writer.bytes.subarray(0, writer.length))
}

/**
 * @param {Uint8Array} bytes
 * @param {number} at
 * @param {number} end
 */
function receive(bytes, at, end) {
  let over = false
  for (const { kind, items } of reader.readBlock(bytes, at, end)) {
    if (kind === KIND.PING) pong(items?.token)
    if (kind === KIND.WELCOME) welcomed = true
    if (kind === KIND.BYE) drop()
    over ||= kind === KIND.REPLY || kind === KIND.BYE
  }
  answers?.push(new Uint8Array(bytes.subarray(at, end)))
  if (over) answer()
}

/** Another link for what is asked next. */
function drop() {
  link?.close()
  link = undefined
}

/**
 * @param {Transport} closed
 * @param {any} error
 */
function lost(closed, error) {
  if (closed !== link) return
  link = undefined
  answer({ code: error?.code ?? 'ERR_CLOSED', message: error?.message ?? 'the host closed the lane without an answer' })
}

/** @param {Transport} dialled */
function opened(dialled) {
  const blocks = early ?? []
  early = undefined
  for (const block of blocks) dialled.send(block)
}

/** @param {number} limit */
function dial(limit) {
  /** @type {Transport} */
  const dialled = nodeEngine.dial(address, {
    onopen: () => { if (dialled === link) opened(dialled) },
    onblock: (bytes, at, end) => { if (dialled === link) receive(bytes, at, end) },
    onbatch: () => {},
    onfault: (fault) => { drop(); answer({ code: 'ERR_PROTOCOL', message: fault.message }) },
    onclose: (error) => lost(dialled, error),
  })
  dialled.limit = limit
  link = dialled
  early = []
  welcomed = false
  patience = setTimeout(() => {
    if (welcomed) return
    drop()
    answer({ code: 'ERR_TIMEOUT', message: `no answer within ${WELCOME_MS} ms` })
  }, WELCOME_MS)
}

port.on('message', ({ hello, blocks, limit }) => {
  // It went while nobody waited: nothing was asked of it.
  if (!hello && !link) return wake({ answers: [], linked: false, lost: true })
  answers = []
  try {
    if (!hello) return send(...blocks)
    drop()
    dial(limit)
    const [first, ...rest] = blocks
    if (hello.length + first.length <= limit) send(hello, first)
    else for (const block of [hello, first]) send(block)
    for (const block of rest) send(block)
  } catch (error) {
    drop()
    answer({ code: 'ERR_CLOSED', message: /** @type {any} */ (error).message })
  }
})
Atomics.store(flags, STARTED, 1)

/** The thread of a SocketWorker: has the socket, does with it what the caller says, and wakes the caller with what came of it. */
// No module of the package is imported: each would make the first call later by milliseconds.
import { connect } from 'node:net'
import { workerData } from 'node:worker_threads'

/** @typedef {import('./node-socket-worker.js').SocketCommand} SocketCommand */
/** @typedef {import('./node-socket-worker.js').SocketEvent} SocketEvent */

/** @type {{ posted: Int32Array, port: import('node:worker_threads').MessagePort }} */
const { posted, port } = workerData
const buffer = Buffer.allocUnsafeSlow(256 * 1024)
/** @type {import('node:net').Socket | undefined} the newest */
let socket

/** @param {SocketEvent} event */
function tell(event) {
  port.postMessage(event)
  Atomics.add(posted, 0, 1)
  Atomics.notify(posted, 0)
}

/**
 * @param {number} serial
 * @param {object} target
 */
function open(serial, target) {
  /** @param {number} length */
  const callback = (length) => {
    // Of its own: with a view all that is behind it would be copied.
    tell({ serial, name: 'data', bytes: new Uint8Array(buffer.subarray(0, length)) })
    return true
  }
  socket?.destroy()
  socket = connect(/** @type {any} */ ({ ...target, onread: { buffer, callback } }))
  socket.on('connect', () => tell({ serial, name: 'connect' }))
  socket.on('error', (/** @type {NodeJS.ErrnoException} */ { code, message }) => tell({ serial, name: 'error', error: { code, message } }))
  socket.on('close', () => tell({ serial, name: 'close' }))
}

port.on('message', (/** @type {SocketCommand} */ command) => {
  if (command instanceof Uint8Array) socket?.write(command)
  else if (command.name === 'open') open(command.serial, command.target)
  else if (command.name === 'end') socket?.destroySoon()
  else socket?.destroy()
})
// The caller, who may wait, has no turn of its loop in which to hear of that.
process.on('exit', () => tell({ serial: 0, name: 'exit' }))
tell({ serial: 0, name: 'started' })

/** What Node does for a session. */
import { randomBytes } from 'node:crypto'
import { connect as connectSocket } from 'node:net'
import { types } from 'node:util'
import { receiveMessageOnPort } from 'node:worker_threads'
import { codedError } from './errors.js'
import { claimStdio, openStdio } from './node-stdio.js'
import { NodeStream } from './node-stream.js'
import { WorkerLane } from './node-sync-lane.js'
import { NodeWebSocket } from './node-web-socket.js'

/** @typedef {import('./outbox.js').Handlers} Handlers */

const { env } = process
const STDIO = 'stdio:'
const ADDRESSES = 'unix:/path, tcp://host:port, ws://host:port or stdio:'
const WEB_PORT = 80
const WEB_SOCKET_PATH = '/ipchost'

/**
 * Where an address of a stream leads.
 * @param {string} address
 * @returns {{ path: string } | { host: string, port: number } | undefined}
 */
function streamTargetOf(address) {
  if (address.startsWith('unix:')) return { path: decodeURIComponent(address.slice('unix:'.length)) }
  const tcp = /^tcp:\/\/(?:\[([^\]]+)\]|([^:/]+)):(\d+)\/?$/.exec(address)
  return tcp ? { host: tcp[1] ?? tcp[2], port: Number(tcp[3]) } : undefined
}

/**
 * Where the address of a WebSocket leads.
 * @param {string} address
 * @returns {{ host: string, port: number, authority: string, path: string } | undefined}
 */
function webTargetOf(address) {
  if (!address.startsWith('ws://')) return undefined
  try {
    const { hostname, host, port, pathname, search } = new URL(address)
    const path = (pathname === '/' ? WEB_SOCKET_PATH : pathname) + search
    return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || WEB_PORT), authority: host, path }
  } catch {
    return undefined
  }
}

/** @param {import('node:net').Socket} socket */
const pair = (socket) => ({ input: socket, output: socket })

/**
 * @param {(options: any) => import('node:net').Socket} connect as node:net's
 * @param {string} address
 * @param {Handlers} handlers
 */
function dialOver(connect, address, handlers) {
  const web = webTargetOf(address)
  if (web) return new NodeWebSocket(address, web, connect, handlers)
  const target = streamTargetOf(address)
  if (!target) throw codedError('ERR_ADDRESS', `Cannot connect to '${address}': an address is ${ADDRESSES}`)
  return new NodeStream(address, (onread) => pair(connect({ ...target, noDelay: true, onread })), handlers)
}

// Before the process prints anything.
if (process.env.IPCHOST_ADDRESS === STDIO) claimStdio()

/** @type {import('./connect.js').Engine & { addresses: string }} */
export const nodeEngine = {
  addresses: ADDRESSES,
  /**
   * @param {string} address
   * @param {Handlers} handlers
   */
  dial(address, handlers) {
    if (address === STDIO) return new NodeStream(address, openStdio, handlers)
    return dialOver(connectSocket, address, handlers)
  },
  syncLane(address) {
    if (address !== STDIO) return new WorkerLane((handlers, connect) => dialOver(connect, address, handlers))
    throw codedError('ERR_UNSUPPORTED', "sendSync cannot go over 'stdio:', which is one link and no other: use invoke, or connect to a socket of the host")
  },
  defer: process.nextTick,
  later: setImmediate,
  randomBytes,
  /** Native ports are neutered by their transfer, and here again at once. */
  movePorts(ports, arrived) {
    const { port1, port2 } = new MessageChannel()
    try {
      port1.postMessage(ports, ports)
      arrived(/** @type {any} */ (receiveMessageOnPort(/** @type {any} */ (port2)))?.message)
    } finally {
      port1.close()
    }
  },
  tellsClose: true,
  startsByListening: true,
  /** process.env asks the system for each of its properties; Electron refuses it, and what is secret in it stays here. */
  isProxy: (value) => types.isProxy(value) || value === env,
  returns: false,
  details: () => ({ pid: process.pid, client: `ipchost-js/0.1.0 node/${process.versions.node}` }),
}

/** @type {string | undefined} */
let found

/**
 * Where the host of this process is: that stays, whatever becomes of the environment.
 * @returns {string}
 */
export function defaultAddress() {
  found ??= process.env.IPCHOST_ADDRESS || undefined
  if (found) return found
  throw codedError('ERR_ADDRESS', 'IPCHOST_ADDRESS is not set: set it to the address of the host, or use connect(address)')
}

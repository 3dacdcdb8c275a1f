/** What Node does for a session. */
import { randomBytes } from 'node:crypto'
import { types } from 'node:util'
import { codedError } from './errors.js'
import { NodeStream } from './node-stream.js'

/** @typedef {import('./session.js').Handlers} Handlers */

/**
 * Where an address leads.
 * @param {string} address
 * @returns {{ path: string } | { host: string, port: number } | undefined}
 */
function targetOf(address) {
  if (address.startsWith('unix:')) return { path: decodeURIComponent(address.slice('unix:'.length)) }
  const tcp = /^tcp:\/\/(?:\[([^\]]+)\]|([^:/]+)):(\d+)\/?$/.exec(address)
  return tcp ? { host: tcp[1] ?? tcp[2], port: Number(tcp[3]) } : undefined
}

/** @type {import('./session.js').Engine & { addresses: string }} */
export const nodeEngine = {
  addresses: 'unix:/path or tcp://host:port',
  /**
   * @param {string} address
   * @param {Handlers} handlers
   */
  dial(address, handlers) {
    const target = targetOf(address)
    if (!target) throw codedError('ERR_ADDRESS', `Cannot connect to '${address}': an address is ${this.addresses}`)
    return new NodeStream(address, target, handlers)
  },
  defer: process.nextTick,
  later: setImmediate,
  randomBytes,
  isProxy: types.isProxy,
  details: () => ({ pid: process.pid, client: `ipchost-js/0.1.0 node/${process.versions.node}` }),
}

/**
 * Where the host of this process is.
 * @returns {string}
 */
export function defaultAddress() {
  const address = process.env.IPCHOST_ADDRESS
  if (address) return address
  throw codedError('ERR_ADDRESS', 'IPCHOST_ADDRESS is not set: set it to the address of the host, or use connect(address)')
}

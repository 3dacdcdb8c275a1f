/** ipchost for Node: what a script imports. Connects at first use, to $IPCHOST_ADDRESS. */
import { codedError } from './errors.js'
import { defaultAddress, nodeEngine } from './node-engine.js'
import { Renderer, textsOf } from './renderer-frame.js'
import { Session } from './session.js'

const CONNECT_TIMEOUT = 10000

/**
 * @param {string} address
 * @param {{ url?: string, name?: string, title?: string, token?: string, timeout?: number }} [options]
 * @returns {Promise<Renderer>}
 */
export async function connect(address, options = {}) {
  if (typeof address !== 'string') throw new TypeError('connect takes an address: unix:/path or tcp://host:port')
  const { timeout = CONNECT_TIMEOUT } = options
  if (!(timeout >= 0)) throw new RangeError('timeout must be a number of milliseconds')
  const session = new Session(nodeEngine, () => address, textsOf({ ...options }, ['url', 'name', 'title', 'token']))
  const connected = new Renderer(session)
  session.open()
  const late = () => {
    const reason = `no answer within ${timeout} ms`
    session.fail({ code: 1000, reason }, codedError('ERR_TIMEOUT', `Cannot connect to ${address}: ${reason}`, 'TimeoutError'))
  }
  const timer = timeout === Infinity ? undefined : setTimeout(late, timeout)
  try {
    await connected.opening()
    return connected
  } finally {
    clearTimeout(timer)
  }
}

/** @type {Renderer} */
export const renderer = new Renderer(new Session(nodeEngine, defaultAddress, {}))
export const ipcRenderer = renderer.ipcRenderer
export const webFrame = renderer.webFrame

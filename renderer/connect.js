/** connect: a renderer at an address, on any platform. */
import { codedError } from './errors.js'
import { Renderer, textsOf } from './renderer-frame.js'
import { LONGEST_TIMER, Session } from './session.js'

const CONNECT_TIMEOUT = 10000
const OPTION_TEXTS = ['url', 'name', 'title', 'token']

/** @typedef {{ url?: string, name?: string, title?: string, token?: string, timeout?: number }} ConnectOptions */

/**
 * @param {import('./session.js').Engine & { addresses: string }} engine
 * @param {string} address
 * @param {ConnectOptions} [options]
 * @returns {Promise<Renderer>}
 */
export async function connectWith(engine, address, options = {}) {
  if (typeof address !== 'string') throw new TypeError(`connect takes an address: ${engine.addresses}`)
  const { timeout = CONNECT_TIMEOUT } = options
  if (!(timeout >= 0)) throw new RangeError('timeout must be a number of milliseconds')
  const session = new Session(engine, () => address, textsOf({ ...options }, OPTION_TEXTS))
  const connected = new Renderer(session)
  session.open()
  const late = () => {
    const reason = `no answer within ${timeout} ms`
    session.fail({ code: 1000, reason }, codedError('ERR_TIMEOUT', `Cannot connect to ${address}: ${reason}`, 'TimeoutError'))
  }
  const timer = timeout > LONGEST_TIMER ? undefined : setTimeout(late, timeout)
  try {
    await connected.opening()
    return connected
  } finally {
    clearTimeout(timer)
  }
}

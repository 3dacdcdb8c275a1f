/** connect: a renderer at an address, on any platform. */
import { LONGEST_TIMER } from './calls.js'
import { codedError } from './errors.js'
import { Renderer, textsOf } from './renderer-frame.js'
import { Session } from './session.js'

const CONNECT_TIMEOUT = 10000
const OPTION_TEXTS = ['url', 'name', 'title', 'token']

/**
 * @typedef {object} Engine what a platform does
 * @property {(address: string, handlers: import('./outbox.js').Handlers) => import('./session.js').Transport} dial what is sent leaves once it is open
 * @property {(fn: () => void) => void} defer calls fn at the end of the turn
 * @property {(fn: () => void) => void} later calls fn when reactions of promises have run
 * @property {(size: number) => Uint8Array} randomBytes
 * @property {(ports: any[], arrived: (moved: any[]) => void) => void} movePorts neuters native ports, and gives what they became
 * @property {boolean} tellsClose whether a native port tells of the other's close
 * @property {(port: any) => any} [partnerOf] the port of the same channel, where native ports do not tell of that
 * @property {boolean} startsByListening whether adding a listener starts a native port
 * @property {(value: object) => boolean} isProxy
 * @property {() => Record<string, unknown>} details what hello says of the process
 * @property {(address: string) => import('./sync-calls.js').SyncLane} syncLane a link of its own for calls that block
 * @property {(address: string) => import('./page-tab.js').Tab | undefined} [tab] the tab of the browser, if the session speaks for it
 * @property {(who: { rest: () => void, wake: () => void }) => () => void} [tellOfRest] tells when the document is put away and shown again
 * @property {(tell: import('./page-watch.js').Tell) => { stop: () => void } | undefined} [watch] tells of what changes of what details said
 * @property {Places} [places] where documents stand among each other
 * @property {boolean} returns whether a session comes again, as another, when the host has stopped in good order
 * @property {(fn: () => void) => () => void} [wake] calls fn when a link may be had again; returns what ends that
 */

/**
 * @typedef {object} Places where documents stand among each other
 * @property {() => boolean} isBelow whether another page is around this document
 * @property {(address: string, placed: (ticket?: import('./tickets.js').Ticket) => void, most: number) => () => void} ask within that time, in ms; returns what gives it up
 * @property {(giver: import('./page-place.js').Giver) => void} give
 * @property {(giver: import('./page-place.js').Giver) => void} giveNoMore
 */

/** @typedef {{ url?: string, name?: string, title?: string, token?: string, timeout?: number, reconnect?: import('./connection.js').Reconnect }} ConnectOptions */

/**
 * @param {Engine & { addresses: string }} engine
 * @param {string} address
 * @param {ConnectOptions} [options]
 * @returns {Promise<Renderer>}
 */
export async function connectWith(engine, address, options = {}) {
  if (typeof address !== 'string') throw new TypeError(`connect takes an address: ${engine.addresses}`)
  const { timeout = CONNECT_TIMEOUT, reconnect } = options
  if (!(timeout >= 0)) throw new RangeError('timeout must be a number of milliseconds')
  const session = new Session(engine, () => address, textsOf({ ...options }, OPTION_TEXTS), reconnect)
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

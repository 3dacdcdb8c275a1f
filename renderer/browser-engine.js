/** What a page or a worker does for a session. */
import { partnerOf, rememberChannels } from './channels.js'
import { codedError } from './errors.js'
import { askForPlace, giveNoMore, giveTickets, isBelowAnother } from './page-place.js'
import { takeTab } from './page-tab.js'
import { tellOfRest } from './page-rest.js'
import { PageWatch } from './page-watch.js'
import { PostLane } from './post-lane.js'
import { WebSocketLink } from './web-socket-link.js'

/** @typedef {import('./outbox.js').Handlers} Handlers */

const SOCKET_PATH = '/ipchost'
const SYNC_PATH = '/ipchost/sync'
const SOCKET_PROTOCOLS = new Map([['http:', 'ws:'], ['https:', 'wss:'], ['ws:', 'ws:'], ['wss:', 'wss:']])

/** @type {(() => void)[]} */
const tasks = []
/** @type {MessagePort | undefined} */
let taskPort

/**
 * Calls fn in a task of its own. Not by a timer: browsers hold those back in pages that are not seen.
 * @param {() => void} fn
 */
function runAsTask(fn) {
  if (!taskPort) {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => tasks.shift()?.()
    taskPort = port2
  }
  tasks.push(fn)
  taskPort.postMessage(0)
}

/**
 * Where the WebSocket is that an address means; undefined for what is no address of one.
 * @param {string} address
 * @returns {string | undefined}
 */
function socketAddressOf(address) {
  try {
    const { protocol, host, pathname, search } = new URL(address)
    const socketProtocol = SOCKET_PROTOCOLS.get(protocol)
    return socketProtocol && `${socketProtocol}//${host}${pathname === '/' ? SOCKET_PATH : pathname}${search}`
  } catch {
    return undefined
  }
}

/**
 * The host that a script came from.
 * @param {string} scriptUrl
 * @returns {string}
 */
export function addressOfOrigin(scriptUrl) {
  const address = socketAddressOf(scriptUrl)
  if (address) return `${new URL(address).origin}${SOCKET_PATH}`
  throw codedError('ERR_ADDRESS', `'${scriptUrl}' did not come from a host: use connect(address)`)
}

const PORTS_TELL_CLOSE = typeof MessagePort === 'function' && 'onclose' in MessagePort.prototype
if (!PORTS_TELL_CLOSE && typeof MessageChannel === 'function') rememberChannels()

const isDocument = () => typeof document === 'object'

/** What a host is told of the document, and of what changes of it. */
function state() {
  const { document, location, name } = /** @type {any} */ (globalThis)
  return { url: location.href, name: name ?? '', title: document.title, visibilityState: document.visibilityState }
}

/** What proves at which URL the document was served, if the host has said so. */
function proof() {
  const [navigation] = /** @type {PerformanceNavigationTiming[]} */ (performance.getEntriesByType('navigation'))
  const said = navigation?.serverTiming?.find(({ name }) => name === 'ipchost')
  return said && { proof: said.description }
}

/** What hello says of the page or worker. */
function claims() {
  const client = 'ipchost-js/0.1.0 browser'
  return isDocument() ? { type: 'page', client, ...proof(), ...state() } : { client, url: location.href, name: /** @type {any} */ (globalThis).name ?? '' }
}

/** @type {import('./connect.js').Engine & { addresses: string }} */
export const browserEngine = {
  addresses: 'ws://host:port',
  /**
   * @param {string} address
   * @param {Handlers} handlers
   */
  dial(address, handlers) {
    const target = socketAddressOf(address)
    if (!target) throw codedError('ERR_ADDRESS', `Cannot connect to '${address}': an address is ${this.addresses}`)
    return new WebSocketLink(target, handlers)
  },
  syncLane(address) {
    const { protocol, host } = new URL(/** @type {string} */ (socketAddressOf(address)))
    return new PostLane(`${protocol === 'wss:' ? 'https:' : 'http:'}//${host}${SYNC_PATH}`)
  },
  defer: queueMicrotask.bind(globalThis),
  later: runAsTask,
  randomBytes: (size) => crypto.getRandomValues(new Uint8Array(size)),
  movePorts(ports, arrived) {
    const { port1, port2 } = new MessageChannel()
    port2.onmessage = (event) => {
      port2.close()
      arrived([...event.ports])
    }
    port1.postMessage(null, ports)
  },
  tellsClose: PORTS_TELL_CLOSE,
  partnerOf,
  startsByListening: false,
  /** No script of a page can tell. */
  isProxy: () => false,
  details: claims,
  tab: (address) => takeTab(/** @type {string} */ (socketAddressOf(address))),
  tellOfRest: (who) => (isDocument() ? tellOfRest(who) : () => {}),
  watch: (tell) => (isDocument() ? new PageWatch(state, tell) : undefined),
  places: { isBelow: isBelowAnother, ask: askForPlace, give: giveTickets, giveNoMore },
  returns: true,
  wake(fn) {
    const { document } = /** @type {any} */ (globalThis)
    const seen = () => { if (document.visibilityState === 'visible') fn() }
    addEventListener('online', fn)
    document?.addEventListener('visibilitychange', seen)
    return () => {
      removeEventListener('online', fn)
      document?.removeEventListener('visibilitychange', seen)
    }
  },
}

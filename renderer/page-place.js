/**
 * Where a document stands among others: one in an iframe asks the page around it for a ticket, by a message with a port;
 * a page gives one to who asks from an iframe of its own. Knows windows, and no packet.
 */

/** @typedef {import('./tickets.js').Ticket} Ticket */

/**
 * @typedef {object} Giver a session of this page
 * @property {string} address
 * @property {(origin: string) => Promise<Ticket | undefined>} ticket
 */

const QUESTION = 'ticket'
/** How often the page around is asked until it has heard, in ms: it may be loading still. */
const EVERY = 50
/** How long one that is there and does not hear is waited for. */
const PATIENCE = 250
/** The same where it cannot be seen whether it is there, but it is of this host too. */
const HOST_PATIENCE = 2000
/** Turns come once a second in pages that are not seen. */
const HIDDEN_TURNS = 3
const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]'])

/** @type {Giver[]} */
const givers = []

/** @returns {any} this window, in a document */
function ownWindow() {
  return typeof document === 'object' ? globalThis : undefined
}

// ---- the document in the iframe ----

/** Whether another page is around this document. */
export function isBelowAnother() {
  const own = ownWindow()
  return own !== undefined && own.parent !== own
}

/**
 * Calls `placed` once, with nothing where no ticket is to be had.
 * @param {string} address
 * @param {(ticket?: Ticket) => void} placed
 * @param {number} most in ms, how long the page around may load, and how long it may take when it has heard: it may be on its way to the host still
 * @returns {() => void} gives it up
 */
export function askForPlace(address, placed, most) {
  const asking = new Asking(ownWindow(), address, placed, most)
  return () => asking.stop()
}

/**
 * Whether the page around is there as a whole; undefined where that cannot be seen.
 * @param {any} own
 */
function isLoaded(own) {
  try {
    return own.parent.document.readyState === 'complete'
  } catch {
    return undefined
  }
}

/**
 * Whether the page around comes from the host at the address, by whatever name of this machine.
 * @param {any} own
 * @param {string} address
 */
function isOfHost(own, address) {
  try {
    const page = new URL(own.location.ancestorOrigins?.[0] ?? own.document.referrer)
    const host = new URL(address)
    return page.host === host.host || (page.port === host.port && LOOPBACK.has(page.hostname) && LOOPBACK.has(host.hostname))
  } catch {
    return false
  }
}

/**
 * What the page around has answered, if that is a ticket.
 * @param {any} data
 * @returns {Ticket | undefined}
 */
function ticketOf(data) {
  const { ticket, issuer } = data ?? {}
  return ticket instanceof Uint8Array && issuer instanceof ArrayBuffer ? { ticket, issuer } : undefined
}

class Asking {
  #own
  #address
  #placed
  /** @type {MessagePort[]} */
  #ports = []
  #begun = performance.now()
  /** How often the page around could have heard: counted by turns, as both may be held up. */
  #turns = 0
  #patience
  #most
  #heard = false
  /** @type {any} */
  #timer = setInterval(() => this.#tick(), EVERY)

  /**
   * @param {any} own
   * @param {string} address
   * @param {(ticket?: Ticket) => void} placed
   * @param {number} most
   */
  constructor(own, address, placed, most) {
    this.#own = own
    this.#address = address
    this.#placed = placed
    this.#most = most
    this.#patience = isLoaded(own) === undefined && isOfHost(own, address) ? HOST_PATIENCE : PATIENCE
    this.#ask()
  }

  #tick() {
    if (isLoaded(this.#own) !== false) this.#turns++
    const enough = this.#own.document.hidden ? HIDDEN_TURNS : this.#patience / EVERY
    const late = performance.now() - this.#begun >= this.#most
    if (late || (!this.#heard && this.#turns >= enough)) this.#decide()
    else if (!this.#heard) this.#ask()
  }

  #ask() {
    const { port1, port2 } = new MessageChannel()
    this.#ports.push(port1)
    port1.onmessage = ({ data }) => this.#hear(data)
    // To whatever origin: it says nothing that a stranger could use.
    this.#own.parent.postMessage({ ipchost: QUESTION, address: this.#address }, '*', [port2])
  }

  /** @param {any} data */
  #hear(data) {
    if (!data?.heard) return this.#decide(ticketOf(data))
    this.#heard = true
  }

  /** @param {Ticket} [ticket] */
  #decide(ticket) {
    if (this.#timer === undefined) return
    this.stop()
    this.#placed(ticket)
  }

  stop() {
    clearInterval(this.#timer)
    this.#timer = undefined
    for (const port of this.#ports) port.close()
  }
}

// ---- the page around it ----

/**
 * Lets the session give tickets to documents in iframes of this page.
 * @param {Giver} giver
 */
export function giveTickets(giver) {
  const own = ownWindow()
  if (!own) return
  if (givers.length === 0) own.addEventListener('message', answer)
  givers.push(giver)
}

/** @param {Giver} giver */
export function giveNoMore(giver) {
  const at = givers.indexOf(giver)
  if (at >= 0) givers.splice(at, 1)
}

/** @param {MessageEvent} event */
function answer(event) {
  const { data, source, origin, ports } = event
  if (data?.ipchost !== QUESTION || ports.length !== 1 || !isBelow(source)) return
  event.stopImmediatePropagation()
  give(ports[0], data.address, origin)
}

/**
 * Whether a window is that of an iframe of this page, wherever in it.
 * @param {any} source
 */
function isBelow(source) {
  const own = ownWindow()
  return source && source !== own && source.parent === own
}

/**
 * @param {MessagePort} port
 * @param {unknown} address
 * @param {string} origin
 */
async function give(port, address, origin) {
  const giver = givers.find((each) => addressOf(each) === address) ?? givers.find(addressOf)
  port.postMessage({ heard: true })
  port.postMessage(await giver?.ticket(origin))
}

/** @param {Giver} giver */
function addressOf(giver) {
  try {
    return giver.address
  } catch {
    return undefined
  }
}

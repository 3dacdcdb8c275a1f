/**
 * Ports: the MessagePorts of a session. Scripts have native ones; for each that leads to the host there is a link. Knows no
 * channel: messages with ports come from the session and from the links.
 */
import { DataCloneError } from './clone-error.js'
import { codedError } from './errors.js'
import { KIND } from './packet-layout.js'
import { PortLink } from './port-link.js'
import { checkTransfer, detach } from './transfer-list.js'

/**
 * @typedef {object} PortWire what a session does for its ports
 * @property {(kind: number, items: Record<string, unknown>, payload?: Uint8Array) => void} put
 * @property {(value: unknown) => Uint8Array} encode throws what cannot be sent
 * @property {(payload: Uint8Array) => any} decode
 */

/**
 * @typedef {object} MovedPort a native port that scripts have transferred
 * @property {PortLink | undefined} link that which it belonged to
 * @property {any} native undefined until it is here
 * @property {any} [partner] the port of the page's own that it was made with, where that has to be told of its close
 * @property {(native: any) => void} arrived
 */

/** @typedef {{ count: number, take: () => MovedPort[] }} Claim ports that can be transferred; `take` takes them from the scripts */

/**
 * @typedef {object} PortEngine
 * @property {(ports: any[], arrived: (moved: any[]) => void) => void} movePorts neuters the ports, and gives what they became
 * @property {(fn: () => void) => void} later
 * @property {boolean} tellsClose whether a native port tells of the other's close
 * @property {(port: any) => any} [partnerOf] the port of the same channel, where native ports do not tell of that
 * @property {boolean} startsByListening whether adding a listener starts a native port
 */

/** When ports are looked at: at first, and as long as nothing changes, ms. */
const LOOK_MS = 50
const LOOK_MAX_MS = 2000

/** More than a packet has beside channel, ports and payload; the most that a port's number takes, and a unit of a channel's text. */
const BESIDE = 128
const NUMBER = 9
const TEXT_UNIT = 3

/**
 * The most that the packet of a message takes.
 * @param {Uint8Array} payload
 * @param {number} ports how many go with it
 * @param {string} channel
 */
function sizeAtMost(payload, ports, channel) {
  return payload.length + BESIDE + NUMBER * ports + TEXT_UNIT * channel.length
}

/** @param {any} port @param {string} name @param {unknown} value */
function override(port, name, value) {
  Object.defineProperty(port, name, { value, writable: true, configurable: true })
}

/**
 * Gives a port the attribute that some browsers' have.
 * @param {any} port
 */
function overrideOnclose(port) {
  /** @type {((event: Event) => void) | null} */
  let listener = null
  port.addEventListener('close', (/** @type {Event} */ event) => listener?.call(port, event))
  Object.defineProperty(port, 'onclose', {
    configurable: true,
    get: () => listener,
    set: (value) => { listener = typeof value === 'function' ? value : null },
  })
}

export class Ports {
  limits = { window: 0, ports: Infinity, packet: Infinity }
  #wire
  #engine
  /** @type {Map<number, PortLink>} */
  #links = new Map()
  /** @type {WeakMap<object, PortLink>} by the ports that scripts were given */
  #received = new WeakMap()
  /** @type {WeakSet<object>} */
  #neutered = new WeakSet()
  #last = -1
  /** @type {any} */
  #timer

  /**
   * @param {PortEngine} engine
   * @param {PortWire} wire
   */
  constructor(engine, wire) {
    this.#engine = engine
    this.#wire = wire
  }

  /** @param {Record<string, number>} limits the host's */
  open({ window, ports, packet }) {
    Object.assign(this.limits, { window: window ?? 1 << 20, ports: ports ?? Infinity, packet: packet ?? Infinity })
    for (const link of [...this.#links.values()]) link.welcomed()
  }

  // ---- for links ----

  /** @param {number} kind @param {Record<string, unknown>} items @param {Uint8Array} [payload] */
  put(kind, items, payload) {
    this.#wire.put(kind, items, payload)
  }

  /**
   * The payload of a message, of which a packet can be made: once its ports are taken it is too late to refuse it.
   * @param {unknown} value
   * @param {number} ports how many go with it
   * @param {string} [channel]
   */
  encode(value, ports, channel = '') {
    const payload = this.#wire.encode(value)
    const size = sizeAtMost(payload, ports, channel)
    if (size <= this.limits.packet) return payload
    throw codedError('ERR_LIMIT_PACKET', `limits.packet (${this.limits.packet} bytes) exceeded by a packet of up to ${size}`)
  }

  /**
   * Whether a packet of a port's can be made of a payload that was encoded before the limits were known.
   * @param {Uint8Array} payload
   * @param {number} ports
   */
  fits(payload, ports) {
    return sizeAtMost(payload, ports, '') <= this.limits.packet
  }

  /** @param {Uint8Array} payload */
  decode(payload) {
    return this.#wire.decode(payload)
  }

  /** @param {() => void} fn */
  later(fn) {
    this.#engine.later(fn)
  }

  /** @param {number} number */
  forget(number) {
    this.#links.delete(number)
  }

  /** Looks, sooner or later, whether ports that are not seen to be used have been handed on. */
  watch() {
    if (!this.#timer) this.#look(LOOK_MS)
  }

  /** @param {number} ms */
  #look(ms) {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      const waiting = [...this.#links.values()].filter((link) => link.look())
      if (waiting.length > 0) this.#look(Math.min(2 * ms, LOOK_MAX_MS))
    }, ms)
    this.#timer.unref?.()
  }

  /**
   * Whether a port was transferred or closed here.
   * @param {any} port
   */
  isNeutered(port) {
    return this.#neutered.has(port)
  }

  /**
   * @param {any} near
   * @param {any} far
   */
  tellClose(near, far) {
    near?.close()
    if (this.#engine.tellsClose || !far) return
    far.dispatchEvent(new Event('close'))
  }

  // ---- ports that leave ----

  /**
   * Checks a transfer list.
   * @param {any} transfer
   * @param {any} [source] the port that posts
   * @returns {Claim}
   */
  claim(transfer, source) {
    const { ports, buffers } = checkTransfer(transfer, source)
    ports.forEach((port, i) => {
      if (this.#neutered.has(port)) throw new DataCloneError(`Port at index ${i} is already neutered`)
    })
    if (ports.length > 0 && this.#links.size + ports.length > this.limits.ports) {
      throw codedError('ERR_LIMIT_PORTS', `limits.ports (${this.limits.ports}) exceeded; close ports or raise limits.ports`)
    }
    const take = () => {
      const moved = this.#take(ports)
      detach(buffers)
      return moved
    }
    return { count: ports.length, take }
  }

  /** @param {any[]} ports @returns {MovedPort[]} */
  #take(ports) {
    if (ports.length === 0) return []
    const moved = ports.map((port) => this.#moved(port))
    try {
      this.#engine.movePorts(ports, (natives) => natives.forEach((native, i) => moved[i].arrived(native)))
    } catch {
      throw new DataCloneError(`Port at index ${ports.length - 1} is already neutered`)
    }
    for (const port of ports) this.#neutered.add(port)
    return moved
  }

  /**
   * @param {any} port
   * @returns {MovedPort}
   */
  #moved(port) {
    const link = this.#received.get(port)
    const partner = link ? undefined : this.#engine.partnerOf?.(port)
    return { link, partner, native: undefined, arrived(native) { this.native = native } }
  }

  /**
   * Ports that came here natively; which of those that scripts were given they were cannot be told.
   * @param {readonly any[]} natives
   * @returns {Claim}
   */
  owned(natives) {
    if (natives.length > 0) for (const link of [...this.#links.values()]) link.loosen()
    return { count: natives.length, take: () => natives.map((native) => ({ link: undefined, native, arrived() {} })) }
  }

  /**
   * Gives the ports their numbers, and has the packet written that transfers them.
   * @param {MovedPort[]} ports
   * @param {(numbers: number[]) => void} write
   */
  transfer(ports, write) {
    const returning = ports.map(({ link }) => link?.returnable ? link : undefined)
    write(ports.map((_, i) => returning[i]?.number ?? (this.#last += 2)))
    let number = this.#last - 2 * returning.filter((link) => !link).length
    ports.forEach((port, i) => {
      const link = returning[i]
      if (link) {
        this.#whenHere(port, (native) => native.close())
        link.giveBack()
      } else {
        port.link?.loosen()
        this.#bridge((number += 2), port)
      }
    })
  }

  /**
   * @param {MovedPort} port
   * @param {(native: any) => void} fn
   */
  #whenHere(port, fn) {
    if (port.native) fn(port.native)
    else port.arrived = fn
  }

  /**
   * @param {number} number
   * @param {MovedPort} port
   */
  #bridge(number, port) {
    const link = new PortLink(this, number)
    this.#links.set(number, link)
    if (port.partner) link.accompany(port.partner)
    this.#whenHere(port, (native) => link.connectLoose(native))
  }

  /**
   * Ports that nobody will get.
   * @param {MovedPort[]} ports
   */
  discard(ports) {
    for (const port of ports) {
      port.link?.close()
      if (port.partner) this.#abandon(port)
      else this.#whenHere(port, (native) => native.close())
    }
  }

  /**
   * Has the partner told, by a link that leads nowhere.
   * @param {MovedPort} port
   */
  #abandon(port) {
    const link = new PortLink(this, 0)
    link.accompany(port.partner)
    link.end()
    this.#whenHere(port, (native) => link.connect(native))
  }

  /**
   * Numbers in a message that goes back: what they lead to goes with it.
   * @param {number[]} numbers
   */
  giveBack(numbers) {
    for (const number of numbers) this.#links.get(number)?.giveBack()
  }

  // ---- ports that come ----

  /**
   * Numbers of the host's that nobody here uses.
   * @param {number[]} numbers
   */
  known(numbers) {
    for (const number of numbers) this.#links.set(number, new PortLink(this, number))
  }

  /**
   * Native ports for new numbers, to be transferred; they are adopted where they arrive.
   * @param {number[]} numbers
   * @param {boolean} loose nobody sees where
   * @returns {any[]}
   */
  natives(numbers, loose = false) {
    return numbers.map((number) => {
      const { port1, port2 } = new MessageChannel()
      const link = new PortLink(this, number)
      this.#links.set(number, link)
      if (loose) link.connectLoose(port1)
      else link.connect(port1)
      return port2
    })
  }

  /**
   * Ports for scripts.
   * @param {number[]} numbers
   * @returns {any[]}
   */
  receive(numbers) {
    return this.natives(numbers).map((port, i) => this.adopt(numbers[i], port))
  }

  /**
   * Sees to it that the use of a port which scripts are given is seen.
   * @param {number} number
   * @param {any} port
   */
  adopt(number, port) {
    const link = this.#links.get(number)
    if (!link || !port) return port
    const native = Object.getPrototypeOf(port)
    this.#received.set(port, link)
    link.watch(port, !this.#engine.startsByListening)
    this.#look(LOOK_MS)
    override(port, 'postMessage', (/** @type {any[]} */ ...args) => {
      if (args.length === 0) throw new TypeError('Insufficient number of arguments')
      const [message, transfer] = args
      const claim = this.claim(transfer, port)
      if (!this.#neutered.has(port)) link.post(message, claim)
    })
    override(port, 'start', () => {
      link.begin()
      native.start.call(port)
    })
    override(port, 'close', () => {
      if (this.#neutered.has(port)) return
      this.#neutered.add(port)
      link.close()
      native.close.call(port)
    })
    override(port, 'addEventListener', (/** @type {any[]} */ ...args) => {
      if (this.#engine.startsByListening && args[0] === 'message') link.begin()
      return native.addEventListener.apply(port, args)
    })
    Object.defineProperty(port, 'onmessage', {
      configurable: true,
      get: () => Reflect.get(native, 'onmessage', port),
      set: (listener) => {
        link.begin()
        Reflect.set(native, 'onmessage', listener, port)
      },
    })
    if (!('onclose' in native)) overrideOnclose(port)
    return port
  }

  /**
   * Closes ports that came and that nobody wants.
   * @param {number[]} numbers
   */
  refuse(numbers) {
    for (const number of numbers) {
      const link = this.#links.get(number)
      if (link) link.close()
      else this.put(KIND.PORT_CLOSE, { port: number })
    }
  }

  /**
   * @param {import('./packet.js').Packet} packet
   * @param {Uint8Array} bytes of its block
   */
  packet({ kind, items = {}, payloadAt, payloadEnd }, bytes) {
    const link = this.#links.get(items.port)
    if (!link) {
      if (kind === KIND.PORT_MESSAGE) this.refuse(items.ports)
      return
    }
    if (kind === KIND.PORT_MESSAGE) link.receive({ ports: items.ports, payload: bytes.slice(payloadAt, payloadEnd) })
    else if (kind === KIND.PORT_CLOSE) link.receiveClose()
    else if (kind === KIND.PORT_CREDIT) link.credited(items.bytes)
  }

  /** The session is over. */
  end() {
    clearTimeout(this.#timer)
    const links = [...this.#links.values()]
    this.#links.clear()
    for (const link of links) link.end()
  }
}

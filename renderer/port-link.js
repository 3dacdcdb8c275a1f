/**
 * PortLink: one port of a session (docs/protocol.md, section 5.1): its number at the host, and the native port that stands here
 * for the far end. Messages that were handed to the native port are kept until they were dispatched, so that they can be
 * credited then, or given back when the port is transferred on.
 */
import { KIND } from './packet-layout.js'
import { PORT_MARK } from './port-marks.js'
import { Queue } from './queue.js'

/** @typedef {import('./ports.js').Ports} Ports */
/** @typedef {import('./ports.js').MovedPort} MovedPort */
/** @typedef {{ ports: number[], payload: Uint8Array }} Parcel */

/** How long a port of the page's own has to answer whether it is still here, ms. */
const PARTNER_MS = 2000
/** How often it may be asked in vain. */
const ASKED_MAX = 2

/** What a message costs of a window beside its payload. */
const PARCEL_COST = 64

/** @param {Uint8Array} payload */
function costOf(payload) {
  return PARCEL_COST + payload.length
}

/**
 * Has a port of the page's own tell of its close, after what it has posted.
 * @param {any} partner
 */
function tellOfOwnClose(partner) {
  const { close, postMessage } = Object.getPrototypeOf(partner)
  const value = () => {
    postMessage.call(partner, PORT_MARK.CLOSING)
    close.call(partner)
  }
  Object.defineProperty(partner, 'close', { value, writable: true, configurable: true })
}

export class PortLink {
  number
  #hub
  /** @type {any} the native port that is entangled with the one that scripts have */
  #near
  /** @type {any} that one, where it was received here: its use is seen */
  #far
  /** @type {WeakRef<any> | undefined} the port of the page's own whose other is at the host, where neither tells of its close */
  #partner
  #listening = false
  #begun = false
  #announced = false
  /** It may be in other hands than those that it was given to: what is dispatched is not seen. */
  #loose = false
  /** `closing`: closed from this side, and what was posted has not left yet. `returning`: transferred back to the host. */
  #state = /** @type {'open' | 'closing' | 'returning' | 'closed'} */ ('open')
  /** The host sends nothing more. */
  #ended = false
  /** @type {Queue<Parcel>} handed to the native port, and not dispatched */
  #fed = new Queue()
  /** @type {Queue<{ payload: Uint8Array, ports: MovedPort[] }>} posted, and waiting for the host's credit */
  #held = new Queue()
  #outstanding = 0
  #owed = 0
  /** Something was dispatched since the last look. */
  #moving = false
  #asked = 0

  /**
   * @param {Ports} hub
   * @param {number} number
   */
  constructor(hub, number) {
    this.#hub = hub
    this.number = number
  }

  /** Whether the port can leave for the host with what is under way. */
  get returnable() {
    return this.#state === 'open' && !this.#loose && this.#held.length === 0
  }

  /** Whether the port is joined to the host's: it has neither left nor ended. */
  get #isJoined() {
    return this.#state === 'open' || this.#state === 'closing'
  }

  // ---- the native side ----

  /**
   * Takes the native port whose other side scripts have.
   * @param {any} near
   */
  connect(near) {
    this.#near = near
    if (this.#state === 'closed') return this.#tellClose()
    if (this.#state === 'returning') return near.close()
    near.onmessage = (/** @type {MessageEvent} */ { data, ports }) => this.#fromNear(data, ports)
    near.addEventListener('close', () => this.close())
    near.unref?.()
  }

  /** A port of the scripts' own making: what they take of it is not seen. */
  connectLoose(/** @type {any} */ near) {
    this.#loose = true
    this.connect(near)
    this.begin()
  }

  /**
   * The port of the page's own that is entangled with the native one.
   * @param {any} partner
   */
  accompany(partner) {
    this.#partner = new WeakRef(partner)
    tellOfOwnClose(partner)
  }

  /**
   * The port that scripts were given.
   * @param {any} far
   * @param {boolean} atOnce whether it can be listened to before it is in use
   */
  watch(far, atOnce) {
    this.#far = far
    if (atOnce) this.#listen()
  }

  /** Before all listeners of scripts: those could hide a message, and are to find the ports in it adopted. */
  #listen() {
    if (this.#listening) return
    this.#listening = true
    const { addEventListener } = Object.getPrototypeOf(this.#far)
    addEventListener.call(this.#far, 'message', (/** @type {MessageEvent} */ event) => this.#dispatched(event), { capture: true })
  }

  /**
   * @param {any} data
   * @param {readonly any[]} ports
   */
  #fromNear(data, ports) {
    if (data === PORT_MARK.HERE) {
      this.#asked = 0
      return
    }
    if (data === PORT_MARK.CLOSING) return this.close()
    if (this.#far) this.loosen()
    const claim = this.#hub.owned(ports)
    try {
      this.post(data, claim)
    } catch (error) {
      this.#hub.discard(claim.take())
      throw error
    }
  }

  /** The port is in use from now on. */
  begin() {
    if (this.#begun || !this.#isJoined) return
    this.#begun = true
    if (this.#far && !this.#loose) this.#listen()
    this.#announce()
  }

  /** Tells the host that the port takes messages, once it is known how many. */
  #announce() {
    const { window } = this.#hub.limits
    if (!this.#begun || this.#announced || window === 0) return
    this.#announced = true
    this.#hub.put(KIND.PORT_OPEN, { port: this.number, window })
  }

  /** The limits of the host are known. */
  welcomed() {
    this.#announce()
    this.flush()
  }

  /** The port may have been handed on where that is not seen. */
  loosen() {
    if (this.#loose) return
    this.#loose = true
    for (const { payload } of this.#fed.take()) this.#credit(costOf(payload))
    this.begin()
    this.#settle()
  }

  /**
   * Asks the port whether it is still here, where nothing is seen of it: one that was transferred natively does not tell.
   * @returns {boolean} whether to look again
   */
  look() {
    if (!this.#far || this.#loose || !this.#isJoined || (this.#begun && this.#fed.length === 0)) return false
    if (this.#moving) this.#asked = 0
    this.#moving = false
    if (this.#asked === ASKED_MAX) {
      this.loosen()
      return false
    }
    this.#asked += 1
    Object.getPrototypeOf(this.#far).postMessage.call(this.#far, PORT_MARK.HERE)
    return true
  }

  /** @param {MessageEvent} event */
  #dispatched({ ports }) {
    const parcel = this.#fed.shift()
    if (!parcel) return
    this.#moving = true
    parcel.ports.forEach((number, i) => this.#hub.adopt(number, ports[i]))
    this.#credit(costOf(parcel.payload))
    if (this.#ended) this.#hub.later(() => this.#settle())
  }

  // ---- to the host ----

  /**
   * @param {any} message
   * @param {import('./ports.js').Claim} claim what is transferred, taken when the message can be sent
   */
  post(message, claim) {
    const payload = this.#hub.encode(message, claim.count)
    const ports = claim.take()
    if (this.#state !== 'open' || this.#ended) return this.#hub.discard(ports)
    this.#held.push({ payload, ports })
    this.flush()
  }

  /** Sends what the host has room for. */
  flush() {
    while (this.#held.length > 0 && this.#outstanding < this.#hub.limits.window) {
      const { payload, ports } = /** @type {{ payload: Uint8Array, ports: MovedPort[] }} */ (this.#held.shift())
      if (!this.#hub.fits(payload, ports.length)) return this.#breakOff(ports)
      this.#outstanding += costOf(payload)
      this.#hub.transfer(ports, (numbers) => this.#hub.put(KIND.PORT_MESSAGE, { port: this.number, ports: numbers }, payload))
    }
    if (this.#state === 'closing' && this.#held.length === 0) this.#closeNow()
  }

  /** @param {number} bytes */
  credited(bytes) {
    this.#outstanding = Math.max(0, this.#outstanding - bytes)
    this.flush()
  }

  /** Closes from this side, when what was posted has left. */
  close() {
    if (this.#state !== 'open') return
    this.#state = 'closing'
    this.flush()
  }

  #closeNow() {
    this.#state = 'closed'
    this.#discardFed()
    this.#discardHeld()
    this.#near?.close()
    this.#hub.put(KIND.PORT_CLOSE, { port: this.number })
    this.#hub.forget(this.number)
  }

  /**
   * Ends it where a message cannot leave: whoever would wait for the next is told.
   * @param {MovedPort[]} ports those in the message
   */
  #breakOff(ports) {
    this.#hub.discard(ports)
    this.#discardFed()
    this.#discardHeld()
    this.#answerClose()
    this.#tellClose()
  }

  /** Ports of messages that nobody will get. */
  #discardFed() {
    for (const { ports } of this.#fed.take()) this.#hub.refuse(ports)
  }

  /** The same of those that cannot leave any longer. */
  #discardHeld() {
    for (const { ports } of this.#held.take()) this.#hub.discard(ports)
  }

  /** The port was transferred back: so is what it had. */
  giveBack() {
    this.#state = 'returning'
    this.#near?.close()
    for (const parcel of this.#fed.take()) this.#return(parcel)
    if (this.#ended) this.#answerClose()
  }

  /** @param {Parcel} parcel */
  #return({ ports, payload }) {
    this.#hub.put(KIND.PORT_MESSAGE, { port: this.number, ports }, payload)
    this.#hub.giveBack(ports)
  }

  #answerClose() {
    this.#state = 'closed'
    this.#hub.put(KIND.PORT_CLOSE, { port: this.number })
    this.#hub.forget(this.number)
  }

  // ---- from the host ----

  /** @param {Parcel} parcel */
  receive(parcel) {
    if (this.#state === 'returning') {
      this.#hub.known(parcel.ports)
      return this.#return(parcel)
    }
    if (this.#state !== 'open') {
      this.#hub.refuse(parcel.ports)
      return this.#credit(costOf(parcel.payload))
    }
    let value
    try {
      value = this.#hub.decode(parcel.payload)
    } catch {
      this.#hub.refuse(parcel.ports)
      return this.#closeNow()
    }
    const ports = this.#hub.natives(parcel.ports, this.#loose)
    if (!this.#loose) {
      this.#fed.push(parcel)
      this.#hub.watch()
    }
    this.#near.postMessage(value, ports)
    if (this.#loose) this.#credit(costOf(parcel.payload))
  }

  /** @param {number} cost */
  #credit(cost) {
    this.#owed += cost
    if (!this.#isJoined || this.#owed < this.#hub.limits.window / 2) return
    this.#hub.put(KIND.PORT_CREDIT, { port: this.number, bytes: this.#owed })
    this.#owed = 0
  }

  /** The host sends nothing more: the far end is closed. */
  receiveClose() {
    this.#ended = true
    if (this.#state === 'returning') return this.#answerClose()
    // Nobody dispatches what came for a port that was closed here.
    if (this.#state === 'closing') return this.#closeNow()
    this.#discardHeld()
    this.#settle()
  }

  /** Tells of the close when everything before it was dispatched. */
  #settle() {
    if (!this.#ended || this.#fed.length > 0 || !this.#isJoined) return
    this.#answerClose()
    this.#tellClose()
  }

  /** Tells scripts of the close, after what is on the way to them. */
  #tellClose() {
    const partner = this.#partner?.deref()
    if (!partner || !this.#near) return this.#hub.tellClose(this.#near, this.#far)
    if (this.#hub.isNeutered(partner)) return this.#lastWord(PORT_MARK.CLOSING)
    // It may be in a worker, where the mark would be a message: it is asked before whether it is here.
    const timer = setTimeout(() => this.#near.close(), PARTNER_MS)
    this.#near.onmessage = (/** @type {MessageEvent} */ { data }) => {
      if (data !== PORT_MARK.HERE) return
      clearTimeout(timer)
      this.#lastWord(PORT_MARK.CLOSED)
    }
    Object.getPrototypeOf(partner).postMessage.call(partner, PORT_MARK.HERE)
  }

  /** @param {string} word */
  #lastWord(word) {
    this.#near.postMessage(word)
    this.#near.close()
  }

  /** The session is over. */
  end() {
    const joined = this.#isJoined
    this.#state = 'closed'
    this.#discardHeld()
    if (joined) this.#tellClose()
  }
}

/**
 * Session: this process towards the host, on one link after the other where it can be resumed. It owns the connection, the frames,
 * the calls and what leaves and comes; above it are names and promises, below it transports. Knows no engine: what the platform
 * must do is given to it.
 */
import { Answers } from './answers.js'
import { ABORTED, Calls } from './calls.js'
import { Connection, GOING_AWAY, NOT_THERE } from './connection.js'
import { Decoder } from './decode.js'
import { codedError, invokeError, refusedError, releasedError, remoteError } from './errors.js'
import { Frames, MAIN_FRAME } from './frames.js'
import { FEATURE_RESUME, Identity, LANE_MAIN, LANE_SYNC } from './identity.js'
import { Inbox } from './inbox.js'
import { MalformedError } from './malformed-error.js'
import { Outbox } from './outbox.js'
import { KIND, UNNUMBERED } from './packet-layout.js'
import { PacketReader } from './packet-reader.js'
import { Packing } from './packing.js'
import { Placing } from './placing.js'
import { Ports } from './ports.js'
import { Receipts } from './receipts.js'
import { SyncCalls } from './sync-calls.js'
import { Tickets } from './tickets.js'

/** @typedef {import('./packet.js').Packet} Packet */
/** @typedef {import('./connection.js').Transport} Transport */
/** @typedef {import('./connect.js').Engine} Engine */
/** @typedef {import('./renderer-frame.js').Endpoint} Endpoint */
/** @typedef {{ code: number, reason: string }} Closed */

const NORMAL = { code: 1000, reason: '' }
const NOT_READY = 'this frame waits for its place in the page around it; it can block once it is connected'
const ANOTHER = 'the host does not have the session any longer'
const EXPIRED = 'the connection was lost, and did not come again in time'
const STOPPED = 'the host has stopped'
const PUT_AWAY = { code: 1001, reason: 'the page was put away' }

export class Session {
  processId = /** @type {number | undefined} */ (undefined)
  webContentsId = /** @type {number | undefined} */ (undefined)
  #engine
  #address
  #frames = new Frames()
  #calls = new Calls()
  #answers = this.#makeAnswers()
  #packing
  #decoder = new Decoder()
  #reader = new PacketReader()
  #receipts = new Receipts((received) => { if (this.#welcomed) this.#put(KIND.ACK, { received }) })
  #inbox
  #ports
  #tickets
  #placing
  /** @type {Outbox | undefined} */
  #outbox
  #connection
  #identity
  /** The number before that of the first packet behind hello. */
  #after = 0
  #sync
  /** Whether hello has named a host on this link: a sync lane may have met it since. */
  #named = false
  /** Whether the host has said welcome on this link, in this session, and ever. */
  #welcomed = false
  #begun = false
  #met = false
  /** In ms: how long the host keeps a session that is lost; 0 where it does not. */
  #patience = 0
  /** Whether the time to resume it was over while hello was on its way. */
  #late = false
  /** @type {Closed | undefined} */
  #closed
  /** @type {Closed | undefined} what the host said that it closes with */
  #bye
  /** Whether the document is put away: what it still says leaves when it is shown again. */
  #resting = false
  /** @type {(() => void) | undefined} */
  #tellNoRest
  /** What the process waits for, besides calls: listeners, frames that are being opened, the welcome. */
  #holds = 0
  #held = true

  /**
   * @param {Engine} engine
   * @param {() => string} address asked when the session is opened
   * @param {Record<string, unknown>} details
   * @param {import('./connection.js').Reconnect} [reconnect]
   */
  constructor(engine, address, details, reconnect) {
    this.#engine = engine
    this.#address = address
    this.#packing = new Packing(engine)
    this.#inbox = new Inbox(engine.later)
    this.#identity = new Identity(engine, details)
    this.#connection = new Connection(engine, {
      opened: (link) => this.#opened(link),
      block: (bytes, at, end) => this.#receive(bytes, at, end),
      batched: () => this.#batched(),
      fault: (closed) => this.fail(closed),
      lost: (error, closed) => this.#lost(error, closed),
      expired: () => this.#expired(),
    }, reconnect)
    this.#sync = new SyncCalls({
      lane: () => engine.syncLane(this.#address()),
      hello: (after) => this.#hello(LANE_SYNC, after),
      packet: (items, args) => this.#packing.packet(KIND.SYNC, items, args, 'args'),
      decode: (bytes, at, end) => this.#decoder.decode(bytes, at, end),
      met: (host) => { this.#identity.host = host },
    })
    this.#tickets = new Tickets((kind, items) => this.#put(kind, items), () => this.#identity.host)
    this.#placing = new Placing(engine.places)
    this.#ports = this.#makePorts()
    engine.places?.give(this)
  }

  /** @returns {string} */
  get address() {
    return this.#address()
  }

  /** One for each session that the host has: what an earlier one left says nothing in a later one. */
  #makeAnswers() {
    return new Answers((call, status, value) => this.#packing.reply(/** @type {Outbox} */ (this.#outbox), call, status, value), () => this.#hold())
  }

  /** @returns {Ports} */
  #makePorts() {
    /** @type {Ports} */
    const ports = new Ports(this.#engine, {
      put: (kind, items, payload) => { if (ports === this.#ports) this.#putBytes(kind, items, payload) },
      encode: (value) => this.#packing.document(value),
      decode: (payload) => this.#decoder.decode(payload, 0, payload.length),
    })
    return ports
  }

  /** Connects, if that has not been done. */
  open() {
    if (this.#outbox || this.#closed) return
    const address = this.#address()
    this.#outbox = new Outbox(this.#engine.defer, (block, most) => this.#reader.split(block, most))
    this.#identity.begin(address, (kind, items, payload) => this.#tell(kind, items, payload))
    this.#tellNoRest = this.#engine.tellOfRest?.(this)
    this.#hold()
    this.#placing.find(address, (place) => this.#begin(address, place))
  }

  /** @param {string} address @param {import('./tickets.js').Ticket} [place] */
  #begin(address, place) {
    this.#identity.place = place
    try {
      this.#connection.dial(address)
    } catch (error) {
      this.#outbox = undefined
      throw error
    }
    if (this.#outbox) this.#outbox.resumable = this.#connection.comesAgain
  }

  /** @param {string} origin of a document in a frame of the main frame's, for which a ticket is wanted */
  async ticket(origin) {
    this.open()
    this.#connection.hurry()
    return this.#closed ? undefined : this.#tickets.ask(origin)
  }

  /** @param {number} lane @param {number} sent @returns {Uint8Array} the packet */
  #hello(lane, sent) {
    const items = this.#identity.hello({
      lane, sent, received: this.#receipts.received, resumable: this.#connection.comesAgain, placed: this.#placing.isBelow,
    })
    return this.#packing.packet(KIND.HELLO, items, this.#identity.details, 'details')
  }

  /** A link has opened: a session that is a new one has its place first. @param {Transport} link */
  #opened(link) {
    if (this.#identity.host || this.#placing.isFound) return this.#greet(link)
    if (this.#closed) return
    this.#placing.find(this.#address(), (place) => {
      this.#identity.place = place
      this.#greet(link)
    })
  }

  /** Says hello, and, unless the session is an older one's, all that follows. @param {Transport} link */
  #greet(link) {
    const outbox = /** @type {Outbox} */ (this.#outbox)
    this.#named = this.#identity.host !== undefined
    this.#after = outbox.greet(link, (after) => this.#hello(LANE_MAIN, after))
    if (this.#named) return
    outbox.open(link)
    if (this.#closed) this.#farewell(this.#closed)
  }

  // ---- what leaves ----

  /** @param {number} frame @returns {Outbox} */
  #use(frame) {
    if (!this.#frames.has(frame)) throw releasedError()
    if (this.#outbox === undefined) this.open()
    this.#packing.check()
    return /** @type {Outbox} */ (this.#outbox)
  }

  /** @param {number} frame @param {string} channel @param {unknown[]} args @returns {boolean} false if more than the mark waits to leave */
  send(frame, channel, args) {
    const outbox = this.#use(frame)
    this.#packing.send(outbox, frame, channel, args)
    return !outbox.marked
  }

  /** @param {number} frame @param {string} channel @param {unknown} message @param {any} transfer the list of ports that go with it */
  post(frame, channel, message, transfer) {
    const outbox = this.#use(frame)
    if (transfer?.length) {
      const claim = this.#ports.claim(transfer)
      const payload = this.#ports.encode(message, claim.count, channel)
      return this.#ports.transfer(claim.take(), (ports) => this.#putBytes(KIND.POST, { frame, channel, ports }, payload))
    }
    this.#packing.post(outbox, frame, channel, message)
  }

  /** @param {number} frame @param {string} channel @param {unknown[]} args @param {number} deadline in ms, 0 for none @returns {import('./calls.js').Call} */
  invoke(frame, channel, args, deadline) {
    const outbox = this.#use(frame)
    this.#packing.invoke(outbox, { frame, call: this.#calls.next, deadline, channel }, args)
    const call = this.#calls.open(channel, frame)
    if (this.#calls.size === 1) this.#hold()
    return call
  }

  // It goes over a lane of its own, with all before it that the main lane may still hold; its number is taken there by a cancel.
  /** A call that returns when it is answered. @param {number} frame @param {string} channel @param {unknown[]} args @returns {any} */
  sendSync(frame, channel, args) {
    const outbox = this.#use(frame)
    if (!this.#identity.host && !this.#placing.isFound) throw invokeError(channel, 'ERR_NOT_READY', NOT_READY)
    const call = this.#calls.next
    const question = this.#sync.question(outbox, { frame, call, channel }, args)
    this.#calls.skip()
    try {
      const answer = this.#sync.ask(outbox, question)
      if (answer.status !== 0) throw remoteError(channel, answer.value)
      return answer.value
    } finally {
      this.#put(KIND.CANCEL, { call, reason: ABORTED })
    }
  }

  /** A packet that the protocol itself has to say. @param {number} kind @param {Record<string, unknown>} items @param {unknown} [payload] */
  #put(kind, items, payload) {
    this.#packing.put(/** @type {Outbox} */ (this.#outbox), kind, items, payload)
  }

  /** The same, at any time. @param {number} kind @param {Record<string, unknown>} items @param {unknown} [payload] */
  #tell(kind, items, payload) {
    if (this.#packing.busy) return this.#engine.defer(() => this.#tell(kind, items, payload))
    if (!this.#closed) this.#put(kind, items, payload)
  }

  /** A packet of a port's: nothing once the session is over. @param {number} kind @param {Record<string, unknown>} items @param {Uint8Array} [payload] */
  #putBytes(kind, items, payload) {
    if (!this.#closed) this.#packing.putBytes(/** @type {Outbox} */ (this.#outbox), kind, items, payload)
  }

  /** Gives a call up. @param {import('./calls.js').Call} call @param {number} reason @param {unknown} error what it rejects with */
  cancel(call, reason, error) {
    if (!this.#calls.take(call.number)) return
    call.reject(error)
    this.#tell(KIND.CANCEL, { call: call.number, reason })
    this.#hold()
  }

  // ---- frames ----

  /** The main frame, which hello opens. @param {Endpoint} endpoint */
  attach(endpoint) {
    this.#frames.setMain(endpoint)
  }

  /** Opens a child frame; its endpoint hears `opened` or `ended`. @param {Endpoint} endpoint @param {Record<string, unknown>} details @returns {number} */
  openFrame(endpoint, details) {
    const { frames } = this.#use(endpoint.parent).limits
    if (this.#frames.list.length >= frames) throw codedError('ERR_LIMIT_FRAMES', `limits.frames (${frames}) exceeded; close frames or raise limits.frames`)
    endpoint.details = details
    const frame = this.#frames.add(endpoint)
    this.#put(KIND.FRAME_OPEN, { frame, parent: endpoint.parent }, details)
    return frame
  }

  /** @param {number} frame */
  close(frame) {
    // By a getter of what is being sent.
    if (this.#packing.busy) return this.#engine.defer(() => this.close(frame))
    if (this.#closed || !this.#frames.has(frame)) return
    if (frame !== MAIN_FRAME) {
      this.#put(KIND.FRAME_CLOSE, { frame })
      return this.#endFrame(frame, NORMAL)
    }
    this.#farewell(NORMAL)
    this.#end(NORMAL)
  }

  /** @param {number} frame @param {Closed} closed */
  #endFrame(frame, closed) {
    for (const [number, endpoint] of this.#frames.take(frame)) {
      this.#calls.rejectAll((call) => call.frame === number, 'ERR_DESTROYED', 'the frame was closed')
      this.#answers.end((each) => each === number, 'ERR_DESTROYED', 'the frame was closed')
      endpoint.ended(closed)
    }
    this.#hold()
  }

  // ---- what comes ----

  /** @param {Uint8Array} bytes @param {number} at @param {number} end */
  #receive(bytes, at, end) {
    try {
      for (const packet of this.#reader.readBlock(bytes, at, end)) {
        if (this.#closed) return
        this.#packet(bytes, packet)
      }
      this.#receipts.came(end - at)
    } catch (error) {
      // A value whose depth the host allows may be too deep for the engine's stack.
      if (!(error instanceof MalformedError) && !(error instanceof RangeError)) throw error
      this.fail({ code: error instanceof MalformedError ? error.closeCode : 1007, reason: error.message })
    }
  }

  #batched() {
    this.#outbox?.forget(this.#sync.acknowledged)
    this.#inbox.settled()
  }

  /** @param {Uint8Array} bytes @param {Packet} packet */
  #packet(bytes, packet) {
    const { kind } = packet
    if (!this.#welcomed && kind !== KIND.WELCOME && kind !== KIND.BYE) throw new MalformedError(1002, 'a packet before welcome')
    if (!UNNUMBERED.has(kind) && !this.#receipts.take()) return
    switch (kind) {
      case KIND.REPLY:
        return this.#reply(bytes, packet)
      case KIND.SEND:
      case KIND.POST:
        return this.#message(bytes, packet)
      case KIND.PORT_MESSAGE:
      case KIND.PORT_CLOSE:
      case KIND.PORT_CREDIT:
        return this.#ports.packet(packet, bytes)
      case KIND.INVOKE:
        return this.#invoked(bytes, packet)
      case KIND.CANCEL:
        return this.#cancelled(packet)
      case KIND.WELCOME:
        return this.#welcome(packet.items, this.#decoder.decode(bytes, packet.payloadAt, packet.payloadEnd))
      case KIND.FRAME_OPENED:
        return this.#frames.get(packet.frame)?.opened(this.#decoder.decode(bytes, packet.payloadAt, packet.payloadEnd), false)
      case KIND.FRAME_CLOSE:
        if (packet.frame === MAIN_FRAME) return this.fail({ code: 1000, reason: 'the host closed the frame' })
        return this.#endFrame(packet.frame, { code: 1000, reason: 'the host closed the frame' })
      case KIND.TICKET:
        return this.#tickets.answered(packet.items)
      case KIND.PING:
        return this.#put(KIND.PONG, { token: packet.items?.token })
      case KIND.ACK:
        return this.#acknowledged(packet.items?.received)
      case KIND.BYE:
        this.#bye = { code: packet.items?.code, reason: packet.items?.text }
        return this.#connection.link?.close()
    }
  }

  /** @param {Uint8Array} bytes @param {Packet} packet */
  #reply(bytes, { call, status, payloadAt, payloadEnd }) {
    if (!this.#calls.has(call)) return
    const value = this.#decoder.decode(bytes, payloadAt, payloadEnd)
    if (!this.#inbox.open) return this.#inbox.answer(() => this.#answer(call, status, value))
    this.#inbox.answered()
    this.#answer(call, status, value)
  }

  /** @param {number} call @param {number} status @param {any} value */
  #answer(call, status, value) {
    this.#calls.answer(call, status !== 0, value)
    if (this.#calls.size === 0) this.#hold()
  }

  /** @param {Uint8Array} bytes @param {Packet} packet */
  #message(bytes, { kind, frame, channel, items, payloadAt, payloadEnd }) {
    const endpoint = this.#frames.get(frame)
    const numbers = items?.ports ?? []
    if (!endpoint) return this.#ports.refuse(numbers)
    const args = kind === KIND.SEND
      ? this.#decoder.decodeList(bytes, payloadAt, payloadEnd)
      : [this.#decoder.decode(bytes, payloadAt, payloadEnd)]
    const ports = this.#ports.receive(numbers)
    this.#inbox.message(() => {
      if (!endpoint.deliver(channel, args, ports)) this.#ports.refuse(numbers)
    })
  }

  /** A call from the host. @param {Uint8Array} bytes @param {Packet} packet */
  #invoked(bytes, { frame, call, channel, payloadAt, payloadEnd }) {
    const args = this.#decoder.decodeList(bytes, payloadAt, payloadEnd)
    this.#inbox.message(() => this.#answers.invoked({ call, frame, channel }, this.#frames.get(frame), args))
  }

  /** @param {Packet} packet */
  #cancelled({ call, items }) {
    this.#inbox.message(() => this.#answers.cancel(call, items?.reason))
  }

  /** @param {number} received */
  #acknowledged(received) {
    const outbox = /** @type {Outbox} */ (this.#outbox)
    if (!outbox.resumable) return
    if (received > outbox.sent) throw new MalformedError(1002, `ack: ${received} was not sent; ${outbox.sent} was`)
    outbox.forget(received)
  }

  /** @param {any} items @param {any} details */
  #welcome({ resumed, sent, received }, { host, processId, webContentsId, frame, limits, features, tab }) {
    if (this.#welcomed) throw new MalformedError(1002, 'a second welcome')
    const outbox = /** @type {Outbox} */ (this.#outbox)
    const known = this.#named
    const resumes = resumed && this.#identity.isKnownTo(host)
    if (known && !resumes) this.#startAnew(this.#after, ANOTHER)
    if (received < this.#after || received > outbox.sent || (resumes && sent > this.#receipts.received)) throw new MalformedError(1002, 'welcome: numbers that cannot be')
    this.#receipts.begin(sent)
    this.#receipts.wanted = outbox.resumable = this.#connection.comesAgain && (features & FEATURE_RESUME) !== 0
    this.#patience = outbox.resumable ? limits?.resume ?? 0 : 0
    Object.assign(outbox.limits, limits)
    this.#welcomed = true
    this.#identity.welcomed(host, tab)
    this.processId = processId
    this.webContentsId = webContentsId
    this.#connection.settled()
    this.#late = false
    if (this.#connection.link && limits?.packet) this.#connection.link.limit = limits.packet
    if (limits?.nesting) this.#packing.nesting = this.#decoder.nesting = limits.nesting
    if (known) outbox.open(/** @type {Transport} */ (this.#connection.link))
    outbox.forget(received)
    // A sync lane may have opened the session that this link is the first of.
    const again = resumes && this.#begun
    if (!again) this.#ports.open(limits ?? {})
    this.#begun = true
    this.#tellWelcome(frame, again)
  }

  /** @param {any} frame @param {boolean} resumed */
  #tellWelcome(frame, resumed) {
    this.#met = true
    this.#frames.get(MAIN_FRAME)?.opened(frame, resumed)
    if (resumed) for (const [, endpoint] of this.#frames.below) endpoint.opened(undefined, true)
    this.#hold()
  }

  // ---- another session ----

  /** What was the old session's is over; frames and listeners stay. @param {number} after the number before that of the next packet @param {string} text why */
  #startAnew(after, text) {
    this.#inbox.flush()
    this.#outbox?.reset(after)
    this.#receipts.reset()
    this.#sync.reset(after)
    const { ports, answers } = { ports: this.#ports, answers: this.#answers }
    this.#ports = this.#makePorts()
    this.#answers = this.#makeAnswers()
    this.#tickets.askAgain()
    this.#begun = false
    // Before all that is said in them.
    for (const [frame, { parent, details }] of this.#frames.below) this.#put(KIND.FRAME_OPEN, { frame, parent }, details)
    ports.end()
    answers.end(() => true, 'ERR_CLOSED', text)
    this.#calls.rejectAll(() => true, 'ERR_CLOSED', text)
    this.#hold()
  }

  /** The session is given up: what comes is a new one. @param {string} text why */
  #renew(text) {
    this.#identity.renew()
    this.#startAnew(0, text)
  }

  /** A hello that was said already may still be answered. */
  #expired() {
    if (this.#outbox?.isGreeted) this.#late = true
    else this.#renew(EXPIRED)
  }

  // ---- while the document is put away ----

  /** Ends the session; frames and listeners stay, and are another's when the document is shown again. */
  rest() {
    if (this.#closed || !this.#met || !this.#connection.comesAgain) return
    this.#inbox.flush()
    this.#farewell(PUT_AWAY)
    this.#connection.rest()
    this.#part()
    this.#renew(PUT_AWAY.reason)
    this.#resting = true
  }

  /** The document is shown again. */
  wake() {
    if (!this.#resting) return
    this.#resting = false
    this.#identity.wake()
    this.#connection.dial(this.#address())
  }

  // ---- the end ----

  /** Ends the connection from this side. @param {Closed} closed @param {Error} [error] what it means to who still waits to be connected */
  fail(closed, error) {
    if (this.#closed) return
    this.#farewell(closed)
    this.#end(closed, error)
  }

  /** @param {Closed} closed */
  #farewell({ code, reason }) {
    this.#outbox?.flush()
    if (this.#outbox?.isOpen) this.#put(KIND.BYE, { code, text: reason })
    this.#outbox?.flush()
  }

  /** The link has ended. @param {Error} [error] @param {Closed} [closed] what it was closed with */
  #lost(error, closed = { code: 1006, reason: error?.message ?? 'the connection was lost' }) {
    if (this.#closed) return
    const end = this.#bye ?? closed
    if ((!this.#met && !this.#identity.host) || !this.#connection.comesAfter(end.code)) return this.#end(end, this.#bye ? undefined : error)
    this.#connection.again(this.#patience, end.code === NOT_THERE)
    const was = this.#part()
    if (end.code === GOING_AWAY) this.#renew(STOPPED)
    else if (end.code === NOT_THERE) this.#renew(ANOTHER)
    else if (this.#late || (was && !this.#patience)) this.#renew(EXPIRED)
    this.#late = false
  }

  /** The session has no link. @returns {boolean} whether it had one on which the host has said welcome */
  #part() {
    const was = this.#welcomed
    this.#bye = undefined
    this.#welcomed = false
    this.#placing.forget()
    this.#receipts.stop()
    this.#outbox?.shut()
    if (was) for (const [, endpoint] of this.#frames.list) endpoint.lost()
    return was
  }

  /** @param {Closed} closed @param {Error} [error] why there never was a connection */
  #end(closed, error) {
    if (this.#closed) return
    this.#inbox.flush()
    this.#closed = closed
    this.#resting = false
    this.#identity.end()
    this.#tellNoRest?.()
    this.#engine.places?.giveNoMore(this)
    this.#placing.forget()
    this.#tickets.end()
    this.#receipts.stop()
    this.#connection.close()
    this.#ports.end()
    this.#sync.close()
    const refused = this.#met || !this.#outbox ? undefined : error ?? refusedError(this.#address(), closed)
    const text = `the connection was closed (${closed.code}${closed.reason && `: ${closed.reason}`})`
    this.#calls.rejectAll(() => true, 'ERR_CLOSED', refused?.message ?? text)
    this.#answers.end(() => true, 'ERR_CLOSED', text)
    for (const [, endpoint] of this.#frames.take(MAIN_FRAME).reverse()) endpoint.ended(closed, refused)
    this.#hold()
  }

  // ---- what the process waits for ----

  /** @param {number} change of the number of things besides calls that the process waits for */
  holds(change) {
    this.#holds += change
    this.#hold()
  }

  /** Also until welcome: a host that cannot tell any longer who has connected and left would refuse what it sent. */
  #hold() {
    const greeting = !this.#met && !this.#closed
    const held = greeting || this.#calls.size > 0 || this.#answers.size > 0 || this.#holds > 0
    if (held === this.#held || !this.#outbox) return
    this.#held = held
    this.#connection.hold(held)
  }
}

/**
 * Session: this process towards the host. It owns the connection, the frames, the calls and what leaves and comes; above it
 * are names and promises, below it a transport. Knows no engine: what the platform must do is given to it.
 */
import { Answers } from './answers.js'
import { ABORTED, Calls } from './calls.js'
import { Decoder } from './decode.js'
import { codedError, invokeError, refusedError, releasedError, remoteError } from './errors.js'
import { Greeting } from './greeting.js'
import { Inbox } from './inbox.js'
import { MalformedError } from './malformed-error.js'
import { Outbox } from './outbox.js'
import { KIND, UNNUMBERED } from './packet-layout.js'
import { PacketReader } from './packet-reader.js'
import { beginInvoke, beginPacket, beginSend } from './packet-writer.js'
import { Ports } from './ports.js'
import { SyncCalls } from './sync-calls.js'
import { Tickets } from './tickets.js'
import { ValueWriter } from './value-writer.js'
import { Writer } from './writer.js'

/** @typedef {import('./packet.js').Packet} Packet */
/** @typedef {import('./outbox.js').Transport & { limit: number }} Transport */
/** @typedef {import('./connect.js').Engine} Engine */
/** @typedef {import('./renderer-frame.js').Endpoint} Endpoint */
/** @typedef {{ code: number, reason: string }} Closed */

const MAIN_FRAME = 0
const LANE_MAIN = 0
const LANE_SYNC = 1
const NORMAL = { code: 1000, reason: '' }
const NOT_READY = 'this frame waits for its place in the page around it; it can block once it is connected'

export class Session {
  processId = /** @type {number | undefined} */ (undefined)
  webContentsId = /** @type {number | undefined} */ (undefined)
  #engine
  #address
  #details
  /** @type {Map<number, Endpoint>} */
  #frames = new Map()
  #lastFrame = MAIN_FRAME
  #calls = new Calls()
  #answers = new Answers((call, status, value) => this.#putReply(call, status, value), () => this.#hold())
  #values
  #decoder = new Decoder()
  #reader = new PacketReader()
  #inbox
  #ports
  #tickets
  /** @type {Outbox | undefined} */
  #outbox
  /** @type {Transport | undefined} */
  #transport
  #greeting
  /** Whether hello was said. */
  #greeted = false
  #sync
  #welcomed = false
  /** @type {Closed | undefined} */
  #closed
  /** @type {Closed | undefined} what the host said that it closes with */
  #bye
  /** @type {import('./page-tab.js').Tab | undefined} the tab of the browser, if this session speaks for it */
  #tab
  /** @type {{ stop: () => void } | undefined} */
  #watch
  /** What the process waits for, besides calls: listeners, frames that are being opened, the welcome. */
  #holds = 0
  #held = true

  /**
   * @param {Engine} engine
   * @param {() => string} address asked when the session is opened
   * @param {Record<string, unknown>} details
   */
  constructor(engine, address, details) {
    this.#engine = engine
    this.#address = address
    this.#details = details
    this.#values = new ValueWriter(engine)
    this.#inbox = new Inbox(engine.later)
    this.#greeting = new Greeting(engine.randomBytes)
    this.#sync = new SyncCalls({
      lane: () => engine.syncLane(this.address),
      hello: (after) => this.#hello(LANE_SYNC, after),
      decode: (bytes, at, end) => this.#decoder.decode(bytes, at, end),
      met: (host) => this.#greeting.met(host),
    })
    this.#tickets = new Tickets((kind, items) => this.#put(kind, items), () => this.#greeting.details.host)
    this.#ports = new Ports(engine, {
      put: (kind, items, payload) => this.#put(kind, items, payload),
      encode: (value) => this.#values.document(value),
      decode: (payload) => this.#decoder.decode(payload, 0, payload.length),
    })
    engine.places?.give(this)
  }

  /** Connects, if that has not been done. */
  open() {
    if (this.#outbox || this.#closed) return
    const address = this.#address()
    const transport = this.#engine.dial(address, {
      onblock: (bytes, at, end) => this.#receive(bytes, at, end),
      onbatch: () => this.#batched(),
      onfault: ({ closeCode, message }) => this.fail({ code: closeCode, reason: message }),
      onclose: (error, closed) => this.#lost(error, closed),
    })
    this.#transport = transport
    this.#outbox = new Outbox(transport, this.#engine.defer)
    this.#tab = this.#engine.tab?.(address)
    this.#greeting.details = { type: 'native', ...this.#engine.details(), ...this.#details, ...this.#tab?.details() }
    this.#watch = this.#engine.watch?.((navigated, changes) => this.#changed(navigated, changes))
    this.#hold()
    if (transport.begin) this.#engine.places?.ask(address, (place) => this.#begin(place))
    else this.#begin()
  }

  /** @param {import('./tickets.js').Ticket} [place] */
  #begin(place) {
    if (this.#closed) return
    Object.assign(this.#greeting.details, place)
    this.#greeted = true
    const hello = this.#hello(LANE_MAIN, 0)
    if (this.#transport?.begin) return this.#transport.begin(hello)
    this.#outbox?.writer.raw(hello)
    this.#outbox?.flush(false)
  }

  /**
   * @param {number} lane
   * @param {number} sent
   * @returns {Uint8Array} the packet
   */
  #hello(lane, sent) {
    return this.#packetOf(KIND.HELLO, this.#greeting.items(lane, sent), this.#greeting.details, 'details')
  }

  /** @returns {string} */
  get address() {
    return this.#address()
  }

  /**
   * A ticket for a document of the origin in a frame of the main frame's.
   * @param {string} origin
   */
  async ticket(origin) {
    this.open()
    return this.#closed ? undefined : this.#tickets.ask(origin)
  }

  // ---- what leaves ----

  /**
   * @param {number} frame
   * @returns {Outbox}
   */
  #use(frame) {
    if (!this.#frames.has(frame)) throw releasedError()
    if (this.#outbox === undefined) this.open()
    this.#values.check()
    return /** @type {Outbox} */ (this.#outbox)
  }

  /**
   * @param {number} frame
   * @param {string} channel
   * @param {unknown[]} args
   * @returns {boolean} false if more than the mark waits to leave
   */
  send(frame, channel, args) {
    const outbox = this.#use(frame)
    const start = outbox.writer.length
    this.#finish(outbox, start, beginSend(outbox.writer, frame, channel), args, 'args')
    return !outbox.marked
  }

  /**
   * @param {number} frame
   * @param {string} channel
   * @param {unknown} message
   * @param {any} transfer the list of ports that go with it
   */
  post(frame, channel, message, transfer) {
    const outbox = this.#use(frame)
    if (transfer?.length) {
      const take = this.#ports.claim(transfer)
      const payload = this.#ports.encode(message)
      return this.#ports.transfer(take(), (ports) => this.#put(KIND.POST, { frame, channel, ports }, payload))
    }
    const start = outbox.writer.length
    this.#finish(outbox, start, beginPacket(outbox.writer, KIND.POST, { frame, channel, ports: [] }), message, 'message')
  }

  /**
   * @param {number} frame
   * @param {string} channel
   * @param {unknown[]} args
   * @param {number} deadline in ms, 0 for none
   * @returns {import('./calls.js').Call}
   */
  invoke(frame, channel, args, deadline) {
    const outbox = this.#use(frame)
    const start = outbox.writer.length
    this.#finish(outbox, start, beginInvoke(outbox.writer, frame, this.#calls.next, deadline, channel), args, 'args')
    const call = this.#calls.open(channel, frame)
    if (this.#calls.size === 1) this.#hold()
    return call
  }

  /**
   * A call that returns when it is answered. It goes over a lane of its own, with all before it that the main lane may
   * still hold; its number is taken on the main lane by a cancel.
   * @param {number} frame
   * @param {string} channel
   * @param {unknown[]} args
   * @returns {any}
   */
  sendSync(frame, channel, args) {
    const outbox = this.#use(frame)
    if (!this.#greeted) throw invokeError(channel, 'ERR_NOT_READY', NOT_READY)
    const call = this.#calls.next
    const number = outbox.sent + 1
    const packet = this.#packetOf(KIND.SYNC, { frame, call, number, channel }, args, 'args')
    const limit = outbox.limits.packet
    if (packet.length > limit) throw codedError('ERR_LIMIT_PACKET', `limits.packet (${limit} bytes) exceeded by a packet of ${packet.length}`)
    this.#calls.skip()
    try {
      const answer = this.#sync.ask(outbox, { channel, call, number, packet })
      if (answer.status !== 0) throw remoteError(channel, answer.value)
      return answer.value
    } finally {
      this.#put(KIND.CANCEL, { call, reason: ABORTED })
    }
  }

  /**
   * A packet by itself.
   * @param {number} kind
   * @param {Record<string, unknown>} items
   * @param {unknown} payload
   * @param {string} root
   * @returns {Uint8Array}
   */
  #packetOf(kind, items, payload, root) {
    const writer = new Writer(1024)
    const open = beginPacket(writer, kind, items)
    this.#values.write(writer, payload, root)
    writer.closeBytes(open)
    return writer.bytes.subarray(0, writer.length)
  }

  /**
   * Writes the payload of the packet that was begun at `start`; takes the packet back if that fails.
   * @param {Outbox} outbox
   * @param {number} start
   * @param {number} payload
   * @param {unknown} value
   * @param {string} root
   * @param {boolean} [capped]
   */
  #finish(outbox, start, payload, value, root, capped) {
    const { writer } = outbox
    try {
      this.#values.write(writer, value, root)
    } catch (error) {
      writer.length = start
      throw error
    }
    writer.closeBytes(payload)
    outbox.commit(start, capped)
  }

  /**
   * A packet that the protocol itself has to say: nothing once the session is over.
   * @param {number} kind
   * @param {Record<string, unknown>} items
   * @param {Uint8Array | Record<string, unknown>} [payload] a document, or details
   */
  #put(kind, items, payload) {
    if (this.#closed) return
    const outbox = /** @type {Outbox} */ (this.#outbox)
    const start = outbox.writer.length
    const open = beginPacket(outbox.writer, kind, items)
    if (payload) {
      if (payload instanceof Uint8Array) outbox.writer.raw(payload)
      else this.#values.write(outbox.writer, payload, 'details')
      outbox.writer.closeBytes(open)
    }
    outbox.commit(start, false, !UNNUMBERED.has(kind))
  }

  /**
   * Gives a call up.
   * @param {import('./calls.js').Call} call
   * @param {number} reason
   * @param {unknown} error what it rejects with
   */
  cancel(call, reason, error) {
    if (!this.#calls.take(call.number)) return
    call.reject(error)
    this.#put(KIND.CANCEL, { call: call.number, reason })
    this.#hold()
  }

  // ---- frames ----

  /**
   * The main frame, which hello opens.
   * @param {Endpoint} endpoint
   */
  attach(endpoint) {
    this.#frames.set(MAIN_FRAME, endpoint)
  }

  /**
   * Opens a child frame; its endpoint hears `opened` or `ended`.
   * @param {Endpoint} endpoint
   * @param {Record<string, unknown>} details
   * @returns {number}
   */
  openFrame(endpoint, details) {
    this.#use(endpoint.parent)
    const frame = ++this.#lastFrame
    this.#frames.set(frame, endpoint)
    this.#put(KIND.FRAME_OPEN, { frame, parent: endpoint.parent }, details)
    return frame
  }

  /** @param {number} frame */
  close(frame) {
    if (this.#closed || !this.#frames.has(frame)) return
    if (frame !== MAIN_FRAME) {
      this.#put(KIND.FRAME_CLOSE, { frame })
      return this.#endFrame(frame, NORMAL)
    }
    this.#farewell(NORMAL)
    this.#end(NORMAL)
  }

  /**
   * @param {number} frame
   * @param {Closed} closed
   */
  #endFrame(frame, closed) {
    const endpoint = this.#frames.get(frame)
    if (!endpoint) return
    for (const [number, { parent }] of this.#frames) if (parent === frame && number !== MAIN_FRAME) this.#endFrame(number, closed)
    this.#frames.delete(frame)
    this.#calls.rejectAll((call) => call.frame === frame, 'ERR_DESTROYED', 'the frame was closed')
    this.#answers.end((each) => each === frame, 'ERR_DESTROYED', 'the frame was closed')
    endpoint.ended(closed)
    this.#hold()
  }

  /**
   * What is said of the main frame is another now; what the page's own options say stays.
   * @param {boolean} navigated
   * @param {Record<string, string>} changes
   */
  #changed(navigated, changes) {
    if (this.#closed) return
    if (this.#values.busy) return this.#engine.defer(() => this.#changed(navigated, changes))
    const details = Object.fromEntries(Object.entries(changes).filter(([name]) => !(name in this.#details)))
    if (navigated && 'url' in details) this.#put(KIND.FRAME_NAVIGATE, { frame: MAIN_FRAME, inPage: true }, details)
    else if (Object.keys(details).length > 0) this.#put(KIND.FRAME_UPDATE, { frame: MAIN_FRAME }, details)
  }

  // ---- what comes ----

  /**
   * @param {Uint8Array} bytes
   * @param {number} at
   * @param {number} end
   */
  #receive(bytes, at, end) {
    try {
      for (const packet of this.#reader.readBlock(bytes, at, end)) {
        if (this.#closed) return
        this.#packet(bytes, packet)
      }
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

  /**
   * @param {Uint8Array} bytes
   * @param {Packet} packet
   */
  #packet(bytes, packet) {
    const { kind } = packet
    if (!this.#welcomed && kind !== KIND.WELCOME && kind !== KIND.BYE) throw new MalformedError(1002, 'a packet before welcome')
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
        return this.#welcome(this.#decoder.decode(bytes, packet.payloadAt, packet.payloadEnd))
      case KIND.FRAME_OPENED:
        return this.#frames.get(packet.frame)?.opened(this.#decoder.decode(bytes, packet.payloadAt, packet.payloadEnd))
      case KIND.FRAME_CLOSE:
        if (packet.frame === MAIN_FRAME) return this.fail({ code: 1000, reason: 'the host closed the frame' })
        return this.#endFrame(packet.frame, { code: 1000, reason: 'the host closed the frame' })
      case KIND.TICKET:
        return this.#tickets.answered(packet.items)
      case KIND.PING:
        return this.#put(KIND.PONG, { token: packet.items?.token })
      case KIND.BYE:
        this.#bye = { code: packet.items?.code, reason: packet.items?.text }
        return this.#transport?.close()
    }
  }

  /**
   * @param {Uint8Array} bytes
   * @param {Packet} packet
   */
  #reply(bytes, { call, status, payloadAt, payloadEnd }) {
    if (!this.#calls.has(call)) return
    const value = this.#decoder.decode(bytes, payloadAt, payloadEnd)
    if (!this.#inbox.open) return this.#inbox.answer(() => this.#answer(call, status, value))
    this.#inbox.answered()
    this.#answer(call, status, value)
  }

  /**
   * @param {number} call
   * @param {number} status
   * @param {any} value
   */
  #answer(call, status, value) {
    this.#calls.answer(call, status !== 0, value)
    if (this.#calls.size === 0) this.#hold()
  }

  /**
   * @param {Uint8Array} bytes
   * @param {Packet} packet
   */
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

  /**
   * A call from the host.
   * @param {Uint8Array} bytes
   * @param {Packet} packet
   */
  #invoked(bytes, { frame, call, channel, payloadAt, payloadEnd }) {
    const args = this.#decoder.decodeList(bytes, payloadAt, payloadEnd)
    this.#inbox.message(() => {
      const endpoint = this.#frames.get(frame)
      const work = endpoint?.work(channel, args)
      if (work) this.#answers.start(call, frame, channel, work)
      else if (endpoint) this.#answers.reject(call, channel, codedError('ERR_NO_HANDLER', `No handler registered for '${channel}'`))
      else this.#answers.reject(call, channel, codedError('ERR_DESTROYED', 'the frame was closed'))
    })
  }

  /** @param {Packet} packet */
  #cancelled({ call, items }) {
    this.#inbox.message(() => this.#answers.cancel(call, items?.reason))
  }

  /**
   * @param {number} call
   * @param {number} status
   * @param {any} value
   */
  #putReply(call, status, value) {
    const outbox = /** @type {Outbox} */ (this.#outbox)
    const start = outbox.writer.length
    this.#finish(outbox, start, beginPacket(outbox.writer, KIND.REPLY, { call, status }), value, 'result', status === 0)
  }

  /** @param {any} details */
  #welcome({ host, processId, webContentsId, frame, limits, tab }) {
    if (this.#welcomed) throw new MalformedError(1002, 'a second welcome')
    this.#welcomed = true
    this.#greeting.met(host)
    if (tab) this.#tab?.keep(tab)
    this.processId = processId
    this.webContentsId = webContentsId
    Object.assign(/** @type {Outbox} */ (this.#outbox).limits, limits)
    if (this.#transport && limits?.packet) this.#transport.limit = limits.packet
    if (limits?.nesting) this.#values.nesting = this.#decoder.nesting = limits.nesting
    this.#ports.open(limits)
    this.#frames.get(MAIN_FRAME)?.opened(frame)
    this.#hold()
  }

  // ---- the end ----

  /**
   * Ends the connection from this side.
   * @param {Closed} closed
   * @param {Error} [error] what it means to who still waits to be connected
   */
  fail(closed, error) {
    if (this.#closed) return
    this.#farewell(closed)
    this.#end(closed, error)
  }

  /** @param {Closed} closed */
  #farewell({ code, reason }) {
    if (!this.#outbox) return
    this.#put(KIND.BYE, { code, text: reason })
    this.#outbox.flush()
    this.#transport?.close()
  }

  /**
   * @param {Error} [error]
   * @param {Closed} [closed] what the link itself was closed with
   */
  #lost(error, closed = { code: 1006, reason: error?.message ?? 'the connection was lost' }) {
    if (this.#bye) this.#end(this.#bye)
    else this.#end(closed, error)
  }

  /**
   * @param {Closed} closed
   * @param {Error} [error] why there never was a connection
   */
  #end(closed, error) {
    if (this.#closed) return
    this.#inbox.flush()
    this.#closed = closed
    this.#tab?.release()
    this.#watch?.stop()
    this.#engine.places?.giveNoMore(this)
    this.#tickets.end()
    this.#ports.end()
    this.#sync.close()
    const refused = this.#welcomed || !this.#outbox ? undefined : error ?? refusedError(this.address, closed)
    const text = `the connection was closed (${closed.code}${closed.reason && `: ${closed.reason}`})`
    this.#calls.rejectAll(() => true, 'ERR_CLOSED', refused?.message ?? text)
    this.#answers.end(() => true, 'ERR_CLOSED', text)
    const endpoints = [...this.#frames.values()]
    this.#frames.clear()
    for (const endpoint of endpoints) endpoint.ended(closed, refused)
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
    const greeting = !this.#welcomed && !this.#closed
    const held = greeting || this.#calls.size > 0 || this.#answers.size > 0 || this.#holds > 0
    if (held === this.#held || !this.#transport) return
    this.#held = held
    if (held) this.#transport.ref()
    else this.#transport.unref()
  }
}

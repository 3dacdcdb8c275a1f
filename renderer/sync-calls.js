/**
 * SyncCalls: calls that return when they are answered. They go over a lane of their own, with all before them that the main lane
 * may still hold. Knows the lane's packets, and no engine: how a lane blocks is given to it.
 */
import { codedError, invokeError, laneError } from './errors.js'
import { LaneError } from './lane-error.js'
import { MalformedError } from './malformed-error.js'
import { KIND } from './packet-layout.js'
import { PacketReader } from './packet-reader.js'

/** @typedef {import('./packet.js').Packet} Packet */

/**
 * @typedef {object} SyncQuestion
 * @property {{ after: number, bytes: Uint8Array }[]} kept blocks that go before the call; `after` is the number before each
 * @property {(after: number) => Uint8Array} hello the packet that begins the lane
 * @property {number} after the number before that of the call
 * @property {Uint8Array} packet the call
 * @property {number} limit of bytes in a block
 * @property {(bytes: Uint8Array, at: number, end: number) => boolean} onblock takes a block of the host's, the lane's own until it returns; whether
 *   the call is answered; throws where it is refused
 */

/**
 * @typedef {object} SyncLane
 * @property {(question: SyncQuestion) => void} ask returns when the host has answered; throws what kept it from that
 * @property {() => void} close
 */

/**
 * @typedef {object} SyncParts what the session does for them
 * @property {() => SyncLane} lane opens one
 * @property {(after: number) => Uint8Array} hello
 * @property {(items: Record<string, unknown>, args: unknown[]) => Uint8Array} packet a call
 * @property {(bytes: Uint8Array, at: number, end: number) => any} decode
 * @property {(host: ArrayBuffer | undefined) => void} met which host has answered
 */

/**
 * Why a lane brought no answer: what it throws by itself knows no channel.
 * @param {string} channel
 * @param {any} error
 */
function asLaneError(channel, error) {
  if (error instanceof MalformedError) return laneError(channel, { code: error.closeCode, reason: error.message })
  return error instanceof LaneError ? invokeError(channel, error.code, error.message, error.name) : error
}

export class SyncCalls {
  /** The number up to which the host is known to have everything. */
  acknowledged = 0
  #parts
  #reader = new PacketReader()
  /** @type {SyncLane | undefined} */
  #lane

  /** @param {SyncParts} parts */
  constructor(parts) {
    this.#parts = parts
  }

  /**
   * @param {import('./outbox.js').Outbox} outbox
   * @param {{ frame: number, call: number, channel: string }} items
   * @param {unknown[]} args
   */
  question(outbox, { frame, call, channel }, args) {
    const number = outbox.sent + 1
    const packet = this.#parts.packet({ frame, call, number, channel }, args)
    const limit = outbox.limits.packet
    if (packet.length > limit) throw codedError('ERR_LIMIT_PACKET', `limits.packet (${limit} bytes) exceeded by a packet of ${packet.length}`)
    return { channel, call, number, packet }
  }

  /**
   * @param {import('./outbox.js').Outbox} outbox
   * @param {{ channel: string, call: number, number: number, packet: Uint8Array }} sync
   * @returns {{ status: number, value: any }}
   */
  ask(outbox, { channel, call, number, packet }) {
    /** @type {{ status: number, value: any } | undefined} */
    let answer
    this.#lane ??= this.#parts.lane()
    const kept = outbox.unreceived(this.acknowledged)
    /** @type {SyncQuestion['onblock']} */
    const onblock = (bytes, at, end) => {
      answer = this.#block(bytes, at, end, { channel, call }) ?? answer
      return answer !== undefined
    }
    try {
      this.#lane.ask({ kept, hello: this.#parts.hello, after: number - 1, packet, limit: outbox.limits.packet, onblock })
    } catch (error) {
      throw asLaneError(channel, error)
    }
    if (!answer) throw invokeError(channel, 'ERR_CLOSED', 'the host closed the lane without an answer')
    this.acknowledged = number
    return answer
  }

  /**
   * @param {Uint8Array} bytes
   * @param {number} at
   * @param {number} end
   * @param {{ channel: string, call: number }} sync
   * @returns {{ status: number, value: any } | undefined}
   */
  #block(bytes, at, end, { channel, call }) {
    let answer
    for (const packet of this.#reader.readBlock(bytes, at, end)) {
      if (packet.kind === KIND.BYE && !answer) throw laneError(channel, { code: packet.items?.code, reason: packet.items?.text })
      if (packet.kind === KIND.WELCOME) this.#welcome(bytes, packet)
      if (packet.kind !== KIND.REPLY || packet.call !== call) continue
      answer = { status: packet.status, value: this.#parts.decode(bytes, packet.payloadAt, packet.payloadEnd) }
    }
    return answer
  }

  /**
   * @param {Uint8Array} bytes
   * @param {Packet} packet
   */
  #welcome(bytes, { items, payloadAt, payloadEnd }) {
    this.acknowledged = Math.max(this.acknowledged, items?.received)
    this.#parts.met(this.#parts.decode(bytes, payloadAt, payloadEnd).host)
  }

  /**
   * Another session begins.
   * @param {number} after the number before that of its first packet
   */
  reset(after) {
    this.acknowledged = after
    this.close()
  }

  close() {
    this.#lane?.close()
    this.#lane = undefined
  }
}

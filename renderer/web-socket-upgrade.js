/** The request that makes a connection a WebSocket, and its answer (RFC 6455, section 4.1). Knows no socket. */
import { createHash } from 'node:crypto'
import { codedError } from './errors.js'

const ACCEPT_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const ANSWER_MAX = 64 * 1024
/** Statuses of a host that does not want this client. */
const DENIALS = new Set([401, 403, 421])

/**
 * @param {{ authority: string, path: string }} target
 * @param {string} key
 */
export function upgradeRequest({ authority, path }, key) {
  return `GET ${path} HTTP/1.1\r\nHost: ${authority}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
    `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`
}

export class UpgradeReader {
  #accept
  #text = ''

  /** @param {string} key of the request */
  constructor(key) {
    this.#accept = createHash('sha1').update(key + ACCEPT_GUID).digest('base64')
  }

  /**
   * Throws, with why, when the answer is not the one that was asked for.
   * @param {Uint8Array} bytes
   * @param {number} end
   * @returns {number} where frames begin; -1: more is to come
   */
  push(bytes, end) {
    const before = this.#text.length
    this.#text += Buffer.from(bytes.buffer, bytes.byteOffset, end).toString('latin1')
    const headEnd = this.#text.indexOf('\r\n\r\n')
    if (this.#text.length > ANSWER_MAX) throw codedError('ERR_CLOSED', 'what answers there is no host')
    if (headEnd < 0) return -1
    const head = this.#text.slice(0, headEnd)
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1])
    if (status !== 101) return this.#refused(head, status, headEnd + 4)
    const accept = headerOf(head, 'Sec-WebSocket-Accept')
    const upgrade = headerOf(head, 'Upgrade')?.toLowerCase()
    if (accept !== this.#accept || upgrade !== 'websocket' || headerOf(head, 'Sec-WebSocket-Extensions') !== undefined) {
      throw codedError('ERR_CLOSED', 'what answers there speaks no WebSocket')
    }
    return headEnd + 4 - before
  }

  /** What the host said when it closed the connection before it had said everything. */
  ended() {
    const headEnd = this.#text.indexOf('\r\n\r\n')
    if (headEnd >= 0) throw refusalOf(Number(this.#text.slice(9, 12)), this.#text.slice(headEnd + 4))
  }

  /**
   * Waits for the body, which says why.
   * @param {string} head
   * @param {number} status
   * @param {number} bodyAt
   */
  #refused(head, status, bodyAt) {
    const body = this.#text.slice(bodyAt)
    if (body.length >= Number(headerOf(head, 'Content-Length') ?? Infinity)) throw refusalOf(status, body)
    return -1
  }
}

/**
 * @param {number} status
 * @param {string} body
 */
function refusalOf(status, body) {
  const why = Buffer.from(body, 'latin1').toString().trim()
  return codedError(DENIALS.has(status) ? 'ERR_DENIED' : 'ERR_CLOSED', why || `the host answered ${status}`)
}

/**
 * @param {string} head
 * @param {string} name
 * @returns {string | undefined}
 */
function headerOf(head, name) {
  const start = `${name.toLowerCase()}:`
  const line = head.split('\r\n').find((each) => each.toLowerCase().startsWith(start))
  return line?.slice(start.length).trim()
}

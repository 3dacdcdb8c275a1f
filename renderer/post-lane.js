/**
 * PostLane: calls that block, in a page or a worker of one: each is a synchronous POST (docs/protocol.md, section 9). Knows nothing of
 * what is in a block.
 */
import { joined } from './construct.js'
import { LaneError } from './lane-error.js'

/** @typedef {import('./sync-calls.js').SyncQuestion} SyncQuestion */

/** Events during which a page is on its way out, and browsers let no request block. */
const DISMISSALS = new Set(['beforeunload', 'pagehide', 'unload', 'visibilitychange'])
const DENIED_STATUSES = new Set([401, 403, 421])
const TOO_LARGE = 413
/** From here on a body goes as a Blob: what watches a page's network, as its developer tools do, spends seconds on the bytes of a buffer. */
const AS_BLOB = 256 * 1024
/** By this the browser hands out the bytes as they are: each is the low byte of a character. */
const AS_BYTES = 'text/plain; charset=x-user-defined'

export class PostLane {
  #url

  /** @param {string} url */
  constructor(url) {
    this.#url = url
  }

  /** @param {SyncQuestion} question */
  ask({ kept, hello, after, packet, limit, onblock }) {
    const blocks = [...kept, { after, bytes: packet }]
    for (let at = 0; at < blocks.length;) {
      const parts = [hello(blocks[at].after)]
      let size = parts[0].length
      // One goes at least: the host says what is too large.
      do {
        size += blocks[at].bytes.length
        parts.push(blocks[at++].bytes)
      } while (at < blocks.length && size + blocks[at].bytes.length <= limit)
      const answer = post(this.#url, size < AS_BLOB ? joined(parts, size) : new Blob(/** @type {BlobPart[]} */ (parts)))
      onblock(answer, 0, answer.length)
    }
  }

  close() {}
}

/**
 * @param {string} url
 * @param {Uint8Array<ArrayBuffer> | Blob} body
 * @returns {Uint8Array} the body of the answer
 */
function post(url, body) {
  if (typeof XMLHttpRequest === 'undefined') throw new LaneError('ERR_UNSUPPORTED', 'sendSync needs XMLHttpRequest, which this kind of worker does not have')
  const { document, event } = /** @type {any} */ (globalThis)
  const dismissal = DISMISSALS.has(event?.type) ? event.type : undefined
  const policy = document?.permissionsPolicy ?? document?.featurePolicy
  if (policy?.allowsFeature('sync-xhr') === false) throw new LaneError('ERR_DENIED', "the page's Permissions-Policy forbids sync-xhr, by which a page waits")
  const request = new XMLHttpRequest()
  try {
    request.open('POST', url, false)
    request.overrideMimeType(AS_BYTES)
    // Neither brings a Content-Type, and so no preflight.
    request.send(body)
  } catch (error) {
    throw lostError(dismissal)
  }
  if (request.status !== 200) throw statusError(request.status, request.responseText)
  return bytesOf(request.responseText)
}

/** @param {string} [dismissal] */
function lostError(dismissal) {
  if (dismissal) return new LaneError('ERR_CLOSED', `the page is being dismissed: browsers let nothing block in '${dismissal}'`)
  return new LaneError('ERR_CLOSED', 'the host is not running, or it refuses this page; its log says which')
}

/**
 * @param {number} status
 * @param {string} text
 */
function statusError(status, text) {
  const code = DENIED_STATUSES.has(status) ? 'ERR_DENIED' : status === TOO_LARGE ? 'ERR_LIMIT_PACKET' : 'ERR_CLOSED'
  return new LaneError(code, text.trim() || `the host answered ${status}`)
}

/** @param {string} text */
function bytesOf(text) {
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i) & 0xff
  return bytes
}

/** What the second argument of a postMessage transfers: its checks, as browsers and Electron make them. Takes nothing from anybody. */
import { isArrayBuffer, isMessagePort } from './brands.js'
import { DataCloneError } from './clone-error.js'

/** @typedef {{ ports: any[], buffers: ArrayBuffer[] }} TransferList */

const INVALID = 'Invalid value for transfer'

/** @param {any} transfer a list, or an object with one @returns {any[]} */
function listOf(transfer) {
  if (transfer === undefined || transfer === null) return []
  if (typeof transfer !== 'object') throw new TypeError(INVALID)
  if (typeof transfer[Symbol.iterator] === 'function') return [...transfer]
  return transfer.transfer === undefined ? [] : listOf(transfer.transfer)
}

/** @param {ArrayBuffer} buffer */
function isDetached(buffer) {
  try {
    new Uint8Array(buffer)
    return false
  } catch {
    return true
  }
}

/**
 * @param {any} transfer
 * @param {any} [source] the port that posts, which also takes buffers
 * @returns {TransferList}
 */
export function checkTransfer(transfer, source) {
  const list = listOf(transfer)
  const ports = list.filter(isMessagePort)
  const buffers = source ? list.filter(isArrayBuffer) : []
  if (ports.length + buffers.length < list.length) throw new TypeError(INVALID)
  list.forEach((each, i) => {
    const kind = ports.includes(each) ? 'Port' : 'ArrayBuffer'
    if (each === source) throw new DataCloneError(`Port at index ${i} contains the source port`)
    if (list.indexOf(each) < i) throw new DataCloneError(`${kind} at index ${i} is a duplicate`)
    if (kind === 'ArrayBuffer' && isDetached(each)) throw new DataCloneError(`ArrayBuffer at index ${i} is already detached`)
  })
  return { ports, buffers }
}

/** @param {ArrayBuffer[]} buffers are empty from now on */
export function detach(buffers) {
  if (buffers.length > 0) structuredClone(null, { transfer: buffers })
}

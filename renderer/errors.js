/** Errors with stable codes, made here or come over the wire. */

/** @typedef {Error & { code: string | number }} CodedError */

/**
 * @param {string} code
 * @param {string} message
 * @param {string} [name]
 * @param {unknown} [cause]
 * @returns {CodedError}
 */
export function codedError(code, message, name = 'Error', cause) {
  const error = cause === undefined ? new Error(message) : new Error(message, { cause })
  if (name !== 'Error') nameError(error, name)
  return Object.assign(error, { code })
}

/**
 * @param {Error} error
 * @param {string} name
 */
function nameError(error, name) {
  Object.defineProperty(error, 'name', { value: name, writable: true, configurable: true })
}

/**
 * @param {string} channel
 * @param {string} name
 * @param {string} text
 */
function invokeMessage(channel, name, text) {
  return `Error invoking remote method '${channel}': ${name === '' ? text : `${name}: ${text}`}`
}

/**
 * An invoke that failed on this side.
 * @param {string} channel
 * @param {string} code
 * @param {string} text
 * @param {string} [name]
 */
export function invokeError(channel, code, text, name = 'Error') {
  return codedError(code, invokeMessage(channel, name, text), name)
}

/**
 * What a reply says that went wrong (docs/protocol.md, section 6).
 * @param {string} channel
 * @param {any} details
 * @returns {Error}
 */
export function remoteError(channel, details) {
  const { name = 'Error', message, code, data, stack } = Object(details)
  const error = new Error(invokeMessage(channel, String(name), String(message)))
  nameError(error, String(name) || 'Error')
  if (code !== undefined) Object.assign(error, { code })
  if (data !== undefined) Object.assign(error, { data })
  if (Object.hasOwn(Object(details), 'cause')) {
    Object.defineProperty(error, 'cause', { value: details.cause, writable: true, configurable: true })
  }
  if (typeof stack === 'string') error.stack += `\n    at the host: ${stack}`
  return error
}

/**
 * What the wire has of an error that a handler threw: name, message, and as far as set code, data and cause.
 * @param {any} error
 * @returns {Record<string, any>}
 */
export function detailsOf(error) {
  if (Object(error) !== error || typeof error === 'function') return { name: 'Error', message: textOf(error) }
  try {
    const { name, message, code, data, cause } = error
    return {
      name: typeof name === 'string' ? repaired(name) : 'Error',
      message: typeof message === 'string' ? repaired(message) : textOf(error),
      code: typeof code === 'string' ? repaired(code) : Number.isSafeInteger(code) ? code : undefined,
      data,
      cause,
    }
  } catch {
    return { name: 'Error', message: INDESCRIBABLE }
  }
}

const INDESCRIBABLE = 'an error was thrown that cannot be described'

/**
 * @param {any} value
 * @returns {string}
 */
function textOf(value) {
  try {
    return repaired(String(value))
  } catch {
    return INDESCRIBABLE
  }
}

/**
 * The protocol wants well-formed text there.
 * @param {string} text
 */
function repaired(text) {
  return text.replace(/\p{Surrogate}/gu, '\ufffd')
}

/** @returns {CodedError} */
export function releasedError() {
  return codedError('ERR_CLOSED', 'IPC method called after context was released')
}

/** @type {Map<number, string>} codes of refusals; every other close is ERR_CLOSED */
const REFUSALS = new Map([
  [1002, 'ERR_PROTOCOL'], [1007, 'ERR_PAYLOAD'], [1008, 'ERR_DENIED'], [1009, 'ERR_LIMIT_PACKET'], [4000, 'ERR_VERSION'],
  [4001, 'ERR_LIMIT_HANDSHAKE'], [4004, 'ERR_LIMIT_CONNECTIONS'], [4005, 'ERR_LIMIT_MEMORY'],
])

/**
 * A lane that was closed before it brought the answer.
 * @param {string} channel
 * @param {{ code: number, reason: string }} closed
 */
export function laneError(channel, { code, reason }) {
  return invokeError(channel, REFUSALS.get(code) ?? 'ERR_CLOSED', reason === '' ? `it was closed (${code})` : reason)
}

/**
 * A connection that was closed before it was of use.
 * @param {string} address
 * @param {{ code: number, reason: string }} closed
 */
export function refusedError(address, { code, reason }) {
  const why = reason === '' ? `it was closed (${code})` : reason
  return codedError(REFUSALS.get(code) ?? 'ERR_CLOSED', `Cannot connect to ${address}: ${why}`)
}

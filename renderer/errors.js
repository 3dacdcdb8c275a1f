/** Errors with stable codes, and errors that came over the wire. */

/**
 * @param {string} code
 * @param {string} message
 * @param {string} [name]
 * @returns {Error & { code: string }}
 */
export function codedError(code, message, name) {
  const error = /** @type {Error & { code: string }} */ (new Error(message))
  if (name !== undefined && name !== 'Error') {
    Object.defineProperty(error, 'name', { value: name, writable: true, configurable: true })
  }
  error.code = code
  return error
}

/**
 * A limit that this side keeps: `limits.NAME (...) exceeded ...`.
 * @param {string} code
 * @param {string} message
 */
export function limitError(code, message) {
  return codedError(code, message)
}

/** @returns {Error & { code: string }} */
export function releasedError() {
  return codedError('ERR_CLOSED', 'IPC method called after context was released')
}

/** What a socket of the system failed with, in words. */

/** What went wrong, by the code of the system. */
const EXPLANATIONS = /** @type {Record<string, string>} */ ({
  ENOENT: 'there is no such socket; is the host running?',
  ECONNREFUSED: 'nobody listens there; is the host running?',
  EACCES: 'the socket belongs to somebody else; the host must run as the same user, or name it in security.uids',
  ENOTFOUND: 'there is no such machine',
})

/**
 * @param {string} address as a user wrote it
 * @param {boolean} connected whether it was there before
 * @param {NodeJS.ErrnoException} error
 * @returns {Error}
 */
export function socketError(address, connected, error) {
  const { code } = error
  const explanation = EXPLANATIONS[code ?? '']
  const text = connected
    ? `The connection to ${address} broke: ${code ?? error.message}`
    : `Cannot connect to ${address}: ${code ?? error.message}${explanation ? `, ${explanation}` : ''}`
  return Object.assign(new Error(text, { cause: error }), { code: code ?? 'ERR_CLOSED' })
}

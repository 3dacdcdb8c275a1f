/** DataCloneError: a value that cannot be cloned, refused where it is sent. Nothing of the message has left. */
export class DataCloneError extends Error {
  /** @type {string} */
  code = 'ERR_DATA_CLONE'

  /** @param {string} message */
  constructor(message) {
    super(message)
    Object.defineProperty(this, 'name', { value: 'DataCloneError', writable: true, configurable: true })
  }
}

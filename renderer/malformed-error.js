/** MalformedError: bytes that break the protocol; `closeCode` is what the connection is closed with. */
export class MalformedError extends Error {
  /**
   * @param {number} closeCode
   * @param {string} message
   */
  constructor(closeCode, message) {
    super(message)
    this.closeCode = closeCode
    this.code = closeCode === 1007 ? 'ERR_PAYLOAD' : 'ERR_PROTOCOL'
  }
}

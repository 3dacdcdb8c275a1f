/** LaneError: a lane of its own did not come to be, or was lost; its code is that of the call which it should have carried. */
export class LaneError extends Error {
  /**
   * @param {string} code
   * @param {string} message
   * @param {string} [name]
   */
  constructor(code, message, name = 'Error') {
    super(message)
    this.code = code
    this.name = name
  }
}

/** LaneError: a lane of its own did not come to be, or was lost; its code is that of the call which it should have carried. */
export class LaneError extends Error {
  /**
   * @param {string} code
   * @param {string} message
   */
  constructor(code, message) {
    super(message)
    this.code = code
  }
}

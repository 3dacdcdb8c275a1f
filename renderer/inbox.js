/**
 * Inbox: keeps the order of what came. Answers settle promises, whose reactions run only when the engine gets to them; a message that
 * stands behind an answer waits for that, so that scripts see both in the order in which the host sent them. Knows no packet.
 */

export class Inbox {
  /** @type {{ answer: boolean, run: () => void }[]} */
  #waiting = []
  #answered = false
  #later
  #drain = () => this.#run()

  /** @param {(fn: () => void) => void} later calls fn when reactions of promises have run */
  constructor(later) {
    this.#later = later
  }

  /** Whether an answer may be given at once. */
  get open() {
    return this.#waiting.length === 0
  }

  /** Notes that an answer was given at once. */
  answered() {
    this.#answered = true
  }

  /** What was received together is over: reactions run before anything else comes. */
  settled() {
    if (this.#waiting.length === 0) this.#answered = false
  }

  /**
   * An answer behind messages that wait.
   * @param {() => void} run
   */
  answer(run) {
    this.#waiting.push({ answer: true, run })
  }

  /**
   * A message: at once if nothing stands before it.
   * @param {() => void} run
   */
  message(run) {
    if (this.#waiting.length === 0 && !this.#answered) return run()
    if (this.#waiting.length === 0) this.#later(this.#drain)
    this.#waiting.push({ answer: false, run })
  }

  /** Everything that waits, now: the connection is over. */
  flush() {
    const waiting = this.#waiting
    this.#waiting = []
    for (const { run } of waiting) run()
  }

  #run() {
    this.#answered = false
    while (this.#waiting.length > 0) {
      const { answer, run } = this.#waiting[0]
      if (!answer && this.#answered) return this.#later(this.#drain)
      this.#waiting.shift()
      this.#answered = answer
      run()
    }
    // The last was perhaps an answer, whose reactions run when this returns.
    this.#answered = false
  }
}

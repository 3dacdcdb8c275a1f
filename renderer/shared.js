/**
 * Shared: which objects a document has, where they stand in it, and which are referred to again. Most documents share nothing
 * and cost one look-up an object; the tags 28 and 29 of the others are put in when all is written. Knows of values only
 * their identity.
 */

/** @typedef {import('./writer.js').Writer} Writer */
/** @typedef {{ at: number, remove: number, order: number, put: (writer: Writer) => void }} Edit */

/** Up to so many objects a walk through the list beats a Map. */
const LISTED = 8
const MARK = [0xd8, 0x1c]
const REFERENCE = [0xd8, 0x1d]
/** The size of the tag before a view that is written by itself. */
const VIEW_TAG_SIZE = 2

export class Shared {
  /** @type {object[]} */
  #objects = []
  /** @type {number[]} where each object's item begins */
  #starts = []
  /** @type {Map<object, number> | undefined} */
  #numbers
  /** @type {{ at: number, target: number }[]} places of one byte each */
  #references = []
  /** @type {Map<number, { at: number, name: string, length: number }>} buffers that were written as their view */
  #wholes = new Map()

  /**
   * @param {object} object
   * @returns {number} -1 if it is new
   */
  #find(object) {
    if (this.#numbers) return this.#numbers.get(object) ?? -1
    return this.#objects.indexOf(object)
  }

  /** @param {object} object */
  has(object) {
    return this.#find(object) >= 0
  }

  /**
   * Leaves a place for a reference if the object is in the document already.
   * @param {Writer} writer
   * @param {object} object
   * @returns {boolean}
   */
  refer(writer, object) {
    const target = this.#find(object)
    if (target < 0) return false
    this.#references.push({ at: writer.length, target })
    writer.byte(0)
    return true
  }

  /**
   * @param {object} object
   * @param {number} start
   */
  add(object, start) {
    const number = this.#objects.length
    this.#objects.push(object)
    this.#starts.push(start)
    if (this.#numbers) this.#numbers.set(object, number)
    else if (number === LISTED) this.#numbers = new Map(this.#objects.map((each, i) => [each, i]))
  }

  /**
   * A buffer whose bytes stand behind the tag of a view that is the whole of it.
   * @param {object} buffer
   * @param {number} at where the tag stands
   * @param {string} name
   * @param {number} length in elements
   */
  addWhole(buffer, at, name, length) {
    this.#wholes.set(this.#objects.length, { at, name, length })
    this.add(buffer, at + VIEW_TAG_SIZE)
  }

  /**
   * Writes marks and references into the document that began at `start`.
   * @param {Writer} writer
   * @param {number} start
   */
  finish(writer, start) {
    if (this.#references.length === 0) return
    const written = writer.bytes.slice(start, writer.length)
    let done = 0
    writer.length = start
    for (const { at, remove, put } of this.#edits(written, start)) {
      writer.raw(written.subarray(done, at - start))
      put(writer)
      done = at - start + remove
    }
    writer.raw(written.subarray(done))
  }

  /**
   * What to change, in the order of the document.
   * @param {Uint8Array} written
   * @param {number} start
   * @returns {Edit[]}
   */
  #edits(written, start) {
    /** @type {Edit[]} */
    const edits = []
    const targets = [...new Set(this.#references.map(({ target }) => target))]
    targets.sort((a, b) => this.#starts[a] - this.#starts[b])
    const marks = new Map(targets.map((target, mark) => [target, mark]))
    for (const target of targets) {
      const whole = this.#wholes.get(target)
      edits.push({ at: this.#starts[target], remove: 0, order: 1, put: (writer) => writer.raw(MARK) })
      if (whole) edits.push(...Shared.#explicitView(whole, written, start))
    }
    for (const { at, target } of this.#references) {
      edits.push({ at, remove: 1, order: 2, put: (writer) => {
        writer.raw(REFERENCE)
        writer.head(0, /** @type {number} */ (marks.get(target)))
      } })
    }
    return edits.sort((a, b) => a.at - b.at || a.order - b.order)
  }

  /**
   * Turns a tagged view into 27 [name, buffer, 0, length], since its buffer is shared.
   * @param {{ at: number, name: string, length: number }} whole
   * @param {Uint8Array} written
   * @param {number} start
   * @returns {Edit[]}
   */
  static #explicitView({ at, name, length }, written, start) {
    const end = start + endOfBytes(written, at + VIEW_TAG_SIZE - start)
    return [
      { at, remove: VIEW_TAG_SIZE, order: 2, put: (writer) => {
        writer.head(0xc0, 27)
        writer.head(0x80, 4)
        writer.text(name)
      } },
      { at: end, remove: 0, order: 0, put: (writer) => {
        writer.head(0, 0)
        writer.head(0, length)
      } },
    ]
  }

  clear() {
    if (this.#objects.length === 0) return
    this.#objects.length = 0
    this.#starts.length = 0
    this.#numbers = undefined
    this.#references.length = 0
    this.#wholes.clear()
  }
}

/**
 * Where the byte string that begins at `at` ends.
 * @param {Uint8Array} bytes
 * @param {number} at
 */
function endOfBytes(bytes, at) {
  const info = bytes[at] & 31
  const size = info < 24 ? 0 : 1 << (info - 24)
  let length = size === 0 ? info : 0
  for (let i = 1; i <= size; i++) length = length * 256 + bytes[at + i]
  return at + 1 + size + length
}

/**
 * Encoder: JavaScript values to value documents (docs/protocol.md, section 8). The result is what the engine's structured
 * clone would carry. Identity spans a document. Knows no packet and no session.
 */
import { bigIntValue, booleanValue, bufferByteLength, dateTime, describe, kindOf, mapForEach, mapSize, numberValue, regExpFlags, regExpSource, setForEach, setSize, stringValue, typedArrayName } from './brands.js'
import { DataCloneError } from './clone-error.js'
import { codedError } from './errors.js'
import { Shared } from './shared.js'
import { VIEW_TAGS } from './view-tags.js'

/** @typedef {import('./writer.js').Writer} Writer */

/** More holes than this, and more than there are elements, make an array a sparse one. */
const FEW_HOLES = 8
const ERROR_NAMES = new Set(['EvalError', 'RangeError', 'ReferenceError', 'SyntaxError', 'TypeError', 'URIError'])
const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u
/** A level of the document that is none of the value. */
const NO_STEP = ['']
const { hasOwn } = Object

export class Encoder {
  /** Arrays and maps within one another, at most; the host says how many. */
  nesting = 1000
  /** @type {Writer} */
  #writer = /** @type {any} */ (undefined)
  #shared = new Shared()
  #isProxy
  #root = ''
  #depth = 0
  /** The way to what is being written: an index, a name, or a text in brackets for each level. */
  #path = /** @type {(string | number | string[])[]} */ ([])

  /** @param {{ isProxy?: (value: object) => boolean }} [engine] what only the platform can tell */
  constructor({ isProxy = () => false } = {}) {
    this.#isProxy = isProxy
  }

  /**
   * Appends the document of one value. When it throws, what was appended is taken back.
   * @param {Writer} writer
   * @param {unknown} value
   * @param {string} root what messages call it
   */
  encode(writer, value, root) {
    const start = writer.length
    this.#writer = writer
    this.#root = root
    this.#depth = 0
    try {
      this.#item(value)
      this.#shared.finish(writer, start)
    } catch (error) {
      writer.length = start
      throw error
    } finally {
      this.#shared.clear()
    }
  }

  /** @param {unknown} value */
  #item(value) {
    switch (typeof value) {
      case 'number':
        return this.#writer.number(value)
      case 'string':
        return this.#writer.text(value)
      case 'boolean':
        return this.#writer.byte(value ? 0xf5 : 0xf4)
      case 'undefined':
        return this.#writer.byte(0xf7)
      case 'bigint':
        return this.#bigInt(value)
      case 'object':
        return value === null ? this.#writer.byte(0xf6) : this.#object(value)
      default:
        this.#refuse(value)
    }
  }

  /** @param {object} value */
  #object(value) {
    if (this.#isProxy(value)) this.#refuse(value, true)
    if (this.#shared.refer(this.#writer, value)) return
    if (Object.getPrototypeOf(value) === Object.prototype) {
      const names = Object.keys(value)
      // Exotic objects that inherit from it (arguments; a Date whose prototype was replaced) have no names or begin with an index.
      if (names.length > 0 && names[0] !== '0') {
        this.#shared.add(value, this.#writer.length)
        return this.#plain(/** @type {any} */ (value), names)
      }
    }
    const kind = kindOf(value)
    if (kind === undefined) this.#refuse(value)
    if (kind === 'View') return this.#view(/** @type {ArrayBufferView} */ (value))
    this.#shared.add(value, this.#writer.length)
    const any = /** @type {any} */ (value)
    switch (kind) {
      case 'Object':
        return this.#plain(any, Object.keys(any))
      case 'Array':
        return this.#array(any)
      case 'Map':
        return this.#map(any)
      case 'Set':
        return this.#set(any)
      case 'Date':
        this.#writer.byte(0xc1)
        return this.#writer.number(dateTime(any) / 1000)
      case 'RegExp':
        return this.#regExp(any)
      case 'Error':
        return this.#error(any)
      case 'ArrayBuffer':
        return this.#buffer(any)
      default:
        return this.#boxed(kind, any)
    }
  }

  /** Goes into an array or map of the document. */
  #enter() {
    if (++this.#depth > this.nesting) {
      throw codedError('ERR_LIMIT_NESTING', `limits.nesting (${this.nesting}) exceeded by the value of ${this.#root}`)
    }
  }

  /**
   * @param {Record<string, unknown>} object
   * @param {string[]} names
   */
  #plain(object, names) {
    const writer = this.#writer
    this.#enter()
    const head = writer.length
    writer.head(0xa0, names.length)
    const gone = this.#members(object, names)
    if (gone > 0) this.#shorten(head, names.length, gone)
    this.#depth--
  }

  /**
   * The named members of an object.
   * @param {any} object
   * @param {string[]} names
   * @returns {number} how many were not there any longer when it was their turn, a getter having deleted them
   */
  #members(object, names) {
    let gone = 0
    for (const name of names) {
      const value = object[name]
      if (value === undefined && !hasOwn(object, name)) {
        gone++
        continue
      }
      this.#path[this.#depth] = name
      this.#writer.text(name)
      this.#item(value)
    }
    return gone
  }

  /**
   * Corrects the count in a map's head, which keeps its size.
   * @param {number} at
   * @param {number} count
   * @param {number} gone
   */
  #shorten(at, count, gone) {
    const { bytes } = this.#writer
    const size = count < 24 ? 0 : count < 0x100 ? 1 : count < 0x10000 ? 2 : 4
    let left = count - gone
    if (size === 0) bytes[at] = 0xa0 | left
    for (let i = size; i > 0; i--, left = Math.floor(left / 256)) bytes[at + i] = left % 256
  }

  /** @param {unknown[]} array */
  #array(array) {
    const { length } = array
    const names = Object.keys(array)
    this.#enter()
    // Indices come first and ascend: if the last of `length` names is the last index, all are there and nothing else.
    if (names.length === length && (length === 0 || names[length - 1] === String(length - 1))) this.#dense(array, length)
    else this.#withHoles(array, length, names)
    this.#depth--
  }

  /**
   * @param {unknown[]} array
   * @param {number} length
   */
  #dense(array, length) {
    const writer = this.#writer
    writer.head(0x80, length)
    for (let i = 0; i < length; i++) {
      this.#path[this.#depth] = i
      const value = array[i]
      if (value === undefined && !hasOwn(array, i)) writer.head(0xc0, 31)
      this.#item(value)
    }
  }

  /**
   * @param {unknown[]} array
   * @param {number} length
   * @param {string[]} names of the elements that are there
   */
  #holey(array, length, names) {
    this.#writer.head(0x80, length)
    for (let i = 0, next = 0; i < length; i++) {
      const there = next < names.length && names[next] === String(i)
      if (there) next++
      else this.#writer.head(0xc0, 31)
      this.#path[this.#depth] = i
      this.#item(there ? array[i] : undefined)
    }
  }

  /**
   * @param {unknown[]} array
   * @param {number} length
   * @param {string[]} names
   */
  #withHoles(array, length, names) {
    const indices = countIndices(names, length)
    const holes = length - indices
    if (indices === names.length && (holes <= FEW_HOLES || holes * 2 <= length)) return this.#holey(array, length, names)
    this.#tagged('Array', 3)
    this.#writer.head(0, length)
    this.#path[this.#depth] = NO_STEP
    this.#enter()
    const head = this.#writer.length
    this.#writer.head(0xa0, names.length)
    for (let i = 0; i < indices; i++) {
      this.#path[this.#depth] = Number(names[i])
      this.#writer.head(0, Number(names[i]))
      this.#item(array[Number(names[i])])
    }
    const gone = this.#members(array, names.slice(indices))
    if (gone > 0) this.#shorten(head, names.length, gone)
    this.#depth--
  }

  /** @param {Map<unknown, unknown>} map */
  #map(map) {
    const writer = this.#writer
    /** @type {unknown[]} */
    const list = []
    mapForEach(map, (/** @type {unknown} */ value, /** @type {unknown} */ key) => list.push(key, value))
    this.#enter()
    writer.head(0xc0, 259)
    writer.head(0xa0, mapSize(map))
    for (let i = 0; i < list.length; i += 2) {
      this.#path[this.#depth] = [`<key ${i / 2}>`]
      this.#item(list[i])
      this.#path[this.#depth] = [`.get(${briefly(list[i])})`]
      this.#item(list[i + 1])
    }
    this.#depth--
  }

  /** @param {Set<unknown>} set */
  #set(set) {
    /** @type {unknown[]} */
    const list = []
    setForEach(set, (/** @type {unknown} */ value) => list.push(value))
    this.#enter()
    this.#writer.head(0xc0, 258)
    this.#writer.head(0x80, setSize(set))
    for (let i = 0; i < list.length; i++) {
      this.#path[this.#depth] = i
      this.#item(list[i])
    }
    this.#depth--
  }

  /** @param {RegExp} value */
  #regExp(value) {
    this.#enter()
    this.#writer.head(0xc0, 21066)
    this.#writer.head(0x80, 2)
    this.#writer.text(regExpSource(value))
    this.#writer.text(regExpFlags(value))
    this.#depth--
  }

  /** @param {Error} error */
  #error(error) {
    const name = `${error.name}`
    const message = Object.getOwnPropertyDescriptor(error, 'message')
    const text = message && 'value' in message ? `${message.value}` : undefined
    const { stack } = error
    const cause = Object.getOwnPropertyDescriptor(error, 'cause')
    const withCause = cause !== undefined && 'value' in cause
    this.#enter()
    this.#tagged(ERROR_NAMES.has(name) ? name : 'Error', withCause ? 4 : 3)
    this.#item(text)
    this.#item(typeof stack === 'string' ? stack : undefined)
    this.#path[this.#depth] = 'cause'
    if (withCause) this.#item(cause.value)
    this.#depth--
  }

  /**
   * @param {string} kind
   * @param {object} value
   */
  #boxed(kind, value) {
    this.#enter()
    this.#tagged(kind, 2)
    if (kind === 'Number') this.#item(numberValue(value))
    else if (kind === 'String') this.#item(stringValue(value))
    else if (kind === 'Boolean') this.#item(booleanValue(value))
    else this.#item(bigIntValue(value))
    this.#depth--
  }

  /** @param {bigint} value */
  #bigInt(value) {
    const writer = this.#writer
    writer.byte(value < 0n ? 0xc3 : 0xc2)
    const magnitude = value < 0n ? -1n - value : value
    const digits = magnitude === 0n ? '' : magnitude.toString(16)
    const size = (digits.length + 1) >> 1
    writer.head(0x40, size)
    writer.reserve(size)
    // The digits' pairs from the right, so that an odd first digit is a byte of its own.
    for (let i = digits.length - size * 2; i < digits.length; i += 2) {
      writer.byte(parseInt(digits.slice(Math.max(i, 0), i + 2), 16))
    }
  }

  /** @param {ArrayBuffer} buffer */
  #buffer(buffer) {
    const { resizable, maxByteLength } = /** @type {any} */ (buffer)
    const bytes = this.#bytesOf(buffer)
    if (resizable) this.#tagged('ArrayBuffer', 3)
    this.#writer.head(0x40, bytes.length)
    this.#writer.raw(bytes)
    if (resizable) this.#writer.head(0, maxByteLength)
  }

  /**
   * @param {ArrayBuffer} buffer
   * @returns {Uint8Array}
   */
  #bytesOf(buffer) {
    try {
      return new Uint8Array(buffer)
    } catch {
      return this.#refuse(buffer, false, 'detached ArrayBuffer')
    }
  }

  /** @param {ArrayBufferView} view */
  #view(view) {
    const writer = this.#writer
    const { buffer, name, offset, length } = this.#windowOf(view)
    this.#shared.add(view, writer.length)
    const tag = VIEW_TAGS.get(name)
    const whole = offset === 0 && view.byteLength === bufferByteLength(buffer) && !(/** @type {any} */ (buffer).resizable)
    if (tag !== undefined && whole && !this.#shared.has(buffer)) {
      const bytes = this.#bytesOf(buffer)
      this.#shared.addWhole(buffer, writer.length, name, length)
      writer.head(0xc0, tag)
      writer.head(0x40, bytes.length)
      return writer.raw(bytes)
    }
    this.#enter()
    const tracking = /** @type {any} */ (buffer).resizable && tracksLength(view)
    this.#tagged(name, tracking ? 3 : 4)
    this.#path[this.#depth] = 'buffer'
    this.#object(buffer)
    writer.head(0, offset)
    if (!tracking) writer.head(0, length)
    this.#depth--
  }

  /**
   * The part of a buffer that a view shows. A Buffer out of Node's pool is taken by itself: what else lies in the pool is
   * nobody's business.
   * @param {any} view
   */
  #windowOf(view) {
    let { buffer } = view
    let offset = 0
    let length = 0
    try {
      offset = view.byteOffset
      length = view.length ?? view.byteLength
    } catch {
      this.#refuse(view, false, 'view out of bounds')
    }
    if (isPooled(view)) {
      buffer = view.buffer.slice(offset, offset + length)
      offset = 0
    }
    if (!(buffer instanceof ArrayBuffer) && kindOf(buffer) !== 'ArrayBuffer') this.#refuse(view, false, describe(buffer, false))
    return { buffer, offset, length, name: typedArrayName(view) ?? 'DataView' }
  }

  /**
   * The beginning of tag 27 over [name, ...] with `count` items.
   * @param {string} name
   * @param {number} count
   */
  #tagged(name, count) {
    this.#writer.head(0xc0, 27)
    this.#writer.head(0x80, count)
    this.#writer.text(name)
  }

  /**
   * @param {unknown} value
   * @param {boolean} [proxy]
   * @param {string} [what]
   * @returns {never}
   */
  #refuse(value, proxy = false, what = describe(value, proxy)) {
    let path = this.#root
    for (let i = 1; i <= this.#depth; i++) {
      const step = this.#path[i]
      if (typeof step === 'number') path += `[${step}]`
      else if (typeof step !== 'string') path += step[0]
      else path += IDENTIFIER.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`
    }
    throw new DataCloneError(`An object could not be cloned: ${path} (${what})`)
  }
}

/**
 * How many of an array's names, which come first, are indices.
 * @param {string[]} names
 * @param {number} length
 */
function countIndices(names, length) {
  let low = 0
  let high = Math.min(names.length, length)
  while (low < high) {
    const middle = (low + high) >> 1
    const index = Number(names[middle])
    if (index < length && String(index) === names[middle] && index >= 0 && Number.isInteger(index)) low = middle + 1
    else high = middle
  }
  return low
}

/** @param {any} view */
function isPooled(view) {
  const { Buffer } = /** @type {any} */ (globalThis)
  return Buffer !== undefined && view instanceof Buffer && view.buffer.byteLength === Buffer.poolSize
}

/**
 * Whether a view over a resizable buffer grows with it. Only a copy can be tried.
 * @param {any} view
 */
function tracksLength(view) {
  const copy = structuredClone(view)
  const size = () => copy.length ?? copy.byteLength
  const before = size()
  const { buffer, byteOffset } = copy
  buffer.resize(buffer.maxByteLength)
  if (size() !== before) return true
  // It had room for one more element and did not take it.
  if ((before + 1) * (copy.BYTES_PER_ELEMENT ?? 1) <= buffer.byteLength - byteOffset) return false
  // It cannot grow: one of a fixed length is out of bounds once the buffer ends where it begins.
  buffer.resize(byteOffset)
  try {
    return copy.at ? (copy.at(0), true) : copy.byteLength === 0
  } catch {
    return false
  }
}

/**
 * A Map's key in a path.
 * @param {unknown} key
 */
function briefly(key) {
  if (typeof key === 'string') return JSON.stringify(key)
  return typeof key === 'object' ? (key === null ? 'null' : 'object') : String(key)
}

/**
 * Decoder: value documents (docs/protocol.md, section 8) to JavaScript values. Work and memory follow the bytes that
 * are there, never a declared length. What is malformed is a MalformedError 1007. Knows no packet and no session.
 */
import { joined, makeBuffer, makeError, makeSparse, makeTagged, makeView } from './construct.js'
import { Reader } from './reader.js'
import { decodeWtf8 } from './text.js'
import { TAGGED_VIEWS } from './view-tags.js'

const BREAK = 0xff
const MAX_DATE = 8.64e12
/** Of an Array; the greatest index is one less. */
const MAX_LENGTH = 0xffffffff
const MAX_EXACT_BIG = 2n ** 53n
const VIEW_NAMES = new Set([...TAGGED_VIEWS.values()].map(({ name }) => name).concat('DataView'))
const ERRORS = new Set(['Error', 'EvalError', 'RangeError', 'ReferenceError', 'SyntaxError', 'TypeError', 'URIError'])
const BOXED = new Map([['Number', 'number'], ['String', 'string'], ['Boolean', 'boolean'], ['BigInt', 'bigint']])
/** What tag 31 reads as inside arrays. */
const HOLE = Symbol('hole')
const NONE = -1

export class Decoder extends Reader {
  /** Arrays and maps within one another, at most. */
  nesting = 1000
  /** @type {(object | undefined)[]} the objects under tag 28 in order */
  #shared = []
  /** The place of the object that comes next, if a tag 28 stands before it. */
  #slot = NONE
  #depth = 0

  constructor() {
    super(1007)
  }

  /**
   * Decodes the one document that is all of bytes[at, end).
   * @param {Uint8Array} bytes
   * @param {number} [at]
   * @param {number} [end]
   * @returns {any}
   */
  decode(bytes, at = 0, end = bytes.length) {
    this.open(bytes, at, end)
    this.#depth = 0
    this.#slot = NONE
    if (this.#shared.length > 0) this.#shared = []
    const value = this.#item()
    if (this.at !== end) this.fault('bytes after the value')
    return value
  }

  /**
   * As `decode`, for the arguments of a call.
   * @param {Uint8Array} bytes
   * @param {number} [at]
   * @param {number} [end]
   * @returns {any[]}
   */
  decodeList(bytes, at = 0, end = bytes.length) {
    const value = this.decode(bytes, at, end)
    return Array.isArray(value) ? value : this.fault('arguments that are not an array')
  }

  /** @returns {any} */
  #item() {
    const initial = this.initial()
    if (initial < 24) return initial
    const info = initial & 31
    switch (initial >> 5) {
      case 0:
        return this.#integer(info, false)
      case 1:
        return this.#integer(info, true)
      case 2:
        return this.#buffer(initial)
      case 3:
        return info === 31 ? this.#chunkedText() : this.text(this.argument(info))
      case 4:
        return this.#array(info)
      case 5:
        return this.#plain(info)
      case 6:
        return this.#tag(this.argument(info))
      default:
        return this.#simple(initial)
    }
  }

  /**
   * @param {number} info
   * @param {boolean} negative
   * @returns {number | bigint}
   */
  #integer(info, negative) {
    const value = this.argument(info)
    if (value < Number.MAX_SAFE_INTEGER) return negative ? -1 - value : value
    const exact = negative ? -1n - this.bigArgument() : this.bigArgument()
    return exact >= -MAX_EXACT_BIG && exact <= MAX_EXACT_BIG ? Number(exact) : exact
  }

  /** @param {number} initial */
  #simple(initial) {
    switch (initial) {
      case 0xf4:
        return false
      case 0xf5:
        return true
      case 0xf6:
        return null
      case 0xf7:
        return undefined
      case 0xf9:
        return this.half()
      case 0xfa:
        return this.float(4)
      case 0xfb:
        return this.float(8)
      default:
        return this.fault('a simple value or break that has no place here')
    }
  }

  /** Takes the place of the object that is being read. */
  #takeSlot() {
    const slot = this.#slot
    this.#slot = NONE
    return slot
  }

  /**
   * Makes an object known to references.
   * @template {object} T
   * @param {number} slot
   * @param {T} object
   * @returns {T}
   */
  #fill(slot, object) {
    if (slot !== NONE) this.#shared[slot] = object
    return object
  }

  /** Goes into an array or map of the document. */
  #enter() {
    if (++this.#depth > this.nesting) this.fault(`nesting deeper than ${this.nesting}`)
  }

  /**
   * The count of an array or map.
   * @param {number} info
   * @param {number} least how many bytes each of its entries takes
   * @returns {number} -1 if it is of indefinite length
   */
  #count(info, least) {
    if (info === 31) return -1
    const count = this.argument(info)
    if (count * least > this.end - this.at) this.fault('the input is cut')
    return count
  }

  /**
   * Whether an entry is left; takes the break at the end of an indefinite length.
   * @param {number} left
   */
  #more(left) {
    if (left >= 0) return left > 0
    if (this.at >= this.end) this.fault('the input is cut')
    if (this.bytes[this.at] !== BREAK) return true
    this.at++
    return false
  }

  /** @param {number} info */
  #array(info) {
    /** @type {unknown[]} */
    const array = []
    this.#fill(this.#takeSlot(), array)
    this.#enter()
    let left = this.#count(info, 1)
    let length = 0
    for (; this.#more(left); left--, length++) {
      const value = this.#element()
      if (value !== HOLE) array[length] = value
    }
    if (array.length !== length) array.length = length
    this.#depth--
    return array
  }

  /** An element of an array, where a hole may be. */
  #element() {
    const { bytes, at } = this
    if (bytes[at] !== 0xd8 || bytes[at + 1] !== 31 || at + 1 >= this.end) return this.#item()
    this.at = at + 2
    if (this.initial() !== 0xf7) this.fault('tag 31 over something else than undefined')
    return HOLE
  }

  /** @param {number} info */
  #plain(info) {
    /** @type {Record<string, unknown>} */
    const object = {}
    this.#fill(this.#takeSlot(), object)
    this.#enter()
    for (let left = this.#count(info, 2); this.#more(left); left--) {
      const name = this.#name()
      const value = this.#item()
      if (name === '__proto__') Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true })
      else object[name] = value
    }
    this.#depth--
    return object
  }

  /** @returns {string} */
  #name() {
    const initial = this.initial()
    const info = initial & 31
    switch (initial >> 5) {
      case 0:
        return String(this.#integer(info, false))
      case 1:
        return String(this.#integer(info, true))
      case 3:
        return info === 31 ? this.#chunkedText() : this.name(this.argument(info))
      case 6:
        if (this.argument(info) === 273) return this.#wtf8()
    }
    return this.fault('a key of an object that is not a text')
  }

  #chunkedText() {
    let text = ''
    while (this.#more(-1)) {
      const initial = this.initial()
      if (initial >> 5 !== 3 || initial === 0x7f) this.fault('a chunk that is not a text')
      text += this.text(this.argument(initial & 31))
    }
    return text
  }

  /**
   * The content of a byte string, still in the input where it is in one piece.
   * @param {number} initial
   * @returns {Uint8Array}
   */
  #bytes(initial) {
    if (initial >> 5 !== 2) this.fault('expected a byte string')
    if (initial !== 0x5f) {
      const start = this.skip(this.argument(initial & 31))
      return this.bytes.subarray(start, this.at)
    }
    const chunks = []
    let length = 0
    while (this.#more(-1)) {
      const next = this.initial()
      if (next >> 5 !== 2 || next === 0x5f) this.fault('a chunk that is not a byte string')
      const start = this.skip(this.argument(next & 31))
      chunks.push(this.bytes.subarray(start, this.at))
      length += this.at - start
    }
    return joined(chunks, length)
  }

  /** @param {number} initial */
  #buffer(initial) {
    const slot = this.#takeSlot()
    return this.#fill(slot, makeBuffer(this.#bytes(initial)))
  }

  #wtf8() {
    const text = decodeWtf8(this.#bytes(this.initial()))
    return text === undefined ? this.fault('tag 273 over bytes that are not WTF-8') : text
  }

  /**
   * @param {number} tag
   * @returns {any}
   */
  #tag(tag) {
    switch (tag) {
      case 1:
        return this.#date()
      case 2:
        return this.#bigInt()
      case 3:
        return -1n - this.#bigInt()
      case 27:
        return this.#object()
      case 28:
        return this.#mark()
      case 29:
        return this.#reference()
      case 258:
        return this.#set()
      case 259:
        return this.#map()
      case 273:
        return this.#wtf8()
      case 21066:
        return this.#regExp()
      default:
        return this.#taggedView(tag)
    }
  }

  #mark() {
    if (this.#slot !== NONE) this.fault('tag 28 over tag 28')
    this.#slot = this.#shared.push(undefined) - 1
    const value = this.#item()
    if (this.#slot !== NONE) this.fault('tag 28 over something that is not an object')
    return value
  }

  #reference() {
    const object = this.#shared[this.uint()]
    return object === undefined ? this.fault('tag 29 that names nothing') : object
  }

  #date() {
    const slot = this.#takeSlot()
    const seconds = this.#item()
    if (typeof seconds !== 'number' || Math.abs(seconds) > MAX_DATE) this.fault('tag 1 over something that is no time')
    const whole = Math.floor(seconds)
    return this.#fill(slot, new Date(whole * 1000 + Math.round((seconds - whole) * 1000)))
  }

  #bigInt() {
    const bytes = this.#bytes(this.initial())
    let digits = '0x0'
    for (let i = 0; i < bytes.length; i++) digits += (bytes[i] < 16 ? '0' : '') + bytes[i].toString(16)
    try {
      return BigInt(digits)
    } catch {
      return this.fault('a BigInt that is too long')
    }
  }

  /**
   * The head of the array or map that a tag stands over.
   * @param {number} major
   * @returns {number} the count, -1 if indefinite
   */
  #open(major) {
    const initial = this.initial()
    if (initial >> 5 !== major) this.fault('a tag over an item of another kind')
    this.#enter()
    return this.#count(initial & 31, major - 3)
  }

  #set() {
    const set = this.#fill(this.#takeSlot(), new Set())
    for (let left = this.#open(4); this.#more(left); left--) set.add(this.#item())
    this.#depth--
    return set
  }

  #map() {
    const map = this.#fill(this.#takeSlot(), new Map())
    for (let left = this.#open(5); this.#more(left); left--) {
      const key = this.#item()
      map.set(key, this.#item())
    }
    this.#depth--
    return map
  }

  /** @param {number} left */
  #require(left) {
    if (!this.#more(left)) this.fault('an item is missing')
  }

  /** @param {number} left */
  #close(left) {
    if (this.#more(left)) this.fault('an item too many')
    this.#depth--
  }

  /** @returns {string} */
  #string() {
    const value = this.#item()
    return typeof value === 'string' ? value : this.fault('expected a text')
  }

  #regExp() {
    const slot = this.#takeSlot()
    let left = this.#open(4)
    this.#require(left--)
    const source = this.#string()
    this.#require(left--)
    const flags = this.#string()
    this.#close(left)
    return this.#fill(slot, this.#attempt(() => new RegExp(source, flags)))
  }

  /**
   * @param {number} tag
   */
  #taggedView(tag) {
    const view = TAGGED_VIEWS.get(tag)
    if (!view) return this.fault(`tag ${tag}`)
    const slot = this.#takeSlot()
    const bytes = this.#bytes(this.initial())
    return this.#fill(slot, this.#attempt(() => makeTagged(view, bytes)))
  }

  /**
   * Does what the engine may refuse: values that no engine can have are malformed.
   * @template T
   * @param {() => T} make
   * @returns {T}
   */
  #attempt(make) {
    try {
      return make()
    } catch (error) {
      return this.fault(error instanceof Error ? error.message : String(error))
    }
  }

  /** Tag 27: [name, ...]. */
  #object() {
    const slot = this.#takeSlot()
    const left = this.#open(4)
    this.#require(left)
    const name = this.#string()
    if (ERRORS.has(name)) return this.#error(slot, name, left - 1)
    if (VIEW_NAMES.has(name)) return this.#view(slot, name, left - 1)
    if (name === 'Array') return this.#sparse(slot, left - 1)
    if (name === 'ArrayBuffer') return this.#resizable(slot, left - 1)
    const boxed = BOXED.get(name)
    if (boxed) return this.#boxed(slot, boxed, left - 1)
    return this.fault(`tag 27 over '${name}'`)
  }

  /** @returns {string | undefined} */
  #optionalString() {
    const value = this.#item()
    return value === undefined || typeof value === 'string' ? value : this.fault('expected a text or undefined')
  }

  /**
   * @param {number} slot
   * @param {string} name
   * @param {number} left
   */
  #error(slot, name, left) {
    this.#require(left--)
    const message = this.#optionalString()
    this.#require(left--)
    const error = this.#fill(slot, makeError(name, message, this.#optionalString()))
    if (this.#more(left)) {
      left--
      Object.defineProperty(error, 'cause', { value: this.#item(), writable: true, configurable: true })
      this.#close(left)
    } else {
      this.#depth--
    }
    return error
  }

  /**
   * @param {number} slot
   * @param {string} name
   * @param {number} left
   */
  #view(slot, name, left) {
    this.#require(left--)
    const buffer = this.#item()
    if (!(buffer instanceof ArrayBuffer)) return this.fault('a view of something that is not an ArrayBuffer')
    this.#require(left--)
    const offset = this.uint()
    /** @type {number | undefined} */
    let length
    if (this.#more(left)) {
      left--
      length = this.uint()
      this.#close(left)
    } else {
      this.#depth--
      if (!(/** @type {any} */ (buffer).resizable)) this.fault('a view without a length')
    }
    return this.#fill(slot, this.#attempt(() => makeView(name, buffer, offset, length)))
  }

  /**
   * @param {number} slot
   * @param {number} left
   */
  #resizable(slot, left) {
    this.#require(left--)
    const bytes = this.#bytes(this.initial())
    this.#require(left--)
    const maxByteLength = this.uint()
    this.#close(left)
    return this.#fill(slot, this.#attempt(() => makeBuffer(bytes, maxByteLength)))
  }

  /**
   * @param {number} slot
   * @param {string} type
   * @param {number} left
   */
  #boxed(slot, type, left) {
    this.#require(left--)
    const value = this.#item()
    if (typeof value !== type) this.fault(`expected a ${type} in its box`)
    this.#close(left)
    return this.#fill(slot, Object(value))
  }

  /**
   * An Array as its length and a map of what is there.
   * @param {number} slot
   * @param {number} left
   */
  #sparse(slot, left) {
    this.#require(left--)
    const length = this.uint()
    if (length > MAX_LENGTH) this.fault('a length that no Array has')
    this.#require(left--)
    const array = this.#fill(slot, makeSparse(length))
    for (let members = this.#open(5); this.#more(members); members--) {
      const name = this.#member(length)
      array[/** @type {any} */ (name)] = this.#item()
    }
    this.#depth--
    this.#close(left)
    return array
  }

  /**
   * @param {number} length
   * @returns {string | number}
   */
  #member(length) {
    if (this.at < this.end && this.bytes[this.at] >> 5 === 0) {
      const index = this.uint()
      return index < length ? index : this.fault('an index beyond the length')
    }
    if (this.at < this.end && this.bytes[this.at] >> 5 === 1) this.fault('a negative index')
    const name = this.#name()
    const index = Number(name)
    if (name === 'length' || (String(index) === name && index >= 0 && index < MAX_LENGTH && Number.isInteger(index))) {
      this.fault(`'${name}' as the name of a further property`)
    }
    return name
  }
}

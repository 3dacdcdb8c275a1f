/** Makes the objects that the decoder reads the parts of. Throws what the engine throws for what cannot be. */

/**
 * @typedef {{ new (buffer: ArrayBuffer, offset?: number, length?: number): ArrayBufferView, BYTES_PER_ELEMENT?: number }} ViewClass
 */

const ERROR_CLASSES = /** @type {Record<string, ErrorConstructor>} */ ({
  Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError,
})
/** Up to this length an engine may give an array room for all its elements at once. */
const LONG_ARRAY = 0xffffffff

/**
 * @param {string} name
 * @returns {ViewClass | undefined}
 */
function viewClass(name) {
  return /** @type {any} */ (globalThis)[name]
}

/**
 * @param {Uint8Array} bytes copied
 * @param {number} [maxByteLength]
 * @returns {ArrayBuffer}
 */
export function makeBuffer(bytes, maxByteLength) {
  const buffer = /** @type {any} */ (ArrayBuffer)
  const made = maxByteLength === undefined ? new ArrayBuffer(bytes.length) : new buffer(bytes.length, { maxByteLength })
  new Uint8Array(made).set(bytes)
  return made
}

/**
 * @param {Uint8Array[]} parts copied, one behind the other
 * @param {number} size of all
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function joined(parts, size) {
  const bytes = new Uint8Array(size)
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

/** Newer engines give each error an accessor of its own, which their structuredClone keeps. */
const STACK_IS_SET = Object.getOwnPropertyDescriptor(new Error(), 'stack')?.set !== undefined

/**
 * @param {string} name
 * @param {string | undefined} message
 * @param {string | undefined} stack
 * @returns {Error}
 */
export function makeError(name, message, stack) {
  const error = new ERROR_CLASSES[name](message)
  if (STACK_IS_SET) error.stack = stack
  else Object.defineProperty(error, 'stack', { value: stack, writable: true, configurable: true })
  return error
}

/**
 * An array of that length and no elements, whatever the length at the cost of an empty one.
 * @param {number} length
 * @returns {unknown[]}
 */
export function makeSparse(length) {
  /** @type {unknown[]} */
  const array = []
  // The greatest length makes the engine keep elements by their index; that stays when it is shortened.
  array.length = LONG_ARRAY
  array.length = length
  return array
}

/**
 * A view that is the whole of its buffer.
 * @param {{ name: string, big: boolean }} view
 * @param {Uint8Array} bytes copied
 */
export function makeTagged({ name, big }, bytes) {
  const buffer = makeBuffer(bytes)
  const Class = viewClass(name)
  if (big) swap(new Uint8Array(buffer), Class?.BYTES_PER_ELEMENT ?? 2)
  return makeView(name, buffer, 0, undefined)
}

/**
 * @param {string} name
 * @param {ArrayBuffer} buffer
 * @param {number} offset
 * @param {number | undefined} length
 * @returns {ArrayBufferView}
 */
export function makeView(name, buffer, offset, length) {
  const Class = viewClass(name)
  if (Class) return new Class(buffer, offset, length)
  // An engine without Float16Array gets the same numbers as a Float32Array.
  return Float32Array.from(new Uint16Array(buffer, offset, length), halfToNumber)
}

/**
 * @param {Uint8Array} bytes
 * @param {number} size of an element
 */
function swap(bytes, size) {
  for (let at = 0; at + size <= bytes.length; at += size) bytes.subarray(at, at + size).reverse()
}

/**
 * The number that the bits of a half float are.
 * @param {number} bits
 * @returns {number}
 */
export function halfToNumber(bits) {
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  const sign = bits & 0x8000 ? -1 : 1
  if (exponent === 31) return fraction ? NaN : sign * Infinity
  if (exponent === 0) return sign * fraction * 2 ** -24
  return sign * (1024 + fraction) * 2 ** (exponent - 25)
}

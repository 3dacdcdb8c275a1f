/**
 * What an object is to structured clone: decided by its internal slots, for which the prototype is only a hint. What is not
 * known here (platform objects, iterators and the like) is asked of the engine's own structuredClone. Runs no
 * code of the object. Knows nothing of the wire.
 */

/**
 * @typedef {'Object' | 'Array' | 'Map' | 'Set' | 'Date' | 'RegExp' | 'Error' | 'ArrayBuffer' | 'View' |
 *   'Number' | 'String' | 'Boolean' | 'BigInt'} Kind
 */

/**
 * Turns a method into a function of its receiver.
 * @param {Function} method
 * @returns {(receiver: any, ...args: any[]) => any}
 */
function uncurry(method) {
  return Function.prototype.call.bind(method)
}

/**
 * @param {object} prototype
 * @param {PropertyKey} name
 */
function getterOf(prototype, name) {
  const descriptor = Object.getOwnPropertyDescriptor(prototype, name)
  return uncurry(/** @type {any} */ (descriptor).get)
}

const tagOf = uncurry(Object.prototype.toString)
const sourceOfFunction = uncurry(Function.prototype.toString)
const typedArrayPrototype = Object.getPrototypeOf(Uint8Array.prototype)

// Each of these throws for a receiver that has not its internal slot; they are taken before scripts can replace them.
export const mapSize = getterOf(Map.prototype, 'size')
export const mapForEach = uncurry(Map.prototype.forEach)
export const setSize = getterOf(Set.prototype, 'size')
export const setForEach = uncurry(Set.prototype.forEach)
export const dateTime = uncurry(Date.prototype.getTime)
export const regExpSource = getterOf(RegExp.prototype, 'source')
export const bufferByteLength = getterOf(ArrayBuffer.prototype, 'byteLength')
export const numberValue = uncurry(Number.prototype.valueOf)
export const stringValue = uncurry(String.prototype.valueOf)
export const booleanValue = uncurry(Boolean.prototype.valueOf)
export const bigIntValue = uncurry(BigInt.prototype.valueOf)
/** The class of a typed array, undefined for a DataView. */
export const typedArrayName = getterOf(typedArrayPrototype, Symbol.toStringTag)

const REGEXP_FLAGS = Object.entries({
  d: 'hasIndices', g: 'global', i: 'ignoreCase', m: 'multiline', s: 'dotAll', u: 'unicode', v: 'unicodeSets', y: 'sticky',
})
  .filter(([, name]) => name in RegExp.prototype)
  .map(([flag, name]) => ({ flag, get: getterOf(RegExp.prototype, name) }))

/**
 * The flags as the engine has them, whatever own properties say.
 * @param {RegExp} value
 * @returns {string}
 */
export function regExpFlags(value) {
  return REGEXP_FLAGS.filter(({ get }) => get(value)).map(({ flag }) => flag).join('')
}

/** @type {Record<string, (value: any) => unknown>} throws or is false where the brand is not there */
const TESTS = {
  Array: (value) => Array.isArray(value),
  View: (value) => ArrayBuffer.isView(value),
  Error: (value) => tagOf(value) === '[object Error]' && !(Symbol.toStringTag in value),
  Map: (value) => mapSize(value) >= 0,
  Set: (value) => setSize(value) >= 0,
  Date: (value) => dateTime(value) !== undefined,
  RegExp: (value) => regExpSource(value) !== undefined && value !== RegExp.prototype,
  ArrayBuffer: (value) => bufferByteLength(value) >= 0,
  Number: (value) => numberValue(value) !== undefined,
  String: (value) => stringValue(value) !== undefined,
  Boolean: (value) => booleanValue(value) !== undefined,
  BigInt: (value) => bigIntValue(value) !== undefined,
}

/**
 * @param {string} kind
 * @param {object} value
 */
function hasBrand(kind, value) {
  try {
    return Boolean(TESTS[kind](value))
  } catch {
    return false
  }
}

/**
 * One of the own realm or of another's, as of an iframe.
 * @param {any} value
 */
export function isArrayBuffer(value) {
  return hasBrand('ArrayBuffer', value)
}

const onmessageOf = typeof MessagePort === 'function' ? getterOf(MessagePort.prototype, 'onmessage') : undefined

/**
 * One of the own realm or of another's, as of an iframe. Node's getter takes every EventTarget, so its tag is looked at too.
 * @param {any} value
 */
export function isMessagePort(value) {
  if (!onmessageOf) return false
  if (value instanceof MessagePort) return true
  try {
    return tagOf(value) === '[object MessagePort]' && onmessageOf(value) !== undefined
  } catch {
    return false
  }
}

/** @type {Map<object | null, string>} what a direct instance of these usually is */
const usualKinds = new Map()
for (const constructor of [Array, Map, Set, Date, RegExp, ArrayBuffer, Number, String, Boolean, BigInt]) {
  usualKinds.set(constructor.prototype, constructor.name)
}
for (const constructor of [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError]) {
  usualKinds.set(constructor.prototype, 'Error')
}
usualKinds.set(typedArrayPrototype, 'View')
usualKinds.set(DataView.prototype, 'View')

/**
 * Classes of the platform that some engines write in JavaScript, where structuredClone takes their instances for plain
 * objects; in a browser it refuses them.
 */
const PLATFORM_CLASSES = new Set(
  `AbortController AbortSignal Blob BroadcastChannel ByteLengthQueuingStrategy CompressionStream CountQueuingStrategy
  Crypto CryptoKey CustomEvent DecompressionStream DOMException Event EventSource EventTarget File FormData Headers
  MessageChannel MessageEvent MessagePort Navigator Performance PerformanceEntry PerformanceMark PerformanceMeasure
  PerformanceObserver ReadableStream Request Response Storage SubtleCrypto TextDecoder TextDecoderStream TextEncoder
  TextEncoderStream TransformStream URL URLSearchParams WebSocket Worker WritableStream`.split(/\s+/),
)

/** @type {WeakMap<object, string>} prototype -> a kind, 'platform', 'Object' or 'unknown' */
const verdicts = new WeakMap()

/**
 * What the instances of a prototype that is none of the language's own are.
 * @param {object} prototype
 * @returns {string}
 */
function verdictOn(prototype) {
  let verdict = verdicts.get(prototype)
  if (verdict === undefined) {
    verdict = followChain(prototype)
    verdicts.set(prototype, verdict)
  }
  return verdict
}

/** @param {object} prototype */
function followChain(prototype) {
  for (let p = prototype; p !== null && p !== Object.prototype; p = Object.getPrototypeOf(p)) {
    const usual = usualKinds.get(p)
    if (usual !== undefined) return usual
    const constructor = Object.getOwnPropertyDescriptor(p, 'constructor')?.value
    if (typeof constructor !== 'function') return 'unknown'
    const { value: name } = Object.getOwnPropertyDescriptor(constructor, 'name') ?? {}
    if (isNative(constructor)) return ofNative(name, p)
    if (PLATFORM_CLASSES.has(name) && /** @type {any} */ (globalThis)[name] === constructor) return 'platform'
  }
  return 'Object'
}

/**
 * A native class that is not among ours: one of another realm, or something else altogether.
 * @param {unknown} name
 * @param {object} prototype
 */
function ofNative(name, prototype) {
  if (name === 'Object' && Object.getPrototypeOf(prototype) === null) return 'Object'
  if (typeof name !== 'string') return 'unknown'
  if (name in TESTS) return name
  return /^(Float|Int|Uint|BigInt|BigUint)\d+(Clamped)?Array$|^DataView$/.test(name) ? 'View' : 'unknown'
}

/** @param {Function} constructor */
function isNative(constructor) {
  return /\{\s*\[native code\]\s*\}$/.test(sourceOfFunction(constructor))
}

/**
 * @param {object} value no Proxy
 * @returns {Kind | undefined} undefined for what cannot be cloned
 */
export function kindOf(value) {
  const prototype = Object.getPrototypeOf(value)
  if (prototype === Object.prototype) return tagOf(value) === '[object Object]' ? 'Object' : search(value)
  const kind = prototype === null ? 'unknown' : usualKinds.get(prototype) ?? verdictOn(prototype)
  if (kind === 'platform') return undefined
  if (kind === 'Object' || (kind !== 'unknown' && hasBrand(kind, value))) return /** @type {Kind} */ (kind)
  return search(value)
}

/**
 * @param {object} value
 * @returns {Kind | undefined}
 */
function search(value) {
  for (const kind in TESTS) {
    if (hasBrand(kind, value)) return /** @type {Kind} */ (kind)
  }
  // What has own names and no tag is somebody's object; the engine is not asked, since it would run its getters.
  if (!(Symbol.toStringTag in value) && tagOf(value) === '[object Object]' && Object.keys(value).length > 0) return 'Object'
  return ofEngine(value)
}

/**
 * @param {object} value
 * @returns {Kind | undefined}
 */
function ofEngine(value) {
  let copy
  try {
    copy = structuredClone(value)
  } catch {
    return undefined
  }
  if (tagOf(copy) === '[object Error]') return 'Error'
  return Object.getPrototypeOf(copy) === Object.prototype && tagOf(copy) === '[object Object]' ? 'Object' : undefined
}

/**
 * What to call a value that cannot be cloned.
 * @param {unknown} value
 * @param {boolean} proxy
 * @returns {string}
 */
export function describe(value, proxy) {
  if (proxy) return 'Proxy'
  if (typeof value !== 'object' || value === null) return typeof value
  const name = value.constructor?.name
  return typeof name === 'string' && name !== '' ? name : 'object'
}

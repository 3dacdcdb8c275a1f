/** Strict equality of cloned values, in Node and in pages. */

/**
 * The way to the first difference of two values, undefined if there is none: Object.is, classes, own keys with
 * their descriptors, the contents of collections and buffers, identity and cycles.
 * @param {any} a
 * @param {any} b
 * @returns {string | undefined}
 */
export function difference(a, b) {
  return compare(a, b, new Map(), new Map(), 'value')
}

function compare(a, b, seenA, seenB, path) {
  if (typeof a !== 'object' || a === null || typeof b !== 'object' || b === null) return Object.is(a, b) ? undefined : path
  if (seenA.has(a) || seenB.has(b)) return seenA.get(a) === b && seenB.get(b) === a ? undefined : `${path} (identity)`
  seenA.set(a, b)
  seenB.set(b, a)
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return `${path} (prototype)`
  const each = (x, y, step) => compare(x, y, seenA, seenB, path + step)
  return compareSlots(a, b, each, path) ?? compareKeys(a, b, each, path)
}

function compareSlots(a, b, each, path) {
  if (a instanceof Map) return each([...a.keys()], [...b.keys()], '.keys()') ?? each([...a.values()], [...b.values()], '.values()')
  if (a instanceof Set) return each([...a], [...b], '.values()')
  if (a instanceof Date) return each(a.getTime(), b.getTime(), '.getTime()')
  if (a instanceof RegExp) return each(String(a), String(b), '.source')
  if (a instanceof ArrayBuffer) {
    const bytes = new Uint8Array(b)
    if (a.byteLength !== b.byteLength || new Uint8Array(a).some((byte, i) => byte !== bytes[i])) return `${path} (bytes)`
    return each(a.maxByteLength, b.maxByteLength, '.maxByteLength')
  }
  if (ArrayBuffer.isView(a)) {
    return each(a.byteOffset, b.byteOffset, '.byteOffset') ?? each(a.byteLength, b.byteLength, '.byteLength') ?? each(a.buffer, b.buffer, '.buffer')
  }
  if (a instanceof Error) return each(a.stack, b.stack, '.stack')
  for (const Box of [Number, String, Boolean, BigInt]) if (a instanceof Box) return each(a.valueOf(), b.valueOf(), '.valueOf()')
}

/** Of Firefox's errors: where they were made, which no clone can be, and an accessor's property that only assigning makes. */
const ofPrototype = Object.hasOwn(Error.prototype, 'stack') ? new Set(['fileName', 'lineNumber', 'columnNumber', 'stack']) : new Set()

function keysOf(value) {
  if (ArrayBuffer.isView(value)) return []
  const keys = Reflect.ownKeys(value)
  return value instanceof Error ? keys.filter((key) => !ofPrototype.has(key)) : keys
}

function compareKeys(a, b, each, path) {
  const keys = keysOf(a)
  const others = keysOf(b)
  if (keys.length !== others.length || keys.some((key, i) => key !== others[i])) return `${path} (keys)`
  for (const key of keys) {
    const x = Object.getOwnPropertyDescriptor(a, key)
    const y = Object.getOwnPropertyDescriptor(b, key)
    if (x.enumerable !== y.enumerable || x.writable !== y.writable || x.configurable !== y.configurable) return `${path}.${String(key)} (descriptor)`
    if (Boolean(x.get) !== Boolean(y.get)) return `${path}.${String(key)} (descriptor)`
    const found = each(a[key], b[key], `.${String(key)}`)
    if (found) return found
  }
}

/** The same value with the names of a plain object in order, which Lua does not keep. */
export function sorted(value) {
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value
  const names = Object.keys(value).sort()
  const copy = names.map((name) => [name, value[name]])
  for (const name of names) delete value[name]
  for (const [name, each] of copy) Object.defineProperty(value, name, { value: each, writable: true, enumerable: true, configurable: true })
  return value
}

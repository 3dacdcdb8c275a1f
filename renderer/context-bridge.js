/** contextBridge for a page whose own scripts are the main world: there is no other world to keep apart from it. */

/** By what Object.prototype.toString says: what is copied as a message would be. */
const CLONED = new Set(['Date', 'RegExp', 'Map', 'Set', 'ArrayBuffer', 'DataView', 'Error', 'Number', 'String', 'Boolean', 'BigInt'])

/** @param {object} value */
function tagOf(value) {
  return Object.prototype.toString.call(value).slice('[object '.length, -1)
}

/**
 * A copy that nobody can change: of an object its own values, without its class. Functions, promises and what the engine
 * alone can make (elements, blobs) go over as they are.
 * @param {any} value
 * @param {Map<object, object>} seen
 * @returns {any}
 */
function frozenCopy(value, seen = new Map()) {
  if (typeof value !== 'object' || value === null) return value
  const known = seen.get(value)
  if (known) return known
  const list = Array.isArray(value)
  if (list || tagOf(value) === 'Object') return frozenCopyOf(value, list ? [] : {}, seen)
  if (!CLONED.has(tagOf(value)) && !ArrayBuffer.isView(value)) return value
  const clone = structuredClone(value)
  seen.set(value, clone)
  return clone
}

/**
 * @param {any} value
 * @param {object} copy
 * @param {Map<object, object>} seen
 */
function frozenCopyOf(value, copy, seen) {
  seen.set(value, copy)
  for (const key of Object.keys(value)) {
    const each = value[key]
    // Defined, not set: a name may be __proto__.
    if (typeof each !== 'symbol') Object.defineProperty(copy, key, { value: frozenCopy(each, seen), enumerable: true })
  }
  return Object.freeze(copy)
}

/**
 * @param {object} world where the page's scripts run
 * @returns {{ exposeInMainWorld(key: string, api: unknown): void }}
 */
export function bridgeOf(world) {
  return Object.freeze({
    exposeInMainWorld(key, api) {
      if (typeof key !== 'string') throw new TypeError('Error processing argument at index 0')
      if (key in world) throw new Error('Cannot bind an API on top of an existing property on the window object')
      Object.defineProperty(world, key, { value: frozenCopy(api), enumerable: true })
    },
  })
}

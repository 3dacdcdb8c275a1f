/** contextBridge for a page whose own scripts are the main world: there is no other world to keep apart from it. */

/**
 * A copy that nobody can change: functions and what is no plain object or array go over as they are.
 * @param {any} value
 * @param {Map<object, object>} seen
 * @returns {any}
 */
function frozenCopy(value, seen = new Map()) {
  if (typeof value !== 'object' || value === null) return value
  const prototype = Object.getPrototypeOf(value)
  const list = Array.isArray(value)
  if (!list && prototype !== Object.prototype && prototype !== null) return value
  const known = seen.get(value)
  if (known) return known
  /** @type {any} */
  const copy = list ? [] : {}
  seen.set(value, copy)
  for (const key of Object.keys(value)) if (typeof value[key] !== 'symbol') copy[key] = frozenCopy(value[key], seen)
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

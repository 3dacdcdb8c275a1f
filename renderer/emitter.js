/**
 * EventEmitter: Node's, for every engine. Two differences: a listener that throws stops nobody (what it threw is reported as
 * uncaught), and the name `error` is a name like any other.
 */

const DEFAULT_MAX_LISTENERS = 10

/** @typedef {string | symbol} EventName */
/** @typedef {(...args: any[]) => void} Listener */
/** @typedef {Listener & { listener?: Listener }} RawListener */

export class EventEmitter {
  /** @type {Map<EventName, RawListener[]>} arrays are replaced, never changed: an emit goes on with the one it began with */
  #listeners = new Map()
  /** @type {Set<EventName>} */
  #warned = new Set()
  #maxListeners = DEFAULT_MAX_LISTENERS
  #count = 0
  #counted

  /** @param {(count: number) => void} [counted] told how many listeners there are whenever that changes */
  constructor(counted = () => {}) {
    this.#counted = counted
  }

  /**
   * @param {EventName} name
   * @param {Listener} listener
   */
  on(name, listener) {
    return this.#add(name, listener, listener, false)
  }

  /**
   * @param {EventName} name
   * @param {Listener} listener
   */
  addListener(name, listener) {
    return this.on(name, listener)
  }

  /**
   * @param {EventName} name
   * @param {Listener} listener
   */
  prependListener(name, listener) {
    return this.#add(name, listener, listener, true)
  }

  /**
   * @param {EventName} name
   * @param {Listener} listener
   */
  once(name, listener) {
    return this.#add(name, listener, this.#onceOf(name, listener), false)
  }

  /**
   * @param {EventName} name
   * @param {Listener} listener
   */
  prependOnceListener(name, listener) {
    return this.#add(name, listener, this.#onceOf(name, listener), true)
  }

  /**
   * @param {EventName} name
   * @param {Listener} listener
   * @returns {RawListener}
   */
  #onceOf(name, listener) {
    checkListener(listener)
    let fired = false
    /** @type {RawListener} */
    const wrapper = (...args) => {
      if (fired) return
      fired = true
      this.removeListener(name, wrapper)
      return listener.apply(this, args)
    }
    wrapper.listener = listener
    return wrapper
  }

  /**
   * @param {EventName} name
   * @param {Listener} listener
   * @param {RawListener} raw
   * @param {boolean} first
   */
  #add(name, listener, raw, first) {
    checkListener(listener)
    if (this.#listeners.has('newListener')) this.emit('newListener', name, listener)
    const before = this.#listeners.get(name) ?? []
    this.#counted(this.#count + 1)
    this.#count++
    this.#listeners.set(name, first ? [raw, ...before] : [...before, raw])
    this.#warn(name, before.length + 1)
    return this
  }

  /**
   * @param {EventName} name
   * @param {number} count
   */
  #warn(name, count) {
    if (this.#maxListeners === 0 || count <= this.#maxListeners || this.#warned.has(name)) return
    this.#warned.add(name)
    const text = `Possible EventEmitter memory leak detected. ${count} ${String(name)} listeners added. ` +
      'Use emitter.setMaxListeners() to increase limit'
    const { process } = /** @type {any} */ (globalThis)
    if (process?.emitWarning) process.emitWarning(text, 'MaxListenersExceededWarning')
    else console.warn(text)
  }

  /**
   * Removes the instance that was added last.
   * @param {EventName} name
   * @param {Listener} listener
   */
  removeListener(name, listener) {
    checkListener(listener)
    const before = this.#listeners.get(name) ?? []
    let at = before.length - 1
    while (at >= 0 && before[at] !== listener && before[at].listener !== listener) at--
    if (at >= 0) this.#remove(name, before, at)
    return this
  }

  /**
   * @param {EventName} name
   * @param {Listener} listener
   */
  off(name, listener) {
    return this.removeListener(name, listener)
  }

  /**
   * @param {EventName} name
   * @param {RawListener[]} before
   * @param {number} at
   */
  #remove(name, before, at) {
    const removed = before[at]
    if (before.length === 1) this.#forget(name)
    else this.#listeners.set(name, before.filter((_, i) => i !== at))
    this.#counted(--this.#count)
    if (this.#listeners.has('removeListener')) this.emit('removeListener', name, removed.listener ?? removed)
  }

  /** @param {EventName} name */
  #forget(name) {
    this.#listeners.delete(name)
    this.#warned.delete(name)
  }

  /** @param {EventName} [name] */
  removeAllListeners(name) {
    if (arguments.length > 0) {
      this.#removeAllOf(name)
      return this
    }
    for (const each of this.eventNames()) if (each !== 'removeListener') this.#removeAllOf(each)
    this.#removeAllOf('removeListener')
    return this
  }

  /** @param {EventName | undefined} name */
  #removeAllOf(name) {
    const key = /** @type {EventName} */ (name)
    // Only those that are there now: who hears of the removal may add others.
    for (const raw of [...(this.#listeners.get(key) ?? [])].reverse()) this.removeListener(key, raw)
  }

  /**
   * @param {EventName} name
   * @param {any[]} args
   * @returns {boolean} whether there were listeners
   */
  emit(name, ...args) {
    const list = this.#listeners.get(name)
    if (list === undefined) return false
    for (const listener of list) {
      try {
        listener.apply(this, args)
      } catch (error) {
        reportUncaught(error)
      }
    }
    return true
  }

  /** @param {EventName} name */
  listeners(name) {
    return (this.#listeners.get(name) ?? []).map((raw) => raw.listener ?? raw)
  }

  /** @param {EventName} name */
  rawListeners(name) {
    return [...(this.#listeners.get(name) ?? [])]
  }

  /**
   * @param {EventName} name
   * @param {Listener} [listener]
   */
  listenerCount(name, listener) {
    const list = this.#listeners.get(name) ?? []
    if (listener === undefined) return list.length
    return list.filter((raw) => raw === listener || raw.listener === listener).length
  }

  eventNames() {
    return [...this.#listeners.keys()]
  }

  /** @param {number} count 0 is no limit */
  setMaxListeners(count) {
    if (typeof count !== 'number' || !(count >= 0)) throw new RangeError('setMaxListeners takes a number that is not negative')
    this.#maxListeners = count
    return this
  }

  getMaxListeners() {
    return this.#maxListeners
  }
}

/** @param {unknown} listener */
function checkListener(listener) {
  if (typeof listener === 'function') return
  const error = new TypeError(`The "listener" argument must be of type function. Received ${listener === null ? 'null' : typeof listener}`)
  throw Object.assign(error, { code: 'ERR_INVALID_ARG_TYPE' })
}

/**
 * As an error that nobody caught, after what is going on now.
 * @param {unknown} error
 */
function reportUncaught(error) {
  const { reportError } = /** @type {any} */ (globalThis)
  if (reportError) reportError(error)
  else queueMicrotask(() => { throw error })
}

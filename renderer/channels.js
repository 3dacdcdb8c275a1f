/**
 * Channels that a page makes itself, in browsers whose ports do not tell of the other's close as Electron's do: which port was
 * made with which. Each hears before all others what comes, so that the mark by which a close is told is seen by nobody else.
 */
import { PORT_MARK } from './port-marks.js'

/** @type {WeakMap<object, WeakRef<any>>} */
const partners = new WeakMap()

/** @param {MessageEvent} event */
function hearCloseMark(event) {
  if (event.data !== PORT_MARK.CLOSED) return
  event.stopImmediatePropagation()
  const port = /** @type {any} */ (event.currentTarget)
  const closeEvent = new Event('close')
  if (typeof port.onclose === 'function') port.onclose(closeEvent)
  port.dispatchEvent(closeEvent)
}

/** Has channels that are made from now on remembered. */
export function rememberChannels() {
  globalThis.MessageChannel = new Proxy(MessageChannel, {
    construct(target, args, newTarget) {
      const channel = Reflect.construct(target, args, newTarget)
      const { port1, port2 } = channel
      partners.set(port1, new WeakRef(port2))
      partners.set(port2, new WeakRef(port1))
      for (const port of [port1, port2]) port.addEventListener('message', hearCloseMark)
      return channel
    },
  })
}

/**
 * The port that a port was made with, as long as the page has it.
 * @param {object} port
 * @returns {any}
 */
export function partnerOf(port) {
  return partners.get(port)?.deref()
}

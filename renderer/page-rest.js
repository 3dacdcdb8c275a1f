/**
 * Tells when the browser puts the document away, maybe to show it again later as it was (its cache of pages), and when it shows it again.
 * A document with a connection is not kept so. Knows no packet.
 */

/**
 * @param {{ rest: () => void, wake: () => void }} who
 * @returns {() => void} stops telling
 */
export function tellOfRest(who) {
  /** @param {PageTransitionEvent} event */
  const hide = ({ persisted }) => { if (persisted) who.rest() }
  /** @param {PageTransitionEvent} event */
  const show = ({ persisted }) => { if (persisted) who.wake() }
  addEventListener('pagehide', hide)
  addEventListener('pageshow', show)
  return () => {
    removeEventListener('pagehide', hide)
    removeEventListener('pageshow', show)
  }
}

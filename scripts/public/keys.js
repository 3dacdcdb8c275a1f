/** Keys that work anywhere on the page but in a field. */

/** @param {Record<string, () => void>} actions by key */
export function listenToKeys(actions) {
  document.addEventListener('keydown', (event) => {
    const busy = event.target.closest('textarea, input, dialog')
    if (busy || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return
    const action = actions[event.key]
    if (!action) return
    event.preventDefault()
    action()
  })
  document.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || !event.target.matches('#note-text, #search-text')) return
    if (event.target.type !== 'search' || event.target.value === '') event.target.blur()
  })
  // The form that a text is in is submitted by Ctrl+Enter.
  document.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey) || event.defaultPrevented) return
    if (event.target.matches('#note-text')) event.target.form.requestSubmit()
  })
}

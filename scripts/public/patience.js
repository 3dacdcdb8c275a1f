/**
 * What cannot be done now is tried again: shows what is wrong with the database, and repeats what failed until it
 * works or is given up.
 */
import { plain } from './format.js'

const WAIT = 2000

/** A database can be put right; a note that is refused stays refused. */
const passes = (error) => error.name === 'DatabaseError'

function button(text, onclick) {
  const element = document.createElement('button')
  element.type = 'button'
  element.textContent = text
  element.addEventListener('click', onclick)
  return element
}

export class Patience {
  #panel
  /** @type {Set<{ again: () => void, stop: (error: Error) => void, error: Error }>} */
  #waiting = new Set()
  #troubles = 0
  #givenUp = 0
  #timer

  /** @param {HTMLElement} panel where trouble is shown */
  constructor(panel) {
    this.#panel = panel
  }

  /**
   * Does it until it works.
   * @template T
   * @param {() => Promise<T>} action
   * @returns {Promise<T>} rejects with what waiting does not help, or once it is given up
   */
  async run(action) {
    let troubled = false
    try {
      for (;;) {
        const before = this.#givenUp
        try {
          return await action()
        } catch (error) {
          if (!passes(error) || this.#givenUp !== before) throw error
          if (!troubled) this.#troubles++
          troubled = true
          await this.#wait(error)
        }
      }
    } finally {
      if (troubled && --this.#troubles === 0) this.hide()
    }
  }

  /** @param {Error} error what cannot be tried again */
  show(error) {
    const text = document.createElement('p')
    const code = document.createElement('code')
    code.textContent = error.code ?? error.name
    text.append(plain(error), ' ', code)
    this.#panel.replaceChildren(text)
    this.#panel.hidden = false
  }

  hide() {
    this.#panel.hidden = true
    this.#panel.replaceChildren()
  }

  #wait(error) {
    return new Promise((resolve, reject) => {
      this.#waiting.add({ again: () => resolve(undefined), stop: reject, error })
      this.#announce(error)
      this.#timer ??= setTimeout(() => this.#again(), WAIT)
    })
  }

  /** The text is written once as long as it stays the same: a screen reader says it once. */
  #announce(error) {
    const shown = this.#panel.querySelector('p')
    const text = plain(error)
    if (shown?.dataset.text === text) return
    this.show(error)
    this.#panel.querySelector('p').dataset.text = text
    const row = document.createElement('div')
    row.className = 'row'
    const advice = document.createElement('p')
    advice.className = 'quiet'
    advice.textContent = 'Trying again every 2 s'
    row.append(advice, button('Try now', () => this.#again()), button('Give up', () => this.#stop()))
    this.#panel.append(row)
  }

  #take() {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    return waiting
  }

  #again() {
    for (const { again } of this.#take()) again()
  }

  /** Also what is being tried just now is not tried again. */
  #stop() {
    this.#givenUp++
    for (const { stop, error } of this.#take()) stop(error)
  }
}

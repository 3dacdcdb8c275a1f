/** A line at the bottom that says what happened, and goes by itself; perhaps with a button to take it back. */
const STAY = 4000
const STAY_WITH_BUTTON = 8000

export class Toast {
  #element
  #timer

  /** @param {HTMLElement} element */
  constructor(element) {
    this.#element = element
  }

  /**
   * @param {string} text
   * @param {string} [action] what the button says
   * @param {() => void} [onaction]
   */
  show(text, action, onaction) {
    const line = document.createElement('span')
    line.textContent = text
    this.#element.replaceChildren(line)
    if (action) this.#element.append(this.#button(action, onaction))
    this.#element.hidden = false
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.hide(), action ? STAY_WITH_BUTTON : STAY)
  }

  hide() {
    this.#element.hidden = true
  }

  #button(text, onclick) {
    const element = document.createElement('button')
    element.type = 'button'
    element.textContent = text
    element.addEventListener('click', () => {
      this.hide()
      onclick()
    })
    return element
  }
}

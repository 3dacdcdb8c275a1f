/** One note in the list: its text with what was searched for marked, or a form to edit it. */
import { ago } from './format.js'

/** The text in pieces, those that match a word as <mark>. */
function marked(text, words) {
  const escaped = words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  if (escaped.length === 0) return [text]
  return text.split(new RegExp(`(${escaped.join('|')})`, 'gi')).map((piece, i) => {
    if (i % 2 === 0) return piece
    const mark = document.createElement('mark')
    mark.textContent = piece
    return mark
  })
}

function button(text, label, className, onclick) {
  const element = document.createElement('button')
  element.type = 'button'
  element.className = className
  element.textContent = text
  element.setAttribute('aria-label', label)
  element.addEventListener('click', onclick)
  return element
}

function element(tag, className, ...content) {
  const made = document.createElement(tag)
  made.className = className
  made.append(...content)
  return made
}

export class NoteItem {
  element = element('li', 'note')
  note
  #words = /** @type {string[]} */ ([])
  #actions
  #time = document.createElement('time')
  #form
  #warning

  /**
   * @param {object} note
   * @param {{ save: (item: NoteItem, text: string) => Promise<boolean>, remove: (item: NoteItem) => void }} actions
   */
  constructor(note, actions) {
    this.#actions = actions
    this.element.tabIndex = -1
    this.element.addEventListener('keydown', (event) => this.#onkey(event))
    this.show(note, [])
  }

  get editing() {
    return this.#form !== undefined
  }

  /**
   * @param {object} note
   * @param {string[]} words what is searched for
   */
  show(note, words) {
    const changed = this.note?.text !== note.text
    this.note = note
    this.#words = words
    if (!this.editing) this.#showText()
    else if (changed) this.warn('Changed on another page meanwhile: saving replaces that.')
  }

  /** Says that the note is gone while it is being edited. */
  gone() {
    this.warn('Deleted on another page meanwhile: saving adds it again.')
  }

  warn(text) {
    this.#warning.textContent = text
  }

  /** Marks a change that came from elsewhere. */
  flash() {
    this.element.classList.remove('fresh')
    void this.element.offsetWidth
    this.element.classList.add('fresh')
  }

  tick() {
    this.#time.textContent = ago(this.note.changed)
  }

  edit() {
    if (this.editing) return
    const text = document.createElement('textarea')
    text.value = this.note.text
    text.rows = Math.min(10, this.note.text.split('\n').length + 1)
    text.setAttribute('aria-label', 'Text of the note')
    this.#warning = element('p', 'quiet')
    this.#warning.setAttribute('role', 'status')
    const save = element('button', 'primary', 'Save')
    const cancel = button('Cancel', 'Cancel editing', '', () => this.#leave())
    this.#form = element('form', '', text, element('div', 'row', this.#warning, cancel, save))
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault()
      this.#save(text.value)
    })
    this.element.replaceChildren(this.#form)
    text.focus()
  }

  async #save(text) {
    const fields = [...this.#form.elements]
    for (const field of fields) field.disabled = true
    if (await this.#actions.save(this, text)) return this.#leave()
    for (const field of fields) field.disabled = false
    this.#form.querySelector('textarea').focus()
  }

  #leave() {
    this.#form = undefined
    this.#showText()
    this.element.focus()
  }

  #showText() {
    const name = this.note.text.trim().slice(0, 40)
    const text = element('p', 'text', ...marked(this.note.text, this.#words))
    this.#time.dateTime = this.note.changed.toISOString()
    this.#time.title = this.note.changed.toLocaleString()
    this.#time.className = 'quiet'
    this.tick()
    const actions = element(
      'span',
      'actions',
      button('Edit', `Edit: ${name}`, 'plain', () => this.edit()),
      button('Delete', `Delete: ${name}`, 'plain', () => this.#actions.remove(this)),
    )
    this.element.replaceChildren(text, element('div', 'row', this.#time, actions))
  }

  #onkey(event) {
    if (this.editing) {
      if (event.key === 'Escape') this.#leave()
      else if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) this.#form.requestSubmit()
      else return
    } else if (event.ctrlKey || event.metaKey || event.altKey) return
    else if (event.key === 'e') this.edit()
    else if (event.key === 'Delete') this.#actions.remove(this)
    else return
    event.preventDefault()
    event.stopPropagation()
  }
}

/** The notes: a list that follows scripts/notes.lua, a form to add to it, and a search. */
import { ipcRenderer } from '/ipchost/renderer.js'
import { NoteItem } from './note-item.js'
import { Patience } from './patience.js'
import { Toast } from './toast.js'

const SEARCH_DELAY = 120
const TIME_PERIOD = 20000
const DRAFT = 'draft'
const ELSEWHERE = { added: 'added', edited: 'changed', deleted: 'deleted' }

const part = (id) => document.getElementById(id)

export class Notes {
  /** @type {Map<number, NoteItem>} */
  #items = new Map()
  #patience = new Patience(part('trouble'))
  #toast = new Toast(part('toast'))
  #list = part('note-list')
  #text = part('note-text')
  #search = part('search-text')
  #asked = 0
  #searchTimer

  constructor() {
    ipcRenderer.on('notes:changed', (event, change) => this.#changedElsewhere(change))
    part('note-form').addEventListener('submit', (event) => this.#submit(event))
    part('search-form').addEventListener('submit', (event) => event.preventDefault())
    this.#search.addEventListener('input', () => this.#searchSoon())
    this.#text.addEventListener('input', () => sessionStorage.setItem(DRAFT, this.#text.value))
    this.#text.value = sessionStorage.getItem(DRAFT) ?? ''
    this.#list.addEventListener('keydown', (event) => this.#onkey(event))
    this.#search.addEventListener('keydown', (event) => {
      if (event.key === 'ArrowDown' && this.#list.firstElementChild) this.#focus(this.#list.firstElementChild, event)
    })
    setInterval(() => this.#tick(), TIME_PERIOD)
  }

  /** Asks for the list, until there is one or that is given up. */
  refresh() {
    return this.#attempt(() => this.#ask())
  }

  async #ask() {
    const asked = ++this.#asked
    const words = this.#search.value.trim()
    const list = await this.#patience.run(() => ipcRenderer.invoke('notes:list', words))
    // A later question has a later answer.
    if (asked === this.#asked) this.#show(list, words.split(/\s+/).filter(Boolean))
  }

  write() {
    this.#text.focus()
  }

  find() {
    this.#search.select()
  }

  // ---- what is shown ----

  #show({ notes, total }, words) {
    const actions = { save: (item, text) => this.#save(item, text), remove: (item) => this.#remove(item) }
    const before = this.#items
    this.#items = new Map()
    for (const note of notes) {
      const item = before.get(note.id) ?? new NoteItem(note, actions)
      item.show(note, words)
      this.#items.set(note.id, item)
    }
    for (const [id, item] of before) if (item.editing && !this.#items.has(id)) this.#items.set(id, item)
    this.#place([...this.#items.values()].map((item) => item.element))
    const none = part('note-none')
    none.hidden = notes.length > 0
    none.textContent = words.length > 0 ? 'No note has these words.' : 'No notes yet. Write the first one.'
    const more = total > notes.length ? `${notes.length} of ${total}` : String(total)
    part('notes-count').textContent = words.length > 0 ? `${more} found` : more
  }

  /** Moves only what must be moved, and keeps the focus, which an element that is moved would lose. */
  #place(elements) {
    const focused = document.activeElement
    for (const child of [...this.#list.children]) if (!elements.includes(child)) child.remove()
    elements.forEach((element, i) => {
      if (this.#list.children[i] !== element) this.#list.insertBefore(element, this.#list.children[i] ?? null)
    })
    if (elements.some((element) => element.contains(focused))) focused.focus()
    const selected = this.#list.querySelector('[tabindex="0"]')
    if (!selected && elements[0]) elements[0].tabIndex = 0
  }

  #tick() {
    for (const item of this.#items.values()) if (!item.editing) item.tick()
  }

  #searchSoon() {
    clearTimeout(this.#searchTimer)
    this.#searchTimer = setTimeout(() => this.refresh(), SEARCH_DELAY)
  }

  // ---- what is done ----

  /** Shows what fails. True if it did not. */
  async #attempt(action) {
    try {
      await action()
      return true
    } catch (error) {
      if (error.code !== 'ERR_CLOSED') this.#patience.show(error)
      return false
    }
  }

  async #submit(event) {
    event.preventDefault()
    const text = this.#text.value
    const button = event.target.querySelector('button')
    if (button.disabled) return
    button.disabled = true
    const added = await this.#attempt(async () => {
      await this.#patience.run(() => ipcRenderer.invoke('notes:add', text))
      this.#patience.hide()
    })
    button.disabled = false
    if (!added) return
    if (this.#text.value === text) this.#text.value = ''
    sessionStorage.setItem(DRAFT, this.#text.value)
    await this.refresh()
  }

  async #save(item, text) {
    const { id } = item.note
    const saved = await this.#attempt(async () => {
      item.note = await this.#patience.run(() => this.#edit(id, text))
      this.#patience.hide()
    })
    if (saved) queueMicrotask(() => this.refresh())
    return saved
  }

  async #edit(id, text) {
    try {
      return await ipcRenderer.invoke('notes:edit', id, text)
    } catch (error) {
      if (error.code !== 'NOTE_NOT_FOUND') throw error
      return ipcRenderer.invoke('notes:add', text)
    }
  }

  async #remove(item) {
    const { note, element } = item
    const neighbour = element.nextElementSibling ?? element.previousElementSibling
    const removed = await this.#attempt(async () => {
      await this.#patience.run(() => ipcRenderer.invoke('notes:delete', note.id))
      this.#patience.hide()
    })
    if (!removed) return
    const focused = element.contains(document.activeElement)
    await this.refresh()
    if (focused) (neighbour?.isConnected ? neighbour : this.#text).focus()
    this.#toast.show(`Deleted: ${note.text.trim().slice(0, 40)}`, 'Undo', () => this.#restore(note.text))
  }

  #restore(text) {
    this.#attempt(async () => {
      await this.#patience.run(() => ipcRenderer.invoke('notes:add', text))
      await this.#ask()
    })
  }

  async #changedElsewhere({ kind, note }) {
    const item = this.#items.get(note.id)
    if (kind === 'deleted' && item?.editing) item.gone()
    await this.refresh()
    this.#items.get(note.id)?.flash()
    this.#toast.show(`A note was ${ELSEWHERE[kind]} on another page`)
  }

  // ---- the keyboard ----

  #onkey(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (!step || event.target.matches('textarea')) return
    const here = event.target.closest('.note')
    const next = step > 0 ? here.nextElementSibling : (here.previousElementSibling ?? this.#search)
    if (next) this.#focus(next, event)
  }

  /** The arrows move the focus, and Tab comes back to where they left it. */
  #focus(next, event) {
    event.preventDefault()
    if (next === this.#search) return next.focus()
    this.#list.querySelector('.note[tabindex="0"]')?.setAttribute('tabindex', '-1')
    next.tabIndex = 0
    next.focus()
  }
}

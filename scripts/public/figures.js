/** The figures of the machine: asks for what there is, then draws each push of scripts/system.lua. */
import { ipcRenderer } from '/ipchost/renderer.js'
import { Chart } from './chart.js'
import { bytes, bytesParts, duration, percent, rate } from './format.js'

/** The least top of a chart of rates: what is less looks like nothing. */
const QUIET_RATE = 64 * 1024

/** What each card shows: its lines, and what it says about one set of figures. */
const CARDS = {
  cpu: {
    label: 'Share of the processors that is used',
    lines: [(figures) => figures.cpu.share],
    format: percent,
    max: () => 1,
    reading: (figures) => [(figures.cpu.share * 100).toFixed(0), `% · load ${figures.load.map((n) => n.toFixed(2)).join(' ')}`],
  },
  memory: {
    label: 'Memory in use',
    lines: [(figures) => figures.memory.used],
    format: bytes,
    max: (figures) => figures.memory.total,
    reading: ({ memory }) => {
      const [number, unit] = bytesParts(memory.used)
      return [number, `${unit} of ${bytes(memory.total)}`]
    },
  },
  network: twoRates('Network', 'received', 'sent'),
  disk: twoRates('Disks', 'read', 'written'),
}

function twoRates(label, first, second) {
  const name = label === 'Network' ? 'network' : 'disk'
  return {
    label: `${label}, bytes ${first} and ${second} a second`,
    lines: [(figures) => figures[name][first], (figures) => figures[name][second]],
    format: rate,
    unit: QUIET_RATE,
    reading: (figures) => {
      const [number, unit] = bytesParts(figures[name][first] + figures[name][second])
      return [number, `${unit}/s`]
    },
  }
}

/** One card: its chart, and the figures in words: the latest, or those under the pointer. */
class Card {
  #element
  #kind
  #chart
  #history = []
  #interval = 1000

  constructor(element, kind) {
    this.#element = element
    this.#kind = kind
  }

  draw(history, room, interval) {
    this.#history = history
    this.#interval = interval
    const { lines } = this.#kind
    this.#chart ??= this.#makeChart(history.at(-1))
    const span = duration((room * interval) / 1000)
    this.#chart.draw(lines.map((value) => history.map(value)), room, span)
  }

  #makeChart(figures) {
    const { label, lines, format, max, unit } = this.#kind
    const onlook = (index, back) => this.#say(this.#history[index ?? this.#history.length - 1], back)
    const options = { label, lines: lines.length, format, max: max?.(figures), unit, onlook }
    return new Chart(this.#element.querySelector('[data-chart]'), options)
  }

  #say(figures, back) {
    const [number, unit] = this.#kind.reading(figures)
    const small = document.createElement('small')
    small.textContent = back > 0 ? `${unit} · ${duration((back * this.#interval) / 1000)} ago` : unit
    this.#element.querySelector('[data-reading]').replaceChildren(number, small)
    const [first, second] = this.#kind.lines
    this.#write('[data-first]', this.#kind.format(first(figures)))
    if (second) this.#write('[data-second]', this.#kind.format(second(figures)))
    if (figures.memory.swap > 0) this.#write('[data-note]', `${bytes(figures.memory.swap)} swapped out`)
    else this.#write('[data-note]', 'nothing swapped out')
  }

  #write(selector, text) {
    const element = this.#element.querySelector(selector)
    if (element) element.textContent = text
  }
}

function bar(share) {
  const element = document.createElement('span')
  element.className = 'bar'
  element.style.setProperty('--share', String(Math.min(1, share)))
  return element
}

function cell(...content) {
  const element = document.createElement('td')
  element.append(...content)
  return element
}

function drawCores(cores) {
  const list = document.querySelector('[data-cores]')
  while (list.children.length > cores.length) list.lastChild.remove()
  while (list.children.length < cores.length) {
    const item = document.createElement('li')
    item.append(String(list.children.length + 1), bar(0), document.createElement('b'))
    list.append(item)
  }
  cores.forEach((share, i) => {
    const [, level, number] = list.children[i].childNodes
    level.style.setProperty('--share', String(share))
    number.textContent = percent(share)
  })
}

function drawProcesses(list) {
  const rows = list.map(({ name, pid, cpu, memory }) => {
    const row = document.createElement('tr')
    const id = document.createElement('small')
    id.textContent = String(pid)
    row.append(cell(name, id), cell(percent(cpu)), cell(bytes(memory)))
    return row
  })
  document.getElementById('processes').replaceChildren(...rows)
}

function drawMachine({ name, system, kernel, cores }, uptime) {
  document.getElementById('machine').textContent = name
  const processors = cores === 1 ? '1 processor' : `${cores} processors`
  document.getElementById('machine-details').textContent = [system, kernel, processors, `up ${duration(uptime)}`].join(' · ')
}

export class Figures {
  #cards = Object.entries(CARDS).map(([name, kind]) => new Card(document.querySelector(`[data-figure="${name}"]`), kind))
  #history = []
  #interval = 1000
  #kept = 2
  #machine

  constructor() {
    ipcRenderer.on('system:figures', (event, figures) => this.#add(figures))
    ipcRenderer.on('system:processes', (event, list) => drawProcesses(list))
  }

  /** Tells the host that this page wants figures. */
  async subscribe() {
    const { interval, kept, machine, history } = await ipcRenderer.invoke('system:subscribe')
    this.#interval = interval
    this.#kept = kept
    this.#machine = machine
    this.#history = history
    this.#draw()
  }

  #add(figures) {
    if (!this.#machine) return
    this.#history.push(figures)
    if (this.#history.length > this.#kept) this.#history.shift()
    if (!document.hidden) this.#draw()
  }

  #draw() {
    const latest = this.#history.at(-1)
    for (const card of this.#cards) card.draw(this.#history, this.#kept, this.#interval)
    drawCores(latest.cpu.cores)
    drawMachine(this.#machine, latest.uptime)
  }
}

/**
 * A chart of one or two figures over time: lines with an area below them, drawn as SVG paths in 100 by 100 units that
 * the page stretches. It knows nothing of where figures come from.
 */
const SVG = 'http://www.w3.org/2000/svg'
const CLASSES = ['', 'second']

function path(parent, className) {
  const element = document.createElementNS(SVG, 'path')
  element.setAttribute('class', className)
  parent.append(element)
  return element
}

/** A small text at the chart, which who cannot see it need not hear: its label says as much. */
function caption(className) {
  const element = document.createElement('span')
  element.className = className
  element.setAttribute('aria-hidden', 'true')
  return element
}

/** The unit, doubled until the value is below it: a top that does not move with each value. */
function roundedTop(value, unit) {
  let top = unit
  while (top < value) top *= 2
  return top
}

export class Chart {
  #svg
  #top = caption('top')
  #span = caption('span')
  #areas
  #lines
  #cursor
  #options
  /** @type {number[][]} */
  #series = []
  #step = 1
  #at = /** @type {number | undefined} */ (undefined)

  /**
   * @param {HTMLElement} host is filled
   * @param {object} options
   * @param {string} options.label what it shows, for who cannot see it
   * @param {number} [options.lines] one or two
   * @param {number} [options.max] a fixed top; without it the top follows the values, from `unit` on
   * @param {number} [options.unit]
   * @param {(value: number) => string} options.format
   * @param {(index: number | undefined, back: number) => void} [options.onlook] the pointer is at a value, so many before the
   * last, or has left
   */
  constructor(host, options) {
    this.#options = { lines: 1, ...options }
    this.#svg = document.createElementNS(SVG, 'svg')
    this.#svg.setAttribute('viewBox', '0 0 100 100')
    this.#svg.setAttribute('preserveAspectRatio', 'none')
    this.#svg.setAttribute('role', 'img')
    path(this.#svg, 'grid').setAttribute('d', 'M0 0H100M0 50H100M0 100H100')
    const classes = CLASSES.slice(0, this.#options.lines)
    this.#areas = classes.map((name) => path(this.#svg, `area ${name}`))
    this.#lines = classes.map((name) => path(this.#svg, `line ${name}`))
    this.#cursor = path(this.#svg, 'cursor')
    const figure = document.createElement('figure')
    figure.append(this.#svg)
    host.append(figure, this.#span, this.#top)
    if (options.onlook) this.#watchPointer(host)
  }

  /**
   * @param {number[][]} series one list of values a line, the latest last
   * @param {number} room how many values are as wide as the chart
   * @param {string} span how long that is
   */
  draw(series, room, span) {
    this.#series = series.map((values) => values.slice(-room))
    const top = this.#options.max ?? roundedTop(Math.max(0, ...this.#series.flat()), this.#options.unit ?? 1)
    const step = 100 / Math.max(1, room - 1)
    this.#series.forEach((values, i) => this.#drawLine(i, values, top, step))
    this.#step = step
    this.#span.textContent = span
    this.#top.textContent = this.#options.format(top)
    this.#svg.setAttribute('aria-label', this.#describe())
    this.#look()
  }

  #drawLine(index, values, top, step) {
    const x = (i) => (100 - (values.length - 1 - i) * step).toFixed(2)
    const y = (value) => (100 - (100 * Math.min(value, top)) / top).toFixed(2)
    const points = values.map((value, i) => `${x(i)} ${y(value)}`).join('L')
    this.#lines[index].setAttribute('d', values.length > 0 ? `M${points}` : '')
    this.#areas[index].setAttribute('d', values.length > 1 ? `M${x(0)} 100L${points}L100 100Z` : '')
  }

  #describe() {
    const latest = this.#series.map((values) => this.#options.format(values.at(-1) ?? 0)).join(' and ')
    const highest = this.#options.format(Math.max(0, ...this.#series.flat()))
    return `${this.#options.label}: now ${latest}, at most ${highest}`
  }

  #watchPointer(host) {
    host.addEventListener('pointermove', (event) => {
      const box = host.getBoundingClientRect()
      this.#at = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width))
      this.#look()
    })
    host.addEventListener('pointerleave', () => {
      this.#at = undefined
      this.#look()
    })
  }

  #look() {
    const count = this.#series[0]?.length ?? 0
    const back = this.#at === undefined ? 0 : Math.round(((1 - this.#at) * 100) / this.#step)
    const seen = this.#at !== undefined && back < count
    const x = 100 - back * this.#step
    this.#cursor.setAttribute('d', seen ? `M${x} 0V100` : '')
    this.#options.onlook?.(seen ? count - 1 - back : undefined, back)
  }
}

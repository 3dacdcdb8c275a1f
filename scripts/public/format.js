/** Figures as people read them. */
const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto', style: 'short' })

/** @param {number} value @returns {[string, string]} the number and its unit */
export function bytesParts(value) {
  let unit = 0
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1024
    unit++
  }
  return [unit === 0 || value >= 100 ? value.toFixed(0) : value.toFixed(1), UNITS[unit]]
}

/** @param {number} value */
export const bytes = (value) => bytesParts(value).join(' ')

/** @param {number} value bytes a second */
export const rate = (value) => `${bytes(value)}/s`

/** @param {number} share of 1 */
export const percent = (share) => `${(share * 100).toFixed(0)} %`

/** @param {number} ms */
export const milliseconds = (ms) => `${ms.toFixed(ms < 10 ? 2 : 0)} ms`

/** @param {number} seconds two units at most: 3 d 4 h, 5 min 6 s */
export function duration(seconds) {
  const parts = [
    [Math.floor(seconds / 86400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [Math.round(seconds) % 60, 's'],
  ]
  const first = parts.findIndex(([count]) => count > 0)
  if (first < 0) return '0 s'
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ')
}

/** @param {Date} date */
export function ago(date) {
  const seconds = (date.getTime() - Date.now()) / 1000
  if (seconds > -45) return 'just now'
  if (seconds > -3600) return relative.format(Math.round(seconds / 60), 'minute')
  if (seconds > -86400) return relative.format(Math.round(seconds / 3600), 'hour')
  if (seconds > -7 * 86400) return relative.format(Math.round(seconds / 86400), 'day')
  return date.toLocaleDateString(undefined, { dateStyle: 'medium' })
}

/** What a handler raised, without the words of the way that it came. @param {Error} error */
export function plain(error) {
  return error.message.replace(/^Error invoking remote method '[^']*': (?:\w+: )?/, '')
}

/** The classes of views and RFC 8746's tags for those that are written by themselves. */

/** @type {Map<string, number>} */
export const VIEW_TAGS = new Map([
  ['Uint8Array', 64], ['Uint8ClampedArray', 68], ['Uint16Array', 69], ['Uint32Array', 70], ['BigUint64Array', 71],
  ['Int8Array', 72], ['Int16Array', 77], ['Int32Array', 78], ['BigInt64Array', 79],
  ['Float16Array', 84], ['Float32Array', 85], ['Float64Array', 86],
])

/** @type {Map<number, { name: string, big: boolean }>} by tag, the big-endian ones too, which are only read */
export const TAGGED_VIEWS = new Map([...VIEW_TAGS].map(([name, tag]) => [tag, { name, big: false }]))
for (const [tag, name] of /** @type {[number, string][]} */ ([
  [65, 'Uint16Array'], [66, 'Uint32Array'], [67, 'BigUint64Array'], [73, 'Int16Array'], [74, 'Int32Array'],
  [75, 'BigInt64Array'], [80, 'Float16Array'], [81, 'Float32Array'], [82, 'Float64Array'],
])) {
  TAGGED_VIEWS.set(tag, { name, big: true })
}

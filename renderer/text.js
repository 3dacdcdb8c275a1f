/**
 * Text between JavaScript's UTF-16 and the wire: strict UTF-8, and WTF-8 for strings with lone surrogates.
 * Knows no CBOR.
 */
const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const LONE_SURROGATE = /\p{Surrogate}/u
const nativeIsWellFormed = /** @type {any} */ (String.prototype).isWellFormed

/**
 * @param {string} string
 * @returns {boolean}
 */
export function isWellFormed(string) {
  return nativeIsWellFormed ? nativeIsWellFormed.call(string) : !LONE_SURROGATE.test(string)
}

/**
 * Decodes bytes that must be UTF-8.
 * @param {Uint8Array} bytes
 * @param {number} at
 * @param {number} end
 * @returns {string | undefined} undefined if they are not
 */
export function decodeUtf8(bytes, at, end) {
  const buffer = /** @type {any} */ (bytes)
  if (buffer.utf8Slice) {
    // Node's own is several times faster, and lenient: only a replacement character calls for a second look.
    const string = buffer.utf8Slice(at, end)
    if (!string.includes('\ufffd')) return string
  }
  try {
    return strictDecoder.decode(bytes.subarray(at, end))
  } catch {
    return undefined
  }
}

/**
 * @param {string} string
 * @returns {number[]}
 */
export function encodeWtf8(string) {
  const bytes = []
  for (const character of string) {
    const code = /** @type {number} */ (character.codePointAt(0))
    if (code < 0x80) bytes.push(code)
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 63))
    else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63))
    else bytes.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63))
  }
  return bytes
}

/** The least code point of a sequence by its number of continuation bytes: what is below is overlong. */
const LEAST = [0, 0x80, 0x800, 0x10000]

/**
 * @param {Uint8Array} bytes
 * @returns {string | undefined} undefined if they are not WTF-8
 */
export function decodeWtf8(bytes) {
  let string = ''
  for (let at = 0; at < bytes.length; ) {
    const first = bytes[at++]
    const more = first < 0x80 ? 0 : first < 0xc0 ? 4 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : first < 0xf8 ? 3 : 4
    if (more === 4 || at + more > bytes.length) return undefined
    let code = more === 0 ? first : first & (0x3f >> more)
    for (const last = at + more; at < last; at++) {
      if ((bytes[at] & 0xc0) !== 0x80) return undefined
      code = (code << 6) | (bytes[at] & 63)
    }
    if (code < LEAST[more] || code > 0x10ffff || pairs(string, code)) return undefined
    string += String.fromCodePoint(code)
  }
  return string
}

/**
 * A pair of surrogates has one form only: four bytes.
 * @param {string} string
 * @param {number} code
 */
function pairs(string, code) {
  if (code < 0xdc00 || code > 0xdfff || string === '') return false
  const before = string.charCodeAt(string.length - 1)
  return before >= 0xd800 && before <= 0xdbff
}

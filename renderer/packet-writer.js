/** Writes packets. Values are not checked: texts are well-formed, numbers below 2^53. */
import { KIND, LAYOUTS } from './packet-layout.js'

/** @typedef {import('./writer.js').Writer} Writer */

/**
 * Appends a packet up to its payload, whose bytes are written next and ended by `writer.closeBytes`.
 * @param {Writer} writer
 * @param {number} kind
 * @param {Record<string, any>} items by name
 * @returns {number} what `closeBytes` takes; without meaning for kinds that have no payload
 */
export function beginPacket(writer, kind, items) {
  const layout = LAYOUTS[kind].items
  let payload = 0
  writer.head(0x80, layout.length + 1)
  writer.head(0, kind)
  for (const { name, type } of layout) {
    if (type === 'payload') payload = writer.openBytes()
    else putItem(writer, type, items[name])
  }
  return payload
}

/**
 * @param {Writer} writer
 * @param {import('./packet-layout.js').ItemType} type
 * @param {any} value
 */
function putItem(writer, type, value) {
  switch (type) {
    case 'bool':
      return writer.byte(value ? 0xf5 : 0xf4)
    case 'text':
    case 'channel':
      return writer.text(value)
    case 'key':
    case 'bytes':
      writer.head(0x40, value.length)
      return writer.raw(value)
    case 'ports':
      writer.head(0x80, value.length)
      for (const port of value) writer.head(0, port)
      return
    default:
      return writer.head(0, value)
  }
}

/**
 * As `beginPacket`, for the kinds that come in numbers.
 * @param {Writer} writer
 * @param {number} frame
 * @param {string} channel
 */
export function beginSend(writer, frame, channel) {
  writer.head(0x80, 4)
  writer.byte(KIND.SEND)
  writer.head(0, frame)
  writer.text(channel)
  return writer.openBytes()
}

/**
 * @param {Writer} writer
 * @param {number} frame
 * @param {number} call
 * @param {number} deadline
 * @param {string} channel
 */
export function beginInvoke(writer, frame, call, deadline, channel) {
  writer.head(0x80, 6)
  writer.byte(KIND.INVOKE)
  writer.head(0, frame)
  writer.head(0, call)
  writer.head(0, deadline)
  writer.text(channel)
  return writer.openBytes()
}

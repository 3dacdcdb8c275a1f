/** The packets of docs/protocol.md, section 2, as data: what stands at which index. */

/** @typedef {'uint' | 'bool' | 'text' | 'channel' | 'bytes' | 'key' | 'ports' | 'payload'} ItemType */

/** The kinds by name. */
export const KIND = {
  HELLO: 0, WELCOME: 1, SEND: 2, INVOKE: 3, SYNC: 4, REPLY: 5, CANCEL: 6, POST: 7, PORT_OPEN: 8, PORT_MESSAGE: 9,
  PORT_CLOSE: 10, PORT_CREDIT: 11, FRAME_OPEN: 12, FRAME_OPENED: 13, FRAME_UPDATE: 14, FRAME_NAVIGATE: 15, FRAME_CLOSE: 16,
  TICKET: 17, ACK: 18, PING: 19, PONG: 20, BYE: 21,
}

/** The kinds that have no number. */
export const UNNUMBERED = new Set([KIND.HELLO, KIND.WELCOME, KIND.ACK, KIND.PING, KIND.PONG, KIND.BYE])

export const PROTOCOL_VERSION = 1
/** The longest channel, in bytes. */
export const CHANNEL_MAX = 65535

/** Items that are no unsigned integers. @type {Record<string, ItemType>} */
const ITEM_TYPES = {
  channel: 'channel', text: 'text', origin: 'text', resumed: 'bool', inPage: 'bool', id: 'key', secret: 'key', ticket: 'bytes',
  ports: 'ports', payload: 'payload',
}

/** @typedef {{ name: string, items: { name: string, type: ItemType }[] }} Layout */

/** @type {Layout[]} by kind */
export const LAYOUTS = [
  'hello version features id secret lane sent received payload',
  'welcome resumed sent received payload',
  'send frame channel payload',
  'invoke frame call deadline channel payload',
  'sync frame call number channel payload',
  'reply call status payload',
  'cancel call reason',
  'post frame channel ports payload',
  'port-open port window',
  'port-message port ports payload',
  'port-close port',
  'port-credit port bytes',
  'frame-open frame parent payload',
  'frame-opened frame payload',
  'frame-update frame payload',
  'frame-navigate frame inPage payload',
  'frame-close frame',
  'ticket request frame origin ticket',
  'ack received',
  'ping token',
  'pong token',
  'bye code text',
].map((line) => {
  const [name, ...items] = line.split(' ')
  return { name, items: items.map((item) => ({ name: item, type: ITEM_TYPES[item] ?? 'uint' })) }
})

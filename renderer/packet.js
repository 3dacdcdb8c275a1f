/**
 * Packet: one packet as it was read. Only the items of its kind are set. The payload is not read: it lies in the block's bytes
 * from `payloadAt` to `payloadEnd`.
 */
export class Packet {
  /** @param {number} kind */
  constructor(kind) {
    this.kind = kind
    this.frame = 0
    this.call = 0
    /** Of a reply. */
    this.status = 0
    this.channel = ''
    this.payloadAt = 0
    this.payloadEnd = 0
    /** @type {Record<string, any> | undefined} the items of the kinds that are not messages, by name */
    this.items = undefined
  }
}

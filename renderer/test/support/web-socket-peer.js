/** The server's side of a WebSocket, written apart from the client: takes masked frames only. */
import assert from 'node:assert/strict'

export class WebSocketPeer {
  #bytes = Buffer.alloc(0)
  #frames = []
  #wanted = []

  /** Frames that are whole now. */
  push(bytes) {
    this.#bytes = Buffer.concat([this.#bytes, bytes])
    const frames = []
    for (let frame = this.#take(); frame; frame = this.#take()) frames.push(frame)
    return frames
  }

  #take() {
    const bytes = this.#bytes
    if (bytes.length < 2) return undefined
    assert.ok(bytes[1] & 0x80, 'a client masks')
    const short = bytes[1] & 0x7f
    const keyAt = short === 126 ? 4 : short === 127 ? 10 : 2
    if (bytes.length < keyAt + 4) return undefined
    const size = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short
    const at = keyAt + 4
    if (bytes.length < at + size) return undefined
    const payload = Buffer.from(bytes.subarray(at, at + size).map((byte, i) => byte ^ bytes[keyAt + (i % 4)]))
    this.#bytes = bytes.subarray(at + size)
    return { fin: (bytes[0] & 0x80) !== 0, opcode: bytes[0] & 15, payload }
  }

  /** Reads what comes on a socket from now on. */
  take(socket) {
    this.socket = socket
    socket.on('data', (bytes) => {
      for (const frame of this.push(bytes)) {
        const wanted = this.#wanted.shift()
        if (wanted) wanted(frame)
        else this.#frames.push(frame)
      }
    })
  }

  /** The next frame that comes. */
  next() {
    if (this.#frames.length > 0) return Promise.resolve(this.#frames.shift())
    return new Promise((resolve) => this.#wanted.push(resolve))
  }
}

/** Our EventEmitter against Node's: the same calls on both, the same outcome. */
import assert from 'node:assert/strict'
import { EventEmitter as NodeEmitter } from 'node:events'
import { test } from 'node:test'
import { EventEmitter } from '../emitter.js'

const a = () => {}
const b = () => {}

/** Each gets an emitter and a log; what it returns and what is in the log must be the same on both. */
const scenarios = {
  'on and emit, in order, with this and arguments': (e, log) => {
    e.on('x', function (...args) { log.push(this === e, ...args) }).addListener('x', (n) => log.push(n + 1))
    return [e.emit('x', 1, 2), e.emit('y'), e.emit('x')]
  },
  'prepend': (e, log) => {
    e.on('x', () => log.push(1)).prependListener('x', () => log.push(2)).prependOnceListener('x', () => log.push(3))
    return [e.emit('x'), e.emit('x')]
  },
  'once': (e, log) => {
    e.once('x', (v) => { log.push(v); e.emit('x', 'again') })
    return [e.emit('x', 1), e.emit('x', 2), e.listenerCount('x')]
  },
  'off takes the original of a once': (e) => [e.once('x', a).on('x', a).off('x', a).listenerCount('x'), e.off('x', a).listenerCount('x'), e.off('x', a).off('y', b).listenerCount('x')],
  'the instance that was added last goes first': (e, log) => {
    const twice = () => log.push('twice')
    e.on('x', twice).on('x', () => log.push('between')).on('x', twice).off('x', twice).emit('x')
  },
  'what is removed or added during an emit': (e, log) => {
    const late = () => log.push('late')
    e.on('x', () => { log.push('first'); e.off('x', late); e.on('x', () => log.push('added')) }).on('x', late)
    e.emit('x')
    log.push('|')
    e.emit('x')
  },
  'names, counts, lists': (e) => {
    const s = Symbol('s')
    e.on('b', a).on('a', a).on(s, a).once('a', b)
    return [e.eventNames().map(String), e.listenerCount('a'), e.listenerCount('a', b), e.listenerCount('none'), e.listeners('a'), e.listeners('none'),
      e.rawListeners('a').map((raw) => [raw === a, raw === b, raw.listener === b])]
  },
  'a raw once wrapper can be called': (e, log) => {
    e.once('x', (v) => log.push(v))
    const [raw] = e.rawListeners('x')
    raw(5)
    raw(6)
    return e.listenerCount('x')
  },
  'lists are copies': (e) => {
    e.on('x', a)
    e.listeners('x').push(b)
    e.rawListeners('x').pop()
    return e.listeners('x')
  },
  'newListener comes before, with the original': (e, log) => {
    e.on('newListener', (name, listener) => log.push(String(name), listener === a, e.listenerCount(name)))
    e.on('x', a).once('x', a).prependListener('y', a)
  },
  'removeListener comes after, with the original': (e, log) => {
    e.on('removeListener', (name, listener) => log.push(String(name), listener === a, e.listenerCount(name)))
    e.on('x', a).once('x', a).on('y', b)
    e.off('x', a).emit('x')
    e.removeAllListeners('y').off('z', a)
  },
  'removeAllListeners': (e, log) => {
    e.on('x', a).on('x', b).on('y', a).on('removeListener', (name, listener) => log.push(name, listener === a))
    e.removeAllListeners('x')
    log.push(e.eventNames())
    e.removeAllListeners()
    return [e.eventNames(), e.removeAllListeners('none').eventNames()]
  },
  'what is added while all are removed stays': (e, log) => {
    e.on('x', a).on('x', b).on('removeListener', (name, listener) => { log.push(name); if (name === 'x' && listener === a) e.on('x', () => log.push('new')) })
    return [e.removeAllListeners('x').listenerCount('x'), e.emit('x')]
  },
  'names of Object.prototype': (e, log) => {
    e.on('__proto__', () => log.push(1)).on('constructor', () => log.push(2)).on('toString', () => log.push(3))
    return [e.emit('__proto__'), e.emit('constructor'), e.emit('hasOwnProperty'), e.listenerCount('valueOf')]
  },
  'most listeners': (e) => [e.getMaxListeners(), e.setMaxListeners(20).getMaxListeners(), e.setMaxListeners(0).getMaxListeners()],
}

for (const [name, scenario] of Object.entries(scenarios)) {
  test(`as Node's: ${name}`, () => {
    const outcomes = [new NodeEmitter(), new EventEmitter()].map((emitter) => {
      const log = []
      return { result: scenario(emitter, log), log }
    })
    assert.deepEqual(outcomes[1], outcomes[0])
  })
}

test('what is no listener is refused', () => {
  for (const method of ['on', 'once', 'prependListener', 'prependOnceListener', 'addListener', 'off', 'removeListener']) {
    for (const listener of [undefined, null, {}, 'x']) {
      assert.throws(() => new EventEmitter()[method]('x', listener), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' })
    }
  }
  assert.throws(() => new EventEmitter().setMaxListeners(-1), RangeError)
})

test("'error' is a name like any other", () => {
  const emitter = new EventEmitter()
  assert.equal(emitter.emit('error', new Error('nobody')), false)
})

test('a listener that throws stops nobody, and is reported', async () => {
  const reported = []
  const { reportError } = globalThis
  globalThis.reportError = (error) => reported.push(error.message)
  try {
    const emitter = new EventEmitter()
    const seen = []
    emitter.on('x', () => { throw new Error('mine') }).on('x', () => seen.push(1))
    assert.equal(emitter.emit('x'), true)
    assert.deepEqual(seen, [1])
    assert.deepEqual(reported, ['mine'])
  } finally {
    globalThis.reportError = reportError
  }
})

test('too many listeners give one warning', async () => {
  const emitter = new EventEmitter()
  const warning = new Promise((resolve) => process.once('warning', resolve))
  for (let i = 0; i < 12; i++) emitter.on('leak', () => {})
  const { name, message } = await warning
  assert.equal(name, 'MaxListenersExceededWarning')
  assert.match(message, /11 leak listeners added/)
  const again = new Promise((resolve) => process.once('warning', resolve))
  emitter.removeAllListeners('leak').setMaxListeners(2)
  for (let i = 0; i < 4; i++) emitter.on('leak', () => {})
  assert.match((await again).message, /3 leak listeners added/)
})

test('the count is told, and who refuses it leaves the emitter as it was', () => {
  const counts = []
  const emitter = new EventEmitter((count) => { if (count > 2) throw new Error('full'); counts.push(count) })
  emitter.on('x', a).once('y', b)
  assert.throws(() => emitter.on('x', b), { message: 'full' })
  emitter.emit('y')
  emitter.removeAllListeners()
  assert.deepEqual(counts, [1, 2, 1, 0])
  assert.deepEqual(emitter.eventNames(), [])
})

// Runs programs of promises, as order_spec.lua writes them, in JavaScript: what they log, line by line.
import { readFileSync } from 'node:fs'

process.on('unhandledRejection', () => {})

function shown (value) {
  if (value === undefined) return 'nil'
  if (value instanceof Error) return value.name
  if (Array.isArray(value)) return `[${value.map(shown).join()}]`
  if (value instanceof Promise) return 'promise'
  if (typeof value !== 'object') return String(value)
  if (typeof value.then === 'function') return 'thenable'
  return value.status === 'fulfilled' ? `ok ${shown(value.value)}` : `failed ${shown(value.reason)}`
}

async function run (program) {
  const log = []
  const promises = []
  const deferred = []

  function thenable (spec) {
    return {
      then (resolve, reject) {
        log.push(spec.label)
        for (const call of spec.calls) {
          if (call.how === 'throw') throw make(call.value)
          if (call.how === 'resolve') resolve(make(call.value))
          else reject(make(call.value))
        }
      }
    }
  }

  function make (value) {
    if (value.kind === 'number') return value.number
    if (value.kind === 'promise') return promises[value.index - 1]
    if (value.kind === 'thenable') return thenable(value)
  }

  function settle ({ index, how, value }) {
    deferred[index - 1][how](make(value))
  }

  function handler (spec) {
    return spec && ((...args) => {
      log.push(`${spec.label} ${args.map(shown).join()}`)
      spec.settles?.forEach(settle)
      if (spec.raises) throw make(spec.value)
      return make(spec.value)
    })
  }

  const operations = {
    resolve: ({ value }) => Promise.resolve(make(value)),
    reject: ({ value }) => Promise.reject(make(value)),
    then: ({ on, ok, failed }) => promises[on - 1].then(handler(ok), handler(failed)),
    catch: ({ on, failed }) => promises[on - 1].catch(handler(failed)),
    finally: ({ on, done }) => promises[on - 1].finally(handler(done)),
    many: ({ name, of }) => Promise[name](of.map(make)),
    deferred: () => {
      let functions
      const promise = new Promise((resolve, reject) => { functions = { resolve, reject } })
      deferred.push(functions)
      return promise
    },
    settle
  }

  for (const step of program) {
    const made = operations[step.op](step)
    if (step.op !== 'settle') promises.push(made)
  }
  promises.forEach((promise, i) => promise.then(
    value => log.push(`${i + 1} fulfilled ${shown(value)}`),
    reason => log.push(`${i + 1} rejected ${shown(reason)}`)))
  await new Promise(resolve => setImmediate(resolve))
  return log
}

for (const program of JSON.parse(readFileSync(process.argv[2], 'utf8'))) {
  console.log(JSON.stringify(await run(program)))
}

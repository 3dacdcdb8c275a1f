/** Helpers to read vectors and to compare values. */
import { readFileSync } from 'node:fs'

export { difference, sorted } from './difference.js'

/**
 * @param {string} name
 * @returns {any} the vectors of spec/vectors/NAME.json
 */
export function vectors(name) {
  return JSON.parse(readFileSync(new URL(`../../../spec/vectors/${name}.json`, import.meta.url), 'utf8'))
}

/** The value of a vector's JavaScript expression. */
export function evaluate(expression) {
  return (0, eval)(`(${expression}\n)`)
}

/** @param {string} hex */
export function fromHex(hex) {
  return Buffer.from(hex, 'hex')
}

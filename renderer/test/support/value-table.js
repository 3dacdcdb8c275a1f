/** What a host is asked of values, and what Lua makes of them. */

export const echoScript = `
ipcMain.handle("echo", function(_, value) return value end)
ipcMain.handle("type", function(_, value) return ipc.type(value) end)
ipcMain.handle("see", function(_, value, source)
  return assert(load("local value = ... return " .. source, "see", "t", { ipc = ipc, math = math, type = type, rawequal = rawequal, tostring = tostring }))(value)
end)
ipcMain.handle("same", function(_, a, b) return { rawequal(a, b), rawequal(a.self, a), rawequal(b.list[1], a) } end)
`

/** What ipc.type says of a value. */
export const kinds = [
  ['undefined', 'undefined'], ['null', 'null'], ['true', 'boolean'], ["'a'", 'string'], ["'\\ud800'", 'string'], ['1', 'number'], ['1.5', 'number'],
  ['10n', 'bigint'], ['Object(10n)', 'BigInt'], ['[]', 'Array'], ['[1, , 2]', 'Array'], ['({})', 'Object'], ['({ a: 1 })', 'Object'], ['new Date(5)', 'Date'], ['/a/g', 'RegExp'],
  ['new Map()', 'Map'], ['new Set()', 'Set'], ['new ArrayBuffer(2)', 'ArrayBuffer'], ['new Uint8Array(2)', 'Uint8Array'],
  ['new Float64Array(2)', 'Float64Array'], ['new BigInt64Array(2)', 'BigInt64Array'], ['new DataView(new ArrayBuffer(2))', 'DataView'],
  ["new Error('x')", 'Error'], ["new TypeError('x')", 'TypeError'], ['Object(1)', 'Number'], ["Object('a')", 'String'], ['Object(true)', 'Boolean'],
]

/** What Lua sees: an expression over `value` and what it gives. */
export const seen = [
  ['undefined', 'value == nil', true], ['null', 'value == ipc.null', true], ['null', 'value and 1 or 2', 1], ['1', 'math.type(value)', 'integer'],
  ['1.5', 'math.type(value)', 'float'], ['2 ** 53', 'math.type(value)', 'integer'], ['-0', '1 / value', -Infinity], ['NaN', 'value ~= value', true],
  ["'zażółć'", '#value', 10], ['10n ** 20n', 'tostring(value)', '100000000000000000000'], ['10n ** 20n', 'value + 1', 10n ** 20n + 1n],
  ['[1, 2, 3]', '#value', 3], ['[1, 2, 3]', 'value[3]', 3], ['[1, undefined]', 'value[2] == ipc.undefined', true], ['[1, , 3]', 'value.length', 3],
  ['[1, , 3]', 'value[2] == nil', true], ['({ a: { b: 5 } })', 'value.a.b', 5], ['({ a: undefined })', 'value.a == nil', true],
  ["({ 1: 'x' })", "value['1']", 'x'], ['new Date(1234)', 'value:getTime()', 1234], ["new Map([['k', 1]])", "value:get('k')", 1], ['new Map([[1, 2]])', 'value.size', 1],
  ['new Set([1, 2])', 'value:has(2)', true], ['new Uint8Array([7, 8])', 'value[2]', 8], ['new Uint8Array([7, 8])', '#value', 2],
  ['new Int16Array([-5])', 'value[1]', -5], ["new TypeError('why')", 'value.message', 'why'], ["new TypeError('why')", 'value.name', 'TypeError'],
  ["new Error('a', { cause: 5 })", 'value.cause', 5], ['Object(5)', 'value.value', 5],
]

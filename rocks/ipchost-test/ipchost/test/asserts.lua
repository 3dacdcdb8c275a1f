--- What is asserted of errors, in luassert's words: `assert.rejects({ code = "ERR_X" }, fn, ...)`.
-- @module ipchost.test.asserts

local function text_of(err)
  if type(err) == "table" and type(err.message) == "string" then return err.message end
  return tostring(err)
end

--- Why the error is not the expected one; nil if it is. `message` is a pattern.
local function difference(expected, err)
  if type(expected) == "string" then expected = { message = expected } end
  for key, value in pairs(expected) do
    local found = key == "message" and text_of(err) or type(err) == "table" and err[key]
    local fits
    if key == "message" then fits = found:find(value) ~= nil else fits = found == value end
    if not fits then
      return ("its %s is %s, not %s"):format(key, found and ("%q"):format(found) or "nil", ("%q"):format(value))
    end
  end
end

local asserts = {}

--- Calls fn; a promise that it returns is awaited with `await`.
-- @return whether it raised what was expected, and in words what happened instead
function asserts.rejects(await, expected, fn, ...)
  if type(fn) ~= "function" then
    local value = fn
    fn = function() return value end
  end
  local ok, err = pcall(function(...) return await(fn(...)) end, ...)
  if ok then return false, "nothing was raised" end
  local why = difference(expected, err)
  return not why, why and ("%s was raised: %s"):format(text_of(err), why) or nil
end

--- Registers with luassert, where that is there.
function asserts.register(await)
  local found, luassert = pcall(require, "luassert")
  if not found then return end
  local say = require "say"
  say:set("assertion.rejects.positive", "Expected the call to be rejected: %s")
  say:set("assertion.rejects.negative", "Expected the call not to be rejected so.")
  local function rejects(state, arguments)
    local expected, fn = arguments[1], arguments[2]
    if type(expected) == "function" then expected, fn = {}, expected end
    local fits, why = asserts.rejects(await, expected, fn, table.unpack(arguments, 3, arguments.n))
    arguments[1] = why
    arguments.n = 1
    arguments.nofmt = { true }
    state.failure_message = nil
    return fits
  end
  luassert:register("assertion", "rejects", rejects, "assertion.rejects.positive", "assertion.rejects.negative")
end

return asserts

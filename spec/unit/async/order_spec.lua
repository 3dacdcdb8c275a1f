-- The order of reactions, step by step: programs of promises, made by chance from a fixed seed, log the same in
-- JavaScript (order.mjs) and here.
local async = require "async"
local cjson = require "cjson"
local scheduler = require "async.scheduler"
local support = require "spec.unit.async.support"
local Promise = async.Promise

local PROGRAMS, STEPS = 400, 14

-- A linear congruential generator: the same programs wherever this runs.
local state = 20260101
local function random(n)
  state = (state * 1103515245 + 12345) % 0x80000000
  return (state >> 8) % n + 1
end
local function chance(percent) return random(100) <= percent end

local labels = 0
local function label(prefix)
  labels = labels + 1
  return prefix .. labels
end

local function new_value(made, depth)
  if made > 0 and chance(35) then return { kind = "promise", index = random(made) } end
  if depth < 3 and chance(20) then
    local calls = {}
    for i = 1, random(2) do
      local how = ({ "resolve", "reject", "throw" })[random(3)]
      calls[i] = { how = how, value = new_value(made, depth + 1) }
    end
    return { kind = "thenable", label = label "t", calls = calls }
  end
  return { kind = "number", number = random(9) }
end

local function new_settle(made, deferred)
  local how = chance(70) and "resolve" or "reject"
  return { op = "settle", index = random(deferred), how = how, value = new_value(made, 1) }
end

local function new_handler(made, deferred)
  local settles
  if deferred > 0 and chance(20) then settles = { new_settle(made, deferred) } end
  return { label = label "h", settles = settles, raises = chance(25), value = new_value(made, 1) }
end

local function new_program()
  local program, made, deferred = {}, 0, 0
  local makers = {
    function() return { op = "resolve", value = new_value(made, 1) } end,
    function() return { op = "reject", value = { kind = "number", number = random(9) } } end,
    function() return { op = "deferred" } end,
    function()
      return { op = "then", on = random(made), ok = chance(80) and new_handler(made, deferred) or nil,
        failed = chance(50) and new_handler(made, deferred) or nil }
    end,
    function() return { op = "catch", on = random(made), failed = new_handler(made, deferred) } end,
    function() return { op = "finally", on = random(made), done = new_handler(made, deferred) } end,
    function()
      local of = {}
      for i = 1, random(3) do of[i] = new_value(made, 1) end
      return { op = "many", name = ({ "all", "allSettled", "any", "race" })[random(4)], of = of }
    end,
    function() return new_settle(made, deferred) end,
  }
  local weights = { 1, 2, 3, 4, 4, 4, 5, 6, 6, 7, 8, 8 }
  for i = 1, STEPS do
    local choice = made < 1 and random(3) or weights[random(#weights)]
    if choice == 8 and deferred == 0 then choice = 3 end
    program[i] = makers[choice]()
    if choice == 3 then deferred = deferred + 1 end
    if choice ~= 8 then made = made + 1 end
  end
  return program
end

local function shown(value)
  if type(value) ~= "table" then return tostring(value) end
  if value.status then
    return value.status == "fulfilled" and "ok " .. shown(value.value) or "failed " .. shown(value.reason)
  end
  if value.message then return value.name end
  if value["then"] then return value.calls and "thenable" or "promise" end
  local parts = {}
  for i = 1, #value do parts[i] = shown(value[i]) end
  return "[" .. table.concat(parts, ",") .. "]"
end

local function run(program)
  local log, promises, deferred = {}, {}, {}
  local make

  local function thenable(spec)
    return { calls = spec.calls, ["then"] = function(_, resolve, reject)
      log[#log + 1] = spec.label
      for _, call in ipairs(spec.calls) do
        if call.how == "throw" then error(make(call.value), 0) end
        (call.how == "resolve" and resolve or reject)(make(call.value))
      end
    end }
  end

  function make(value)
    if value.kind == "number" then return value.number end
    if value.kind == "promise" then return promises[value.index] end
    return thenable(value)
  end

  local function settle(step) deferred[step.index][step.how](make(step.value)) end

  local function handler(spec)
    return spec and function(...)
      local args = select("#", ...) > 0 and shown((...)) or ""
      log[#log + 1] = spec.label .. " " .. args
      for _, step in ipairs(spec.settles or {}) do settle(step) end
      if spec.raises then error(make(spec.value), 0) end
      return make(spec.value)
    end
  end

  local operations = {
    resolve = function(step) return Promise.resolve(make(step.value)) end,
    reject = function(step) return Promise.reject(make(step.value)) end,
    ["then"] = function(step) return promises[step.on]:next(handler(step.ok), handler(step.failed)) end,
    catch = function(step) return promises[step.on]:catch(handler(step.failed)) end,
    finally = function(step) return promises[step.on]:finally(handler(step.done)) end,
    many = function(step)
      local list = {}
      for i, value in ipairs(step.of) do list[i] = make(value) end
      return Promise[step.name](list)
    end,
    deferred = function()
      local promise, resolve, reject = Promise.withResolvers()
      deferred[#deferred + 1] = { resolve = resolve, reject = reject }
      return promise
    end,
    settle = settle,
  }

  for _, step in ipairs(program) do
    local made = operations[step.op](step)
    if step.op ~= "settle" then promises[#promises + 1] = made end
  end
  for i, promise in ipairs(promises) do
    promise:next(function(value) log[#log + 1] = ("%d fulfilled %s"):format(i, shown(value)) end,
      function(reason) log[#log + 1] = ("%d rejected %s"):format(i, shown(reason)) end)
  end
  support.drive()
  return log
end

describe("the order of reactions", function()
  local hook

  setup(function()
    hook = scheduler.on_unhandled
    scheduler.on_unhandled = function() return true end
  end)
  teardown(function() scheduler.on_unhandled = hook end)

  it("is JavaScript's", function()
    local programs = {}
    for i = 1, PROGRAMS do programs[i] = new_program() end
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write(cjson.encode(programs))
    file:close()
    local node = assert(io.popen("node spec/unit/async/order.mjs " .. path))
    local count, lines = 0, 0
    for line in node:lines() do
      count = count + 1
      local expected = cjson.decode(line)
      local got = run(programs[count])
      lines = lines + #expected
      if table.concat(expected, "\n") ~= table.concat(got, "\n") then
        node:read("a")
        assert.same(expected, got, cjson.encode(programs[count]))
      end
    end
    node:close()
    os.remove(path)
    assert.equal(PROGRAMS, count)
    assert.is_true(lines > 10 * PROGRAMS) -- they are worth comparing
  end)
end)

--- What `hot` carries from one load of the scripts to the next: all of it, but for what cannot be cloned.
local async = require "async"
local support = require "spec.functional.support"
local ipchost_renderer = require "ipchost.renderer"
local await = async.await

-- `after()` is what the spec wants of the second load; `before()` is done in the first.
local SCRIPT = [[
  local ipc = require "ipchost"
  %s
  ipcMain.handle("before", function() before() return true end)
  ipcMain.handle("after", function() return after() end)
  ipcMain.handle("reload", function() return await(app.reload()).ok end)
]]

--- The host after a reload of the script; `fn(host, ask, ipc)` looks at it.
local function reloaded(script, fn)
  local host = support.start(SCRIPT:format(script), {})
  local ok, why = xpcall(function()
    local renderer = host:connect()
    local ipc = renderer.ipcRenderer
    local function ask(channel) return renderer:run(function() return await(ipc.invoke(channel)) end) end
    ask "before"
    assert.is_true(ask "reload")
    fn(host, ask, ipc)
    renderer:close()
  end, debug.traceback)
  if not ok and not host.code then host:kill("sigkill") host:wait() end
  if not ok then error(why, 0) end
  host:stop()
end

local function lost(host, path)
  host:wait_log("not carried over, as it cannot be cloned: " .. path)
end

describe("State that is carried", function()
  -- What is put into `odd`, and what is to be true of it afterwards.
  local cases = {
    { "a list with a function in it", "{ 1, print, 3 }", "odd[1] == 1 and odd[2] == nil and odd[3] == 3",
      "hot.data.odd[2] (function)" },
    { "a list with a timer between records", "{ { id = 1 }, require('luv').new_timer(), { id = 3 } }",
      "odd[1].id == 1 and odd[2] == nil and odd[3].id == 3", "hot.data.odd[2] (" },
    { "a list with a hole and other keys", "hole()", "odd[1] == 1 and odd[3] == nil and odd[4] == 4 and odd.x == 5" },
    { "a key that is no text", "{ ['\\xff\\xfe'] = 1, b = { 2 } }", "odd['\\xff\\xfe'] == 1 and odd.b[1] == 2" },
    { "a string that is no text", "{ '\\xff\\xfe', '\\0' .. '1', ['\\0x'] = '\\0pairs' }",
      "odd[1] == '\\xff\\xfe' and odd[2] == '\\0' .. '1' and odd['\\0x'] == '\\0pairs'" },
    { "a table of keys whose items are lost", "{ [true] = print }", "next(odd) == nil",
      "hot.data.odd[true] (function)" },
    { "a table that is deeper than limits.nesting", "deep(5000)", "depth(odd) == 5000" },
    { "a table that is its own key", "itself()", "odd[odd] == odd" },
    { "an array with what cannot be cloned", "ipc.Array { 1, print, 3, { [10] = 'x' } }",
      "ipc.type(odd) == 'Array' and #odd == 4 and odd[2] == nil and odd[3] == 3 and odd[4][10] == 'x'",
      "hot.data.odd[2] (function)" },
    { "an array with a field", "with_field(ipc.Array { 1, 2 })",
      "getmetatable(odd) == ipc.Array and #odd == 2 and odd.field == 'x'" },
    { "a map with what cannot be cloned", "ipc.Map { { 'a', print }, { { 1 }, 'b' }, { 0/0, 2 } }",
      "odd.size == 2 and odd:get(0/0) == 2", "hot.data.odd.a (function)" },
    { "a set with what cannot be cloned", "ipc.Set { print, ipc.undefined, 7 }",
      "odd.size == 2 and odd:has(7) and odd:has(ipc.undefined)", "hot.data.odd[1] (function)" },
    { "an object with any keys", "ipc.object { [10] = 1, f = print, [2.5] = {} }",
      "getmetatable(odd) == ipc.object and odd[10] == 1 and odd.f == nil and next(odd[2.5]) == nil",
      "hot.data.odd.f (function)" },
    { "a value of another type in what is no table", "{ ipc.Date(5), ipc.null, ipc.undefined, ipc.BigInt '9' }",
      "odd[1]:getTime() == 5 and odd[2] == ipc.null and odd[3] == ipc.undefined and odd[4] == ipc.BigInt '9'" },
  }
  for _, case in ipairs(cases) do
    it("loses nothing beside " .. case[1], function()
      reloaded(([[
        local state = hot.persist("state", { n = 0 })
        local function hole() local t = { 1, 2, 3, 4, x = 5 } t[3] = nil return t end
        local function with_field(t) t.field = "x" return t end
        local function itself() local t = {} t[t] = t return t end
        local function deep(n) local t for _ = 1, n do t = { t = t } end return t end
        local function depth(t) local n = 0 while t do n, t = n + 1, t.t end return n end
        function before()
          hot.data.odd, state.n = %s, 5
          hot.data.beside = { "fine", hot.data.odd }
        end
        function after()
          local odd = hot.data.odd
          return state.n == 5 and hot.data.beside[1] == "fine" and hot.data.beside[2] == odd and (%s)
        end
      ]]):format(case[2], case[3]), function(host, ask)
        assert.is_true(ask "after")
        if case[4] then lost(host, case[4]) end
      end)
    end)
  end

  it("is that of hot.persist where hot.data was set to nil, which may be set again", function()
    reloaded([[
      local state = hot.persist("state", { n = 0 })
      function before() hot.data = nil state.n = 5 end
      function after()
        local n = hot.data.n or 0
        hot.data = nil
        hot.data = { n = n + state.n }
        return hot.data.n
      end
    ]], function(_, ask)
      assert.equal(5, ask "after")
      assert.is_true(ask "reload")
      assert.equal(10, ask "after")
    end)
  end)

  it("may be an array in hot.data's place", function()
    reloaded([[
      function before() hot.data = ipc.Array { 1, 2 } end
      function after() return ipc.type(hot.data) == "Array" and #hot.data end
    ]], function(_, ask) assert.equal(2, ask "after") end)
  end)

  it("is filled into the tables that are there, whatever their metatable", function()
    reloaded([[
      local List = {}
      List.__index = List
      function List:first() return self[1] end
      local strict = setmetatable({ a = 1 }, { __newindex = function() error("strict") end })
      local state = hot.persist("state", function()
        return { list = setmetatable({}, List), array = ipc.Array { { n = 0 } }, sparse = ipc.SparseArray(3),
          map = ipc.Map { { "k", {} } }, set = ipc.Set {}, object = ipc.object { { n = 0 } }, strict = strict }
      end)
      local list, array, sparse, map, set, object = state.list, state.array, state.sparse, state.map, state.set,
        state.object
      local element, item, property = array[1], map:get "k", object[1]
      function before()
        list[1], array[1].n, array[2], item.n, property.n = { id = 1 }, 1, { id = 2 }, 2, 3
        map:set("list", list) map:set("gone", nil) map:delete "gone"
        set:add(list) set:add(array[2])
        sparse[2] = array[2]
        sparse.length = 9
        rawset(strict, "b", 2)
        hot.data.list, hot.data.second = list, array[2]
      end
      function after()
        assert(state.list == list and list:first().id == 1, "list")
        assert(state.array == array and #array == 2 and array[1] == element and element.n == 1, "array")
        assert(ipc.type(array) == "Array" and array[2].id == 2 and hot.data.second == array[2], "second")
        assert(state.map == map and map:get "k" == item and item.n == 2 and map:get "list" == list, "map")
        assert(state.set == set and set.size == 2 and set:has(list) and set:has(array[2]), "set")
        assert(state.sparse == sparse and sparse.length == 9 and sparse[2] == array[2], "sparse")
        assert(state.object == object and object[1] == property and property.n == 3, "object")
        assert(state.strict == strict and strict.a == 1 and strict.b == 2, "strict")
        assert(hot.data.list == list, "hot.data")
        return true
      end
    ]], function(_, ask)
      assert.is_true(ask "after")
      assert.is_true(ask "reload")
      assert.is_true(ask "after")
    end)
  end)

  it("makes an array sparse, or dense, as the one before was", function()
    reloaded([[
      local state = hot.persist("state", { a = ipc.Array { 1, 2, 3 }, b = ipc.SparseArray(9) })
      local a, b = state.a, state.b
      function before() a.length = 5 state.b = ipc.Array { 1, 2 } end
      function after()
        assert(state.a == a and state.b == b)
        assert(getmetatable(a) == ipc.SparseArray and getmetatable(b) == ipc.Array)
        return { a.length, #a, a[3], b.length, #b }
      end
    ]], function(_, ask)
      assert.same({ 5, 5, 3, 2, 2 }, { table.unpack(ask "after") })
    end)
  end)

  it("is filled into a table that was no array, or is none any longer", function()
    reloaded([[
      local state = hot.persist("state", { plain = {}, array = ipc.Array { 1 }, object = ipc.object {},
        of_class = setmetatable({}, {}) })
      local plain, array, object, of_class = state.plain, state.array, state.object, state.of_class
      function before()
        state.plain, state.array, state.object = ipc.Array { 1, 2 }, { a = 1 }, ipc.Array { 3 }
        state.of_class = ipc.Array {}
      end
      function after()
        assert(state.plain == plain and getmetatable(plain) == ipc.Array and #plain == 2)
        assert(state.array == array and getmetatable(array) == nil and array.a == 1 and array[1] == nil)
        assert(state.object == object and getmetatable(object) == ipc.Array and object[1] == 3)
        assert(state.of_class ~= of_class and getmetatable(state.of_class) == ipc.Array)
        return true
      end
    ]], function(_, ask) assert.is_true(ask "after") end)
  end)

  it("closes the ports in what is not asked for again, when it is dropped", function()
    local script = [[
      ipcMain.on("port", function(event)
        hot.persist("asked for once", {}).port = event.ports[1]
        event.ports[1]:start()
      end)
      ipcMain.handle("ports", function() return app.metrics().ports end)
      function before() end
      function after() return true end
    ]]
    reloaded(script, function(_, ask, ipc)
      local mine, theirs = ipchost_renderer.MessageChannel.pair()
      local closed = false
      mine:on("close", function() closed = true end)
      mine:start()
      ipc.postMessage("port", nil, { theirs })
      assert.equal(2, ask "ports") -- its ends
      assert.is_true(ask "reload")
      assert.equal(2, ask "ports") -- its ends
      assert.is_true(ask "reload")
      support.wait_until(function() return closed end, "the port's end")
      assert.equal(0, ask "ports")
    end)
  end)
end)

-- What editors are told of the scripts' environment, held to what a running host has: every global, every field, in
-- both directions.
local uv = require "luv"
local await = require("async").await
local read = require("spec.shell").read
local support = require "spec.functional.support"

local STANDARD = {}
for name in ([[_G _VERSION assert collectgarbage coroutine debug dofile error getmetatable io ipairs load loadfile math
  next os package pairs pcall print rawequal rawget rawlen rawset require select setmetatable string table tonumber
  tostring type utf8 warn xpcall]]):gmatch("%S+") do STANDARD[name] = true end

-- Methods of the rock's classes by which its modules call each other.
local PRIVATE = {
  ["Promise"] = "settled forsake", ["async.Task"] = [[close_with hold interrupt lost release settle_in settled]],
  ["async.Future"] = "", ["AbortSignal"] = "",
}

local SCRIPT = [=[
  local function keys(t)
    local list = {}
    for key in pairs(t) do
      if type(key) == "string" and not key:find("^__") then list[#list + 1] = key end
    end
    return ipc.Array(list)
  end
  local function class_of(object)
    local meta = debug.getmetatable(object)
    return keys(meta.__fields or rawget(meta, "__index"))
  end
  -- A table whose fields are values of their own.
  local function instance(object)
    local list = keys(object)
    for _, key in ipairs(class_of(object)) do list[#list + 1] = key end
    return list
  end
  local event_fields

  ipcMain.on("event", function(event) event_fields = class_of(event) end)
  ipcMain.handle("classes", function(event)
    local port1 = MessageChannelMain.pair()
    local controller = AbortController()
    local child = app.spawn { name = "true", command = "true", stdio = "pipe" }
    local queue, semaphore = async.queue(), async.semaphore()
    return {
      globals = keys(_G),
      classes = {
        ["ipchost"] = keys(ipc), ["async"] = keys(async), ["Promise class"] = keys(Promise),
        ["ipchost.IpcMain"] = class_of(ipcMain), ["ipchost.App"] = class_of(app),
        ["ipchost.Hot"] = keys(hot),
        ["contents.ipc"] = class_of(event.sender.ipc), ["frame.ipc"] = class_of(event.senderFrame.ipc),
        ["ipchost.webContents"] = keys(webContents), ["ipchost.webFrameMain"] = keys(webFrameMain),
        ["ipchost.MessageChannelMain"] = keys(MessageChannelMain), ["ipchost.Channel"] = keys(MessageChannelMain()),
        ["ipchost.WebContents"] = class_of(event.sender), ["ipchost.Frame"] = class_of(event.senderFrame),
        ["ipchost.Port"] = class_of(port1), ["ipchost.Child"] = class_of(child), ["event"] = class_of(event),
        ["listener's event"] = event_fields, ["ipchost.Metrics"] = keys(app.metrics()),
        ["ipchost.Asking"] = keys(event.sender:with {}),
        ["Promise"] = class_of(Promise.resolve()), ["async.Task"] = class_of(async.run(print)),
        ["async.Future"] = class_of(async.future()), ["async.Event"] = class_of(async.event()),
        ["async.Queue"] = class_of(queue), ["async.Semaphore"] = class_of(semaphore),
        ["AbortController"] = instance(controller), ["AbortSignal"] = class_of(controller.signal),
        ["ipchost.BigInt"] = keys(ipc.BigInt), ["ipchost.Date"] = keys(ipc.Date), ["ipchost.Map"] = keys(ipc.Map),
        ["ipchost.Set"] = keys(ipc.Set), ["ipchost.Buffer"] = keys(ipc.Buffer),
        ["ipchost.DataView"] = keys(ipc.DataView),
        ["ipchost.TypedArray"] = keys(ipc.Uint8Array), ["ipchost.RegExp"] = keys(ipc.RegExp),
        ["ipchost.Boxed"] = keys(ipc.Boxed), ["ipchost.Error"] = keys(ipc.Error),
      },
    }
  end)

  -- Fields of values, which are computed: those of the names that can be read.
  ipcMain.handle("readable", function(_, class, names)
    local buffer = ipc.Buffer(8)
    local values = {
      ["ipchost.Map"] = ipc.Map(), ["ipchost.Set"] = ipc.Set(), ["ipchost.Buffer"] = buffer,
      ["ipchost.TypedArray"] = ipc.Uint8Array(buffer), ["ipchost.DataView"] = ipc.DataView(buffer),
      ["ipchost.RegExp"] = ipc.RegExp("a", "g"), ["ipchost.Boxed"] = ipc.Boxed(1),
      ["AbortSignal"] = AbortController().signal, ["async.uv"] = async.uv,
    }
    local list = ipc.Array {}
    for _, name in ipairs(names) do
      if values[class][name] ~= nil then list[#list + 1] = name end
    end
    return list
  end)
]=]

-- ---- the files ----

--- Reads the classes of a file into `classes`, and its globals into `globals`.
local function parse(path, classes, globals)
  local variables, class = {}, nil
  for line in read(path):gmatch("[^\n]+") do
    local name, parent = line:match("^%-%-%-@class ([%w%._]+):? ?([%w%._]*)")
    if name then
      class = classes[name] or { own = {}, parent = nil }
      class.parent = parent ~= "" and parent or class.parent
      classes[name] = class
    end
    local field = line:match("^%-%-%-@field ([%w_]+)")
    if field then class.own[field] = true end
    local variable = line:match("^local ([%w_]+) = {}$") or line:match("^([%w_]+) = {}$")
    if variable then variables[variable] = class end
    local owner, method = line:match("^function ([%w_]+)[.:]([%w_]+)%(")
    if owner then assert(variables[owner], path .. ": " .. line).own[method] = true end
    local global = line:match("^([%w_]+) = nil$") or line:match("^function ([%w_]+)%(")
    if global then globals[global] = true end
  end
end

local classes, globals = {}, {}
for _, folder in ipairs { "editor/lua-meta", "rocks/ipchost-async/library" } do
  local scan = assert(uv.fs_scandir(folder))
  for name in function() return uv.fs_scandir_next(scan) end do parse(folder .. "/" .. name, classes, globals) end
end

local function all_fields(name)
  local found = {}
  while name do
    local class = assert(classes[name], name)
    for field in pairs(class.own) do found[field] = true end
    name = class.parent
  end
  return found
end

local function sorted(set)
  local list = {}
  for name in pairs(set) do list[#list + 1] = name end
  table.sort(list)
  return list
end

local function set_of(list)
  local set = {}
  for _, name in ipairs(list) do set[name] = true end
  return set
end

local function without(set, names)
  for name in names:gmatch("%S+") do set[name] = nil end
  return set
end

-- ---- the host ----

describe("the editors' files", function()
  local host, renderer, real

  local function invoke(...)
    local promise = renderer.ipcRenderer.invoke(...)
    return renderer:run(function() return await(promise) end)
  end

  setup(function()
    host = support.start(SCRIPT)
    renderer = host:connect("unix")
    renderer.ipcRenderer.send("event")
    real = invoke("classes")
  end)
  teardown(function()
    renderer:close()
    host:stop()
  end)

  it("can be read by Lua", function()
    for _, pattern in ipairs { "editor/lua-meta/", "rocks/ipchost-async/library/" } do
      local scan = assert(uv.fs_scandir(pattern))
      for name in function() return uv.fs_scandir_next(scan) end do
        assert(loadfile(pattern .. name))
        assert.matches("^%-%-%-@meta", read(pattern .. name))
      end
    end
  end)

  it("have the globals of scripts, and no others", function()
    local found = set_of(real.globals)
    for name in pairs(STANDARD) do found[name] = nil end
    assert.same(sorted(found), sorted(globals))
  end)

  for _, name in ipairs {
    "ipchost", "async", "ipchost.IpcMain", "ipchost.App", "ipchost.webContents", "ipchost.webFrameMain",
    "ipchost.MessageChannelMain", "ipchost.Channel", "ipchost.WebContents", "ipchost.Frame", "ipchost.Port",
    "ipchost.Child", "ipchost.Metrics", "ipchost.Asking", "async.Event", "async.Queue", "async.Semaphore",
    "AbortController", "ipchost.BigInt", "ipchost.Date",
  } do
    it("have the fields of " .. name .. ", and no others", function()
      assert.same(sorted(set_of(real.classes[name])), sorted(all_fields(name)))
    end)
  end

  it("have the fields of the ipc of contents and frames", function()
    for _, name in ipairs { "contents.ipc", "frame.ipc" } do
      assert.same(sorted(set_of(real.classes[name])), sorted(all_fields("ipchost.IpcMain")))
    end
  end)

  it("have the fields of events: returnValue for listeners, signal for handlers", function()
    local all = set_of(real.classes.event)
    assert.same(sorted(all), sorted(set_of(real.classes["listener's event"])))
    assert.same(sorted(without(set_of(real.classes.event), "signal")), sorted(all_fields("ipchost.IpcMainEvent")))
    assert.same(sorted(without(all, "returnValue")), sorted(all_fields("ipchost.IpcMainInvokeEvent")))
  end)

  it("have the functions of Promise and the methods of promises, tasks and futures", function()
    local promise = set_of(real.classes["Promise"])
    for name in pairs(set_of(real.classes["Promise class"])) do promise[name] = true end
    promise["then"] = nil -- no name in Lua
    assert.same(sorted(without(promise, PRIVATE["Promise"])), sorted(all_fields("Promise")))
    for _, name in ipairs { "async.Task", "async.Future" } do
      assert.same(sorted(without(set_of(real.classes[name]), PRIVATE[name])), sorted(classes[name].own))
    end
  end)

  it("have the fields of hot", function()
    local found = set_of(real.classes["ipchost.Hot"])
    found.generation, found.reloading = true, true -- they are computed
    assert.same(sorted(found), sorted(all_fields("ipchost.Hot")))
  end)

  for _, name in ipairs {
    "ipchost.Map", "ipchost.Set", "ipchost.Buffer", "ipchost.DataView", "ipchost.TypedArray", "ipchost.RegExp",
    "ipchost.Boxed", "AbortSignal",
  } do
    it("have the methods and fields of " .. name, function()
      local documented = all_fields(name)
      for _, method in ipairs(real.classes[name]) do assert.is_true(documented[method], method) end
      local list = sorted(without(documented, "reason"))
      assert.same(list, invoke("readable", name, list))
    end)
  end

  it("have the functions of async.uv", function()
    local list = sorted(all_fields("async.uv"))
    assert.same(list, invoke("readable", "async.uv", list))
    local count = 0
    for name in read("rocks/ipchost-async/async/uv.lua"):match("COUNTS = {(.-)}"):gmatch("([%w_]+) = %d") do
      assert.is_true(all_fields("async.uv")[name], name)
      count = count + 1
    end
    assert.equal(#list, count)
  end)

  it("have the fields of the Lua renderer", function()
    local emitter = set_of(sorted(debug.getmetatable(renderer.ipcRenderer).__fields)) -- its ports' methods too
    assert.same(sorted(all_fields("ipchost.renderer.Ipc")), sorted(without(emitter, "close drained start")))
    local own = all_fields("ipchost.renderer.Renderer")
    for name in pairs(own) do assert.is_not_nil(renderer[name], name) end
    for name in pairs(debug.getmetatable(renderer)) do assert.is_true(own[name] or name:find("^__") ~= nil, name) end
    local module = require "ipchost.renderer"
    assert.same(sorted(module), sorted(all_fields("ipchost.renderer")))
  end)

  it("have the fields of the test kit", function()
    local test = require "ipchost.test"
    assert.same(sorted(test), sorted(all_fields("ipchost.test")))
    local under_test <close> = test.host {}
    local Host = select(2, debug.getupvalue(debug.getmetatable(under_test).__index, 1))
    local documented = without(all_fields("ipchost.test.Host"), "ipcMain webContents webFrameMain app")
    assert.same(sorted(Host), sorted(documented))
    local r = under_test:renderer()
    local own = all_fields("ipchost.test.Renderer")
    for name in pairs(own) do assert.is_not_nil(r[name], name) end
    local methods = select(2, debug.getupvalue(debug.getmetatable(r).__index, 2))
    assert.is_function(methods.invoke)
    for name in pairs(methods) do assert.is_true(own[name] or name:find("^__") ~= nil, name) end
  end)

  it("have the config's keys", function()
    local known = {
      ["ipchost.Config"] = read("host/config.c"):match("struct key keys%[%] = (%b{})"):gsub("%s", " "),
      ["ipchost.Security"] = read("host/config_security.c"):match("names%[%] = (%b{})"),
      ["ipchost.Log"] = read("host/config.c"):match('names%[%] = (%b{"level"[^}]*})') or '"level" "format"',
    }
    for class, text in pairs(known) do
      local keys = {}
      for key in text:gmatch('"([%w_]+)"') do keys[key] = true end
      assert.same(sorted(keys), sorted(all_fields(class)))
    end
    local limits = {}
    for name in read("host/config_limits.c"):gmatch("[TE]%u*%(([%w_]+), %u+, ") do limits[name] = true end
    assert.same(sorted(limits), sorted(all_fields("ipchost.Limits")))
  end)

  it("are matched by luacheck's", function()
    local std = dofile("editor/luacheckrc").read_globals
    assert.same(sorted(globals), sorted(std))
    local function same(class, definition) assert.same(sorted(all_fields(class)), sorted(definition.fields)) end
    for name, class in pairs {
      ipcMain = "ipchost.IpcMain", app = "ipchost.App", webContents = "ipchost.webContents", async = "async",
      webFrameMain = "ipchost.webFrameMain", hot = "ipchost.Hot",
      MessageChannelMain = "ipchost.MessageChannelMain", ipc = "ipchost",
    } do same(class, std[name]) end
    same("async.uv", std.async.fields.uv)
    local promise = set_of(real.classes["Promise class"])
    assert.same(sorted(promise), sorted(std.Promise.fields))
    assert.same(sorted(promise), sorted(std.async.fields.Promise.fields))
  end)
end)

-- Who may connect: peers by their uid, strangers by the token. Another user is a real one: a process of another uid.
local support = require "spec.functional.support"
local uv = require "luv"

local STRANGER = 65533

-- Connects, invokes, and prints what it got.
local CLIENT = [[
  local ok, renderer = pcall(require("ipchost.renderer").connect, arg[1], { token = arg[2], timeout = 10000 })
  if not ok then print("refused", renderer.code, renderer.message) os.exit(0) end
  print("answered", renderer:run(function() return require("async").await(renderer.ipcRenderer.invoke("who")) end))
  renderer:close()
]]

local function absolute(paths) return (paths:gsub("%./", uv.cwd() .. "/")) end

describe("security", function()
  local host

  local function start(config)
    host = support.start([[ipcMain.handle("who", function() return "you" end)]], { config = config })
    -- Beyond the folder's own walls, so that it is the host that refuses.
    assert(uv.fs_chmod(host.folder, tonumber("755", 8)))
    assert(uv.fs_chmod(host.folder .. "/run", tonumber("755", 8)))
    assert(uv.fs_chmod(host.folder .. "/run/app.sock", tonumber("666", 8)))
  end

  after_each(function() host:stop() end)

  --- What a client of that uid gets.
  local function client(uid, transport, token)
    support.write_file(host.folder .. "/client.lua", CLIENT)
    local args = { host.folder .. "/client.lua", host.address[transport], token }
    local process = support.spawn(args, {
      command = "lua5.4", uid = uid,
      env = {
        "LUA_PATH=" .. absolute(package.path), "LUA_CPATH=" .. absolute(package.cpath), "PATH=" .. os.getenv("PATH"),
      },
    })
    assert.equal(0, process:wait(), process.err)
    return process.out
  end

  for _, transport in ipairs(support.transports) do
    it("needs nothing from a peer of the host's own user over " .. transport, function()
      start("")
      assert.equal("answered\tyou\n", client(nil, transport))
      assert.equal("answered\tyou\n", client(nil, transport, "a token that is not looked at"))
    end)

    it("refuses another user over " .. transport .. ", and names the key", function()
      start("")
      local words = "403: peer uid %d is not %d; add it to security.uids or use the token"
      local text = words:format(STRANGER, uv.getuid())
      local out = client(STRANGER, transport)
      assert.matches("refused\tERR_DENIED", out, 1, true)
      assert.matches(text, out, 1, true)
      host:wait_log(text)
      assert.equal("answered\tyou\n", client(nil, transport))
    end)

    it("takes a listed user over " .. transport, function()
      start(("security = { uids = { %d } },"):format(STRANGER))
      assert.equal("answered\tyou\n", client(STRANGER, transport))
    end)

    it("takes who brings the token over " .. transport .. ", and nobody with a wrong one", function()
      start("security = { token = 'open-sesame' },")
      assert.equal("answered\tyou\n", client(STRANGER, transport, "open-sesame"))
      local out = client(STRANGER, transport, "open-sesami")
      assert.matches("refused\tERR_DENIED", out, 1, true)
      assert.matches("the token is wrong", out, 1, true)
      assert.is_nil(host.err:find("sesam", 1, true))
    end)
  end

  it("makes a token when it is first needed, in a file of the host's user only", function()
    start("")
    client(STRANGER, "tcp")
    host:wait_log("run/token")
    local path = host.folder .. "/run/token"
    assert.equal(tonumber("600", 8), uv.fs_stat(path).mode % 512)
    local file = assert(io.open(path))
    local token = file:read("a")
    file:close()
    assert.equal("answered\tyou\n", client(STRANGER, "tcp", token))
    assert.is_nil(host.err:find(token, 1, true))
  end)

  it("keeps the socket and its folder to itself from the first moment", function()
    host = support.start("")
    assert.equal(tonumber("700", 8), uv.fs_stat(host.folder .. "/run").mode % 512)
    assert.equal(tonumber("600", 8), uv.fs_stat(host.folder .. "/run/app.sock").mode % 512)
  end)
end)

-- HTTP: pages, what is refused and with which words, and requests that no two readers may read differently.
local raw = require "spec.functional.raw"
local support = require "spec.functional.support"
local uv = require "luv"

local STRANGER = 65533

local FILES = {
  ["public/index.html"] = "<!doctype html><p>hello",
  ["public/style.css"] = "p { color: red }",
  ["public/a b%.txt"] = "0123456789",
  ["public/docs/index.html"] = "<p>docs",
  ["public/empty/.hidden"] = "hidden",
  ["public/.env"] = "hidden",
  ["secret.txt"] = "secret",
}

describe("http", function()
  local host, port

  local function start(config)
    host = support.start([[ipcMain.handle("echo", function(_, ...) return ... end)]], {
      files = FILES, config = [[public = "public", ]] .. (config or ""),
    })
    port = host.http_port
    assert(uv.fs_symlink("../secret.txt", host.folder .. "/public/out.txt"))
    assert(uv.fs_symlink("/etc/passwd", host.folder .. "/public/passwd"))
    assert(uv.fs_symlink("..", host.folder .. "/public/parent"))
    assert(uv.fs_symlink("index.html", host.folder .. "/public/inside.html"))
  end

  after_each(function() host:stop() end)

  --- The status, and that the body and the log say the text.
  local function refused(status, text, line, headers)
    local answer = raw.ask(port, line, headers)
    assert.equal(status, answer.status)
    assert.matches(text, answer.body, 1, true)
    assert.equal("text/plain; charset=utf-8", answer.headers["content-type"])
    assert.equal("nosniff", answer.headers["x-content-type-options"])
    return answer
  end

  local function refused_and_logged(status, text, line, headers)
    refused(status, text, line, headers)
    host:wait_log(text)
  end

  it("serves files with their types", function()
    start()
    local page = raw.ask(port, "GET /")
    assert.equal(200, page.status)
    assert.equal(FILES["public/index.html"], page.body)
    assert.equal("text/html; charset=utf-8", page.headers["content-type"])
    assert.equal("nosniff", page.headers["x-content-type-options"])
    assert.equal("frame-ancestors 'self'", page.headers["content-security-policy"])
    local style = raw.ask(port, "GET /style.css?v=2")
    assert.equal("text/css; charset=utf-8", style.headers["content-type"])
    assert.is_nil(style.headers["content-security-policy"])
    assert.equal("0123456789", raw.ask(port, "GET /a%20b%25.txt").body)
    assert.equal(FILES["public/index.html"], raw.ask(port, "GET /inside.html").body)
    local head = raw.ask(port, "HEAD /")
    assert.equal(tostring(#page.body), head.headers["content-length"])
    assert.equal(page.headers.etag, head.headers.etag)
  end)

  it("leads to the page of a folder", function()
    start()
    local answer = raw.ask(port, "GET /docs?a=b")
    assert.equal(301, answer.status)
    assert.equal("/docs/?a=b", answer.headers.location)
    assert.equal(FILES["public/docs/index.html"], raw.ask(port, "GET /docs/").body)
    assert.equal(404, raw.ask(port, "GET /empty/").status)
    assert.equal(404, raw.ask(port, "GET /docs/index.html/").status)
  end)

  it("says when nothing has changed, and serves what has", function()
    start()
    local etag = raw.ask(port, "GET /style.css").headers.etag
    local same = raw.ask(port, "GET /style.css", { ["If-None-Match"] = etag })
    assert.equal(304, same.status)
    assert.equal(etag, same.headers.etag)
    support.write_file(host.folder .. "/public/style.css", "p { color: green }")
    local changed = raw.ask(port, "GET /style.css", { ["If-None-Match"] = etag })
    assert.equal(200, changed.status)
    assert.equal("p { color: green }", changed.body)
    assert.not_equal(etag, changed.headers.etag)
  end)

  it("serves parts", function()
    start()
    local function part(range) return raw.ask(port, "GET /a%20b%25.txt", { Range = range }) end
    local middle = part("bytes=2-4")
    assert.equal(206, middle.status)
    assert.equal("234", middle.body)
    assert.equal("bytes 2-4/10", middle.headers["content-range"])
    assert.equal("89", part("bytes=-2").body)
    assert.equal("3456789", part("bytes=3-").body)
    local none = part("bytes=10-")
    assert.equal(416, none.status)
    assert.equal("bytes */10", none.headers["content-range"])
    assert.equal(200, part("bytes=1-2,4-5").status)
  end)

  it("serves what is there again after the folder was replaced", function()
    start()
    assert(uv.fs_rename(host.folder .. "/public", host.folder .. "/before"))
    assert.equal(404, raw.ask(port, "GET /").status)
    assert(uv.fs_mkdir(host.folder .. "/public", tonumber("755", 8)))
    support.write_file(host.folder .. "/public/index.html", "new")
    assert.equal("new", raw.ask(port, "GET /").body)
  end)

  it("leads nowhere else, however it is asked", function()
    start()
    for _, path in ipairs {
      "/../secret.txt", "/docs/../../secret.txt", "/%2e%2e/secret.txt", "/%2E%2E/secret.txt", "/.%2e/secret.txt",
      "/%2e./secret.txt", "/..%2fsecret.txt", "/%2e%2e%2fsecret.txt", "/..%5csecret.txt", "/..\\secret.txt",
      "/%252e%252e/secret.txt", "/%252e%252e%252fsecret.txt", "/%c0%ae%c0%ae/secret.txt", "/%u002e%u002e/secret.txt",
      "/%e0%80%ae%e0%80%ae/secret.txt", "/docs/..", "/docs/../index.html", "/./index.html", "//etc/passwd",
      "/docs//index.html", "/%2fetc%2fpasswd", "/out.txt", "/passwd", "/parent/secret.txt",
      "/index.html%00.txt", "/%00", "/.env", "/%2eenv", "/empty/.hidden", "/index.html%0a", "/%", "/%zz", "/none",
      "/" .. ("a"):rep(4094) .. "/" .. ("b"):rep(8000),
    } do
      local answer = raw.ask(port, "GET " .. path)
      assert.equal(404, answer.status, path)
      assert.is_nil(answer.body:find("secret\n", 1, true), path)
    end
  end)

  it("names the key of what it refuses, in the answer and in the log", function()
    start("limits = { packet = '64KiB' },")
    local evil = { Host = "evil.example:" .. port }
    refused_and_logged(421, ("421: Host 'evil.example:%d' is not allowed; add it to security.hosts"):format(port),
      "GET /", evil)
    refused(421, "421: Host 'localhost' is not allowed", "GET /", { Host = "localhost" })
    refused(421, "421: Host", "GET /ipchost", raw.upgrade(evil))
    for _, origin in ipairs { "http://evil.example", "null", "https://127.0.0.1:" .. port, "http://127.0.0.1:1" } do
      local text = ("403: Origin '%s' is not allowed; add it to security.origins"):format(origin)
      refused_and_logged(403, text, "GET /ipchost", raw.upgrade { Origin = origin })
      refused(403, text, "GET /", { Origin = origin })
    end
    refused_and_logged(413, "413: the body is longer than limits.packet (65536 bytes)", "POST /",
      { ["Content-Length"] = "65537" })
  end)

  it("takes hosts and origins that are listed", function()
    start("security = { hosts = { 'app.example' }, origins = { 'https://app.example', 'null' } },")
    assert.equal(200, raw.ask(port, "GET /", { Host = "app.example" }).status)
    assert.equal(200, raw.ask(port, "GET /", { Host = "LocalHost:" .. port }).status)
    assert.equal(200, raw.ask(port, "GET /", { Origin = "null" }).status)
    assert.equal("frame-ancestors 'self' https://app.example",
      raw.ask(port, "GET /").headers["content-security-policy"])
    raw.websocket(port, { Origin = "https://app.example" }):close()
    raw.websocket(port, { Origin = "http://localhost:" .. port }):close()
  end)

  it("has a status for everything else", function()
    start()
    assert.equal("GET, HEAD", refused(405, "405: ", "DELETE /").headers.allow)
    refused(405, "405: ", "BREW /")
    refused(413, "413: no body is taken here", "GET /", { ["Content-Length"] = "1" })
    local upgrade = refused(426, "426: ", "GET /ipchost")
    assert.equal("websocket", upgrade.headers.upgrade)
    assert.equal("13", upgrade.headers["sec-websocket-version"])
    refused(426, "426: ", "GET /ipchost", raw.upgrade { ["Sec-WebSocket-Version"] = "8" })
    refused(400, "400: Sec-WebSocket-Key", "GET /ipchost", raw.upgrade { ["Sec-WebSocket-Key"] = "c2hvcnQ=" })
    refused(431, "431: the head of the request is longer than 16384 bytes", "GET /", { X = ("x"):rep(20000) })
    refused(431, "431: ", "GET /" .. ("x"):rep(20000))
    refused(404, "404: ", "GET /ipchost/none.js")
  end)

  it("waits for a request as long as limits.handshake says", function()
    start("limits = { handshake = '200ms' },")
    local slow, silent = raw.open(port), raw.open(port)
    slow:write("GET / HTTP/1.1\r\nHost: ")
    local answer = slow:answer()
    assert.equal(408, answer.status)
    assert.matches("408: limits.handshake (200 ms) exceeded", answer.body, 1, true)
    host:wait_log(answer.body:match("[^\n]+"))
    assert.equal("", slow:rest())
    assert.equal("", silent:rest())
    slow:close()
    silent:close()
  end)

  it("answers requests on one connection in order, also when they come at once or byte by byte", function()
    start()
    local socket = raw.open(port)
    local bytes = raw.request(port, "GET /style.css") .. raw.request(port, "HEAD /") .. raw.request(port, "GET /none")
      .. raw.request(port, "GET /docs/", { Connection = "close" })
    for byte in bytes:sub(1, 400):gmatch(".") do
      socket:write(byte)
      uv.run("nowait")
    end
    socket:write(bytes:sub(401))
    assert.equal(FILES["public/style.css"], socket:answer().body)
    assert.equal(200, socket:answer(true).status)
    assert.equal(404, socket:answer().status)
    assert.equal(FILES["public/docs/index.html"], socket:answer().body)
    assert.equal("", socket:rest())
    socket:close()
  end)

  it("refuses what two readers could read differently, and reads nothing behind it", function()
    start()
    local hidden = "GET /style.css HTTP/1.1\r\nHost: 127.0.0.1:" .. port .. "\r\n\r\n"
    local function headers(text) return ("GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n%s\r\n"):format(port, text) end
    for _, bytes in ipairs {
      headers("Content-Length: 6\r\nTransfer-Encoding: chunked\r\n") .. "0\r\n\r\n",
      headers("Transfer-Encoding: chunked\r\nContent-Length: 6\r\n") .. "0\r\n\r\n",
      headers("Content-Length: 0\r\nContent-Length: 44\r\n"),
      headers("Content-Length: 0, 44\r\n"), headers("Content-Length: +0\r\n"), headers("Content-Length: 0x0\r\n"),
      headers("Content-Length : 0\r\n"), headers("Transfer-Encoding: xchunked\r\n"),
      headers("Transfer-Encoding : chunked\r\n"), headers("Transfer-Encoding: chunked, identity\r\n"),
      headers("Transfer-Encoding:\x0bchunked\r\n"), headers("X: y\r\n Content-Length: 44\r\n"),
      headers("X: y\nContent-Length: 44\r\n"), headers("X: y\rContent-Length: 44\r\n"), headers("X: \0\r\n"),
      headers("Host: other\r\n"), headers("no colon\r\n"), headers(": no name\r\n"),
      "GET / HTTP/1.1\nHost: 127.0.0.1\n\n", "GET / HTTP/1.1\r\n\r\n", "GET /\r\n\r\n",
      "GET / HTTP/2.0\r\nHost: h\r\n\r\n",
      "GET http://other/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", "GET  / HTTP/1.1\r\nHost: h\r\n\r\n",
      " GET / HTTP/1.1\r\nHost: h\r\n\r\n", "\x16\x03\x01\x02\0",
    } do
      local socket = raw.open(port)
      socket:write(bytes .. hidden)
      local answer = socket:answer()
      assert.equal(400, answer.status, bytes)
      assert.equal("close", answer.headers.connection, bytes)
      assert.equal("", socket:rest(), bytes)
      socket:close()
    end
    local socket = raw.open(port) -- a body that is not read is not taken for a request
    socket:write(headers("Content-Length: " .. #hidden .. "\r\n") .. hidden)
    assert.equal(413, socket:answer().status)
    assert.equal("", socket:rest())
    socket:close()
  end)

  it("sends what a slow reader takes, and answers others meanwhile", function()
    start()
    local large = ("0123456789abcdef"):rep(1024 * 1024)
    support.write_file(host.folder .. "/public/large.bin", large)
    local slow = raw.open(port)
    slow.stream:read_stop()
    slow:write(raw.request(port, "GET /large.bin", { Connection = "close" }))
    assert.equal(200, raw.ask(port, "GET /").status)
    local parts = {}
    slow.stream:read_start(function(_, chunk)
      if chunk then parts[#parts + 1] = chunk else slow.ended = true end
    end)
    support.wait_until(function() return slow.ended end, "the file")
    slow:close()
    assert.is_true(table.concat(parts):sub(-#large) == large)
  end)

  -- A request as another user sends it: a process of that uid.
  local function as_stranger(text)
    support.write_file(host.folder .. "/client.sh", [[
      exec 3<>/dev/tcp/127.0.0.1/$1 && printf '%b' "$2" >&3 && cat <&3
    ]])
    assert(uv.fs_chmod(host.folder, tonumber("755", 8)))
    local process = support.spawn({ host.folder .. "/client.sh", tostring(port), text },
      { command = "bash", uid = STRANGER, cwd = "/" })
    assert.equal(0, process:wait(), process.err)
    return process.out
  end

  it("shows another user nothing but why, unless it brings the token", function()
    start("security = { token = 'open-sesame' },")
    local function get(more)
      return as_stranger(([[GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\n%s\r\n]]):format(port, more))
    end
    local text = ("403: peer uid %d is not %d; add it to security.uids or use the token"):format(STRANGER, uv.getuid())
    local out = get("")
    assert.matches("^HTTP/1.1 403 ", out)
    assert.matches(text, out, 1, true)
    host:wait_log(text)
    assert.matches("^HTTP/1.1 403 .*the token is wrong", get([[Authorization: Bearer open-sesami\r\n]]))
    assert.matches("^HTTP/1.1 200 ", get([[Authorization: Bearer open-sesame\r\n]]))
    assert.equal(200, raw.ask(port, "GET /").status)
    assert.is_nil(host.err:find("sesam", 1, true))
  end)
end)

describe("http without public", function()
  it("has no pages, and says which key gives some", function()
    local host = support.start("")
    local answer = raw.ask(host.http_port, "GET /")
    assert.equal(404, answer.status)
    assert.matches("404: no pages are served here; name a folder in public", answer.body, 1, true)
    assert.equal(426, raw.ask(host.http_port, "GET /ipchost").status)
    host:stop()
  end)
end)

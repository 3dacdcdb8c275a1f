-- Proofs: a page that the host has served shows at which URL; docs/protocol.md, section 7. Pages are bare WebSockets.
local page = require "spec.functional.page"
local raw = require "spec.functional.raw"
local support = require "spec.functional.support"

describe("a proof of a page's URL", function()
  local host, own, port

  setup(function()
    host = support.start([[
      ipcMain.handle("url", function(event) return event.senderFrame.url end)
    ]], { config = 'public = "public", security = { origins = { "null", "http://other.example" } }',
      files = { ["public/page.html"] = "<p>page", ["public/page.js"] = "" } })
    port = host.http_port
    own = "http://127.0.0.1:" .. port
  end)
  teardown(function() host:stop() end)

  local function get(line, headers) return raw.ask(port, line, headers or { ["Sec-Fetch-Mode"] = "navigate" }) end

  local function proof(line, headers)
    local header = get(line or "GET /page.html?a=b", headers).headers["server-timing"]
    return header and header:match('^ipchost;desc="(%x+)"$')
  end

  local function url_of(details, origin)
    local document = page.open(host, details, origin)
    local url = document:invoke("url")
    document:close()
    return url
  end

  it("stands above what the page claims, but for the fragment", function()
    local served = own .. "/page.html?a=b"
    assert.equal(served, url_of { proof = proof(), url = own .. "/elsewhere" })
    assert.equal(served .. "#there", url_of { proof = proof(), url = own .. "/elsewhere#there" })
    assert.equal(served, url_of { proof = proof() })
  end)

  it("gives a document of an opaque origin its URL, of which the fragment may change", function()
    local served = own .. "/page.html?a=b"
    assert.equal("null", url_of({ url = served }, "null"))
    local document = page.open(host, { proof = proof(), url = served .. "#a" }, "null")
    assert.equal(served .. "#a", document:invoke("url"))
    document:put("frame-update", 0, { url = served .. "#b" })
    assert.equal(served .. "#b", document:invoke("url"))
    document:put("frame-update", 0, { url = own .. "/elsewhere" })
    assert.equal(served .. "#b", document:invoke("url"))
    document:close()
  end)

  it("is good once, and for documents of that origin", function()
    local once = proof()
    assert.equal(own .. "/page.html?a=b", url_of { proof = once, url = own .. "/x" })
    for _, used in ipairs { once, "", "x", ("0"):rep(32), ("F"):rep(32), ("f"):rep(33) } do
      assert.equal(own .. "/x", url_of { proof = used, url = own .. "/x" })
    end
    local other = "http://other.example"
    assert.equal(other .. "/x", url_of({ proof = proof(), url = other .. "/x" }, other))
  end)

  it("comes with pages that a browser shows, and with nothing else", function()
    local answer = get("GET /page.html")
    assert.equal(200, answer.status)
    local again = get("GET /page.html", { ["Sec-Fetch-Mode"] = "navigate", ["If-None-Match"] = answer.headers.etag })
    assert.equal(304, again.status)
    assert.not_equal(answer.headers["server-timing"], again.headers["server-timing"])
    assert.is_string(again.headers["server-timing"])
    assert.is_nil(proof("GET /page.html", {}))
    assert.is_nil(proof("GET /page.html", { ["Sec-Fetch-Mode"] = "cors" }))
    assert.is_nil(proof("HEAD /page.html"))
    assert.is_nil(proof("GET /page.js"))
    assert.is_nil(proof("GET /none.html"))
    assert.is_nil(proof("GET /page.html?" .. ("x"):rep(2048)))
  end)

  it("is one of the last 1024", function()
    local first = proof()
    for _ = 1, 1023 do proof() end
    local last = proof()
    assert.equal(own .. "/x", url_of { proof = first, url = own .. "/x" })
    assert.equal(own .. "/page.html?a=b", url_of { proof = last, url = own .. "/x" })
  end)
end)

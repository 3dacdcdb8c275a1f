--- What the documents promise to be complete in.

local function output(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read("a")
  pipe:close()
  return text
end

local function codes(command)
  local found = {}
  for code in output(command):gmatch("ERR_[A-Z_]+") do found[code] = true end
  return found
end

describe("docs/api.md", function()
  it("has every error code that the sources give", function()
    local documented = codes("cat docs/api.md")
    local given = codes([[grep -rhoE "[\"']ERR_[A-Z_]+[\"']" host rocks renderer/*.js]])
    assert.is_true(given.ERR_NO_HANDLER)
    local missing = {}
    for code in pairs(given) do
      if not documented[code] then missing[#missing + 1] = code end
    end
    assert.same({}, missing)
  end)
end)

--- What the documents promise to be complete in.
local run = require("spec.shell").run

local function codes(command)
  local found = {}
  for code in run(command):gmatch("ERR_[A-Z_]+") do found[code] = true end
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

describe("docs/porting-from-electron.md", function()
  local function read(path)
    local file = io.open(path)
    local text = file and file:read("a")
    if file then file:close() end
    return text
  end

  --- The rows of its tables: line, what Electron has, what is here, the files that show it.
  local function rows()
    local found, number = {}, 0
    for line in io.lines("docs/porting-from-electron.md") do
      number = number + 1
      local electron, here, files = line:match("^| (.-) | (.-) |%s*(.-)%s*|$")
      if electron and electron ~= "Electron" and electron ~= "---" then
        found[#found + 1] = { number = number, electron = electron, here = here, files = files }
      end
    end
    return found
  end

  local function shown_by(row)
    local texts = {}
    for name in row.files:gmatch("[^, ]+") do
      local path = (name:find("%.lua$") and "spec/functional/" or "renderer/test/") .. name
      texts[#texts + 1] = assert(read(path), ("line %d: there is no %s"):format(row.number, path))
    end
    return table.concat(texts)
  end

  it("names for all that is here a spec, which has the name", function()
    local all, wrong = rows(), {}
    assert.is_true(#all > 60)
    for _, row in ipairs(all) do
      local text = shown_by(row)
      if text == "" and not row.here:find("^not here") then
        wrong[#wrong + 1] = ("line %d: %s: no spec"):format(row.number, row.electron)
      end
      for code in row.here:find("^same") and row.electron:gmatch("`([^`]+)`") or function() end do
        local name = code:gsub("%(.*", ""):match("[%w-]+$")
        if not text:find(name, 1, true) then
          wrong[#wrong + 1] = ("line %d: %s is in none of %s"):format(row.number, name, row.files)
        end
      end
    end
    assert.same({}, wrong)
  end)
end)

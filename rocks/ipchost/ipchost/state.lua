--- What `hot` carries, as a document, and how tables are filled with it in place. The document is a list of nodes, one
-- a table, which name each other by their number: no depth, hole or key of one can spoil what is beside it.
-- @module ipchost.state
local state = {}

-- A node is a table of text keys or of 1..n, or begins with one of these. A string in it that begins with a zero byte
-- is the number of a node; one that does so by itself is a node.
local PAIRS = "\0pairs" -- any other table: its keys and items in turn
local OBJECT = "\0object" -- the same of an ipc.object
local ARRAY = "\0array" -- the elements of an ipc.Array
local SPARSE = "\0sparse" -- the recorded length, if any, of one with holes or other keys, then keys and items in turn
local MAP, SET = "\0map", "\0set"
local BYTES = "\0bytes" -- a string that is no text
local VALUE = "\0value" -- a value of ipc's other types
local PORT = "\0port" -- the id of one

-- What the tables of a node may be filled into: the host's kinds of values, and by node.
local FAMILIES = { Array = ARRAY, SparseArray = ARRAY, object = OBJECT, Map = MAP, Set = SET }
local FAMILY = { [OBJECT] = OBJECT, [ARRAY] = ARRAY, [SPARSE] = ARRAY, [MAP] = MAP, [SET] = SET }

local SHOWN = 16 -- keys of a path that are written

local function is_text(value) return value:byte(1) ~= 0 and utf8.len(value) ~= nil end

---- packing

local function join(path, key)
  local kind = type(key)
  if kind == "string" and key:find("^[%a_][%w_]*$") then return path .. "." .. key end
  if kind == "string" then return ("%s[%q]"):format(path, key) end
  return ("%s[%s]"):format(path, (kind == "number" or kind == "boolean") and tostring(key) or kind)
end

--- Where the first reference to a node was met.
local function path_of(walk, id)
  local keys = {}
  while walk.parents[id] do
    keys[#keys + 1] = walk.keys[id]
    id = walk.parents[id]
  end
  local path = walk.keys[id]
  if #keys > SHOWN then path = path .. "..." end
  for i = math.min(#keys, SHOWN), 1, -1 do path = join(path, keys[i]) end
  return path
end

local function lose(walk, parent, key, why)
  local path = parent and join(path_of(walk, parent), key) or key
  walk.lost[#walk.lost + 1] = ("%s (%s)"):format(path, why)
end

--- The node of a value; false for one whose items are yet to be walked, nil and why for one that cannot be cloned.
local function begin_node(walk, value)
  if type(value) == "string" then return { BYTES, value } end
  local kind = walk.host.kind(value)
  if FAMILIES[kind] or not kind and type(value) == "table" then return false end
  local port = walk.host.port(value)
  if port then
    walk.ports[#walk.ports + 1] = value
    return { PORT, port }
  end
  local ok, why = walk.host.clonable(value)
  if not ok then return nil, why end
  return { VALUE, value }
end

--- What stands for a value in a node; nil for what is lost, which is noted.
local function slot(walk, value, parent, key)
  local kind = type(value)
  if kind == "number" or kind == "boolean" or kind == "string" and is_text(value) then return value end
  if kind == "function" or kind == "thread" then return lose(walk, parent, key, kind) end
  local id = walk.ids[value]
  if not id then
    local node, why = begin_node(walk, value)
    if node == nil then return lose(walk, parent, key, why) end
    id = #walk.nodes + 1
    walk.nodes[id], walk.ids[value], walk.parents[id], walk.keys[id] = node, id, parent, key
    walk.values[id] = not node and value or nil
  end
  return "\0" .. id
end

local function put(walk, id, node, key, item)
  local name = slot(walk, key, id, key)
  local packed = name ~= nil and slot(walk, item, id, key)
  if name == nil or packed == nil then return end
  node[#node + 1] = name
  node[#node + 1] = packed
end

local function put_all(walk, id, node, value)
  for key, item in next, value do put(walk, id, node, key, item) end
  return node
end

local function has_text_keys(value)
  for key in next, value do if type(key) ~= "string" or not is_text(key) then return false end end
  return true
end

--- The largest of the keys 1..n, whether there are all of them and no others, and whether there are all of them.
local function list_keys(value)
  local count, last, others = 0, 0, false
  for key in next, value do
    if math.type(key) == "integer" and key > 0 then
      count = count + 1
      if key > last then last = key end
    else
      others = true
    end
  end
  return last, count == last and not others, count == last
end

--- A list; where an item is lost, by keys.
local function pack_list(walk, id, value, count, node, by_keys)
  local before, whole = #node, true
  for i = 1, count do
    local packed = slot(walk, rawget(value, i), id, i)
    node[before + i] = packed
    whole = whole and packed ~= nil
  end
  if whole then return node end
  for i = 1, count do
    if node[before + i] ~= nil then
      by_keys[#by_keys + 1] = i
      by_keys[#by_keys + 1] = node[before + i]
    end
  end
  return by_keys
end

local function pack_table(walk, id, value)
  if has_text_keys(value) then
    local node = {}
    for key, item in next, value do node[key] = slot(walk, item, id, key) end
    return node
  end
  local count, is_list = list_keys(value)
  if is_list then return pack_list(walk, id, value, count, {}, { PAIRS }) end
  return put_all(walk, id, { PAIRS }, value)
end

local function pack_array(walk, id, value, kind)
  local count, is_list, is_dense = list_keys(value)
  if kind == "SparseArray" then return put_all(walk, id, { SPARSE, value.length }, value) end
  if not is_list then return put_all(walk, id, { SPARSE, not is_dense and count }, value) end
  return pack_list(walk, id, value, count, { ARRAY }, { SPARSE, count })
end

local function pack_collection(walk, id, value, kind)
  local node, count = { FAMILIES[kind] }, 0
  for key, item in pairs(value) do
    count = count + 1
    if kind == "Map" then
      put(walk, id, node, key, item)
    else
      node[#node + 1] = slot(walk, key, id, count)
    end
  end
  return node
end

local function pack_node(walk, id, value)
  local kind = walk.host.kind(value)
  if not kind then return pack_table(walk, id, value) end
  if kind == "object" then return put_all(walk, id, { OBJECT }, value) end
  if FAMILIES[kind] == ARRAY then return pack_array(walk, id, value, kind) end
  return pack_collection(walk, id, value, kind)
end

--- Packs `hot.data` (or nil) and what is persisted, by key. Nothing of it changes.
-- @tparam table host as in hot.new
-- @return a value that the host can encode
-- @treturn {string,...} what was left out: paths, and why
-- @treturn {port,...} the ports in it
function state.pack(host, data, persisted)
  local walk = { host = host, nodes = {}, ids = {}, parents = {}, keys = {}, values = {}, lost = {}, ports = {} }
  local document = { nodes = walk.nodes, persisted = {} }
  for key, value in next, persisted do
    local name = ("hot.persist(%q)"):format(key)
    document.persisted[#document.persisted + 1] = slot(walk, key, nil, name)
    document.persisted[#document.persisted + 1] = slot(walk, value, nil, name)
  end
  if data ~= nil then document.data = slot(walk, data, nil, "hot.data") end
  local id = 1
  while id <= #walk.nodes do -- which walking makes longer
    if walk.values[id] then walk.nodes[id] = pack_node(walk, id, walk.values[id]) end
    id = id + 1
  end
  return document, walk.lost, walk.ports
end

---- unpacking

local function number_of(value)
  if type(value) == "string" and value:byte(1) == 0 then return tonumber(value:sub(2)) end
end

local function family_of(node) return FAMILY[rawget(node, 1)] end

--- Whether a node may be filled into what is there: of a table the class may change, but no other metatable.
local function fits(walk, node, into)
  local family, kind = family_of(node), walk.host.kind(into)
  if family == MAP or family == SET then return FAMILIES[kind] == family end
  if type(into) ~= "table" then return false end
  if kind then return FAMILIES[kind] ~= nil end
  return not family or getmetatable(into) == nil
end

--- Gives a table the class of a node. One that is plain there keeps what metatable it has.
local function set_class(walk, node, into)
  local family, class = family_of(node), nil
  if family == ARRAY then class = walk.types.Array end
  if family == OBJECT then class = walk.types.object end
  if class or walk.host.kind(into) then setmetatable(into, class) end
end

local function new_table(walk, node)
  local family = family_of(node)
  if family == MAP then return walk.types.Map {} end
  return family == SET and walk.types.Set {} or {}
end

local function take(walk, id, into)
  walk.made[id], walk.taken[into] = into, true
end

--- A value in its final form; `into` is what has its place now, if anything has. Tables are filled later on.
local function restore(walk, packed, into)
  local id = number_of(packed)
  if not id then return packed end
  if walk.made[id] ~= nil then return walk.made[id] end
  local node = walk.nodes[id]
  local tag = rawget(node, 1)
  if tag == VALUE then walk.made[id] = node[2] end
  if tag == BYTES then walk.made[id] = tostring(node[2]) end
  if walk.made[id] == nil then
    local free = fits(walk, node, into) and not walk.taken[into]
    take(walk, id, free and into or new_table(walk, node))
    walk.queue[#walk.queue + 1] = id
  end
  return walk.made[id]
end

--- Calls `put(key, item)` for what is packed in a node.
local function each_packed(node, fn)
  local tag = rawget(node, 1)
  if tag == ARRAY or tag == SET then
    for i = 2, #node do fn(i - 1, node[i]) end
  elseif tag == PAIRS or tag == OBJECT or tag == MAP then
    for i = 2, #node, 2 do fn(node[i], node[i + 1]) end
  elseif tag == SPARSE then
    for i = 3, #node, 2 do fn(node[i], node[i + 1]) end
  else
    for key, item in next, node do fn(key, item) end
  end
end

--- The keys and items of a node. `get(key)` is what has the place of an item now.
local function restore_items(walk, node, get)
  local keys, items = {}, {}
  each_packed(node, function(packed, item)
    local key = restore(walk, packed)
    keys[#keys + 1] = key
    items[#items + 1] = restore(walk, item, get(key))
  end)
  return keys, items
end

local function fill_collection(walk, node, into)
  local is_map = rawget(node, 1) == MAP
  local keys, items = restore_items(walk, node, function(key) return is_map and into:get(key) or nil end)
  into:clear()
  for i, key in ipairs(keys) do
    if is_map then into:set(key, items[i]) else into:add(items[i]) end
  end
end

local function fill_table(walk, node, into, keeps)
  local keys, items = restore_items(walk, node, function(key) return rawget(into, key) end)
  if not keeps then for key in next, into do rawset(into, key, nil) end end
  for i, item in ipairs(items) do rawset(into, keys[i], item) end
end

--- With `keeps`, other keys that are there stay.
local function fill(walk, node, into, keeps)
  local family = family_of(node)
  if family == MAP or family == SET then return fill_collection(walk, node, into) end
  fill_table(walk, node, into, keeps)
  set_class(walk, node, into)
  if rawget(node, 1) == SPARSE and node[2] then into.length = node[2] end
end

local function fill_queued(walk)
  local first = 1
  while walk.queue[first] do
    local id = walk.queue[first]
    fill(walk, walk.nodes[id], walk.made[id], false)
    first = first + 1
  end
  walk.queue = {}
end

--- Begins to restore a document. Its ports are adopted: they close with this load, wherever they are.
-- @tparam table types `Array`, `object`, `Map` and `Set`
-- @treturn table what state.restore wants
-- @return what stands for hot.data
-- @treturn table what stands for what was persisted, by key
function state.unpack(host, types, document)
  local walk = { host = host, types = types, nodes = document.nodes, made = {}, taken = {}, queue = {} }
  for id, node in ipairs(walk.nodes) do
    if rawget(node, 1) == PORT then walk.made[id] = host.adopt(node[2]) end
  end
  local persisted = {}
  for i = 1, #document.persisted, 2 do
    persisted[restore(walk, document.persisted[i])] = document.persisted[i + 1]
  end
  return walk, document.data, persisted
end

--- Fills `into` in place, deep, so that tables which are there stay the same; keys at the top that were not carried
-- stay as well. Where it is of another kind, what was carried is made.
-- @return `into`, or what was made
function state.restore(walk, packed, into)
  local id = number_of(packed)
  local node = id and walk.nodes[id]
  if not node or not fits(walk, node, into) then
    into = restore(walk, packed)
  else
    take(walk, id, into)
    fill(walk, node, into, true)
  end
  fill_queued(walk)
  return into
end

return state

-- expect: ended
-- Everything that is more than it may keep.
local keel = require "keel"

return keel.connector { thing = {
  read = function(c)
    local function bad(key, value)
      local ok, put, err = pcall(c.kv.put, key, value)
      assert(not ok or (put == nil and err.code == "invalid"), "it was kept")
    end
    bad(("k"):rep(101), 1)
    bad("", 1)
    bad("a\0b", 1)
    bad("\255", 1)
    bad("large", ("v"):rep(4096))
    bad("odd", print)
    bad("nan", 0 / 0)
    local kept = 0
    for i = 1, 1000 do
      kept = kept + (c.kv.put("k" .. i, ("v"):rep(1000)) and 1 or 0)
    end
    assert(kept < 34, kept)
    for i = 1, 1000 do
      c.kv.put("k" .. i)
    end
    kept = 0
    for i = 1, 1000 do
      kept = kept + (c.kv.put("k" .. i, true) and 1 or 0)
    end
    assert(kept == 64, kept)
    return kept
  end,
} }

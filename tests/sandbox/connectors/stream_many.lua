-- expect: ended
-- Opens a hundred thousand streams, and keeps them.
local keel = require "keel"

return keel.connector { thing = {
  read = function(c)
    local kept = {}
    local refused = 0
    for i = 1, 100000 do
      local s, err = c.stream.open(c.config.lines)
      if s then
        kept[#kept + 1] = s
      else
        refused = refused + 1
        if refused > 100 then
          break
        end
        assert(err.code == "invalid", tostring(err))
      end
    end
    assert(#kept == 16, #kept)
    return #kept
  end,
} }

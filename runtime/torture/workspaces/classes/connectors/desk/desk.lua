local keel = require "keel"

local function refuse()
  return nil, keel.fail("denied", "this is a stand-in's pattern, and no service")
end

return keel.connector {
  note = { read = refuse, write = refuse, reconcile = function() return keel.cannot_tell("no service") end },
  invoice = { write = refuse },
  letter = { write = refuse },
  mark = { write = refuse },
}

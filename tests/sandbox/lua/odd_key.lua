-- expect: failed: only numbers and strings have an order
-- The order of keys that are tables is that of their addresses.
local keel = require "keel"

return keel.agent {
  run = function()
    local names = {}
    for k in pairs({ [{}] = 1, [{}] = 2 }) do
      names[#names + 1] = k
    end
    return #names
  end,
}

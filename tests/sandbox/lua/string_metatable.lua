-- expect: failed: attempt to index a string value
-- getmetatable("") is a word, not the table.
local keel = require "keel"

return keel.agent {
  run = function()
    getmetatable("").__index = function() return function() return "pwn" end end
    return ("x"):upper()
  end,
}

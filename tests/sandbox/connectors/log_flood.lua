-- expect: overdue
-- log: says too much
-- Talks until it is stopped.
local keel = require "keel"

return keel.connector { thing = {
  read = function(c)
    while true do
      c.log("error", ("x"):rep(4000) .. "\n\27[2J\27]0;owned\7")
    end
  end,
} }

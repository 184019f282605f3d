--! out failed error.lua:5: broken
local keel = require "keel"

local function inner()
  error("broken")
end

return keel.agent { run = function() inner() end }

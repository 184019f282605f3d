-- expect: failed: collectgarbage is not available
local keel = require "keel"

return keel.agent { run = function() return collectgarbage("count") end }

-- expect: failed: math.random is not available: use ctx.random, which replays
local keel = require "keel"

return keel.agent { run = function() return math.random() end }

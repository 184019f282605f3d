-- expect: failed: os is not available: time is ctx.now()
local keel = require "keel"

return keel.agent { run = function() return os.time() end }

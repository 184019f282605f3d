-- expect: failed: xxxxxxxxxxxxxxxx
-- The message is cut before it becomes a frame.
local keel = require "keel"

return keel.agent { run = function() error(("x"):rep(20 << 20), 0) end }

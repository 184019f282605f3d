--! out failed what the agent returned cannot be recorded: result.list[2]: a hole
local keel = require "keel"

return keel.agent { run = function() return { list = { 1, nil, 3 } } end }

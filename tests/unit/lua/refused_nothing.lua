--! refused refused_nothing.lua does not return an agent: end it with `return keel.agent { run = function(ctx, input) ... end }`
local x = 1

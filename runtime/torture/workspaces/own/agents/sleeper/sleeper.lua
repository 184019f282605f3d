local keel = require "keel"

return keel.agent { run = function(ctx) ctx.sleep("7d") end }

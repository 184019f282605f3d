local keel = require "keel"

return keel.agent { run = function(ctx, input)
  return assert(ctx.use("hop").read("page", { count = input.count }))
end }

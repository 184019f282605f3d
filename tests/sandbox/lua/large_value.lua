-- expect: failed: larger than 4 MiB
local keel = require "keel"

return keel.agent {
  run = function(ctx)
    ctx.log(("x"):rep(20 << 20))
    return ("x"):rep(20 << 20)
  end,
}

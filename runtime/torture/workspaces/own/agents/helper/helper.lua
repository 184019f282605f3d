-- A child with an effect and a short sleep of its own.
local keel = require "keel"

return keel.agent {
  run = function(ctx, input)
    ctx.sleep(0.02)
    assert(ctx.use("plain").write("keyed", input))
    return { luck = input.luck }
  end,
}

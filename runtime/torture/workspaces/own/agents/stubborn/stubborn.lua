-- Fails as long as the outside will not have its second word.
local keel = require "keel"

return keel.agent { run = function(ctx)
  ctx.step("look", function() return 1 end)
  assert(ctx.use("plain").write("keyed", { text = "first" }))
  assert(ctx.use("plain").write("once", { text = "second", stubborn = true }))
  return "it went"
end }

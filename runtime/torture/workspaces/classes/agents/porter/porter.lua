-- Carries one letter, which a person signs.
local keel = require "keel"

return keel.agent { run = function(ctx, input)
  local sent, err = ctx.use("desk").write("letter", { text = input.letter }, { why = "it lay there" })
  return { carried = sent ~= nil, why = err and err.code }
end }

-- {name}: what it does, in a sentence.
local keel = require "keel"

return keel.agent { run = function(ctx, input)
  local who = input.name or "you"
  local text = ctx.step("greet", function() return "Hello " .. who .. "!" end)
  local note, err = ctx.use("notes").write("note", { text = text }, { why = who .. " came by" })
  if not note then
    return { stopped = err.code, why = err.why }
  end
  return { note = note.id }
end }

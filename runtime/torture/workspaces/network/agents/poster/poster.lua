-- Puts two cards on a board, and looks.
local keel = require "keel"

return keel.agent { run = function(ctx)
  local board = ctx.use("board")
  for i = 1, 2 do
    assert(board.write("card", { title = "card " .. i }))
  end
  return { seen = #assert(board.read("card", {})).items }
end }

-- A module with a variable of its own: each run must get it fresh.
local n = 0
local M = { name = ... }

function M.count()
  n = n + 1
  return n
end

return M

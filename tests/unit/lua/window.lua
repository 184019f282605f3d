--! acks by hand
--! out step 1 n 1
--! out step 2 n 2
--! out step 3 n 3
--! out step 4 n 4
--! out step 5 n 5
--! out step 6 n 6
--! out step 7 n 7
--! out step 8 n 8
--! out step 9 n 9
--! out step 10 n 10
--! out step 11 n 11
--! out step 12 n 12
--! out step 13 n 13
--! out step 14 n 14
--! out step 15 n 15
--! out step 16 n 16
--! nothing
--! ack 2
--! out step 17 n 17
--! out log 18 info "18"
--! nothing
--! ack 1
--! nothing
--! ack 18
--! out step 19 n 19
--! out step 20 n 20
--! out end {"result":209,"state":"ended"}
local keel = require "keel"

return keel.agent {
  run = function(ctx)
    local sum = 0
    for i = 1, 20 do
      if i == 18 then
        ctx.log(i)
      else
        sum = sum + ctx.step("n", function() return i end)
      end
    end
    return sum + 17
  end,
}

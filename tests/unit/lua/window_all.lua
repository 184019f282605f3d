--! acks by hand
--! out step 1.1.1 a1 1
--! out step 1.1.2 a2 2
--! out step 1.1.3 a3 3
--! out step 1.1.4 a4 4
--! out step 1.1.5 a5 5
--! out step 1.1.6 a6 6
--! out step 1.1.7 a7 7
--! out step 1.1.8 a8 8
--! out step 1.1.9 a9 9
--! out step 1.1.10 a10 10
--! out step 1.1.11 a11 11
--! out step 1.1.12 a12 12
--! out step 1.1.13 a13 13
--! out step 1.1.14 a14 14
--! out step 1.1.15 a15 15
--! out step 1.1.16 a16 16
--! nothing
--! ack 16
--! out step 1.1.17 a17 17
--! out step 1.2.1 b1 18
--! out step 1.2.2 b2 19
--! out end {"result":19,"state":"ended"}
-- While a task waits for room in the window no other task of the run goes on: what they share would
-- otherwise depend on the speed of a disk.
local keel = require "keel"

return keel.agent {
  run = function(ctx)
    local shared = 0
    local function work(name, n)
      return function()
        for i = 1, n do
          shared = shared + 1
          ctx.step(name .. i, function() return shared end)
        end
      end
    end
    ctx.all { work("a", 17), work("b", 2) }
    return 19
  end,
}

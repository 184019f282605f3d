-- Reads, then writes once in each class, hears a word, sleeps over a night, and lets another carry it.
local keel = require "keel"

local function run(ctx, input)
  local desk = ctx.use("desk")
  local page = assert(desk.read("note", { about = input.about }))
  local seen = ctx.step("count", function() return #page.items end)
  local done = ctx.all {
    function() return desk.write("note", { text = "seen " .. seen }) ~= nil end,
    function() return desk.write("invoice", { to = input.about, amount = seen * 10 }) ~= nil end,
    function() return desk.write("mark", { at = ctx.now() // ctx.now() }) ~= nil end,
  }
  local refused, err = desk.write("note", { text = "" })
  assert(not refused and err.code == "invalid", "an empty note was taken")
  local word = ctx.receive("word")
  ctx.sleep("12h")
  local child = assert(ctx.spawn("porter", { letter = word.body.letter }, { key = input.about }))
  local carried = ctx.wait(child)
  ctx.log("carried: " .. tostring(carried and carried.carried))
  return { done = done, seen = seen }
end

return keel.agent { run = run }

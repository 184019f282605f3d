-- expect: ended
-- Numbers that are none, or of a million digits.
local keel = require "keel"

return keel.agent {
  run = function()
    for _, text in ipairs { "1e999999999", "-1e999999999", "1e", "0x10", "01", ".5", "1.", "+1", "NaN", "Infinity",
      ("9"):rep(1000000), "1e" .. ("9"):rep(1000000), "1." .. ("0"):rep(1000000) .. "x" } do
      local value, err = keel.json.decode(text)
      assert(value == nil and err.code == "unknown", text:sub(1, 20))
    end
    for _, number in ipairs { 1 / 0, -1 / 0, 0 / 0 } do
      assert(not pcall(keel.json.encode, { number }))
    end
    assert(keel.json.decode("1e-999999999") == 0)
  end,
}

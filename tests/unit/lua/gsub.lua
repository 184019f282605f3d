--! out end {"result":"ok","state":"ended"}
-- With a function it is Lua's own gsub in all but that it may wait.
local keel = require "keel"

return keel.agent {
  run = function()
    local function is(wanted, count, ...)
      local text, n = string.gsub(...)
      assert(text == wanted and n == count, text .. " " .. n)
    end
    local function mark(...) return "<" .. table.concat({ ... }, ",") .. ">" end
    is("<a>b<a>", 2, "aba", "a", mark)
    is("<a>ba", 1, "aba", "a", mark, 1)
    is("aba", 0, "aba", "a", mark, 0)
    is("<>a<>b<>", 3, "ab", "x*", mark)
    is("<aa>b<>", 2, "aab", "a*", mark)
    is("<a,b>c", 1, "abc", "(a)(b)", mark)
    is("<ab>c", 1, "abc", "^ab", mark)
    is("cab", 0, "cab", "^ab", mark)
    is("<1>a<2>b<3>", 3, "ab", "()", mark)
    is("THE (quick) fox", 1, "the (quick) fox", "%f[%a]%a+", string.upper, 1)
    is("<the> (<quick>) <fox>", 3, "the (quick) fox", "%f[%a]%a+", mark)
    is("", 0, "", "x", mark)
    is("<>", 1, "", "x*", mark)
    is("abc", 3, "abc", ".", function() end)
    is("abc", 3, "abc", ".", function() return false end)
    is("123", 3, "abc", ".", function(c) return c:byte() - 96 end)
    is("x-b-c", 3, "a-b-c", "%a", { a = "x" })
    is("x-y-y", 3, "a-b-c", "%a", setmetatable({ a = "x" }, { __index = function() return "y" end }))
    is("%1", 1, "a", "a", function() return "%1" end)
    is("a1b1", 2, "ab", "%a", "%01")
    is("5<5>", 1, 55, "5$", mark)
    local ok, e = pcall(string.gsub, "a", "a", function() return {} end)
    assert(not ok and e:find("invalid replacement value (a table)", 1, true), e)
    ok, e = pcall(string.gsub, nil, "a", mark)
    assert(not ok and e:find("bad argument #1 to 'gsub'", 1, true), e)
    ok, e = pcall(string.gsub, "a", "(", mark)
    assert(not ok and e:find("unfinished capture", 1, true), e)
    assert(("x"):gsub("x", "y") == "y")
    return "ok"
  end,
}

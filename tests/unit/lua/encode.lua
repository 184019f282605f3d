--! out step 1 value {"":0,"$":1,"A":2,"a":3,"é":4,"😀":6,"ﬀ":5}
--! out step 2 value [1,-1,0,0,1.5,1e+21,1e-7,100000000000000000000,"9007199254740993",9007199254740992]
--! out step 3 value [[],{},null,true,false,"\"\\\n\u0001",{"$b64":"/wBh"}]
--! out step 4 value {"k01":1,"k02":2,"k03":3,"k04":4,"k05":5,"k06":6,"k07":7,"k08":8,"k09":9,"k10":10,"k11":11,"k12":12,"k13":13,"k14":14,"k15":15,"k16":16,"k17":17,"k18":18,"k19":19,"k20":20,"k21":21,"k22":22,"k23":23,"k24":24,"k25":25,"k26":26,"k27":27,"k28":28,"k29":29,"k30":30,"k31":31,"k32":32,"k33":33,"k34":34,"k35":35,"k36":36,"k37":37,"k38":38,"k39":39,"k40":40}
--! out step 5 value [1,2,3,4,5]
--! out step 6 again [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32,33,34,35,36,37,38,39,40]
--! out end {"result":"same","state":"ended"}
local keel = require "keel"

-- Whether b is what canonical JSON makes of a.
local function same(a, b)
  if type(a) ~= "table" then
    return a == b and math.type(a) == math.type(b) or type(a) == "number" and a == tonumber(b)
  end
  for k, v in pairs(a) do
    if not same(v, b[k]) then return false end
  end
  return #a == #b
end

return keel.agent {
  run = function(ctx)
    local function keep(name, value)
      local kept = ctx.step(name, function() return value end)
      assert(same(value, kept), name)
      assert(same(kept, ctx and kept))
      return kept
    end
    keep("value", { [""] = 0, ["$"] = 1, A = 2, a = 3, ["é"] = 4, ["ﬀ"] = 5, ["😀"] = 6 })
    keep("value", { 1, -1, 0, -0.0, 1.5, 1e21, 1e-7, 1e20, (1 << 53) + 1, 1 << 53 })
    local odd = keep("value",
      { keel.list {}, {}, keel.null, true, false, '"\\\n\1', "\xff\0a" })
    assert(getmetatable(odd[1]) == "keel.list" and getmetatable(odd[2]) == nil)
    assert(odd[3] == keel.null and odd[7] == "\xff\0a")
    local wide = {}
    for i = 1, 40 do
      wide[("k%02d"):format(i)] = i
    end
    keep("value", wide)
    local backwards = {}
    for i = 5, 1, -1 do
      backwards[i] = i
    end
    keep("value", backwards)
    local long = {}
    for i = 1, 40 do
      long[i] = i
    end
    keep("again", long)
    return "same"
  end,
}

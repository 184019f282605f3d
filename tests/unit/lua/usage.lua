--! kind connector
--! config {}
--! verb 1 {"attempt":1,"body":{"n":1},"deadline_us":0,"flags":[],"key":"e1","mode":null,"outcome":null,"resource":"note","verb":"write"}
--! out reply 1 {"cost":{"currency":"USD","micros":2000},"result":{"id":1},"usage":{"cache_read":0,"cache_write":0,"input":900,"model":"big","output":120}}
--! verb 2 {"attempt":1,"body":{"n":2},"deadline_us":0,"flags":[],"key":"e2","mode":null,"outcome":null,"resource":"note","verb":"write"}
--! out reply 2 {"result":{"id":2},"usage":{"cache_read":3,"cache_write":1000000000,"input":0,"model":"a/b:c","output":0}}
--! verb 3 {"attempt":1,"body":{"n":3},"deadline_us":0,"flags":[],"key":"e3","mode":null,"outcome":null,"resource":"note","verb":"write"}
--! out fail 3 {"code":"internal","message":"write returned neither a value nor a reason: return a value, or nil and keel.fail(code, message)"}
--! verb 4 {"attempt":1,"body":{"n":4},"deadline_us":0,"flags":[],"key":"e4","mode":null,"outcome":null,"resource":"note","verb":"write"}
--! out reply 4 {"result":["keel.usage: its argument is a table, and is a number","keel.usage: model is the name of the model that answered, of 1 to 100 bytes","keel.usage: model is the name of the model that answered, of 1 to 100 bytes","keel.usage: model is the name of the model that answered, of 1 to 100 bytes","keel.usage: model is the name of the model that answered, of 1 to 100 bytes","keel.usage: input is a number of tokens, from 0 to a billion","keel.usage: input is a number of tokens, from 0 to a billion","keel.usage: output is a number of tokens, from 0 to a billion","keel.usage: output is a number of tokens, from 0 to a billion","keel.usage: there is no class of tokens 'tokens' (input, output, cache_read, cache_write)"]}
local keel = require "keel"

local wrong = {
  5,
  {},
  { model = "" },
  { model = ("m"):rep(101) },
  { model = "\xff" },
  { model = "big", input = -1 },
  { model = "big", input = "12" },
  { model = "big", output = 1.5 },
  { model = "big", output = 1000000001 },
  { model = "big", tokens = 5 },
}

return keel.connector {
  note = {
    write = function(_, q)
      if q.n == 1 then
        return { id = 1 }, keel.usage { model = "big", input = 900, output = 120.0 }, keel.cost { USD = "0.002" }
      elseif q.n == 2 then
        return { id = 2 }, keel.usage { model = "a/b:c", cache_read = 3, cache_write = 1000000000 }
      elseif q.n == 3 then
        return keel.usage { model = "big" }
      end
      local said = {}
      for i, used in ipairs(wrong) do
        local _, why = pcall(keel.usage, used)
        said[i] = tostring(why):gsub("^[^ ]*:%d+: ", "")
      end
      return said
    end,
  },
}

--! refused refused_syntax.lua:3: <name> expected near '='
local keel = require "keel"
local = 5

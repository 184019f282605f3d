-- expect: killed by cpu limit
-- Not even loaded: the main chunk does not end.
while true do end

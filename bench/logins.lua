-- For wrk: posts logins in turns, and prints how many answers had each status.
--   wrk -t1 -s logins.lua URL -- BODIES     BODIES is a file with one body a line
local requests, turn = {}, 0
counts = {}

function setup(thread)
  measured = thread
end

function init(arguments)
  for body in io.lines(arguments[1]) do
    requests[#requests + 1] = wrk.format("POST", nil, {["Content-Type"] = "application/json"}, body)
  end
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end

function response(status)
  local key = tostring(status)  -- wrk copies no other keys out of its thread
  counts[key] = (counts[key] or 0) + 1
end

function done()
  for status, count in pairs(measured:get("counts")) do
    print(string.format("Status %s: %d", status, count))
  end
end

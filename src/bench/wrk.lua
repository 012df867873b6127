-- Says on stderr what wrk has counted: a line of totals, then one for each latency that was seen.
local ffi = require("ffi")

-- wrk's own functions look for each value from the start; its memory is read in one pass. Whether it is what it is taken for
-- can be told from the ends.
ffi.cdef("typedef struct { uint64_t count, limit, min, max, data[]; } latencies;")

function done(summary, latency, requests)
   local errors = summary.errors
   io.stderr:write("wrk ", table.concat({ summary.requests, summary.bytes, summary.duration, errors.connect,
      errors.read, errors.write, errors.status, errors.timeout }, " "), "\n")
   if summary.requests == 0 then return end
   local seen = ffi.cast("latencies **", latency)[0]
   local first, last = tonumber(seen.min), tonumber(seen.max)
   if first ~= latency.min or last ~= latency.max or last >= tonumber(seen.limit) then return end
   for us = first, last do
      local count = tonumber(seen.data[us])
      if count > 0 then io.stderr:write(us, " ", count, "\n") end
   end
end

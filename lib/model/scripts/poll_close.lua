-- poll_close: a session has not polled for a while; its registration ends, unless another one replaced it.
--
-- KEYS  1 at: hash, session -> "process:generation:expiry"
-- ARGV  1 session   2 process   3 generation
-- Answers 1 when this was the person's last registration, else 0.

local at, session = KEYS[1], ARGV[1]
local held = redis.call('HGET', at, session)
local process, generation = string.match(held or '', '^(%x+):(%d+):%d+$')
if process ~= ARGV[2] or generation ~= ARGV[3] then
    return 0
end
redis.call('HDEL', at, session)

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000
for _, other in ipairs(redis.call('HVALS', at)) do
    local expiry = string.match(other, ':(%d+)$')
    if expiry and tonumber(expiry) > now then
        return 0
    end
end
return 1

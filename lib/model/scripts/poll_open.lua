-- poll_open: a poll came in. Registers its session and reads the person's box after the cursor, in one step:
-- whatever is written to the box is in this answer, or was written after the registration and is rung.
--
-- KEYS  1 box: stream, ids 1-n without holes   2 meta: hash of epoch, n where the box begins
--       3 at: hash, session -> "process:generation:expiry"
-- ARGV  1 house epoch   2 epoch of the cursor, "" for none   3 n of the cursor   4 session   5 process
--       6 ms that the registration stands; 0: none is made   7 most items   8 ms that the three keys live
--       9 generation that the process holds, if the poll is an open one that goes on; 0: the poll is new
-- Answers {resync 0 or 1, n up to which the cursor may go, newest n, generation, former process or "",
--          was the person online 0 or 1, {n, reference}, {n, reference}, ...}; who registers nothing is not told
--          of processes and people
--
-- A new poll takes the session over from whoever has it. One that goes on does not: where another process has a
-- newer one, nothing is registered, and the generation is 0.
--
-- A box of another epoch is absent, and so is half of one. It is made anew, beginning at the time in ms: above
-- every n that a box of this person had before, since nobody has an event per ms for life. So a cursor of the
-- former box is always too old, and says resync, never something wrong.
--
-- Each command costs as much as the rest of the script: the time is asked only where something is made, and the
-- keys' life is renewed once an hour, all three together.

local box, meta, at = KEYS[1], KEYS[2], KEYS[3]
local epoch, cursor_epoch, after, session = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local process, hold, most, life, holds = ARGV[5], tonumber(ARGV[6]), ARGV[7], ARGV[8], tonumber(ARGV[9])

local HOUR = 3600 * 1000

local function time()
    local parts = redis.call('TIME')
    return tonumber(parts[1]) * 1000 + math.floor(tonumber(parts[2]) / 1000)
end

local function digits(number)
    return string.format('%.0f', number)
end

local function number_of(id)
    return tonumber(string.match(id, '^1%-(%d+)$'))
end

local known = redis.call('HMGET', meta, 'epoch', 'n')
local begins = tonumber(known[2])
local left = redis.call('PTTL', box) -- -2: there is none
local resync = false
if known[1] ~= epoch or not begins or left == -2 then
    begins, left, resync = time(), 0, true
    redis.call('DEL', box, meta)
    redis.call('XADD', box, '1-' .. digits(begins), 'e', '')
    redis.call('XTRIM', box, 'MAXLEN', 0)
    redis.call('HSET', meta, 'epoch', epoch, 'n', digits(begins))
end

local last = redis.call('XREVRANGE', box, '+', '-', 'COUNT', 1)[1]
local newest = last and number_of(last[1]) or begins
local items = {}
if cursor_epoch ~= epoch or after < begins or after > newest then
    resync = true
elseif not resync and after < newest then
    items = redis.call('XRANGE', box, '(1-' .. digits(after), '+', 'COUNT', most)
    resync = number_of(items[1][1]) ~= after + 1 -- what came next was cut off
end

local generation, former, online = 0, '', 0
if hold > 0 then
    local now, registered = time(), redis.call('HGETALL', at)
    for i = 1, #registered, 2 do
        local holder, raised, expiry = string.match(registered[i + 1], '^(%x+):(%d+):(%d+)$')
        if not holder or tonumber(expiry) <= now then
            redis.call('HDEL', at, registered[i])
        else
            online = 1
            if registered[i] == session then
                generation = tonumber(raised)
                former = holder
            end
        end
    end
    if holds > 0 and former ~= '' and former ~= process and generation > holds then
        generation = 0
    else
        generation = math.max(generation + 1, now)
        redis.call('HSET', at, session, process .. ':' .. digits(generation) .. ':' .. digits(now + hold))
        if online == 0 then
            left = 0 -- the key is new, and has no end yet
        end
    end
end

if left < tonumber(life) - HOUR then
    for _, key in ipairs(KEYS) do
        redis.call('PEXPIRE', key, life)
    end
end

local answer = {resync and 1 or 0, newest, newest, generation, former, online}
if not resync then
    for _, item in ipairs(items) do
        local n = number_of(item[1])
        answer[2] = n
        answer[#answer + 1] = {n, item[2][2]}
    end
end
return answer

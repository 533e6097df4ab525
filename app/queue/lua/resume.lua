-- Ends a pause; whoever waits for work is woken. Answers 1 if there was one.
local paused = redis.call('DEL', PAUSED)
wake()
return paused

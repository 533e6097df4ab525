-- ARGV: id, payload, index entry, letter, ms to keep. A dead letter of a job that is in no queue.
bury(ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5]))
return 1

-- Whoever waits holds claims meanwhile, the shortest for five seconds: who waits for longer has others begin what is under way.
ALTER FUNCTION perennial_apply(jsonb, text, bigint, bigint) SET lock_timeout = '2s';
ALTER FUNCTION perennial_settle(jsonb, bigint) SET lock_timeout = '2s';

-- Whoever writes for a user waits for what else is written for that user, but not for ever: a clock that waits does nothing for anybody else,
-- and a request that waits has one of few sessions. Who could not have it is told so (SQLSTATE 55P03: nothing was done).
ALTER FUNCTION perennial_apply(jsonb, text, bigint, bigint) SET lock_timeout = '1s';
ALTER FUNCTION perennial_settle(jsonb, bigint) SET lock_timeout = '1s';
ALTER FUNCTION perennial_seal(jsonb, bigint, boolean) SET lock_timeout = '500ms';

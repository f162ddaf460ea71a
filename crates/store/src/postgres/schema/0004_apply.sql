-- Whoever writes for a user waits for what else is written for that user, but not for ever: a clock that waits does nothing for anybody else,
-- and a request that waits has one of few sessions. A write for many users may take seconds where others compute too: whoever is not waited for
-- until it ends has their work taken one by one. Who could not have it is told so (SQLSTATE 55P03: nothing was done).
ALTER FUNCTION perennial_apply(jsonb, text, bigint, bigint) SET lock_timeout = '5s';
ALTER FUNCTION perennial_settle(jsonb, bigint) SET lock_timeout = '5s';
ALTER FUNCTION perennial_seal(jsonb, bigint, boolean) SET lock_timeout = '500ms';

-- Requests wait for two seconds: a clock waits a little longer, and has its turn among those of one user that come without end. What it could
-- not have is settled then, with less patience: in all that is less than the shortest claim, which holds for five.
ALTER FUNCTION perennial_apply(jsonb, text, bigint, bigint) SET lock_timeout = '2500ms';
ALTER FUNCTION perennial_settle(jsonb, bigint) SET lock_timeout = '1500ms';

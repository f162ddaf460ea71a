-- What builds that know no letters give up to publish is parked as work alone, which no letter ever was: tried not once. The sweep makes
-- letters of it (system/letters.rs), so that no write has to see to it.
CREATE INDEX IF NOT EXISTS work_without_letter ON work (parked_at) WHERE kind = 'event' AND tries = 0
--;
DROP TRIGGER IF EXISTS work_is_a_letter_v6
--;
-- How many letters of nobody are open is counted at each that comes: by an index alone, however large they are. That of the user would
-- be taken in place of one by `place`, and each of its rows read.
CREATE INDEX IF NOT EXISTS dead_letter_of_nobody_v7 ON dead_letter (user_id) WHERE user_id = '' AND status = 'open'
--;
DROP INDEX IF EXISTS dead_letter_of_nobody

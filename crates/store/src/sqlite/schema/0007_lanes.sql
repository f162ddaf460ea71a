-- The seventh schema: hot users, whose events are published in lanes (system/lanes.rs).

-- What was published last in a lane of a stream, on a topic, and what came before it. The row is written before the stream is marked: where
-- the stream is published as far as `last`, that is what comes before the next event; where it is not, whoever wrote it was cut off, and
-- `before` is.
CREATE TABLE IF NOT EXISTS hot_lane (
    stream_id TEXT NOT NULL,
    lane INTEGER NOT NULL,
    topic TEXT NOT NULL,
    last INTEGER NOT NULL,
    before INTEGER,
    PRIMARY KEY (stream_id, lane, topic)
) STRICT, WITHOUT ROWID

import type { Schema } from '../../broker/embedded/schema.ts'

/** "OXLX". A file of another version is no loss: it is made anew under another name. */
export const indexSchema: Schema = {
  applicationId: 0x4f584c58,
  migrations: [
    `CREATE TABLE topic (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;

     -- How far a partition of a dead-letter topic, or of its ledger, was read, and from where on it was kept then.
     CREATE TABLE place (
       topic TEXT NOT NULL,
       partition INTEGER NOT NULL,
       next_offset INTEGER NOT NULL,
       start_offset INTEGER NOT NULL,
       PRIMARY KEY (topic, partition)
     ) STRICT, WITHOUT ROWID;

     CREATE TABLE word (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;

     CREATE TABLE letter_group (
       id INTEGER PRIMARY KEY,
       topic INTEGER NOT NULL,
       fingerprint TEXT NOT NULL,
       pipeline TEXT NOT NULL,
       source TEXT NOT NULL,
       operator TEXT NOT NULL,
       code TEXT NOT NULL,
       message TEXT NOT NULL,
       open INTEGER NOT NULL DEFAULT 0,
       redriving INTEGER NOT NULL DEFAULT 0,
       resolved INTEGER NOT NULL DEFAULT 0,
       discarded INTEGER NOT NULL DEFAULT 0,
       expired INTEGER NOT NULL DEFAULT 0,
       -- How often any letter of it failed, also of those that are gone.
       failures INTEGER NOT NULL DEFAULT 0,
       first_at INTEGER NOT NULL,
       last_at INTEGER NOT NULL,
       closed_at INTEGER NOT NULL DEFAULT 0,
       muted INTEGER NOT NULL DEFAULT 0,
       -- The group that its letters are shown in, where it was merged.
       shown_in INTEGER,
       UNIQUE (topic, fingerprint)
     ) STRICT;

     CREATE TABLE letter (
       number INTEGER PRIMARY KEY,
       topic INTEGER NOT NULL,
       id BLOB NOT NULL,
       partition INTEGER NOT NULL,
       at_offset INTEGER NOT NULL,
       letter_group INTEGER NOT NULL,
       own_group INTEGER NOT NULL,
       key BLOB,
       source INTEGER NOT NULL,
       revision INTEGER NOT NULL,
       hops INTEGER NOT NULL,
       failed_at INTEGER NOT NULL,
       disposition INTEGER NOT NULL,
       -- How often this failure was opened again.
       reopened INTEGER NOT NULL,
       UNIQUE (id, topic)
     ) STRICT;
     CREATE INDEX letter_by_group ON letter (letter_group, disposition, failed_at);
     CREATE INDEX letter_by_place ON letter (topic, partition, at_offset);

     -- What was said of a letter, or decided about a group: then it has a fingerprint and the decision, as JSON, instead.
     CREATE TABLE entry (
       topic INTEGER NOT NULL,
       -- Where the ledger has it: what was decided about a group outlives that.
       partition INTEGER,
       at_offset INTEGER,
       letter BLOB,
       hops INTEGER,
       failed_at INTEGER,
       disposition INTEGER,
       reopened INTEGER,
       fingerprint TEXT,
       decision TEXT,
       at INTEGER NOT NULL,
       said_by TEXT NOT NULL,
       why TEXT NOT NULL,
       redrive TEXT
     ) STRICT;
     CREATE INDEX entry_by_place ON entry (topic, partition, at_offset) WHERE letter IS NOT NULL;
     CREATE INDEX entry_by_letter ON entry (letter, topic);
     CREATE INDEX entry_by_group ON entry (fingerprint, topic) WHERE fingerprint IS NOT NULL;
     CREATE INDEX entry_by_time ON entry (at);
     CREATE INDEX entry_by_redrive ON entry (redrive) WHERE redrive IS NOT NULL;

     -- Letters by the hour of their failure, in hours since the epoch.
     CREATE TABLE hour (
       letter_group INTEGER NOT NULL,
       hour INTEGER NOT NULL,
       letters INTEGER NOT NULL,
       PRIMARY KEY (letter_group, hour)
     ) STRICT, WITHOUT ROWID;`,
  ],
}
